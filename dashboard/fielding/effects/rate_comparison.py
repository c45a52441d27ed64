"""Two stretches of a group's field held against each other: rates, their interval, a verdict.

Completes are counted per *usual hour* (live hours weighted by the shape of the group's week),
so that a Saturday is not held against a Friday. The log of the ratio of two over-dispersed
Poisson rates is near to normal (McCullagh & Nelder, Generalized Linear Models, 1989); its
centre leaves out what the field's age alone would have done (`decline`), its variance takes in
what the shape may hide and what *placebo* changes, set where nothing was
changed, show on this very group (Bertrand, Duflo & Mullainathan, Q. J. Econ. 119, 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np

from dashboard.fielding.effects.decline import TAU, decline_exponent
from dashboard.fielding.series.readings import HOUR, Floats, Record

Verdict = Literal["raised", "lowered", "no clear effect", "too early"]

LONGEST = 7 * 24  # live hours looked at on each side
ENOUGH = 200  # completes on a side after which no more hours are needed
SHORTEST = 48
FEW = 10  # completes seen, or to be expected, on the emptier side
DRIFT = 0.0025  # variance of the log rate a day
SURE = 2.0  # standard errors
UNSURE = 2.5  # an interval this wide (upper over lower bound) is too early to tell


@dataclass(frozen=True, slots=True)
class Measure:
    """A number before and after, after over before with its 95 % interval, and the verdict."""

    before: float | None
    after: float | None
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Period:
    """Completes and usual hours of a stretch of live hours: `first` up to `last` (excluded)."""

    completes: float
    usual: float
    first: int
    last: int

    @property
    def rate(self) -> float:
        """Completes per usual hour."""
        return self.completes / self.usual

    @property
    def width(self) -> int:
        return self.last - self.first


def too_early(reason: str, before: float | None = None, after: float | None = None) -> Measure:
    """A measure that does not tell anything yet."""
    return Measure(before, after, None, None, None, "too early", reason)


def judge_log_ratio(
    before: float, after: float, *, centre: float, error: float, seen: str, waiting: bool
) -> Measure:
    """The verdict on a log ratio: clear of no change or not, and whether waiting may help."""
    low, high = centre - SURE * error, centre + SURE * error
    verdict: Verdict = "no clear effect"
    if low > 0 or high < 0:
        verdict = "raised" if low > 0 else "lowered"
    elif waiting and high - low > log(UNSURE):
        verdict = "too early"
    return Measure(before, after, exp(centre), exp(low), exp(high), verdict, seen)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The live hours of a group, their usual hours, and a change at `at` (seconds).

    others: when anything else was changed.
    """

    hours: Record
    usual: Floats
    at: float
    others: Sequence[float]

    def side(self, begin: float, end: float, *, backwards: bool) -> Period:
        """The live hours of one side, nearest to the change, until they hold enough."""
        start = self.hours.start
        inside = np.flatnonzero((start >= begin - 1) & (start + HOUR <= end + 1))
        if backwards:
            inside = inside[::-1]
        inside = inside[:LONGEST]
        enough = np.flatnonzero(np.cumsum(self.hours.counts[inside]) >= ENOUGH)
        if enough.size:
            inside = inside[: max(int(enough[0]) + 1, SHORTEST)]
        if not inside.size:
            return Period(0.0, 0.0, 0, 0)
        first, last = int(inside.min()), int(inside.max()) + 1
        completes, time = self.hours.counts[first:last].sum(), self.usual[first:last].sum()
        return Period(float(completes), float(time), first, last)

    def span(self, side: Period) -> tuple[float, float]:
        """When a side begins and ends (seconds); empty at the change without live hours."""
        if side.last == side.first:
            return self.at, self.at
        return float(self.hours.start[side.first]), float(self.hours.start[side.last - 1]) + HOUR

    def rates(self, before: Period, after: Period) -> Measure:
        """Completes per usual hour before and after."""
        if before.usual < 3 or after.usual < 3:
            side = "after" if before.usual >= 3 else "before"
            return too_early(f"less than 3 usual live hours {side} the change")
        rates = before.rate, after.rate
        if (
            min(
                max(before.completes, before.usual * after.rate),
                max(after.completes, after.usual * before.rate),
            )
            < FEW
        ):
            seen = f"{before.completes:.0f} completes before, {after.completes:.0f} after"
            return too_early(f"only {seen}", *rates)
        spread = self._spread(before, after)
        variance = spread * (1 / (before.completes + 0.5) + 1 / (after.completes + 0.5))
        variance += self._mismatch(before, after) + self._drift(before, after)
        variance = self._placebo(before, after, variance)
        centre = log((after.completes + 0.5) / (before.completes + 0.5))
        centre -= log(after.usual / before.usual)
        centre -= self._decline(before, after)
        seen = f"{rates[0]:.2f} → {rates[1]:.2f} completes per usual hour"
        waiting = after.completes < ENOUGH and after.width < LONGEST
        return judge_log_ratio(
            *rates, centre=centre, error=sqrt(variance), seen=seen, waiting=waiting
        )

    def _spread(self, *sides: Period) -> float:
        """Over-dispersion of 12-hour blocks around each side's own rate, shrunk towards 1.2."""
        squares, number = 4 * 1.2, 4.0
        for side in sides:
            cuts = np.arange(side.first, side.last - 5, 12)
            counts = np.add.reduceat(self.hours.counts[: side.last], cuts)
            expected = np.add.reduceat(self.usual[: side.last], cuts) * side.rate
            full = expected > 0.5
            squares += float(((counts - expected)[full] ** 2 / expected[full]).sum())
            number += max(0.0, float(full.sum()) - 1)
        return max(1.0, squares / number)

    def _mismatch(self, before: Period, after: Period) -> float:
        """Variance for what the shape may hide where the two sides hold different hours."""
        shares = []
        for side in (before, after):
            slot = self.hours.slot[side.first : side.last]
            part = (slot >= 120) * 6 + slot % 24 // 4
            shares.append(np.bincount(part, self.usual[side.first : side.last], 12) / side.usual)
        apart = np.abs(shares[0] - shares[1])
        weekend = abs(float(shares[0][6:].sum() - shares[1][6:].sum()))
        return (0.15 * float(apart.sum()) / 2) ** 2 + (0.2 * weekend) ** 2

    def _drift(self, before: Period, after: Period) -> float:
        """Variance for a rate that moves by itself between the middles of the two sides."""
        middles = [float(self.hours.start[s.first : s.last].mean()) for s in (before, after)]
        return DRIFT * (middles[1] - middles[0]) / (24 * HOUR)

    def _decline(self, before: Period, after: Period) -> float:
        """By how much the log rate would have moved with the field's age alone."""
        padded = -before.last % 24
        counts, time = (
            np.concatenate((np.zeros(padded), some[: before.last]))
            for some in (self.hours.counts, self.usual / 24)
        )
        ages = [(side.first + side.last) / 48 for side in (before, after)]
        return decline_exponent(counts, time) * log((TAU + ages[1]) / (TAU + ages[0]))

    def _placebo(self, before: Period, after: Period, variance: float) -> float:
        """The variance, raised to what changes that never were show earlier on this group."""
        cuts = np.arange(before.last - after.width, before.width // 2, -6)
        left, right = np.maximum(cuts - before.width, 0), cuts + after.width
        for other in [t for t in self.others if t < self.at]:
            place = int(np.searchsorted(self.hours.start, other))
            clear = (place <= left) | (place >= right)
            cuts, left, right = cuts[clear], left[clear], right[clear]
        counts, time = (np.append(0.0, np.cumsum(x)) for x in (self.hours.counts, self.usual))
        came = counts[cuts] - counts[left] + 0.5, counts[right] - counts[cuts] + 0.5
        passed = time[cuts] - time[left], time[right] - time[cuts]
        known = (passed[0] > 1) & (passed[1] > 1)
        if not known.any():
            return variance
        ratios = np.log((came[1] / came[0])[known] * (passed[0][known] / passed[1][known]))
        looks = 1 + 6 * int(ratios.size) / max(1, min(before.width, after.width))
        seen = float(np.mean(ratios**2))
        return max(variance, (4 * variance + looks * seen) / (4 + looks))
