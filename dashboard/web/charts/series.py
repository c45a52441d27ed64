"""A group's completes as pages need them: hourly for charts, in steps for tables."""

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
# A day, its packed hours and its odd readings; Any: databases give bytes or a memoryview.
PackedRow = tuple[date, Any, Any]
_DAY = struct.Struct("<24i")


class Grid(NamedTuple):
    """Cumulative completes at each full hour from `start`; None marks a gap."""

    start: datetime
    counts: list[int | None]

    @property
    def end(self) -> datetime:
        """Return the time of the last count."""
        return self.start + HOUR * (len(self.counts) - 1)

    def points(self) -> list[tuple[datetime, int]]:
        """Return all counts with their times, without the gaps."""
        return [(self.start + HOUR * i, n) for i, n in enumerate(self.counts) if n is not None]


class GridStep(NamedTuple):
    """A step in the group's local time: its start, the count at its end, and the gain."""

    start: datetime
    completes: int | None
    gained: int | None


def hourly_grid(group: TargetGroup, since: datetime) -> Grid | None:
    """Return the hourly grid since a time, without empty ends; None without any count."""
    return from_days(group_page.completes_days(group, since))


def from_days(days: Sequence[PackedRow]) -> Grid | None:
    """Build one grid from packed days in order; days without a row are gaps."""
    if not days:
        return None
    first = days[0][0]
    counts: list[int | None] = [None] * (((days[-1][0] - first).days + 1) * 24)
    for day, hours in on_the_hour(days):
        at = (day - first).days * 24
        counts[at : at + 24] = [None if n < 0 else n for n in _DAY.unpack(bytes(hours))]
    counted = [i for i, n in enumerate(counts) if n is not None]
    if not counted:
        return None
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + HOUR * (counted[0] + 1)
    return Grid(start, counts[counted[0] : counted[-1] + 1])


def steps_of_grid(grid: Grid, hours: int, zone: ZoneInfo) -> list[GridStep]:
    """Return steps of 1, 6 or 24 h of local time, oldest first, with the gain of each.

    `start` carries no zone: it is local time.
    """
    last: dict[tuple[datetime, int], int | None] = {}
    for i, count in enumerate(grid.counts):
        at = (grid.start + HOUR * i - timedelta(seconds=1)).astimezone(zone)
        start = at.replace(hour=at.hour // hours * hours, minute=0, second=0, tzinfo=None, fold=0)
        key = (start, at.fold if hours == 1 else 0)
        last[key] = count if count is not None else last.get(key)
    steps: list[GridStep] = []
    before: int | None = None
    for (start, _), count in last.items():
        gained = None if count is None or before is None else count - before
        steps.append(GridStep(start, count, gained))
        before = count if count is not None else before
    return steps
