"""Completes per usual hour on both sides of a change: the ratio, its interval, a verdict.

A *usual hour* is a live hour weighted by the shape of the group's week, so that a Saturday is
not compared with a Friday as if they were alike. The ratio is the step at the change that
`step_model` finds beside the group's own movements; what those account for is the correction.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.effects.step_model import Blocks, estimate_step
from dashboard.fielding.series.readings import HOUR, Floats, Record

Verdict = Literal["raised", "lowered", "no clear effect", "too early", "cannot tell"]

LONGEST = 7 * 24  # live hours on each side that the two rates are of
EARLIER = 14 * 24  # live hours before the change that tell how the rate moves by itself
ENOUGH = 200  # completes after the change from which on waiting tells little more
FEW = 10  # completes counted, or to be expected, on the emptier side
SHARE_NOISE = 2.0  # standard errors in the interval of a share
UNSURE = 3.0  # an interval this wide (upper over lower bound) is too early to tell
NAMED = 0.015  # a correction of the log ratio from which on it is named
MOVED = 4.0  # log likelihood ratio, by dispersion, from which on the rate moved before
SILENT = 5.0  # the same where a silence came before
USUAL_EFFECT = 0.6  # deviation of the log ratio that edits bring; a larger one is suspect
LEAST_SUSPECT = 0.5  # the same ratio where the effect is far too large
TREND_SURE = 2.5  # standard errors of a trend that began before the change
GOING_ON = 1.5  # the same of a fall that goes on after it
DAYS_VARY = 0.04  # variance of the log rate from day to day, for that trend
DAY = 24


@dataclass(frozen=True, slots=True)
class Measure:
    """A number before and after, after over before with its 95 % interval, and the verdict.

    The ratio is corrected for the group's own movement: after / before = ratio × own, where own
    is below 1 for a decline (1.0: not corrected). reason: the numbers or why there are none.
    """

    before: float | None
    after: float | None
    ratio: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str
    own: float = 1.0

    @property
    def correction(self) -> str:
        """What the ratio leaves out, in words; empty where it leaves out nothing."""
        if abs(log(self.own)) < NAMED:
            return ""
        word = "decline" if self.own < 1 else "rise"
        return f"after allowing for the field's own {word} of {abs(1 - self.own) * 100:.0f} %"


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
    """A measure without a verdict yet."""
    return Measure(before, after, None, None, None, "too early", reason)


def cannot_tell(reason: str, measure: Measure) -> Measure:
    """The rates of a measure without a ratio, because something else explains them as well."""
    return Measure(measure.before, measure.after, None, None, None, "cannot tell", reason)


def judge_interval(low: float, high: float, *, waiting: bool) -> Verdict:
    """The verdict on the interval of a log ratio; waiting: whether more time may help."""
    if low > 0 or high < 0:
        return "raised" if low > 0 else "lowered"
    return "too early" if waiting and high - low > log(UNSURE) else "no clear effect"


def judge_share(
    before: float, after: float, *, centre: float, error: float, numbers: str, waiting: bool
) -> Measure:
    """The verdict on the log ratio of two shares (0–1) and its standard error."""
    low, high = centre - SHARE_NOISE * error, centre + SHARE_NOISE * error
    verdict = judge_interval(low, high, waiting=waiting)
    return Measure(before, after, exp(centre), exp(low), exp(high), verdict, numbers)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The live hours of a group, their usual hours, and a change at `at` (seconds).

    quotas_open: whether the group's quotas are known and none of them is full.
    """

    hours: Record
    usual: Floats
    at: float
    quotas_open: bool = False

    def side(self, begin: float, end: float, *, backwards: bool, longest: int = LONGEST) -> Period:
        """The live hours of one side, at most `longest`, those nearest to the change."""
        start = self.hours.start
        inside = np.flatnonzero((start >= begin - 1) & (start + HOUR <= end + 1))
        inside = inside[-longest:] if backwards else inside[:longest]
        if not inside.size:
            return Period(0.0, 0.0, 0, 0)
        first, last = int(inside[0]), int(inside[-1]) + 1
        completes, time = self.hours.counts[first:last].sum(), self.usual[first:last].sum()
        return Period(float(completes), float(time), first, last)

    def span(self, side: Period) -> tuple[float, float]:
        """When a side begins and ends (seconds); empty at the change without live hours."""
        if side.last == side.first:
            return self.at, self.at
        return float(self.hours.start[side.first]), float(self.hours.start[side.last - 1]) + HOUR

    def rates(self, earlier: Period, before: Period, after: Period) -> Measure:
        """Completes per usual hour before and after; earlier: `before`, and what led to it."""
        if before.usual < 3 or after.usual < 3:
            side = "after" if before.usual >= 3 else "before"
            return too_early(f"Fewer than 3 typical live hours {side} the change.")
        rates = before.rate, after.rate
        if (
            min(
                max(before.completes, before.usual * after.rate),
                max(after.completes, after.usual * before.rate),
            )
            < FEW
        ):
            numbers = f"{before.completes:.0f} completes before, {after.completes:.0f} after"
            return too_early(f"Only {numbers}.", *rates)
        spread = self._spread(earlier, after)
        blocks = self._blocks(earlier, after)
        step = estimate_step(blocks, spread=spread)
        waiting = after.completes < ENOUGH and after.width < LONGEST
        own = 1.0
        if min(before.completes, after.completes) >= FEW:
            own = rates[1] / rates[0] / exp(step.centre)
        measure = Measure(
            *rates,
            exp(step.centre),
            exp(step.low),
            exp(step.high),
            judge_interval(step.low, step.high, waiting=waiting),
            f"{rates[0]:.2f} → {rates[1]:.2f} completes/h",
            own,
        )
        reason = self._own_movement(measure, blocks, before, after, spread)
        if measure.verdict == "lowered" and step.high_beside_fall > 0 and not self.quotas_open:
            reason = reason or (
                "A fall of this size also happens on its own, for example when a quota cell fills."
            )
        return cannot_tell(reason, measure) if reason else measure

    def _blocks(self, earlier: Period, after: Period) -> Blocks:
        """Both sides in days of 24 live hours, counted from the change."""
        place = earlier.last
        back = np.arange(place, earlier.first, -DAY)[::-1] - DAY
        cuts = np.concatenate((np.maximum(back, earlier.first), [after.first]))
        ahead = np.arange(after.first + DAY, after.last, DAY)
        if ahead.size and self.usual[ahead[-1] : after.last].sum() < 6:
            ahead = ahead[:-1]
        cuts = np.concatenate((cuts, ahead)).astype(int)
        ends = np.append(cuts[1:], after.last)
        weekend = (self.hours.slot >= 120) * self.usual
        sums = [np.append(0.0, np.cumsum(x)) for x in (self.hours.counts, self.usual, weekend)]
        counts, usual, free = (total[ends] - total[cuts] for total in sums)
        middle = (cuts + ends) / 2
        return Blocks(
            counts=counts,
            usual=usual,
            day=np.where(cuts >= after.first, middle - after.first, middle - place) / DAY,
            age=middle / DAY,
            whole=np.minimum(1.0, (ends - cuts) / DAY),
            weekend=free / np.maximum(usual, 1e-9),
        )

    def _spread(self, *sides: Period) -> float:
        """Dispersion of 6-hour counts around their own day's rate, shrunk towards 1.2."""
        squares, number = 8 * 1.2, 8.0
        for side in sides:
            size = (side.last - side.first) // DAY
            part = slice(side.last - size * DAY, side.last)
            counts, usual = (
                x[part].reshape(size, 4, 6).sum(2) for x in (self.hours.counts, self.usual)
            )
            expected = (
                usual * counts.sum(1, keepdims=True) / np.maximum(usual.sum(1), 1e-9)[:, None]
            )
            full = expected > 0.5
            squares += float(((counts - expected)[full] ** 2 / expected[full]).sum())
            number += max(0.0, float(full.sum() - full.any(axis=1).sum()))
        return float(np.clip(squares / number, 1.0, 4.0))

    def _own_movement(
        self, measure: Measure, blocks: Blocks, before: Period, after: Period, spread: float
    ) -> str:
        """Why a verdict is not the change's, in words; empty where nothing else explains it."""
        if measure.verdict not in ("raised", "lowered"):
            return ""
        rising = measure.verdict == "raised"
        return (
            _trend_beside(blocks, spread, rising=rising)
            or self._moved_before(before, after, spread, rising=rising)
            or (self._silent_before(before, after, spread) if rising else "")
        )

    def _moved_before(self, before: Period, after: Period, spread: float, *, rising: bool) -> str:
        """In words, when within the day before the change the rate was already the later one.

        The likelihood ratio of the last hours, for every number of hours up to 24: where it was
        the change that moved the rate, it passes e to the 4 in two of a hundred (Ville 1939).
        """
        counts, usual = self._last_hours(before)
        if not counts.size:
            return ""
        place = before.last - counts.size
        earlier, later = self._rate(before.first, place), self._later_rate(after)
        if (later > earlier) != rising:
            return ""
        ratio = np.cumsum(counts * log(later / earlier) - usual * (later - earlier))
        hours = int(ratio.argmax()) + 1
        if ratio[hours - 1] < _threshold(MOVED, later / earlier) * spread:
            return ""
        word = "risen" if rising else "fallen"
        return f"The rate had already {word} {_count_hours(hours)} before the change."

    def _silent_before(self, before: Period, after: Period, spread: float) -> str:
        """In words, when the group came back from a silence within the day before the change."""
        place, later = before.last, self._later_rate(after)
        counts, usual = (x[before.first : place][::-1] for x in (self.hours.counts, self.usual))
        busy = np.append(np.flatnonzero(counts > 0.5), counts.size)
        for back in range(min(DAY, counts.size - 1)):
            until = int(busy[np.searchsorted(busy, back)])
            if until in (back, counts.size):
                continue
            earlier = self._rate(before.first, place - until)
            resumed = counts[:back].sum() * log(later / earlier) - usual[:back].sum() * (
                later - earlier
            )
            silence = usual[back:until].sum() * earlier
            if resumed + silence > _threshold(SILENT, later / earlier) * spread:
                when = f"until {_count_hours(back)} before" if back else "right before"
                return f"No completes came for {_count_hours(until - back)}, {when} the change."
        return ""

    def _last_hours(self, before: Period) -> tuple[Floats, Floats]:
        """Completes and usual hours of the day before the change, the last hour first."""
        part = slice(before.last - min(DAY, before.width - 1), before.last)
        return self.hours.counts[part][::-1], self.usual[part][::-1]

    def _rate(self, first: int, last: int) -> float:
        """Completes per usual hour of a stretch of live hours, never 0."""
        counts, usual = (x[first:last].sum() + 0.5 for x in (self.hours.counts, self.usual))
        return float(counts / usual)

    def _later_rate(self, after: Period) -> float:
        """The rate in the two days after the change."""
        return self._rate(after.first, min(after.last, after.first + 2 * DAY))


