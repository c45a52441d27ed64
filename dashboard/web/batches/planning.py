"""Plan an action on selected groups: what it changes in each, and which it cannot change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.http import QueryDict

from dashboard.alerts.items.plan import BY_PAUSE_REASON
from dashboard.alerts.items.remedies import REMEDIES, RemedyActor
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.insight.launch_phase import phase_of_group, reason_of_pause
from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.batches import launch_planning
from dashboard.web.batches.preview import Names, Planner, Preview, PreviewRow, local_moment
from dashboard.web.edits.forms import datetimes, price_impact
from dashboard.web.edits.forms.base import (
    AMOUNT,
    MOST_DECIMALS,
    FormError,
    format_change,
    is_large_step,
    parse_whole,
    reject_too_large,
)
from dashboard.web.formatting import numbers, times
from dashboard.web.formatting.status import status_label

MAX_GROUPS = 1000
PRICE_LIMIT = Decimal(10) ** 9  # the first price that our tables cannot hold
FINAL_STATUSES = ("draft", "completed", "archived")
ACTION_CHOICES = [
    (action.value, str(action.label)) for action in Batch.Action
]  # the choices in the tables of groups
PRICE_CHANGES = {"set": "Set to", "raise": "Increase by", "lower": "Decrease by"}


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


def _plan_price(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, _now: datetime
) -> Preview:
    change, unit, text = typed.get("how", ""), typed.get("unit", ""), typed.get("value", "").strip()
    if change not in PRICE_CHANGES:
        raise FormError(how="Choose an action.")
    if change == "set" and unit == "%":
        raise FormError(unit="Choose a currency to set the CPI to an amount.")
    reject_too_large(text, "value", "amount")
    if not AMOUNT.fullmatch(text) or Decimal(text) <= 0:
        raise FormError(value=f"“{text[:40]}” is not an amount. Enter it as in 0.25.")
    if len(text.partition(".")[2]) > MOST_DECIMALS:
        raise FormError(value=f"The amount can have at most {MOST_DECIMALS} decimals.")
    preview = Preview(wanted={"how": change, "unit": unit, "value": text})
    moves: list[tuple[TargetGroup, Decimal, Decimal]] = []
    for group in groups:
        new = _calculate_price(group, change, unit, Decimal(text))
        if refusal := _reason_against_price(group, unit, new):
            preview.refused.append((group, refusal))
        elif new is not None and group.cpi is not None:
            preview.rows.append(_price_row(group, group.cpi, new))
            moves.append((group, group.cpi, new))
    large_steps = [format_change(old, new) for _, old, new in moves if is_large_step(old, new)]
    if large_steps and typed.get("value_again", "").strip() != text:
        number = f"{len(large_steps)} group{'' if len(large_steps) == 1 else 's'}"
        largest = max(large_steps, key=_absolute_percent)
        sentence = f"Large change for {number} (up to {largest}). Re-enter the amount to confirm."
        raise FormError(again=True, value_again=sentence)
    preview.cost = _total_cost(moves)
    return preview


def _total_cost(moves: Iterable[tuple[TargetGroup, Decimal, Decimal]]) -> list[str]:
    """Return the change in cost if all goals are reached, by currency, and the unknown ones."""
    sums: dict[str, Decimal] = {}
    unknown = 0
    for group, old, new in moves:
        if (difference := price_impact.extra_cost(group, new, old)) is None:
            unknown += 1
        else:
            sums[group.currency] = sums.get(group.currency, Decimal(0)) + difference
    costs = [
        f"{'+' if difference >= 0 else '−'}{numbers.format_total(abs(difference), code)}"
        for code, difference in sorted(sums.items())
    ]
    if unknown:
        costs.append(f"unknown for {unknown} group{'' if unknown == 1 else 's'}")
    return costs


def _absolute_percent(percent: str) -> float:
    return abs(float(percent.removesuffix(" %")))


def _calculate_price(group: TargetGroup, change: str, unit: str, amount: Decimal) -> Decimal | None:
    """Return the new CPI; a percentage is rounded to the smallest coin, or finer."""
    current = group.cpi
    if current is None:
        return None
    if change == "set":
        return amount
    step = current * amount / 100 if unit == "%" else amount
    new = current + step if change == "raise" else current - step
    return price_impact.round_price(new, current, group.currency) if unit == "%" else new


def _reason_against_price(group: TargetGroup, unit: str, new: Decimal | None) -> str:
    """Return why this group cannot get that CPI; empty if it can."""
    limit = settings.CPI_LIMITS.get(group.currency)
    reasons = [
        (group.status in FINAL_STATUSES, f"is {group.status}"),
        (group.pricing_model == "rate_card", "the rate card sets its CPI"),
        (new is None, "its CPI is not known yet"),
        (unit not in ("%", group.currency), f"is priced in {group.currency}"),
        (new is not None and new <= 0, "its CPI would fall to 0 or below"),
        (new is not None and new == group.cpi, "already has this CPI"),
        (new is not None and new >= PRICE_LIMIT, "this exceeds the highest possible CPI"),
        (
            bool(limit and new and new > limit),
            f"Cint accepts at most {numbers.format_money(limit, group.currency)}",
        ),
    ]
    return next((reason for applies, reason in reasons if applies), "")


def _price_row(group: TargetGroup, old: Decimal, new: Decimal) -> PreviewRow:
    def money(value: Decimal) -> dict[str, str]:
        return {"value": format(value, "f"), "currency_code": group.currency}

    notes = [price_impact.describe_cpi_impact(group, new, old)]
    if group.is_pricing_restricted:
        notes.append("Limited by the fielding assistant; Cint may reject it.")
    chosen = Chosen(group, money(old), money(new))
    new_text = f"{numbers.format_money(new, group.currency)} ({format_change(old, new)})"
    return PreviewRow(
        chosen, numbers.format_money(old, group.currency), new_text, " ".join(filter(None, notes))
    )


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
        if refusal := _reason_against_end(group, new_end):
            preview.refused.append((group, refusal))
            continue
        end = _calculate_end(group, extension, new_end, now)
        if end <= now:
            preview.refused.append((group, "that end date has passed in its time zone"))
        else:
            preview.rows.append(_end_row(group, end))
    return preview


def _reason_against_end(group: TargetGroup, new_end: datetime | None) -> str:
    if group.status in FINAL_STATUSES:
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


def _end_row(group: TargetGroup, end: datetime) -> PreviewRow:
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
    Batch.Action.CPI: _plan_price,
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
