"""A draft is launched, now or at its start: asked once, in words, with what it costs and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.exchange.errors import AlreadyLaunched, ExchangeError
from dashboard.fielding.models import Edit, Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.edits import launch, send
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.launch import END, START
from dashboard.web.auth.lookups import find_group, names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, require_editor, requires
from dashboard.web.drafts import prefill
from dashboard.web.edits import messages as editing
from dashboard.web.edits import value_labels
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import FormError, last_known_step
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.forms.draft.form import local_datetime
from dashboard.web.edits.signed_form import HOUR, OpenedForm, Rejection, SignedForm
from dashboard.web.formatting import times

LONGEST = timedelta(days=2 * 366)
NOW, LATER = "now", "later"
TOO_OLD = "This page was too old to launch from. It now shows the draft as it is."


@dataclass
class LaunchFormState:
    """The page as it is used: the draft that it shows, what was typed, and what is wrong."""

    opened: OpenedForm | None = None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    busy: Edit | None = None  # the launch that is in the way
    mend: list[str] = field(default_factory=list)  # what to mend in the draft itself

    @property
    def seen(self) -> Any:
        """The draft as the page shows it; None without one."""
        return self.opened.seen if self.opened else None


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def launch_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The page that asks, and what comes of the answer."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    if group.status != TargetGroup.Status.DRAFT:
        messages.warning(request, "This group is no draft any more: it was launched already.")
        return redirect("group", group.pk)
    if request.method != "POST":
        return _show(request, group, _open(group))
    signed = _signed(request, group)
    opened = signed.read_back()
    if isinstance(opened, Rejection):
        state = _open(group)
        state.typed, state.trouble = signed.typed, state.trouble or TOO_OLD
        return _show(request, group, state)
    state = LaunchFormState(opened, signed.typed)
    if answer := signed.answer_resubmission(opened, lambda: _show(request, group, state)):
        return answer
    return _send(request, group, state, opened)


def _signed(request: HttpRequest, group: TargetGroup) -> SignedForm[OpenedForm]:
    """The draft that the page showed, as the page carries it."""
    return SignedForm(request, "launch", (group.pk,), OpenedForm, HOUR)


def _open(group: TargetGroup) -> LaunchFormState:
    """The draft as the exchange holds it now, or why it cannot be told."""
    try:
        held = send.read_current_value(group=group, kind=Edit.Kind.DRAFT)
    except AlreadyLaunched as exc:
        scheduling.request_refresh(Project.objects.filter(pk=group.project_id), now=timezone.now())
        return LaunchFormState(trouble=f"{exc}. It is read again now.")
    except ExchangeError as exc:
        return LaunchFormState(trouble=f"{exc}. Nothing was launched.")
    return LaunchFormState(OpenedForm(held))


def _send(
    request: HttpRequest, group: TargetGroup, state: LaunchFormState, opened: OpenedForm
) -> HttpResponseBase:
    """Launch it once, and say how that goes."""
    try:
        start, end = _dates(group, opened.seen, state.typed, timezone.now())
        made = launch.launch_draft(
            group=group,
            seen=opened.seen,
            start=start,
            end=end,
            by=current_user(request),
            token=opened.token,
        )
    except FormError as exc:
        state.errors = exc.fields
        return _show(request, group, state)
    except (send.EditInProgress, ExchangeError) as exc:
        state.trouble = f"{exc}. {_nothing(state)}"
        state.busy = getattr(exc, "other", None)
        return _show(request, group, state)
    if made.state == Edit.State.CONFLICT and not made.after:
        changed = ", ".join(
            value_labels.DRAFT.get(one["name"], one["name"]) for one in made.reasons
        )
        said = f"The draft was changed meanwhile: {changed}. {_nothing(state)}"
        state = _open(group)
        state.trouble = said
        return _show(request, group, state)
    if made.state == Edit.State.REJECTED and not made.asked_id:
        at_field, state.trouble = editing.objections_by_field(made, _place)
        state.errors, state.mend = _sorted(at_field)
        state.opened = OpenedForm(opened.seen)
        return _show(request, group, state)
    return redirect("made", made.pk)


def _nothing(state: LaunchFormState) -> str:
    what = "scheduled" if state.typed.get("when") == LATER else "launched"
    return f"Nothing was {what}."


def _place(name: str) -> str:
    """A field of this page, else one of the draft's."""
    return last_known_step(name, (START, END)) or form.draft_field_for(name)


