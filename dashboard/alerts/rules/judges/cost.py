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
from dashboard.alerts.text import format_percent


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
    return AlertText(
        f"Budget: {group.label}, {share} spent",
        f"{group.label}: {cost:,.2f} of {budget:,.2f} {group.currency} spent ({share} of the "
        f"budget). {group.progress}.",
        (("spend", f"{cost:,.2f} {group.currency}", f"≤ {budget:,.2f} {group.currency}"),),
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
    return AlertText(
        f"Budget: {group.label}, projected cost {cost:,.0f} of {budget:,.0f} {group.currency}",
        f"{group.label}: projected cost {cost:,.2f} {group.currency} by the end date, budget "
        f"{budget:,.2f} {group.currency}. {group.progress}.",
        (("projected cost", f"{cost:,.2f} {group.currency}", f"≤ {budget:,.2f} {group.currency}"),),
    )
