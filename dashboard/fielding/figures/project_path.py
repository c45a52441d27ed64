"""The way of a project's completes: its target by any time, and where it goes, as a band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import is_open
from dashboard.fielding.figures.joint_sum import JointDraws
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.insight.at_end import HasGoalAndPeriod, group_at_end, read_expected

MOMENTS = 16
# A group without an end date is projected so far ahead, as its forecast is.
OPEN_END = timedelta(days=28)


class HasDates(HasGoalAndPeriod, Protocol):
    """A group, or a row of `at_end.FIELDS`."""

    @property
    def starts_at(self) -> datetime | None: ...


class HasPath(HasDates, Protocol):
    """A group, or a row of `at_end.FIELDS` and `at_end.EXPECTED`."""

    @property
    def insight__forecast__at_end(self) -> object: ...


def projected_path(rows: Sequence[HasPath], *, now: datetime) -> list[tuple[datetime, Percentiles]]:
    """Return the completes of all groups from now on: time, and the range of their sum.

    Each group goes straight from its count now (a scheduled one from its start) to where it ends,
    and stops at its goal. Empty where no group is open.
    """
    clock = now.timestamp()
    ends = [
        group_at_end(row, read_expected(row.insight__forecast__at_end), now=now) for row in rows
    ]
    spans = [_span(row, now) for row in rows]
    last = max((until for since, until in spans if until > since), default=clock)
    if last <= clock:
        return []
    moments = np.linspace(clock, last, MOMENTS)
    since, until = np.array(spans).T
    ways = np.maximum(until - since, 1.0)
    shares = np.clip((moments[:, None] - since) / ways, 0.0, 1.0)
    ranges = JointDraws(ends).on_the_way(shares)
    return [
        (datetime.fromtimestamp(float(moment), UTC), range_)
        for moment, range_ in zip(moments, ranges, strict=True)
    ]


def target_line(rows: Iterable[HasDates]) -> list[tuple[datetime, float]]:
    """Return the target of all groups in completes, at every time where the line bends.

    The sum of straight lines from 0 at each start to the goal at each end date; a group without
    one of the three has none.
    """
    return [(datetime.fromtimestamp(at, UTC), total) for at, total in _target_bends(rows)]


def target_by(rows: Iterable[HasDates], moment: datetime) -> float | None:
    """Return the target of all groups in completes at a time; None without such a line."""
    line = _target_bends(rows)
    if not line:
        return None
    moments, totals = zip(*line, strict=True)
    return float(np.interp(moment.timestamp(), moments, totals))


def _target_bends(rows: Iterable[HasDates]) -> list[tuple[float, float]]:
    """Return the bends of the target line: time in seconds, completes."""
    lines = [
        (row.starts_at.timestamp(), row.ends_at.timestamp(), float(goal))
        for row in rows
        if row.starts_at and row.ends_at and row.starts_at < row.ends_at
        if (goal := completes_target(row))
    ]
    moments = sorted({moment for begins, ends, _ in lines for moment in (begins, ends)})
    total = np.zeros(len(moments))
    for begins, ends, height in lines:
        total += np.interp(moments, (begins, ends), (0.0, height))
    return list(zip(moments, total.tolist(), strict=True))


def _span(row: HasPath, now: datetime) -> tuple[float, float]:
    """From when to when a group brings completes (seconds); nowhere for one that is over."""
    clock = now.timestamp()
    if not is_open(row, now):
        return clock, clock
    begins = max(clock, row.starts_at.timestamp()) if row.starts_at else clock
    return begins, max((row.ends_at or now + OPEN_END).timestamp(), begins)
