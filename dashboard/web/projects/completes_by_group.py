"""A project's completes over time: each group's share, what is required, what is foreseen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import CompletesDay, Project
from dashboard.fielding.models.querysets.series import CompletesDayQuerySet
from dashboard.fielding.series.completes import on_the_hour
from dashboard.web.charts import Share
from dashboard.web.charts.series import HOUR

TOP = 7  # groups with a colour of their own
DAYS = 60
Line = list[tuple[datetime, float]]
Group = Any  # a row of _COLUMNS
Counts = NDArray[np.int64]
_COLUMNS = (
    "pk",
    "name",
    "completes",
    "prescreens",
    "filling_strategy",
    "filling_goal",
    "completes_goal",
    "expected_incidence_rate",
    "starts_at",
    "ends_at",
    "insight",
)


class GroupShares(NamedTuple):
    """Hourly from `start` (None: nothing was ever counted), the biggest first, then the others."""

    start: datetime | None
    shares: list[Share]
    required: Line
    forecast: Line


def completes_by_group(project: Project, *, now: datetime) -> GroupShares:
    """In two queries, whatever the number of groups."""
    groups = list(project.target_groups.exclude(status="draft").values_list(*_COLUMNS, named=True))
    since = now - timedelta(days=DAYS)
    days = CompletesDayQuerySet(CompletesDay).filter(group__project=project).since(since.date())
    rows = list(days.values_list("group_id", "day", "hours", "odd"))
    if not rows:
        return GroupShares(None, [], [], [])
    first = min(day for _, day, _, _ in rows)
    counts = _hourly(rows, first, now)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) + HOUR
    ranked = sorted(groups, key=lambda group: -(group.completes or 0))
    end = start + HOUR * (len(next(iter(counts.values()))) - 1)
    return GroupShares(start, _shares(ranked, counts), _required(groups), _forecast(groups, end))


def _hourly(
    rows: Sequence[tuple[int, date, Any, Any]], first: date, now: datetime
) -> dict[int, Counts]:
    """Each group's count at each hour up to now; a gap keeps the count before it."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    hours = max(int((now - start) / HOUR), 1)
    length = (max(day for _, day, _, _ in rows) - first).days * 24 + 24
    of_group: dict[int, list[Any]] = defaultdict(list)
    for pk, *of_day in rows:
        of_group[pk].append(tuple(of_day))
    found: dict[int, Counts] = {}
    for pk, days in of_group.items():
        line = found[pk] = np.full(length, -1, dtype=np.int64)
        for day, packed in on_the_hour(days):
            at = (day - first).days * 24
            line[at : at + 24] = np.frombuffer(packed, dtype="<i4")
    return {pk: _carried(line)[:hours] for pk, line in found.items()}


def _carried(line: Counts) -> Counts:
    """Gaps filled with the count before; 0 before the first."""
    places = np.where(line >= 0, np.arange(line.size), -1)
    np.maximum.accumulate(places, out=places)
    return np.where(places >= 0, line[places], 0)


def _shares(ranked: Sequence[Group], counts: Mapping[int, Counts]) -> list[Share]:
    counted = [group for group in ranked if group.pk in counts]
    top, others = counted[:TOP], counted[TOP:]
    shares = [Share(group.name, counts[group.pk].tolist()) for group in top]
    if others:
        rest = np.sum([counts[group.pk] for group in others], axis=0)
        name = f"{len(others)} other group{'' if len(others) == 1 else 's'}"
        shares.append(Share(name, rest.tolist()))
    return shares


def _required(groups: Sequence[Group]) -> Line:
    """The sum of straight lines from nothing at each start to the goal at each end."""
    planned = [
        (group.starts_at.timestamp(), group.ends_at.timestamp(), goal)
        for group in groups
        if group.starts_at and group.ends_at and group.starts_at < group.ends_at
        if (goal := completes_target(group))
    ]
    return _sum([((begins, ends), (0.0, float(goal))) for begins, ends, goal in planned])


def _forecast(groups: Sequence[Group], now: datetime) -> Line:
    """The sum of each group's way from its count now to its middle forecast at its end."""
    clock, lines = now.timestamp(), []
    for group in groups:
        done = float(group.completes or 0)
        at_end = Insight.from_stored(group.insight).completes_at_end
        if at_end is None or not group.ends_at or group.ends_at <= now:
            lines.append(((clock, clock + 1), (done, done)))
        else:
            lines.append(((clock, group.ends_at.timestamp()), (done, max(at_end.p50, done))))
    line = _sum(lines)
    return line if len(line) > 2 else []


def _sum(lines: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> Line:
    """The sum of lines that hold their ends, at every moment where one of them bends."""
    moments = sorted({moment for ends, _ in lines for moment in ends})
    total = np.zeros(len(moments))
    for ends, values in lines:
        total += np.interp(moments, ends, values)
    return [
        (datetime.fromtimestamp(moment, UTC), float(value))
        for moment, value in zip(moments, total, strict=True)
    ]


class CompletesTable(NamedTuple):
    """The count of each share at the end of each day, newest first."""

    names: list[str]
    rows: list[tuple[date, list[int], int]]


def completes_table(told: GroupShares, where: ZoneInfo) -> CompletesTable:
    """Days of the reader's calendar, with each share's completes and their sum."""
    if told.start is None:
        return CompletesTable([], [])
    last: dict[date, int] = {}
    for hour in range(len(told.shares[0].counts)):
        last[(told.start + HOUR * hour - timedelta(seconds=1)).astimezone(where).date()] = hour
    rows = [(day, [share.counts[hour] for share in told.shares]) for day, hour in last.items()]
    return CompletesTable(
        [share.name for share in told.shares],
        [(day, counts, sum(counts)) for day, counts in reversed(rows)],
    )
