"""The curves of two waves: percent of the goal by day in field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.web.charts import Curve, CurvePoint
from dashboard.web.projects.wave_comparison import DAY, Pair, Points, WaveSeries, count_at

STEP = timedelta(hours=6)
MOST_STEPS = 4 * 120  # a longer field is cut off


def curve_now(pairs: Sequence[Pair]) -> Curve:
    """Return this wave up to the age of its oldest group; a younger one counts as it is now."""
    rows = [pair.series for pair in pairs if pair.series]
    if not rows:
        return Curve([])
    longest = max(row.age for row in rows)
    goal = sum(row.progress.goal_now for row in rows)
    points = [
        CurvePoint(age / DAY, sum(_done_now(row, age) for row in rows), goal)
        for age in _ages(longest)
    ]
    return Curve(points)


def curve_then(pairs: Sequence[Pair]) -> Curve:
    """Return the previous wave up to the last count of its groups."""
    rows = [pair.series for pair in pairs if pair.series]
    if not rows:
        return Curve([])
    longest = max(_length(row.start_then, row.points_then) for row in rows)
    goal = sum(row.progress.goal_then for row in rows)
    points = [
        CurvePoint(
            age / DAY, sum(count_at(row.points_then, row.start_then + age) for row in rows), goal
        )
        for age in _ages(longest)
    ]
    return Curve(points)


def _done_now(row: WaveSeries, age: timedelta) -> float:
    """The completes of a group at an age; at its present one as the exchange reports them."""
    if age >= row.age:
        return row.progress.done_now
    return min(count_at(row.points_now, row.start_now + age), row.progress.done_now)


def _length(start: datetime, points: Points) -> timedelta:
    return max(points[-1][0] - start, timedelta(0)) if points else timedelta(0)


def _ages(longest: timedelta) -> list[timedelta]:
    """The ages from 0 in steps of 6 hours, and the longest one."""
    number = min(int(longest / STEP) + 1, MOST_STEPS)
    ages = [STEP * step for step in range(number)]
    return ages if ages[-1] == longest or number == MOST_STEPS else [*ages, longest]
