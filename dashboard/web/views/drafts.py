"""The form of a draft: a new one, a copy of another group, or one that is changed.

A form is opened with what is held, signed, and a token: however often it is sent, one draft is made
or changed. What was typed is kept until the exchange has it.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.exchange.errors import ExchangeError, Forbidden
from dashboard.fielding.models import Edit, Project, TargetGroup
from dashboard.sync.edits import copy_group, create, send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.merge import WHOLE
from dashboard.web.auth.lookups import find_group, find_project
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    exchange_ids,
    require_editor,
    requires,
)
from dashboard.web.drafts import estimates, prefill, question_picker
from dashboard.web.drafts.form_state import DraftForm, DraftFormState, OpenedDraft
from dashboard.web.edits import messages as editing
from dashboard.web.edits import undo
from dashboard.web.edits.forms.base import FormError, Unchanged
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.forms.draft.fields import RE_ENTRY, UNIT
from dashboard.web.formatting import times
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.http import resubmission as kept
from dashboard.web.http.ticks import is_ticked

LISTED = 200
NO_RE_ENTRY = "It may be that this account cannot set re-entry: then leave it to the exchange."
NOT_ALONG = "What went along with the copy is not filled in; copy the group again to have it."
KEPT = "Nothing was sent. What you typed is kept; send it again in a moment."


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A new draft in a project; `from` names the group that it is a copy of."""
    project = find_project(request, pk, Project.objects.select_related("account"))
    require_editor(request, project.account_id)
    desk = DraftForm(request, project)
    if request.method != "POST":
        return _show(desk, _begin(desk))
    state = desk.sent()
    if state.opened is None:
        state.opened = _begin(desk).opened
        state.trouble = editing.TOO_OLD
        return _show(desk, state)
    return _aside(desk, state, state.opened) or _make(desk, state)


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def change_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A draft that is there already."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    if group.status != TargetGroup.Status.DRAFT:
        messages.warning(request, "This group is no draft any more. Its settings are here.")
        return redirect("group", group.pk)
    desk = DraftForm(request, group.project, group)
    if request.method != "POST":
        return _show(desk, _open(desk))
    state = desk.sent()
    if state.opened is None:
        state = _open(desk)
        state.typed, state.trouble = request.POST, state.trouble or editing.TOO_OLD
        return _show(desk, state)
    return _aside(desk, state, state.opened) or _save(desk, state)


def _aside(desk: DraftForm, state: DraftFormState, opened: OpenedDraft) -> HttpResponse | None:
    """The answer to a form that is kept, or only asks something; None to one that is to be sent."""
    if back := kept.already_received(desk.request, opened.token):
        return back
    if kept.is_resubmission(desk.request):
        return _show(desk, state)
    kind = question_picker.requested_change(desk.request.POST)
    return _look(desk, state, kind) if kind else None


def _begin(desk: DraftForm) -> DraftFormState:
    """A new draft, as the project's groups usually are or as the group that is copied."""
    now, asked = timezone.now(), desk.request.GET.get("from", "").strip()
    me = exchange_ids(desk.request).get(desk.project.account_id, "")
    state = DraftFormState(
        OpenedDraft(prefill.draft_like_newest(desk.project, desk.units, me, now))
    )
    if made := undo.of_project(desk.project, desk.request.GET.get("again", "")):
        _fill(desk, state, made.wanted)
        state.trouble = NOT_ALONG if made.wanted and draft.ASSISTANT in made.wanted else ""
        return state
    if not asked:
        return state
    source = _source(desk, asked)
    if source is None:
        state.trouble = f"No group of this account is called “{asked[:40]}”."
        return state
    value, state.trouble = _copied(source)
    if value is not None:
        besides = prefill.settings_without_field(value, {}, times.zone_of(source))
        seen = prefill.draft_like_source(source, value, now)
        state.opened = OpenedDraft(seen, source=source.pk, besides=besides)
    return state


