"""A project's completes over time: by group, with target and forecast."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import IN_PLAN, is_open
from dashboard.fielding.figures.project_path import projected_path, target_line
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.insight import at_end
from dashboard.fielding.models import CompletesDay, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.fielding.models.querysets.series import CompletesDayQuerySet
from dashboard.fielding.series.completes import on_the_hour
from dashboard.web.charts import Share
from dashboard.web.charts.series import HOUR, PackedRow

TOP = 7  # groups with a colour of their own
DAYS = 60
Line = list[tuple[datetime, float]]
GroupRow = Any  # Any: a named row of _COLUMNS, which Django does not type
Counts = NDArray[np.int64]
_COLUMNS = ("pk", "name", "first_complete_at", *at_end.FIELDS, at_end.EXPECTED)


class GroupShares(NamedTuple):
    """Hourly counts from `start` (None: nothing counted yet), largest groups first.

    required: the target, the sum of straight lines to the goals. forecast: the range of the
    groups' sum from now to the last end date, each group capped at its goal. goal: of all groups,
    in completes. ends_at: the last end date of those that are open.
    """

    start: datetime | None
    shares: list[Share]
    required: Line
    forecast: list[tuple[datetime, Percentiles]]
    goal: float = 0.0
    ends_at: datetime | None = None

    @property
    def total(self) -> list[int]:
        """Return the counts of all groups together."""
        return [sum(counts) for counts in zip(*(s.counts for s in self.shares), strict=True)]


def completes_by_group(project: Project, *, now: datetime) -> GroupShares:
    """Load the completes of the groups in a project's plan, in two queries."""
    return completes_of_groups(TargetGroup.objects.filter(project=project), now=now)


def completes_of_groups(selected: TargetGroupQuerySet, *, now: datetime) -> GroupShares:
    """Load the completes of those of the selected groups that are in the plan, in two queries."""
    groups = list(selected.filter(IN_PLAN).values_list(*_COLUMNS, named=True))
    since = now - timedelta(days=DAYS)
    series = CompletesDayQuerySet(CompletesDay).filter(group__in=selected.values("pk"))
    days = series.since(since.date()).values_list("group_id", "day", "hours", "odd")
    known = {group.pk for group in groups}
    rows = [row for row in days if row[0] in known]
    if not rows and not any(group.completes for group in groups):
        return GroupShares(None, [], [], [])
    first = min((day for _, day, _, _ in rows), default=since.date())
    length = _hours_until(now, first)
    counts = _hourly_counts(rows, first, length)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + HOUR
    for group in groups:
        counts[group.pk] = _with_present_count(group, counts.get(group.pk), start, length)
    ranked = sorted(groups, key=lambda group: -(group.completes or 0))
    return GroupShares(
        start,
        _group_shares(ranked, counts),
        target_line(groups),
        projected_path(groups, now=now),
        sum(float(completes_target(group) or 0) for group in groups),
        max((g.ends_at for g in groups if g.ends_at and is_open(g, now)), default=None),
    )


def _with_present_count(
    group: GroupRow, line: Counts | None, start: datetime, length: int
) -> Counts:
    """A group's counts, the newest one as the exchange last reported it.

    A group that was in the field before the chart begins has its completes from the first hour on,
    not from its first reading within the chart.
    """
    done = group.completes or 0
    if line is None:
        line = np.full(length, done, dtype=np.int64)
    began = group.first_complete_at or group.starts_at
    if began and began < start and line.any():
        reached = int(np.argmax(line > 0))
        line[:reached] = line[reached]
    line[-1] = done
    return line


def _hourly_counts(
    rows: Sequence[tuple[int, *PackedRow]], first: date, hours: int
) -> dict[int, Counts]:
    """Return each group's count in so many hours; completes of a gap are spread evenly."""
    last = max((day for _, day, _, _ in rows), default=first)
    length = max((last - first).days * 24 + 24, hours)
    of_group: dict[int, list[PackedRow]] = defaultdict(list)
    for pk, day, packed, odd in rows:
        of_group[pk].append((day, packed, odd))
    counts: dict[int, Counts] = {}
    for pk, days in of_group.items():
        line = counts[pk] = np.full(length, -1, dtype=np.int64)
        for day, packed in on_the_hour(days):
            at = (day - first).days * 24
            line[at : at + 24] = np.frombuffer(packed, dtype="<i4")
    return {pk: _fill_gaps(line)[:hours] for pk, line in counts.items()}


def _hours_until(now: datetime, first: date) -> int:
    """Return the full hours of the chart, from the beginning of its first day."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return max(int((now - start) / HOUR), 1)


def _fill_gaps(line: Counts) -> Counts:
    """Spread what came in a gap evenly over it; 0 before the first count."""
    known = np.flatnonzero(line >= 0)
    if not known.size:
        return np.zeros_like(line)
    places = np.arange(line.size)
    filled: Counts = np.round(np.interp(places, known, line[known], left=0)).astype(np.int64)
    return filled


def _group_shares(ranked: Sequence[GroupRow], counts: Mapping[int, Counts]) -> list[Share]:
    counted = [group for group in ranked if group.pk in counts]
    top, others = counted[:TOP], counted[TOP:]
    shares = [Share(group.name, counts[group.pk].tolist()) for group in top]
    if others:
        rest = np.sum([counts[group.pk] for group in others], axis=0)
        name = f"Other ({len(others)})"
        shares.append(Share(name, rest.tolist()))
    return shares


class TableRow(NamedTuple):
    """The counts at the end of a day, or so far, by group and in all."""

    day: date
    counts: list[int]
    total: int
    is_over: bool


class CompletesTable(NamedTuple):
    """The count of each group at the end of each day, newest first."""

    names: list[str]
    rows: list[TableRow]


def completes_table(group_shares: GroupShares, zone: ZoneInfo) -> CompletesTable:
    """Return the days of the zone's calendar with each group's completes and their sum.

    A midnight between two full hours takes the count between theirs.
    """
    start, shares = group_shares.start, group_shares.shares
    if start is None or not shares:
        return CompletesTable([], [])
    end = start + HOUR * (len(shares[0].counts) - 1)
    day = (start - HOUR).astimezone(zone).date()
    rows: list[TableRow] = []
    while (begins := _midnight_of(day, zone)) < end:
        ends = _midnight_of(day + timedelta(days=1), zone)
        if ends > begins:  # a zone can skip a whole day
            place = (min(ends, end) - start) / HOUR
            counts = [_count_between(share.counts, place) for share in shares]
            rows.append(TableRow(day, counts, sum(counts), ends <= end))
        day += timedelta(days=1)
    return CompletesTable([share.name for share in shares], rows[::-1])


def _midnight_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _count_between(counts: Sequence[int], place: float) -> int:
    """Return the count at a place between two hours; 0 before the first one."""
    if place < 0:
        return 0
    hour, passed = divmod(place, 1)
    before, after = counts[int(hour)], counts[min(int(hour) + 1, len(counts) - 1)]
    return round(before + (after - before) * passed)