def _sorted(objections: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What can be mended here, and what in the draft."""
    here = {name: said for name, said in objections.items() if name in (START, END)}
    there = [
        f"{value_labels.DRAFT.get(name, name)}: {said}"
        for name, said in objections.items()
        if name not in here
    ]
    return here, there


def _dates(
    group: TargetGroup, seen: Any, typed: QueryDict, now: datetime
) -> tuple[datetime | None, datetime]:
    """The start, none for now, and the end, typed in the group's zone."""
    wrong: dict[str, str] = {}
    when = typed.get("when", "")
    if when not in (NOW, LATER):
        wrong["when"] = "Choose whether it starts now or later."
    names = (START, END) if when == LATER else (END,)
    given: dict[str, datetime] = {}
    for name in names:
        try:
            given[name] = _moment(group, seen, typed, name)
        except FormError as exc:
            wrong |= exc.fields
    start, end = given.get(START), given.get(END)
    if start and start <= now:
        wrong[START] = "The start must be in the future; or start it now."
    if end and end <= (start or now):
        wrong[END] = "The end must be after the start." if start else "The end must be ahead."
    if end and end - now > LONGEST:
        wrong[END] = "That is more than two years ahead. Is the year right?"
    if wrong or end is None:
        raise FormError(wrong)
    return start, end


def _moment(group: TargetGroup, seen: Any, typed: QueryDict, name: str) -> datetime:
    zone = times.zone_of(group)
    held = seen["fielding_specification"]["start_at" if name == START else "end_at"]
    text = typed.get(name, "").strip()
    if held and text == local_datetime(held, zone):
        return datetime.fromisoformat(held)
    local = datetimes.parse_datetime(text, name)
    if why := datetimes.reason_skipped(local, zone):
        raise FormError({name: why})
    return local.replace(tzinfo=zone)


def _show(request: HttpRequest, group: TargetGroup, state: LaunchFormState) -> HttpResponse:
    context: dict[str, Any] = {"group": group, "project": group.project, "state": state}
    if state.opened:
        context |= _told(request, group, state.opened.seen, state.typed)
        context["sealed"] = _signed(request, group).sign(state.opened)
    response = render(request, "drafts/launch.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _told(request: HttpRequest, group: TargetGroup, seen: Any, typed: QueryDict) -> dict[str, Any]:
    """The draft in words, what it costs, when, and what it still lacks."""
    zone = times.zone_of(group)
    period = seen["fielding_specification"]
    end = period["end_at"]
    passed = end is None or datetime.fromisoformat(end) <= timezone.now()
    units = group.account.business_units.values_list("exchange_id", "name")
    names = {**names_by_exchange_id(request), **dict(units)}
    return {
        "rows": value_labels.value_parts(Edit.Kind.DRAFT, _brief(seen), names, zone),
        "cost": prefill.cost_of(seen),
        "lacks": prefill.missing_for_launch(seen),
        "zone": f"{times.zone_city(zone)} ({zone.key})",
        "when": typed.get("when", ""),
        "start": typed.get(START, local_datetime(period["start_at"], zone)),
        "end": typed.get(END, "" if passed else local_datetime(end, zone)),
        "planned": [
            local_datetime(period[name], zone).replace("T", " ") for name in ("start_at", "end_at")
        ],
    }


def _brief(seen: Any) -> dict[str, Any]:
    """What decides whether it is launched; the rest is on the draft's own page."""
    names = (
        "name",
        "locale",
        "completes_goal",
        "expected_length_of_interview_minutes",
        "expected_incidence_rate",
        "pricing_model",
        "cost_per_interview",
        "business_unit_id",
        "project_manager_id",
        "live_url",
        "test_url",
        "profiling",
        *draft.CARRIED,
    )
    return {name: seen[name] for name in names}