def _source(desk: DraftForm, asked: str) -> TargetGroup | None:
    """A group of the same account, by its number here, its short id or the exchange's own."""
    same = (
        Q(human_readable_id=asked.upper())
        | Q(exchange_id=asked.upper())
        | Q(pk=parse_row_id(asked))
    )
    mine = TargetGroup.objects.visible_to(current_user(desk.request)).filter(same)
    mine = mine.filter(account=desk.project.account_id).select_related("account", "project")
    return mine.first()


def _copied(source: TargetGroup) -> tuple[Any, str]:
    """What a group has, and what there is to say about that."""
    try:
        copy = copy_group.of_group(source)
    except ExchangeError as exc:
        kept = copy_group.stored_copy(source)
        if kept is None:
            return None, f"{exc}. Nothing could be copied; try again in a moment."
        without = "" if kept[draft.PROFILING] else ", without profiles and quotas"
        return kept, f"{exc}. Copied as it was last read here{without}."
    without = f"Not copied: {', '.join(copy.missing)}." if copy.missing else ""
    return copy.value, without


def _open(desk: DraftForm) -> DraftFormState:
    """A form with what the exchange holds, or why there is none."""
    group = cast("TargetGroup", desk.group)
    try:
        held = send.read_current_value(group=group, kind=Edit.Kind.DRAFT)
    except ExchangeError as exc:
        return DraftFormState(trouble=f"{exc}. Nothing was changed.")
    seen = {name: held[name] for name in draft.FIELDS}
    besides = prefill.settings_without_field(held, {}, times.zone_of(group))
    state = DraftFormState(OpenedDraft(seen, besides=besides))
    if asked := desk.request.GET.get("undo"):
        made = undo.of_kind(group, Edit.Kind.DRAFT, asked)
        if made and undo.still_so(made, held):
            _fill(desk, state, made.before)
        else:
            state.trouble = editing.NO_UNDO
    if made := undo.of_kind(group, Edit.Kind.DRAFT, desk.request.GET.get("again", "")):
        _fill(desk, state, made.wanted)
    if asked := desk.request.GET.get("launch"):
        made = undo.of_kind(group, Edit.Kind.LAUNCH, asked)
        if made is not None:
            state.errors, said = editing.objections_by_field(made, form.draft_field_for)
            what = "scheduled" if made.is_scheduling else "launched"
            state.trouble = f"It was not {what}. {said}".strip()
    return state


def _fill(desk: DraftForm, state: DraftFormState, value: Any) -> None:
    """Type a draft in, as if a person had."""
    state.typed = QueryDict(mutable=True)
    state.typed.update(dict(form.draft_initial(value, desk.entry(state))) | {"typed": "1"})


def _look(desk: DraftForm, state: DraftFormState, kind: str) -> HttpResponse:
    """Feasibility, the rate card, or other questions, for what is filled in; nothing is saved."""
    part = bool(desk.request.headers.get("HX-Request"))
    if not estimates.knows_question(kind):
        found = question_picker.change_questions(desk, state, kind)
        if part:
            context = form.draft_context(desk.entry(state)) | {"state": state, "found": found}
            return render(desk.request, "drafts/profiles.html", context)
        return _show(desk, state, found=found)
    told = estimates.answer_beside(desk.project.account, desk.entry(state), kind)
    if part:
        return render(desk.request, "drafts/beside.html", {"beside": told, "form": "draft"})
    return _show(desk, state, told)


def _make(desk: DraftForm, state: DraftFormState) -> HttpResponseBase:
    """Send a new draft once, and say how that ended."""
    opened = cast("OpenedDraft", state.opened)
    try:
        wanted = form.clean_draft(desk.entry(state))
        wanted |= _along(opened) if is_ticked(state.typed, "carry") else {}
        made = create.new_draft(
            project=desk.project, wanted=wanted, by=current_user(desk.request), token=opened.token
        )
    except FormError as exc:
        state.errors = exc.fields
        return _show(desk, state)
    except ExchangeError as exc:
        state.trouble = f"{exc}. {KEPT}"
        return _show(desk, state)
    if made.state == Edit.State.REJECTED:
        state.opened = OpenedDraft(opened.seen, source=opened.source, besides=opened.besides)
        return _show(desk, _refused(made, state))
    if made.group is None:
        return redirect("made", made.pk)
    level, said = messages.SUCCESS, "The draft is saved on the exchange."
    if made.state == Edit.State.CONFLICT:
        level, said = messages.WARNING, "The draft is saved, though the exchange holds it otherwise"
        said += " in places: compare it before you launch it."
    messages.add_message(desk.request, level, said)
    return redirect("group", made.group.pk)


