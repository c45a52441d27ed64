"""Spend against the budget, which is ours: the group's own, else the one set with the rule."""

from __future__ import annotations

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import CRITICAL, Memory, Settings, Verdict, Words, breach_above
from dashboard.alerts.text import format_percent
from dashboard.fielding.domain.money import format_cents, format_total


def _budget(f: GroupSnapshot, s: Settings) -> float:
    """What the group may cost; 0 for no budget."""
    return float(f.budget or s["budget"])


def judge_budget_spent(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """What was spent, as a share of the budget; critical once it is used up."""
    if f.cost is None or _budget(f, s) <= 0:
        return None
    share = float(f.cost) / _budget(f, s)
    verdict = breach_above(share, s["fires"], s["clears"])
    return verdict._replace(severity=CRITICAL) if share >= s["critical"] else verdict


def say_spent(f: GroupSnapshot, s: Settings) -> Words:
    """Spend of budget."""
    cost = format_cents(f.cost or 0, f.currency)
    budget = format_cents(_budget(f, s), f.currency)
    share = format_percent(float(f.cost or 0) / _budget(f, s))
    return Words(
        f"Budget: {f.label}, {share} spent",
        f"{f.label}: {cost} of {budget} spent ({share}); {f.progress}.",
        (("spend", cost, f"≤ {budget}"),),
    )


def _projected_cost(f: GroupSnapshot) -> float | None:
    """The likely cost at the end (p50), in the group's currency."""
    cost = f.insight.cost
    return None if cost is None or cost.p50 is None else float(cost.p50)


def judge_projected_cost(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The likely cost at the end, as a share of the budget."""
    cost = _projected_cost(f)
    if cost is None or _budget(f, s) <= 0:
        return None
    return breach_above(cost / _budget(f, s), s["fires"], s["clears"])


def say_projected(f: GroupSnapshot, s: Settings) -> Words:
    """The likely cost of the budget."""
    cost = format_total(_projected_cost(f) or 0.0, f.currency)
    budget = format_total(_budget(f, s), f.currency)
    return Words(
        f"Budget: {f.label} will cost about {cost} of {budget}",
        f"{f.label}: about {cost} at its end, the budget is {budget}; {f.progress}.",
        (("cost at the end", cost, f"≤ {budget}"),),
    )
