"""Plan new prices for selected groups: each group's CPI and costs, and which cannot change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.advice.advised_groups import (
    AdvisedGroup,
    advise_together,
    load_advised_groups,
)
from dashboard.fielding.advice.plan import Advice
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.models import TargetGroup
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.batches.preview import Names, Preview, PreviewRow, PriceImpact
from dashboard.web.edits.forms import price_impact
from dashboard.web.edits.forms.base import (
    FormError,
    Money,
    format_change,
    is_again,
    is_large_step,
    parse_amount,
    parse_positive,
)
from dashboard.web.edits.forms.cpi import QUICK
from dashboard.web.edits.price.outlook import PriceOutlook, outlook_at
from dashboard.web.edits.price.table import as_of, format_cost_change, goal_cost
from dashboard.web.edits.price.ways import describe_need
from dashboard.web.formatting import numbers

PRICE_LIMIT = Decimal(10) ** 9  # the first price that our tables cannot hold
FINAL_STATUSES = ("draft", "completed", "archived")
NEEDS = "needs"
MOST_PERCENT = Decimal(1000)  # more is not meant where a percentage can be read in two ways
PRICE_CHANGES = {
    "set": "Set to",
    "raise": "Increase by",
    "lower": "Decrease by",
    NEEDS: "Raise as needed",
}
QUICK_CHOICES = [(percent, f"{numbers.format_signed(int(percent))} %") for percent in QUICK]


def fill_quick_choice(typed: QueryDict) -> QueryDict:
    """Return the form filled in as its quick choice `by` asks; as it was typed without one."""
    percent = typed.get("by", "")
    if percent not in (*QUICK, NEEDS):
        return typed
    filled = typed.copy()
    if percent == NEEDS:
        filled["typed"], filled["how"], filled["value"] = "1", NEEDS, ""
        return filled
    change = "lower" if percent.startswith("-") else "raise"
    choice = {"typed": "1", "how": change, "unit": "%", "value": percent.removeprefix("-")}
    for name, text in choice.items():
        filled[name] = text
    return filled


def plan_price(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, now: datetime
) -> Preview:
    """Return each group with its new CPI and its costs: set, raised or lowered as typed, or raised
    to what it needs."""
    change, unit = typed.get("how", ""), typed.get("unit", "")
    amount = _clean_amount(change, unit, typed.get("value", ""))
    advised = load_advised_groups(groups, now=now)
    advice = advise_together(advised)
    wanted = {"how": change}
    if amount is not None:
        wanted |= {"unit": unit, "value": f"{amount:f}"}
    preview = Preview(wanted=wanted)
    moves: list[tuple[TargetGroup, Decimal, Decimal]] = []
    for group in groups:
        needs = advice.get(group.pk)
        if amount is None:
            new, refusal = _needed_price(group, needs)
        else:
            new = _calculate_price(group, change, unit, amount)
            refusal = reason_against_price(group, unit, new)
        if refusal:
            preview.refused.append((group, refusal))
        elif new is not None and group.cpi is not None:
            row = price_row(group, group.cpi, new, now=now, advised=advised.get(group.pk))
            preview.rows.append(_with_needs(row, group, needs))
            moves.append((group, group.cpi, new))
    _require_confirmation(moves, typed, unit, amount)
    preview.cost = _total_cost(moves)
    return preview


def _clean_amount(change: str, unit: str, text: str) -> Decimal | None:
    """Return the amount or percentage; None where each group gets what it needs.

    Raises FormError at the field of what cannot be planned.
    """
    if change not in PRICE_CHANGES:
        raise FormError(how="Choose an action.")
    if change == NEEDS:
        return None
    if change == "set" and unit == "%":
        raise FormError(unit="Choose a currency to set the CPI to an amount.")
    if unit == "%":
        return parse_positive(text.strip().removesuffix("%"), "value", "amount", most=MOST_PERCENT)
    limit = settings.CPI_LIMITS.get(unit)
    return parse_amount(text, unit, "value", "amount", most=limit)


def _require_confirmation(
    moves: Sequence[tuple[TargetGroup, Decimal, Decimal]],
    typed: QueryDict,
    unit: str,
    amount: Decimal | None,
) -> None:
    """Raise FormError for large steps until the amount is typed again; without an amount, until
    the number of groups with a large step is."""
    large_steps = [format_change(old, new) for _, old, new in moves if is_large_step(old, new)]
    again = typed.get("value_again", "").strip().removesuffix("%")
    if not large_steps or is_again(again, amount or Decimal(len(large_steps)), unit):
        return
    number = f"{len(large_steps)} group{'' if len(large_steps) == 1 else 's'}"
    largest = max(large_steps, key=_absolute_percent)
    what = (
        "Re-enter the amount"
        if amount is not None
        else f"Enter the number of these groups, {len(large_steps)},"
    )
    sentence = f"Large change for {number} (up to {largest}). {what} to confirm."
    raise FormError(again=True, value_again=sentence)


def _needed_price(group: TargetGroup, needs: Advice | None) -> tuple[Decimal | None, str]:
    """Return the CPI that a group needs, and why it gets none; empty if it does."""
    plan = needs.raise_now if needs is not None else None
    if plan is not None:
        return plan.cpi, reason_against_price(group, group.currency, plan.cpi)
    if refusal := reason_against_price(group, group.currency, group.cpi and group.cpi + 1):
        return None, refusal
    if needs is None:
        return None, "there is no advice on it: it needs a goal, an end date and a forecast"
    text = describe_need(group, needs)
    return None, text[:1].lower() + text[1:]


def _with_needs(row: PreviewRow, group: TargetGroup, needs: Advice | None) -> PreviewRow:
    if row.impact is None or needs is None:
        return row
    return replace(row, impact=replace(row.impact, needs=describe_need(group, needs)))


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


def reason_against_price(group: TargetGroup, unit: str, new: Decimal | None) -> str:
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


def price_row(
    group: TargetGroup,
    old: Decimal,
    new: Decimal,
    *,
    now: datetime,
    advised: AdvisedGroup | None = None,
) -> PreviewRow:
    """Return the row of a group that gets this CPI, with what that does to its costs."""
    at, currency = as_of(group, now), group.currency
    outlook = advised.outlook if advised is not None else None
    before, after = (outlook_at(group, cpi, now=at, advised=outlook) for cpi in (old, new))
    notes = []
    if group.budget is not None and (over := excess_over_budget(group, after)):
        notes.append(f"{numbers.format_total(over, currency)} over its budget.")
    if group.is_pricing_restricted:
        notes.append("Limited by the fielding assistant; Cint may reject it.")
    impact = PriceImpact(
        format_cost_change(before.cost_by_end, after.cost_by_end, currency),
        format_cost_change(goal_cost(before), goal_cost(after), currency),
    )
    return PreviewRow(
        Chosen(group, money_value(old, currency), money_value(new, currency)),
        numbers.format_money(old, currency),
        f"{numbers.format_money(new, currency)} ({format_change(old, new)})",
        " ".join(notes),
        impact,
    )


def prices_of(rows: Iterable[PreviewRow]) -> list[tuple[TargetGroup, Decimal]]:
    """Return the groups of a bulk change of the CPI, each with its new CPI."""
    prices = ((row.chosen.group, price_from_changelog(row.chosen.wanted)) for row in rows)
    return [(group, price) for group, price in prices if price is not None]


def money_value(amount: Decimal, currency: str) -> Money:
    """Return an amount as the exchange writes it."""
    return {"value": format(amount, "f"), "currency_code": currency}


def excess_over_budget(group: TargetGroup, outlook: PriceOutlook) -> Decimal | None:
    """Return what the cost if the goal is reached exceeds the budget by; None for nothing."""
    at_goal = outlook.at_goal
    if group.budget is None or at_goal is None or at_goal.total is None:
        return None
    return max(at_goal.total - group.budget, Decimal(0)) or None
