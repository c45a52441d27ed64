"""Spend against the budget, which is ours: the amount set with the rule on the group."""

from __future__ import annotations

from dashboard.alerts.figures import Figures
from dashboard.alerts.verdict import CRITICAL, Memory, Settings, Verdict, Words, over
from dashboard.alerts.words import percent


def spent(f: Figures, s: Settings, _: Memory) -> Verdict | None:
    """What was spent, as a share of the budget; critical once it is used up."""
    if f.cost is None or s["budget"] <= 0:
        return None
    share = float(f.cost) / s["budget"]
    verdict = over(share, s["fires"], s["clears"])
    return verdict._replace(severity=CRITICAL) if share >= s["critical"] else verdict


def say_spent(f: Figures, s: Settings) -> Words:
    """Spend of budget."""
    cost = f"{f.cost or 0:.2f} {f.currency}"
    share = percent(float(f.cost or 0) / s["budget"])
    return Words(
        f"Budget: {f.label}, {share} spent",
        f"{f.label}: {cost} of {s['budget']:.2f} {f.currency} spent ({share}); {f.progress}.",
        (("spend", cost, f"≤ {s['budget']:.2f} {f.currency}"),),
    )


def projected(f: Figures, s: Settings, _: Memory) -> Verdict | None:
    """The likely cost at the end, as a share of the budget."""
    cost = f.told("cost", "p50")
    if cost is None or s["budget"] <= 0:
        return None
    return over(float(cost) / s["budget"], s["fires"], s["clears"])


def say_projected(f: Figures, s: Settings) -> Words:
    """The likely cost of the budget."""
    cost = float(f.told("cost", "p50") or 0)
    return Words(
        f"Budget: {f.label} will cost about {cost:.0f} of {s['budget']:.0f} {f.currency}",
        f"{f.label}: about {cost:.2f} {f.currency} at its end, the budget is {s['budget']:.2f}; "
        f"{f.progress}.",
        (("cost at the end", f"{cost:.2f} {f.currency}", f"≤ {s['budget']:.2f} {f.currency}"),),
    )
