"""The form of a draft: a new one, a copy of another group, or one that is changed.

A form is opened with the current draft, signed, and a token: however often it is sent, one draft is
created or changed. What was typed is kept until the exchange has it.
"""

from __future__ import annotations

from typing import cast

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
from dashboard.web.connections.waits import known_workers
from dashboard.web.drafts import estimates, prefill, question_picker
from dashboard.web.drafts.form_state import DraftForm, DraftFormState, OpenedDraft
from dashboard.web.edits import form_messages, undo
from dashboard.web.edits.forms.base import FormError, Unchanged, Value
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.forms.draft.fields import RE_ENTRY, UNIT
from dashboard.web.formatting import times
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.http.ticks import is_ticked

LISTED = 200
NO_RE_ENTRY = "This account may not be allowed to set re-entry. If so, leave it to Cint."
NOT_CARRIED = (
    "The copied settings without a field are not filled in; copy the group again to include them."
)
NOT_SENT = "Nothing was sent. Your entries are kept; try again in a moment."


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Create a draft in a project; `from` names the group to copy."""
    project = find_project(request, pk, Project.objects.select_related("account"))
    require_editor(request, project.account_id)
    draft_form = DraftForm(request, project)
    if request.method != "POST":
        return _show(draft_form, _open_new(draft_form))
    state = draft_form.read_posted()
    if state.opened is None:
        state.opened = _open_new(draft_form).opened
        state.trouble = form_messages.TOO_OLD
        return _show(draft_form, state)
    return _answer_without_sending(draft_form, state, state.opened) or _create(draft_form, state)


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def change_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Change an existing draft."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    if group.status != TargetGroup.Status.DRAFT:
        messages.warning(
            request, "This group has already been launched. Its settings are on this page."
        )
        return redirect("group", group.pk)
    draft_form = DraftForm(request, group.project, group)
    if request.method != "POST":
        return _show(draft_form, _open_existing(draft_form))
    state = draft_form.read_posted()
    if state.opened is None:
        state = _open_existing(draft_form)
        state.typed, state.trouble = request.POST, state.trouble or form_messages.TOO_OLD
        return _show(draft_form, state)
    return _answer_without_sending(draft_form, state, state.opened) or _save(draft_form, state)


def _answer_without_sending(
    draft_form: DraftForm, state: DraftFormState, opened: OpenedDraft
) -> HttpResponse | None:
    """Answer a resubmitted form, or a question about the draft; None for a form to be sent."""
    if answer := draft_form.signed.answer_resubmission(opened, lambda: _show(draft_form, state)):
        return answer
    kind = question_picker.requested_change(draft_form.request.POST)
    return _answer_question(draft_form, state, kind) if kind else None


def _open_new(draft_form: DraftForm) -> DraftFormState:
    """Open a new draft: like the project's newest group, or a copy of another."""
    now, source_text = timezone.now(), draft_form.request.GET.get("from", "").strip()
    own_id = exchange_ids(draft_form.request).get(draft_form.project.account_id, "")
    state = DraftFormState(
        OpenedDraft(prefill.draft_like_newest(draft_form.project, draft_form.units, own_id, now))
    )
    if edit := undo.failed_new_draft(draft_form.project, draft_form.request.GET.get("again", "")):
        _fill(draft_form, state, edit.wanted)
        state.trouble = NOT_CARRIED if edit.wanted and draft.ASSISTANT in edit.wanted else ""
        return state
    if not source_text:
        return state
    source = _find_source(draft_form, source_text)
    if source is None:
        state.trouble = f"No group of this account has the ID “{source_text[:40]}”."
        return state
    value, state.trouble = _copy_group(source)
    if value is not None:
        carried = prefill.settings_without_field(value, {}, times.zone_of(source))
        seen = prefill.draft_like_source(source, value, now)
        state.opened = OpenedDraft(seen, source=source.pk, besides=carried)
    return state


def _find_source(draft_form: DraftForm, text: str) -> TargetGroup | None:
    """Return a group of the same account, by its id here, its short id or the exchange's."""
    matches = (
        Q(human_readable_id=text.upper()) | Q(exchange_id=text.upper()) | Q(pk=parse_row_id(text))
    )
    visible = TargetGroup.objects.visible_to(current_user(draft_form.request)).filter(matches)
    visible = visible.filter(account=draft_form.project.account_id).select_related(
        "account", "project"
    )
    return visible.first()


