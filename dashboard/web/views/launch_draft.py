"""Launch a draft, now or on its start date, after a page that shows its cost and dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
from dashboard.web.edits import form_messages, value_labels
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import FormError, Value, last_known_step
from dashboard.web.edits.forms.draft import form
from dashboard.web.edits.signed_form import HOUR, OpenedForm, Rejection, SignedForm
from dashboard.web.formatting import times

LONGEST = timedelta(days=2 * 366)
NOW, LATER = "now", "later"
TOO_OLD = "This page expired. It now shows the current draft."


@dataclass
class LaunchFormState:
    """The state of the page: the draft that it shows, what was typed, and the errors."""

    opened: OpenedForm | None = None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    busy: Edit | None = None  # the launch that is in the way
    mend: list[str] = field(default_factory=list)  # what to fix in the draft itself

    @property
    def seen(self) -> Value:
        """The draft as the page shows it; None without one."""
        return self.opened.seen if self.opened else None


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def launch_draft(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the page that asks for the dates, and launch the draft."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    if group.status != TargetGroup.Status.DRAFT:
        messages.warning(request, "This group has already been launched.")
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
    """Open the page with the draft as the exchange has it, or say why it cannot be opened."""
    try:
        current = send.read_current_value(group=group, kind=Edit.Kind.DRAFT)
    except AlreadyLaunched as exc:
        scheduling.request_refresh(Project.objects.filter(pk=group.project_id), now=timezone.now())
        return LaunchFormState(trouble=f"{exc}. Its data is being refreshed.")
    except ExchangeError as exc:
        return LaunchFormState(trouble=f"{exc}. Nothing was launched.")
    return LaunchFormState(OpenedForm(current))


def _send(
    request: HttpRequest, group: TargetGroup, state: LaunchFormState, opened: OpenedForm
) -> HttpResponseBase:
    """Launch the draft once, and show how that goes."""
    try:
        start, end = _clean_dates(group, opened.seen, state.typed, timezone.now())
        edit = launch.launch_draft(
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
        state.trouble = f"{exc}. {_nothing_done(state)}"
        state.busy = getattr(exc, "other", None)
        return _show(request, group, state)
    if edit.state == Edit.State.CONFLICT and not edit.after:
        changed = ", ".join(
            value_labels.DRAFT.get(reason["name"], reason["name"]) for reason in edit.reasons
        )
        sentence = f"Someone else changed the draft: {changed}. {_nothing_done(state)}"
        state = _open(group)
        state.trouble = sentence
        return _show(request, group, state)
    if edit.state == Edit.State.REJECTED and not edit.asked_id:
        at_field, state.trouble = form_messages.objections_by_field(edit, _field_for)
        state.errors, state.mend = _split_objections(at_field)
        state.opened = OpenedForm(opened.seen)
        return _show(request, group, state)
    return redirect("made", edit.pk)


def _nothing_done(state: LaunchFormState) -> str:
    verb = "scheduled" if state.typed.get("when") == LATER else "launched"
    return f"Nothing was {verb}."


def _field_for(name: str) -> str:
    """Return the field of an objection: one of this page, else one of the draft."""
    return last_known_step(name, (START, END)) or form.draft_field_for(name)


def _split_objections(objections: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the errors that can be fixed on this page, and sentences on those in the draft."""
    launch_errors = {
        name: objection for name, objection in objections.items() if name in (START, END)
    }
    draft_errors = [
        f"{value_labels.DRAFT.get(name, name)}: {objection}"
        for name, objection in objections.items()
        if name not in launch_errors
    ]
    return launch_errors, draft_errors


def _clean_dates(
    group: TargetGroup, seen: Value, typed: QueryDict, now: datetime
) -> tuple[datetime | None, datetime]:
    """Return the start, None for now, and the end, both typed in the group's time zone."""
    errors: dict[str, str] = {}
    when = typed.get("when", "")
    if when not in (NOW, LATER):
        errors["when"] = "Choose whether fieldwork starts now or later."
    names = (START, END) if when == LATER else (END,)
    dates: dict[str, datetime] = {}
    for name in names:
        try:
            dates[name] = _clean_datetime(group, seen, typed, name)
        except FormError as exc:
            errors |= exc.fields
    start, end = dates.get(START), dates.get(END)
    if start and start <= now:
        errors[START] = "The start date must be in the future, or choose to start now."
    if end and end <= (start or now):
        errors[END] = (
            "The end date must be after the start date."
            if start
            else "The end date must be in the future."
        )
    if end and end - now > LONGEST:
        errors[END] = "More than two years ahead. Check the year."
    if errors or end is None:
        raise FormError(errors)
    return start, end


def _clean_datetime(group: TargetGroup, seen: Value, typed: QueryDict, name: str) -> datetime:
    zone = times.zone_of(group)
    current = seen["fielding_specification"]["start_at" if name == START else "end_at"]
    text = typed.get(name, "").strip()
    if current and text == form.local_datetime(current, zone):
        return datetime.fromisoformat(current)
    local = datetimes.parse_datetime(text, name)
    if reason := datetimes.reason_skipped(local, zone):
        raise FormError({name: reason})
    return local.replace(tzinfo=zone)


def _show(request: HttpRequest, group: TargetGroup, state: LaunchFormState) -> HttpResponse:
    context: dict[str, object] = {"group": group, "project": group.project, "state": state}
    if state.opened:
        context |= _launch_context(request, group, state.opened.seen, state.typed)
        context["sealed"] = _signed(request, group).sign(state.opened)
    response = render(request, "drafts/launch.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _launch_context(
    request: HttpRequest, group: TargetGroup, seen: Value, typed: QueryDict
) -> dict[str, object]:
    """Return the draft in words: its settings, cost, dates, and what it still lacks."""
    zone = times.zone_of(group)
    period = seen["fielding_specification"]
    end = period["end_at"]
    passed = end is None or datetime.fromisoformat(end) <= timezone.now()
    units = group.account.business_units.values_list("exchange_id", "name")
    names = {**names_by_exchange_id(request), **dict(units)}
    return {
        "rows": value_labels.value_parts(Edit.Kind.DRAFT, _summary_of(seen), names, zone),
        "cost": prefill.cost_of(seen),
        "lacks": prefill.missing_for_launch(seen),
        "zone": f"{times.zone_city(zone)} ({zone.key})",
        "when": typed.get("when", ""),
        "start": typed.get(START, form.local_datetime(period["start_at"], zone)),
        "end": typed.get(END, "" if passed else form.local_datetime(end, zone)),
        "planned": [
            form.local_datetime(period[name], zone).replace("T", " ")
            for name in ("start_at", "end_at")
        ],
    }


def _summary_of(seen: Value) -> dict[str, Value]:
    """Return the settings that matter for a launch; the others are on the draft's own page."""
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
        *draft.PASSTHROUGH,
    )
    return {name: seen[name] for name in names}
