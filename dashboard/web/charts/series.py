"""A group's completes as pages need them: hourly for charts, in steps for tables."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.models import TargetGroup
from dashboard.fielding.queries import group_page
from dashboard.fielding.series.completes import on_the_hour

HOUR = timedelta(hours=1)
# A day, its packed hours and its odd readings; Any: databases give bytes or a memoryview.
PackedRow = tuple[date, Any, Any]
_DAY = struct.Struct("<24i")


class Grid(NamedTuple):
    """Cumulative completes at each full hour from `start`; None marks a gap.

    opening: the count an hour before `start`, which is 0 at the beginning of a series; None: not
    known, since earlier days are left out.
    """

    start: datetime
    counts: list[int | None]
    opening: int | None = None

    @property
    def end(self) -> datetime:
        """Return the time of the last count."""
        return self.start + HOUR * (len(self.counts) - 1)

    def points(self) -> list[tuple[datetime, int]]:
        """Return all counts with their times, without the gaps."""
        return [(self.start + HOUR * i, n) for i, n in enumerate(self.counts) if n is not None]

    def line(self) -> tuple[datetime, list[int | None]]:
        """Return all counts from their first time on, the opening one included if it is known."""
        if self.opening is None:
            return self.start, self.counts
        return self.start - HOUR, [self.opening, *self.counts]


class Gap(NamedTuple):
    """A stretch without a count: its whole hours, and the completes gained in it."""

    hours: int
    gained: int


class GridStep(NamedTuple):
    """A step of time: its start on the local clock, the count at its end, and the gain.

    gap: where the count at an end of the step lies in a gap, and is interpolated. until: the last
    count of a step that is not over. clock: the zone's abbreviation in an hour that comes twice.
    """

    start: datetime
    completes: int | None
    gained: int | None
    begins: datetime
    ends: datetime
    gap: Gap | None = None
    until: datetime | None = None
    clock: str = ""


def hourly_grid(group: TargetGroup, since: datetime) -> Grid | None:
    """Return the hourly grid since a time, without empty ends; None without any count."""
    return grid_since(group, group_page.completes_days(group, since), since)


def grid_since(group: TargetGroup, days: Sequence[PackedRow], since: datetime) -> Grid | None:
    """Return one grid from a group's days since a time; None without any count."""
    began = group.first_complete_at
    first = days[0][0] if began is None and days else None
    is_cut = first == since.date() if began is None else began.date() < since.date()
    return from_days(days, None if is_cut else began, is_cut=is_cut)


def from_days(
    days: Sequence[PackedRow], began: datetime | None = None, *, is_cut: bool = False
) -> Grid | None:
    """Build one grid from packed days in order; days without a row are gaps.

    began: when the first complete came; hours from then to the first count are a gap. is_cut:
    earlier days are left out, so that the count before the first one is not known.
    """
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
    start = datetime.combine(first, time(), UTC) + HOUR * (counted[0] + 1)
    known = counts[counted[0] : counted[-1] + 1]
    if is_cut:
        return Grid(start, known)
    missed = 0
    if began and known[0]:
        began_in = began.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        missed = max(int((start - began_in) / HOUR) - 1, 0)
    return Grid(start - HOUR * missed, [*([None] * missed), *known], 0)


def steps_of_grid(
    grid: Grid, hours: int, zone: ZoneInfo, *, now: datetime | None = None
) -> list[GridStep]:
    """Return steps of 1, 6 or 24 h, oldest first, with the gain of each.

    Steps of one hour are those of the counts; longer ones begin at the zone's midnight, where the
    count is interpolated if it lies between two full hours. Completes of a gap are spread evenly
    over it, so the gains add up to the last count. now: while the group can still gain completes;
    a step that ends later is not over.
    """
    bounds = _step_bounds(grid, hours, zone)
    opening = [] if grid.opening is None else [(grid.start - HOUR, grid.opening)]
    known = [*opening, *grid.points()]
    counts, gaps = _counts_at(bounds, known, grid.opening)
    last = grid.end if now is None else min(grid.end, now)
    steps: list[GridStep] = []
    for place, (begins, ends) in enumerate(pairwise(bounds)):
        before, count = counts[place], counts[place + 1]
        local = begins.astimezone(zone)
        steps.append(
            GridStep(
                start=local.replace(tzinfo=None, fold=0),
                completes=count,
                gained=None if before is None or count is None else count - before,
                begins=begins,
                ends=ends,
                gap=gaps[place] or gaps[place + 1],
                until=last if now is not None and ends > last else None,
                clock=f"{local:%Z}" if hours == 1 and _comes_twice(local) else "",
            )
        )
    return steps


def starts_between_hours(grid: Grid | None, zone: ZoneInfo) -> bool:
    """Return whether days of the zone begin between two counts, such as in India."""
    if grid is None:
        return False
    return any(bound.minute for bound in _step_bounds(grid, 24, zone))


def _step_bounds(grid: Grid, hours: int, zone: ZoneInfo) -> list[datetime]:
    """Return the bounds of all steps, from before the first count to the last one or later."""
    first = grid.start - HOUR
    if hours == 1:
        return [first + HOUR * place for place in range(len(grid.counts) + 1)]
    local = first.astimezone(zone)
    clock = local.replace(hour=local.hour // hours * hours, minute=0, second=0, fold=0)
    bounds: list[datetime] = []
    while not bounds or bounds[-1] < grid.end:
        bound = clock.astimezone(UTC)
        if not bounds or bound > bounds[-1]:  # a zone can skip a whole day
            bounds.append(bound)
        clock += timedelta(hours=hours)  # on the clock, whatever the hours between
    return bounds


def _counts_at(
    moments: Sequence[datetime], known: Sequence[tuple[datetime, int]], opening: int | None
) -> tuple[list[int | None], list[Gap | None]]:
    """Return the count at each moment, `opening` before the first one, and the gap it lies in."""
    at = np.array([moment.timestamp() for moment, _ in known])
    count = np.array([number for _, number in known], dtype=np.float64)
    times = np.array([moment.timestamp() for moment in moments])
    counts = np.round(np.interp(times, at, count)).astype(np.int64).tolist()
    before = np.searchsorted(at, times, side="right") - 1
    after = np.searchsorted(at, times)
    return (
        [opening if place < 0 else number for number, place in zip(counts, before, strict=True)],
        [_gap_between(at, count, *pair) for pair in zip(before, after, strict=True)],
    )


def _gap_between(
    at: NDArray[np.float64], count: NDArray[np.float64], before: int, after: int
) -> Gap | None:
    """Return the gap between two neighbouring counts; None if they are an hour apart or less."""
    if before < 0 or after >= at.size or at[after] - at[before] <= HOUR.total_seconds():
        return None
    return Gap(
        round((at[after] - at[before]) / HOUR.total_seconds()), int(count[after] - count[before])
    )


def _comes_twice(local: datetime) -> bool:
    """Return whether clocks show this time twice, since they are set back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
