"""The table of the CPI panel in words: a row a figure, today and at the new CPI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.figures.goal_cost import COST_BY_END_DATE, COST_IF_GOAL_REACHED
from dashboard.fielding.insight.launch_phase import phase_of_group
from dashboard.fielding.models import TargetGroup
from dashboard.web.edits.price.outlook import PriceOutlook, outlook_at
from dashboard.web.formatting import numbers, times

NOT_KNOWN = "Not known yet"
RESPONSE_UNKNOWN = (
    "It is not known yet how suppliers respond to another CPI in this group. Cost by end date "
    "counts the completes that today's CPI is projected to bring."
)


@dataclass(frozen=True, slots=True)
class OutlookRow:
    """A figure at today's CPI and at the new one; the notes stand below them."""

    label: str
    today: str
    new: str
    today_note: str = ""
    new_note: str = ""
    is_warning: bool = False  # of the new figure

    @property
    def is_unknown(self) -> bool:
        """Whether the new figure is not known."""
        return self.new == NOT_KNOWN


@dataclass(frozen=True, slots=True)
class OutlookTable:
    """The table: its rows, the new CPI ("3.80 USD", empty for none), and what to know of both."""

    rows: list[OutlookRow]
    new: str
    note: str


def as_of(group: TargetGroup, now: datetime) -> datetime:
    """Return when the group was read: its figures are of that time."""
    return group.project.read_at or now


def outlook_table(
    group: TargetGroup,
    present: Decimal,
    new: Decimal | None,
    *,
    now: datetime,
    advised: GroupOutlook | None = None,
) -> OutlookTable:
    """Return the table for the CPI that the form was opened with and the one that is entered.

    advised: the group as advice sees it, None where no advice can be given.
    """
    at = as_of(group, now)
    today = outlook_at(group, present, now=at, advised=advised)
    changed = outlook_at(group, new, now=at, advised=advised) if new is not None else None
    rows = [
        _rate_row(today, changed),
        _completes_row(group, today, changed),
        _cost_by_end_row(group, today, changed),
        _cost_at_goal_row(group, today, changed),
        _epc_row(group, today, changed),
        OutlookRow("Chance", _chance_text(today), _chance_text(changed)),
    ]
    phase = phase_of_group(group, now=at)
    note = ""
    if not phase.is_full_launch:
        note = f"{phase.text}. There is no forecast before the full launch."
    elif changed is not None and changed.response is None and today.response is not None:
        note = RESPONSE_UNKNOWN
    word = numbers.format_money(new, group.currency) if new is not None else ""
    return OutlookTable(rows, word, note)


def _rate_row(today: PriceOutlook, new: PriceOutlook | None) -> OutlookRow:
    label = "Completes an hour"
    if today.needed_an_hour is not None:
        label += f" ({numbers.format_significant(today.needed_an_hour, 2)} needed)"
    rates = new.response.rates if new and new.response else None
    is_short = rates is not None and rates.projected < rates.needed
    return OutlookRow(
        label,
        _rate_text(today),
        _rate_text(new),
        new_note=_rate_range(new) if new and new.response and new.response.evidence else "",
        is_warning=is_short,
    )


def _rate_text(outlook: PriceOutlook | None) -> str:
    if outlook is None:
        return numbers.DASH
    response = outlook.response
    if response is None or response.rates is None:
        return NOT_KNOWN
    return numbers.format_significant(response.rates.projected, 2)


def _rate_range(outlook: PriceOutlook) -> str:
    """Return the range of completes an hour, "0.7–1.4"; empty where it is not known."""
    response = outlook.response
    if response is None or response.rates is None or response.rates.projected <= 0:
        return ""
    ends, rates = response.at_end, response.rates
    share = rates.projected / (ends.p50 - outlook.completes) if ends.p50 > outlook.completes else 0
    low, high = (
        numbers.format_significant((end - outlook.completes) * share, 2)
        for end in (ends.p10, ends.p90)
    )
    return "" if low == high else f"{low}–{high}"