def _trend_beside(blocks: Blocks, spread: float, *, rising: bool) -> str:
    """In words, a trend that led to the change in the direction of the verdict, or a fall that
    goes on after it, as where quotas or a panel run out and an edit does not.
    """
    slope, sure = _daily_slope(blocks, blocks.day < 0, spread)
    if sure > TREND_SURE and (slope > 0) == rising:
        word = "rising" if rising else "falling"
        return f"The rate was already {word} by {_percent(slope)} a day before the change."
    slope, sure = _daily_slope(blocks, blocks.day > 0, spread)
    if sure > GOING_ON and slope < 0 and not rising:
        return f"The rate keeps falling after the change, by {_percent(slope)} a day."
    return ""


def _daily_slope(blocks: Blocks, side: NDArray[np.bool_], spread: float) -> tuple[float, float]:
    """The slope of the log rate a day on one side, and by how many standard errors it is not 0."""
    part = side & (blocks.usual > 3)
    if part.sum() < 3:
        return 0.0, 0.0
    mean = np.maximum(blocks.counts[part], 0.5)
    weight = 1 / (spread / mean + DAYS_VARY)
    day = blocks.day[part] - np.average(blocks.day[part], weights=weight)
    info = float((weight * day**2).sum())
    slope = float((weight * day * np.log(mean / blocks.usual[part])).sum()) / info
    return slope, abs(slope) * info**0.5


def _percent(slope: float) -> str:
    """A slope of the log rate as a percentage."""
    return f"{abs(exp(slope) - 1) * 100:.0f} %"


def _threshold(usual: float, ratio: float) -> float:
    """The log likelihood ratio that is asked for: the less, the larger a rise would be."""
    if ratio < 1:
        return usual
    return max(LEAST_SUSPECT, usual - 0.5 * (log(ratio) / USUAL_EFFECT) ** 2)


def _count_hours(number: int) -> str:
    return "1 hour" if number == 1 else f"{number} hours"
