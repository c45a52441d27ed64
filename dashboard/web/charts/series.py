"""A group's completes as pages need them: the hourly grid of a chart, the steps of a table."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.models import TargetGroup
from dashboard.fielding.queries import group_page
from dashboard.fielding.series.completes import on_the_hour

HOUR = timedelta(hours=1)
_DAY = struct.Struct("<24i")


class Grid(NamedTuple):
    """Cumulative completes at each full hour from `start`; None where there is no reading."""

    start: datetime
    counts: list[int | None]

    @property
    def end(self) -> datetime:
        """The time of the last count."""
        return self.start + HOUR * (len(self.counts) - 1)

    def points(self) -> list[tuple[datetime, int]]:
        """The counts that there are, each with its time."""
        return [(self.start + HOUR * i, n) for i, n in enumerate(self.counts) if n is not None]


class GridStep(NamedTuple):
    """A stretch of the group's own clock: its start there, the count at its end, what it gained."""

    start: datetime
    completes: int | None
    gained: int | None


def hourly_grid(group: TargetGroup, since: datetime) -> Grid | None:
    """The hourly grid since a moment, without empty ends; None if nothing was ever counted."""
    return from_days(group_page.completes_days(group, since))


def from_days(days: Sequence[tuple[date, Any, Any]]) -> Grid | None:
    """One grid from packed days in order; days without a row are gaps."""
    if not days:
        return None
    first = days[0][0]
    counts: list[int | None] = [None] * (((days[-1][0] - first).days + 1) * 24)
    for day, hours in on_the_hour(days):
        at = (day - first).days * 24
        counts[at : at + 24] = [None if n < 0 else n for n in _DAY.unpack(bytes(hours))]
    known = [i for i, n in enumerate(counts) if n is not None]
    if not known:
        return None
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + HOUR * (known[0] + 1)
    return Grid(start, counts[known[0] : known[-1] + 1])


def last_known(hours: Any) -> int | None:
    """The last count of a packed day; None if all of it is a gap."""
    return next((n for n in reversed(_DAY.unpack(bytes(hours))) if n >= 0), None)


def steps_of_grid(of: Grid, hours: int, where: ZoneInfo) -> list[GridStep]:
    """Stretches of 1, 6 or 24 h of the group's own clock, in order, with what each gained.

    Their starts carry no zone: they are what the clock there shows.
    """
    last: dict[tuple[datetime, int], int | None] = {}
    for i, count in enumerate(of.counts):
        at = (of.start + HOUR * i - timedelta(seconds=1)).astimezone(where)
        start = at.replace(hour=at.hour // hours * hours, minute=0, second=0, tzinfo=None, fold=0)
        key = (start, at.fold if hours == 1 else 0)
        last[key] = count if count is not None else last.get(key)
    found: list[GridStep] = []
    before: int | None = None
    for (start, _), count in last.items():
        gained = None if count is None or before is None else count - before
        found.append(GridStep(start, count, gained))
        before = count if count is not None else before
    return found