def _refused(made: Edit, state: DraftFormState) -> DraftFormState:
    """What the exchange objects to, at its fields; a mere no may be about re-entry."""
    state.errors, state.trouble = editing.objections_by_field(made, form.draft_field_for)
    wanted: Any = made.wanted
    if Forbidden.words in state.trouble and wanted.get(RE_ENTRY) is not None:
        state.errors = {**state.errors, RE_ENTRY: NO_RE_ENTRY}
    return state


def _along(opened: OpenedDraft) -> dict[str, Any]:
    """What goes along with a copy, as its source has it now; raises ExchangeError."""
    source = TargetGroup.objects.select_related("account", "project").filter(pk=opened.source or 0)
    if (of := source.first()) is None:
        return {}
    value = copy_group.of_group(of).value
    return {name: value[name] for name in (*draft.CARRIED, WHOLE) if name in value}


def _save(desk: DraftForm, state: DraftFormState) -> HttpResponseBase:
    """Send a change once, and say how that ended."""
    opened, group = cast("OpenedDraft", state.opened), cast("TargetGroup", desk.group)
    try:
        made = send.send_edit(
            group=group,
            kind=Edit.Kind.DRAFT,
            seen=opened.seen,
            wanted=form.clean_draft(desk.entry(state)),
            by=current_user(desk.request),
            token=opened.token,
        )
    except Unchanged as exc:
        messages.info(desk.request, str(exc))
        return redirect("group", group.pk)
    except FormError as exc:
        state.errors = exc.fields
        return _show(desk, state)
    except (send.EditInProgress, ExchangeError) as exc:
        state.trouble, state.busy = f"{exc}. {KEPT}", getattr(exc, "other", None)
        return _show(desk, state)
    zone = times.zone_of(group)
    if made.state == Edit.State.REJECTED:
        state.opened = OpenedDraft(opened.seen, besides=opened.besides)
        _refused(made, state)
    elif made.state == Edit.State.CONFLICT and made.after:
        state.three, state.refused = editing.conflict_rows(made, desk.names, zone), bool(made.sent)
        state.theirs = editing.theirs_alone(made, desk.names, zone)
        seen = {name: made.after[name] for name in draft.FIELDS}
        state.opened = OpenedDraft(seen, besides=opened.besides)
        entry = desk.entry(state)
        state.typed = editing.typed_again(
            lambda value: form.draft_initial(value, entry), made, state.typed
        )
    else:
        level = messages.SUCCESS if made.state == Edit.State.CONFIRMED else messages.WARNING
        said = editing.line(made, desk.names, zone, timezone.now())
        messages.add_message(desk.request, level, said)
        return redirect("group", group.pk)
    return _show(desk, state)


def _show(
    desk: DraftForm,
    state: DraftFormState,
    told: estimates.Beside | None = None,
    found: question_picker.PickerAnswer | None = None,
) -> HttpResponse:
    """The page of the form."""
    entry = desk.entry(state)
    context: dict[str, Any] = form.draft_context(entry) | {
        "project": desk.project,
        "group": desk.group,
        "state": state,
        "sealed": state.opened.sealed(desk) if state.opened else "",
        "lists": desk.lists,
        "units": desk.units,
        "people": desk.people,
        "beside": told,
        "found": found,
        "source": _named(state),
        "unknown_unit": "" if entry.unit else entry.text(UNIT),
    }
    if desk.group is None:
        context["others"] = desk.project.target_groups.order_by("name", "pk")[:LISTED]
    response = render(desk.request, "drafts/form_page.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _named(state: DraftFormState) -> TargetGroup | None:
    """The group that is copied."""
    if state.opened is None or state.opened.source is None:
        return None
    return TargetGroup.objects.filter(pk=state.opened.source).first()
