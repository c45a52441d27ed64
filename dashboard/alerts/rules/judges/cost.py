"""Spend against the budget: the group's own, or else the one set with the rule.

Budgets are stored in Fieldwatch only. Amounts are in the group's currency.
"""

from __future__ import annotations

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import (
    CRITICAL,
    AlertText,
    OpeningFacts,
    Settings,
    Verdict,
    breach_above,
)
from dashboard.fielding.domain.figures import format_percent
from dashboard.fielding.domain.money import format_cents, format_total


def _budget_of(group: GroupSnapshot, settings: Settings) -> float:
    """Return the group's budget; 0 for none."""
    return float(group.budget or settings["budget"])


def judge_budget_spent(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge spend as a share of the budget; critical once the budget is used up."""
    budget = _budget_of(group, settings)
    if group.cost is None or budget <= 0:
        return None
    share = float(group.cost) / budget
    verdict = breach_above(share, settings["fires"], settings["clears"])
    return verdict._replace(severity=CRITICAL) if share >= settings["critical"] else verdict


def describe_spent(group: GroupSnapshot, settings: Settings) -> AlertText:
    """Describe spend against the budget."""
    budget, cost = _budget_of(group, settings), group.cost or 0
    share = format_percent(float(cost) / budget)
    spent, limit = format_cents(cost, group.currency), format_cents(budget, group.currency)
    return AlertText(
        f"Budget: {group.label}, {share} spent",
        f"{group.label}: {spent} of {limit} spent ({share} of the budget). {group.progress}.",
        (("spend", spent, f"budget {limit}"),),
    )


def _projected_cost(group: GroupSnapshot) -> float | None:
    """Return the projected cost at the end date (p50), in the group's currency."""
    cost = group.insight.cost
    return None if cost is None or cost.p50 is None else float(cost.p50)


def judge_projected_cost(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge the projected cost at the end date as a share of the budget."""
    cost, budget = _projected_cost(group), _budget_of(group, settings)
    if cost is None or budget <= 0:
        return None
    return breach_above(cost / budget, settings["fires"], settings["clears"])


def describe_projected_cost(group: GroupSnapshot, settings: Settings) -> AlertText:
    """Describe the projected cost against the budget."""
    cost, budget = _projected_cost(group) or 0.0, _budget_of(group, settings)
    currency = group.currency
    total, limit = format_cents(cost, currency), format_cents(budget, currency)
    return AlertText(
        f"Budget: {group.label}, cost by end date {format_total(cost, currency)} of "
        f"{format_total(budget, currency)}",
        f"{group.label}: cost by end date {total}, budget {limit}. {group.progress}.",
        (("cost by end date", total, f"budget {limit}"),),
    )
