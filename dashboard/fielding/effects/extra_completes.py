"""What a change of price brought and cost: extra completes, and extra cost, with their ranges.

Of the completes counted after a change, those that its effect accounts for are the extra ones: with
a ratio of 1.25 a fifth of them. The extra cost is what all of them cost at the new price, less what
the others would have cost at the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

from dashboard.fielding.effects.rate_comparison import Measure, Verdict

WITH_ESTIMATE: tuple[Verdict, ...] = ("raised", "lowered", "no clear effect")


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    low: float
    middle: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval is on one side of zero."""
        return self.low > 0 or self.high < 0


class CpiStep(NamedTuple):
    """The price of a complete before and after a change, in one currency."""

    old: float
    new: float


def extra_completes(measure: Measure, completes_after: float) -> Estimate | None:
    """Return how many of the completes after a change are there because of it.

    Negative where it brought fewer; None where it is too early, or where something else explains
    the difference as well.
    """
    if measure.verdict not in WITH_ESTIMATE:
        return None
    if measure.ratio is None or measure.low is None or measure.high is None:
        return None
    ratios = (measure.low, measure.ratio, measure.high)
    return Estimate(*(completes_after * (1 - 1 / ratio) for ratio in ratios))


def extra_cost(extra: Estimate, completes_after: float, step: CpiStep) -> Estimate:
    """Return the cost of the completes after a change, less what would have come at the old price.

    In the currency of the prices; the same completes at a higher price cost more, too.
    """
    paid = completes_after * step.new
    return Estimate(*(paid - (completes_after - count) * step.old for count in extra))


def add_estimates(estimates: Iterable[Estimate]) -> Estimate:
    """Return the sum of independent estimates: their errors add up by their squares."""
    rows = list(estimates)
    middle = sum(row.middle for row in rows)
    below = sqrt(sum((row.middle - row.low) ** 2 for row in rows))
    above = sqrt(sum((row.high - row.middle) ** 2 for row in rows))
    return Estimate(middle - below, middle, middle + above)