def _copy_group(source: TargetGroup) -> tuple[Value, str]:
    """Return a copy of a group, and a sentence on what is missing in it."""
    try:
        copy = copy_group.copy_of_group(source)
    except ExchangeError as exc:
        stored = copy_group.stored_copy(source)
        if stored is None:
            return None, f"{exc}. The group could not be copied; try again in a moment."
        note = "" if stored[draft.PROFILING] else ", without targeting and quotas"
        return stored, f"{exc}. Copied as last read by Fieldwatch{note}."
    note = f"Not copied: {', '.join(copy.missing)}." if copy.missing else ""
    return copy.value, note


def _open_existing(draft_form: DraftForm) -> DraftFormState:
    """Open a draft as the exchange has it, or say why it cannot be opened."""
    group = cast("TargetGroup", draft_form.group)
    try:
        current = send.read_current_value(group=group, kind=Edit.Kind.DRAFT)
    except ExchangeError as exc:
        return DraftFormState(trouble=f"{exc}. Nothing was changed.")
    seen = {name: current[name] for name in draft.FIELDS}
    carried = prefill.settings_without_field(current, {}, times.zone_of(group))
    state = DraftFormState(OpenedDraft(seen, besides=carried))
    if edit_id := draft_form.request.GET.get("undo"):
        edit = undo.edit_of_kind(group, Edit.Kind.DRAFT, edit_id)
        if edit and undo.is_still_held(edit, current):
            _fill(draft_form, state, edit.before)
        else:
            state.trouble = form_messages.NO_UNDO
    if edit := undo.edit_of_kind(group, Edit.Kind.DRAFT, draft_form.request.GET.get("again", "")):
        _fill(draft_form, state, edit.wanted)
    if edit_id := draft_form.request.GET.get("launch"):
        edit = undo.edit_of_kind(group, Edit.Kind.LAUNCH, edit_id)
        if edit is not None:
            state.errors, sentence = form_messages.objections_by_field(edit, form.draft_field_for)
            verb = "scheduled" if edit.is_scheduling else "launched"
            state.trouble = f"The draft was not {verb}. {sentence}".strip()
    return state


def _fill(draft_form: DraftForm, state: DraftFormState, value: Value) -> None:
    """Fill in the form with a draft, as if a person had typed it."""
    state.typed = QueryDict(mutable=True)
    state.typed.update(dict(form.draft_initial(value, draft_form.entry(state))) | {"typed": "1"})


def _answer_question(draft_form: DraftForm, state: DraftFormState, kind: str) -> HttpResponse:
    """Show feasibility, rate card, calendar or questions for the form; nothing is saved."""
    is_part = bool(draft_form.request.headers.get("HX-Request"))
    if not estimates.knows_question(kind):
        picked = question_picker.change_questions(draft_form, state, kind)
        if is_part:
            context = form.draft_context(draft_form.entry(state)) | {
                "state": state,
                "found": picked,
            }
            return render(draft_form.request, "drafts/profiles.html", context)
        return _show(draft_form, state, picked=picked)
    side_answer = estimates.answer_question(
        draft_form.project.account, draft_form.entry(state), kind
    )
    if is_part:
        template = "calendar" if kind == estimates.CALENDAR else "beside"
        context = {"beside": side_answer, "form": "draft"}
        return render(draft_form.request, f"drafts/{template}.html", context)
    return _show(draft_form, state, side_answer)


def _create(draft_form: DraftForm, state: DraftFormState) -> HttpResponseBase:
    """Send a new draft once, and show how that ended."""
    opened = cast("OpenedDraft", state.opened)
    try:
        wanted = form.clean_draft(draft_form.entry(state))
        wanted |= _carried_settings(opened) if is_ticked(state.typed, "carry") else {}
        edit = create.new_draft(
            project=draft_form.project,
            wanted=wanted,
            by=current_user(draft_form.request),
            token=opened.token,
        )
    except FormError as exc:
        state.errors = exc.fields
        return _show(draft_form, state)
    except ExchangeError as exc:
        state.trouble = f"{exc}. {NOT_SENT}"
        return _show(draft_form, state)
    if edit.state == Edit.State.REJECTED:
        state.opened = OpenedDraft(opened.seen, source=opened.source, besides=opened.besides)
        return _show(draft_form, _show_objections(edit, state))
    if edit.group is None:
        return redirect("made", edit.pk)
    level, sentence = messages.SUCCESS, "Draft saved on Cint."
    if edit.state == Edit.State.CONFLICT:
        level, sentence = messages.WARNING, "Draft saved, but some values on Cint differ"
        sentence += ". Compare them before you launch."
    messages.add_message(draft_form.request, level, sentence)
    return redirect("group", edit.group.pk)


