"""Plan an action on selected groups: what it changes in each, and which it cannot change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from dashboard.alerts.items.plan import BY_PAUSE_REASON
from dashboard.alerts.items.remedies import REMEDIES, RemedyActor
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.insight.launch_phase import phase_of_group, reason_of_pause
from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.batches import launch_planning, price_planning
from dashboard.web.batches.preview import Names, Planner, Preview, PreviewRow, local_moment
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import (
    FormError,
    parse_whole,
)
from dashboard.web.formatting import numbers, times
from dashboard.web.formatting.status import status_label

MAX_GROUPS = 1000
ACTION_CHOICES = [
    (action.value, str(action.label)) for action in Batch.Action
]  # the choices in the tables of groups


def plan_action(
    action: str, groups: Sequence[TargetGroup], typed: QueryDict, people: Names, now: datetime
) -> Preview:
    """Return the preview of an action; `people`: the exchange's users by id."""
    planner = _PLANNERS.get(action)
    if planner is None:
        return _plan_transition(action, groups, now)
    try:
        return planner(groups, typed, people, now)
    except FormError as exc:
        return Preview(errors=exc.fields, again=exc.again)


def asks_first(action: str) -> bool:
    """Whether an action has fields to fill in before its preview."""
    return action in _PLANNERS


def _plan_transition(action: str, groups: Sequence[TargetGroup], now: datetime) -> Preview:
    refusals = transitions.refusals_by_group(action=action, groups=groups, now=now)
    return Preview(
        [
            PreviewRow(Chosen(group), note=_transition_note(action, group, now))
            for group in groups
            if group.pk not in refusals
        ],
        [(group, refusals[group.pk]) for group in groups if group.pk in refusals],
    )


def _completion_note(action: str, group: TargetGroup) -> str:
    """Return what a person should know before they mark a group as complete."""
    missing = (completes_target(group) or 0) - (group.completes or 0)
    if action == Batch.Action.COMPLETE and missing > 0:
        noun = "complete" if round(missing) == 1 else "completes"
        return f"{numbers.format_count(missing)} {noun} short of its goal"
    return ""


def _transition_note(action: str, group: TargetGroup, now: datetime) -> str:
    """Return what a person should know of a group before they change its status."""
    if action != Batch.Action.RESUME:
        return _completion_note(action, group)
    parts = []
    if group.completes is not None and group.filling_goal:
        done = numbers.group_progress(
            group.filling_strategy, group.completes, group.prescreens, group.filling_goal
        )
        parts.append(f"{done.text}.")
    if group.ends_at:
        parts.append(f"Ends {local_moment(group, group.ends_at)}.")
    code = reason_of_pause(group.status_reason, phase_of_group(group, now=now))
    if reason := status_label(group.status, code, group.status_changed_by).why:
        parts.insert(0, f"Paused by Cint: {reason}.")
    remedy = REMEDIES.get(BY_PAUSE_REASON.get(group.status_reason, ""))
    if remedy is not None and remedy.actor is RemedyActor.PROGRAMMER:
        parts.append(f"First {remedy.instruction(1)}, or Cint will pause it again.")
    return " ".join(parts)


def _plan_reassignment(
    groups: Sequence[TargetGroup], typed: QueryDict, people: Names, _now: datetime
) -> Preview:
    manager = typed.get("manager", "")
    if len({group.account_id for group in groups}) > 1:
        raise FormError(form="Reassign the groups of one account at a time.")
    if manager not in people:
        raise FormError(manager="Choose the new project manager.")
    new = people[manager]
    preview = Preview(wanted={"manager_id": manager, "name": new})
    for group in groups:
        if group.project_manager_id == manager:
            preview.refused.append((group, f"{new} is already its project manager"))
        elif group.status == "archived":
            preview.refused.append((group, "is archived"))
        else:
            old = people.get(group.project_manager_id, "Unknown user")
            preview.rows.append(PreviewRow(Chosen(group), old, new))
    return preview


def _plan_end_date(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, now: datetime
) -> Preview:
    hours, text = typed.get("hours", "").strip(), typed.get("to", "").strip()
    if bool(hours) == bool(text):
        raise FormError(hours="Enter either a number of hours, or a date and time.")
    extension = (
        timedelta(hours=parse_whole(hours, 1, 24 * 366, "hours", "number of hours"))
        if hours
        else None
    )
    new_end = datetimes.parse_datetime(text, "to") if text else None
    preview = Preview(wanted={"hours": hours} if hours else {"to": text})
    for group in groups:
        if refusal := reason_against_end(group, new_end):
            preview.refused.append((group, refusal))
            continue
        end = _calculate_end(group, extension, new_end, now)
        if end <= now:
            preview.refused.append((group, "that end date has passed in its time zone"))
        else:
            preview.rows.append(end_row(group, end))
    return preview


def reason_against_end(group: TargetGroup, new_end: datetime | None) -> str:
    """Return why this group cannot get another end date; empty if it can."""
    if group.status in price_planning.FINAL_STATUSES:
        return f"is {group.status}"
    if not (group.starts_at and group.ends_at):
        return "its dates are not known yet"
    return datetimes.reason_skipped(new_end, times.zone_of(group)) if new_end else ""


def _calculate_end(
    group: TargetGroup, extension: timedelta | None, new_end: datetime | None, now: datetime
) -> datetime:
    """Return the new end in the group's time zone, or its end date extended, from now if passed."""
    if new_end is not None:
        return new_end.replace(tzinfo=times.zone_of(group)).astimezone(UTC)
    return max(group.ends_at or now, now) + (extension or timedelta())


def end_row(group: TargetGroup, end: datetime) -> PreviewRow:
    """Return the row of a group that gets this end date."""
    dates = {"start_fielding_at": group.starts_at, "end_fielding_at": group.ends_at}
    current = {
        name: datetimes.rfc3339_stamp(date) if date else None for name, date in dates.items()
    }
    chosen = Chosen(group, current, current | {"end_fielding_at": datetimes.rfc3339_stamp(end)})
    return PreviewRow(
        chosen,
        local_moment(group, group.ends_at) if group.ends_at else numbers.DASH,
        local_moment(group, end),
    )


_PLANNERS: dict[str, Planner] = {
    Batch.Action.MANAGER: _plan_reassignment,
    Batch.Action.DRAFTS: launch_planning.plan_launch,
    Batch.Action.CPI: price_planning.plan_price,
    Batch.Action.END: _plan_end_date,
}


def offered_transitions(group: TargetGroup) -> list[tuple[str, str]]:
    """Return the transitions to offer for a group by its status; the exchange may still refuse."""
    if group.missing_since:
        return []
    return [
        (action.value, str(action.label))
        for action, statuses in transitions.FROM.items()
        if group.status in statuses
    ]


def currencies_of(groups: Iterable[TargetGroup]) -> list[str]:
    """Return the currencies of these groups."""
    return sorted({group.currency for group in groups if group.currency})