def _completes_row(group: TargetGroup, today: PriceOutlook, new: PriceOutlook | None) -> OutlookRow:
    label = "Completes by end date"
    if group.ends_at is not None:
        label = f"Completes by {group.ends_at.astimezone(times.zone_of(group)):%a %-d %b}"
    if goal := completes_target(group):
        label += f" (goal {numbers.format_count(goal)})"
    today_text, today_note = _completes_text(group, today)
    new_text, new_note = _completes_text(group, new)
    return OutlookRow(label, today_text, new_text, today_note, new_note)


def _completes_text(group: TargetGroup, outlook: PriceOutlook | None) -> tuple[str, str]:
    """Return completes by the end date, capped at the goal, and their range."""
    if outlook is None:
        return numbers.DASH, ""
    if outlook.response is None:
        return NOT_KNOWN, ""
    goal = completes_target(group)
    limit = float("inf") if goal is None else max(goal, group.completes or 0)
    low, middle, high = (
        numbers.format_count(min(value, limit))
        for value in (
            outlook.response.at_end.p10,
            outlook.response.at_end.p50,
            outlook.response.at_end.p90,
        )
    )
    return middle, "" if low == high else f"{low}–{high}"


def _cost_by_end_row(
    group: TargetGroup, today: PriceOutlook, new: PriceOutlook | None
) -> OutlookRow:
    after = new.cost_by_end if new else None
    return _cost_row(group, COST_BY_END_DATE, today.cost_by_end, after)


def _cost_at_goal_row(
    group: TargetGroup, today: PriceOutlook, new: PriceOutlook | None
) -> OutlookRow:
    """Return the cost if the goal is reached; what is still to spend where the rest is unknown."""
    is_partial = today.at_goal is not None and today.at_goal.total is None
    label = "Still to spend if the goal is reached" if is_partial else COST_IF_GOAL_REACHED
    return _cost_row(group, label, goal_cost(today), goal_cost(new) if new else None)


def _cost_row(
    group: TargetGroup, label: str, before: Decimal | None, after: Decimal | None
) -> OutlookRow:
    """Return a cost today and at the new CPI, with the difference and what exceeds the budget."""
    note, is_over = _difference_and_budget(group, before, after)
    return OutlookRow(
        label,
        numbers.format_total(before, group.currency),
        numbers.format_total(after, group.currency),
        new_note=note,
        is_warning=is_over,
    )


def goal_cost(outlook: PriceOutlook) -> Decimal | None:
    """Return the cost if the goal is reached; without a cost to date, what is still to spend."""
    cost = outlook.at_goal
    return cost and (cost.to_come if cost.total is None else cost.total)


def _difference_and_budget(
    group: TargetGroup, before: Decimal | None, after: Decimal | None
) -> tuple[str, bool]:
    """Return "+32", with what exceeds the budget, and whether any does."""
    if before is None or after is None:
        return "", False
    note = numbers.format_signed(after - before)
    if group.budget is None or after <= group.budget:
        return note, False
    over = numbers.format_total(after - group.budget, group.currency)
    return f"{note} · {over} over budget", True


def format_cost_change(before: Decimal | None, after: Decimal | None, currency: str) -> str:
    """Return "450 → 498 USD"; the amount alone where it stays, a dash where it is unknown."""
    if before is None or after is None:
        return numbers.DASH
    texts = [numbers.format_total(amount, "") for amount in (before, after)]
    return f"{' → '.join(dict.fromkeys(texts))} {currency}"


def _epc_row(group: TargetGroup, today: PriceOutlook, new: PriceOutlook | None) -> OutlookRow:
    note = "at today's conversion" if new is not None and new.epc is not None else ""
    return OutlookRow("EPC", _epc_text(group, today), _epc_text(group, new), new_note=note)


def _epc_text(group: TargetGroup, outlook: PriceOutlook | None) -> str:
    if outlook is None:
        return numbers.DASH
    return NOT_KNOWN if outlook.epc is None else numbers.format_price(outlook.epc, group.currency)


def _chance_text(outlook: PriceOutlook | None) -> str:
    if outlook is None:
        return numbers.DASH
    if outlook.response is None or outlook.response.chance is None:
        return NOT_KNOWN
    return numbers.format_likelihood(outlook.response.chance)