def _show_objections(edit: Edit, state: DraftFormState) -> DraftFormState:
    """Show the exchange's objections at their fields; a refusal without one may be of re-entry."""
    state.errors, state.trouble = form_messages.objections_by_field(edit, form.draft_field_for)
    wanted: Value = edit.wanted
    if Forbidden.words in state.trouble and wanted.get(RE_ENTRY) is not None:
        state.errors = {**state.errors, RE_ENTRY: NO_RE_ENTRY}
    return state


def _carried_settings(opened: OpenedDraft) -> dict[str, Value]:
    """Return settings without a field that a copy takes from its source; raises ExchangeError."""
    source = TargetGroup.objects.select_related("account", "project").filter(pk=opened.source or 0)
    if (group := source.first()) is None:
        return {}
    value = copy_group.copy_of_group(group).value
    return {name: value[name] for name in (*draft.PASSTHROUGH, WHOLE) if name in value}


def _save(draft_form: DraftForm, state: DraftFormState) -> HttpResponseBase:
    """Send a change once, and show how that ended."""
    opened, group = cast("OpenedDraft", state.opened), cast("TargetGroup", draft_form.group)
    try:
        edit = send.send_edit(
            group=group,
            kind=Edit.Kind.DRAFT,
            seen=opened.seen,
            wanted=form.clean_draft(draft_form.entry(state)),
            by=current_user(draft_form.request),
            token=opened.token,
        )
    except Unchanged as exc:
        messages.info(draft_form.request, str(exc))
        return redirect("group", group.pk)
    except FormError as exc:
        state.errors = exc.fields
        return _show(draft_form, state)
    except (send.EditInProgress, ExchangeError) as exc:
        state.trouble, state.busy = f"{exc}. {NOT_SENT}", getattr(exc, "other", None)
        return _show(draft_form, state)
    zone = times.zone_of(group)
    if edit.state == Edit.State.REJECTED:
        state.opened = OpenedDraft(opened.seen, besides=opened.besides)
        _show_objections(edit, state)
    elif edit.state == Edit.State.CONFLICT and edit.after:
        state.three, state.refused = (
            form_messages.conflict_rows(edit, draft_form.names, zone),
            bool(edit.sent),
        )
        state.theirs = form_messages.theirs_alone(edit, draft_form.names, zone)
        seen = {name: edit.after[name] for name in draft.FIELDS}
        state.opened = OpenedDraft(seen, besides=opened.besides)
        entry = draft_form.entry(state)
        state.typed = form_messages.typed_again(
            lambda value: form.draft_initial(value, entry), edit, state.typed
        )
    else:
        level = messages.SUCCESS if edit.state == Edit.State.CONFIRMED else messages.WARNING
        workers = known_workers(draft_form.request, now=timezone.now())
        sentence = form_messages.outcome_line(edit, draft_form.names, zone, workers)
        messages.add_message(draft_form.request, level, sentence)
        return redirect("group", group.pk)
    return _show(draft_form, state)


def _show(
    draft_form: DraftForm,
    state: DraftFormState,
    side_answer: estimates.SideAnswer | None = None,
    picked: question_picker.PickerAnswer | None = None,
) -> HttpResponse:
    """Render the page of the form."""
    entry = draft_form.entry(state)
    context: dict[str, object] = form.draft_context(entry) | {
        "project": draft_form.project,
        "group": draft_form.group,
        "state": state,
        "sealed": draft_form.signed.sign(state.opened) if state.opened else "",
        "lists": draft_form.lists,
        "units": draft_form.units,
        "people": draft_form.people,
        "beside": side_answer,
        "found": picked,
        "source": _copied_group(state),
        "unknown_unit": "" if entry.unit else entry.text(UNIT),
    }
    if draft_form.group is None:
        context["others"] = draft_form.project.target_groups.order_by("name", "pk")[:LISTED]
    response = render(draft_form.request, "drafts/form_page.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _copied_group(state: DraftFormState) -> TargetGroup | None:
    """Return the group that is copied; None without one."""
    if state.opened is None or state.opened.source is None:
        return None
    return TargetGroup.objects.filter(pk=state.opened.source).first()
