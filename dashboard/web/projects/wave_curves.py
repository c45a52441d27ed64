"""The curves of two waves: percent of the goal by day in field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.web.charts import CurvePoint, WaveCurve
from dashboard.web.projects.wave_comparison import DAY, Pair, Points, WaveSeries, count_at

STEP = timedelta(hours=6)
MOST_STEPS = 4 * 120  # a longer field is cut off


class WaveCurves(NamedTuple):
    """Both waves up to the age of the oldest group, and the previous one to its end.

    In the first two a group stops at the age that it has now, so that they end with the shares
    that are compared; where all groups have one age, `then` is the beginning of `whole`.
    """

    now: WaveCurve
    then: WaveCurve
    whole: WaveCurve


def wave_curves(pairs: Sequence[Pair]) -> WaveCurves:
    """Return the curves of matched groups together; empty without a comparison."""
    rows = [pair.series for pair in pairs if pair.series]
    if not rows:
        return WaveCurves(WaveCurve([]), WaveCurve([]), WaveCurve([]))
    goal_now = sum(row.progress.goal_now for row in rows)
    goal_then = sum(row.progress.goal_then for row in rows)
    ages = _ages(max(row.age for row in rows))
    whole = _ages(max(_length(row.start_then, row.points_then) for row in rows))
    return WaveCurves(
        now=_curve(ages, goal_now, lambda age: sum(_done_now(row, age) for row in rows)),
        then=_curve(
            ages, goal_then, lambda age: sum(_done_then(row, min(age, row.age)) for row in rows)
        ),
        whole=_curve(whole, goal_then, lambda age: sum(_done_then(row, age) for row in rows)),
    )


def _curve(ages: Sequence[timedelta], goal: float, done: Callable[[timedelta], float]) -> WaveCurve:
    return WaveCurve([CurvePoint(age / DAY, done(age), goal) for age in ages])


def _done_now(row: WaveSeries, age: timedelta) -> float:
    """The completes of a group at an age; at its present one as the exchange reports them."""
    if age >= row.age:
        return row.progress.done_now
    return min(count_at(row.points_now, row.start_now + age), row.progress.done_now)


def _done_then(row: WaveSeries, age: timedelta) -> float:
    return count_at(row.points_then, row.start_then + age)


def _length(start: datetime, points: Points) -> timedelta:
    return max(points[-1][0] - start, timedelta(0)) if points else timedelta(0)


def _ages(longest: timedelta) -> list[timedelta]:
    """The ages from 0 in steps of 6 hours, and the longest one."""
    number = min(int(longest / STEP) + 1, MOST_STEPS)
    ages = [STEP * step for step in range(number)]
    return ages if ages[-1] == longest or number == MOST_STEPS else [*ages, longest]
