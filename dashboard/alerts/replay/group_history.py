"""A group as of any time of the last days, from readings, completes and the changelog.

Readings are stored on changes only, so each applies until the next. Before the first reading the
exchange's own series gives the completes and its changelog the settings; other figures are unknown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from django.db.models import OuterRef, Q, Subquery

from dashboard.alerts.incidents.changelog import KINDS
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.replay.settings_history import SETTINGS, settings_over_time
from dashboard.alerts.rules.catalogue import CPI_CHANGED
from dashboard.alerts.rules.snapshot import GroupSnapshot, snapshot_of_group
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.json import Json
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.group_history import series_of
from dashboard.fielding.models import Change, Reading, TargetGroup
from dashboard.fielding.series.readings import Readings

# Any: the columns of a row by name, each of which has its own type, which the model declares.
Columns = dict[str, Any]


class HasGroup(Protocol):
    """A row of a group."""

    @property
    def group_id(self) -> int: ...


Row = TypeVar("Row", bound=HasGroup)


class TimelinePoint(NamedTuple):
    """A reading, or before the first one a count of the series; cheaper than a model instance."""

    group_id: int
    at: datetime
    status: str = ""
    completes: int | None = None
    prescreens: int | None = None
    entrants: int | None = None
    incidence_rate: float | None = None
    drop_off_rate: float | None = None
    conversion_rate: float | None = None
    median_loi_seconds: int | None = None
    epc: Decimal | None = None
    cpi: Decimal | None = None
    cost: Decimal | None = None
    epcm: Decimal | None = None
    average_cpi: Decimal | None = None


# The columns that rules read. The CPI is the changelog's if no reading has one.
_FIGURES = (
    "completes",
    "prescreens",
    "entrants",
    "incidence_rate",
    "drop_off_rate",
    "conversion_rate",
    "median_loi_seconds",
    "epc",
    "cost",
)
_figures = attrgetter(*_FIGURES)


class GroupTimeline:
    """A group as of any time from `start` on; no start: nothing is known of it."""

    def __init__(
        self,
        group: TargetGroup,
        readings: Sequence[TimelinePoint],
        changes: Sequence[Change],
        series: Readings,
        since: datetime,
    ) -> None:
        self.group, self.series, self.changes = group, series, changes
        self.points = [*_counts_before_readings(group.pk, series, readings), *readings]
        self._point_times = [point.at for point in self.points]
        self._settings = settings_over_time(group, changes)
        self.setting_changes = [row.occurred_at for row in changes if row.kind in SETTINGS]
        self._status_changes = [row for row in changes if row.kind == ChangelogKind.STATUS]
        self._status_times = [row.occurred_at for row in self._status_changes]
        self._cpi_times = [
            row.occurred_at for row in changes if KINDS.get(row.kind) == CPI_CHANGED.code
        ]
        self._last_complete_times = list(_last_complete_times(self.points))
        counts = [point.completes for point in self.points if point.completes is not None]
        self._has_decrease = counts != sorted(counts)
        known = self._point_times[:1] + self._status_times[:1]
        self.start = max(since, min(known)) if known else None
        self.read_since = readings[0].at if readings else None
        self.insights: list[tuple[datetime, Insight]] = []
        self.depends_on_insights_only = False  # whether the rule evaluates nothing else
        self.issues: list[tuple[datetime, datetime, str]] = []  # from, until, error or warning
        self._base = snapshot_of_group(group, now=datetime.min.replace(tzinfo=UTC))._replace(
            insight=Insight(rhythm=Insight.of(group).rhythm),
            issues={},
            short_at_end=None,
            links_total=None,
        )
        self._settings_then: dict[int, Columns] = {}
        self._position: tuple[int, ...] = ()
        self._snapshot = self._base

    def at(self, now: datetime) -> GroupSnapshot:
        """Return the snapshot as of a time; what is not known as of then is None."""
        insights = bisect_right(self.insights, now, key=_time_of)
        position = (
            bisect_right(self._point_times, now),
            bisect_right(self.setting_changes, now),
            insights,
        )
        if position != self._position:
            insight = self._base.insight
            if insights:
                insight = insight.with_parts_of(self.insights[insights - 1][1])
            self._position = position
            self._snapshot = self._base._replace(**self._columns(now), insight=insight)
        group = self._snapshot._replace(now=now)
        if self._has_decrease:
            group = group._replace(most_completes=self._most_completes(now, position[0]))
        return group._replace(issues=self._issues_at(now)) if self.issues else group

    def change_times(self) -> list[datetime]:
        """Return, in order, the times at which anything that the rule evaluates changed."""
        times = {*self.setting_changes, *map(_time_of, self.insights)}
        if not self.depends_on_insights_only:
            times.update(self._point_times, *(issue[:2] for issue in self.issues))
        return sorted(times)

    def group_at(self, now: datetime) -> TargetGroup:
        """Return the group's row as of a time, not to be saved."""
        row = copy(self.group)
        index = bisect_right(self._point_times, now)
        point = self.points[index - 1] if index else None
        row.epcm, row.average_cpi = (point.epcm, point.average_cpi) if point else (None, None)
        for name, value in self._columns(now).items():
            if name != "cpi_changed_at":
                setattr(row, name, value)
        return row

    def pauses(self, now: datetime) -> list[tuple[datetime, Json]]:
        """Return the changes of status up to a time."""
        return [
            (row.occurred_at, row.new) for row in self._status_changes if row.occurred_at <= now
        ]

    def assistant_changes(self, now: datetime) -> list[tuple[datetime, str, Json]]:
        """Return the changes of the fielding assistant up to a time."""
        return [
            (row.occurred_at, row.kind, row.new)
            for row in self.changes
            if row.occurred_at <= now and row.kind in assistant_modules.KINDS
        ]

    def _columns(self, now: datetime) -> Columns:
        """Return the columns as of a time."""
        index = bisect_right(self._point_times, now)
        changes = bisect_right(self.setting_changes, now)
        point = self.points[index - 1] if index else TimelinePoint(self.group.pk, now)
        if changes not in self._settings_then:
            self._settings_then[changes] = self._settings_at(now)
        columns = self._settings_then[changes] | dict(zip(_FIGURES, _figures(point), strict=True))
        columns["last_complete_at"] = self._last_complete_times[index - 1] if index else None
        if point.status:
            columns["status"] = point.status
        if point.cpi is not None:
            columns["cpi"] = point.cpi
        return columns

    def _settings_at(self, now: datetime) -> Columns:
        """Return the settings as of a time, with the changes that set the status and the CPI."""
        statuses = bisect_right(self._status_times, now)
        prices = bisect_right(self._cpi_times, now)
        status = self._status_changes[statuses - 1] if statuses else None
        columns: Columns = {name: values.at(now) for name, values in self._settings.items()}
        if self.group.completes_goal == self.group.filling_goal:
            columns["completes_goal"] = columns["filling_goal"]
        return columns | {
            "status_reason": status.reason_code if status else "",
            "status_changed_by": status.actor_type if status else "",
            "status_changed_at": status.occurred_at if status else columns["starts_at"],
            "cpi_changed_at": self._cpi_times[prices - 1] if prices else None,
        }

    def _most_completes(self, now: datetime, index: int) -> int | None:
        """Return the most completes within the day before a time."""
        recent = self.points[bisect_right(self._point_times, now - DAY) : index]
        return max((row.completes for row in recent if row.completes is not None), default=None)

    def _issues_at(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """Return the issues reported at a time, in the exchange's form."""
        kinds = [kind for begin, end, kind in self.issues if begin <= now < end]
        return {"then": [{"type": kind} for kind in kinds]} if kinds else {}


def _time_of(insight: tuple[datetime, Insight]) -> datetime:
    return insight[0]


def _counts_before_readings(
    pk: int, series: Readings, readings: Sequence[TimelinePoint]
) -> Iterator[TimelinePoint]:
    """Yield the points of the series before the first reading at which its count changed."""
    first = readings[0].at.timestamp() if readings else np.inf
    changed = (np.diff(series.count, prepend=-1.0) != 0) & (series.at < first)
    for at, count in zip(series.at[changed].tolist(), series.count[changed].tolist(), strict=True):
        yield TimelinePoint(pk, datetime.fromtimestamp(at, UTC), completes=int(count))


def _last_complete_times(points: Sequence[TimelinePoint]) -> Iterator[datetime]:
    """Yield, for each point, when the last complete had come."""
    before: TimelinePoint | None = None
    last = datetime.min.replace(tzinfo=UTC)
    for point in points:
        if before is None or (point.completes or 0) > (before.completes or 0):
            last = point.at
        before = point
        yield last


def load_timelines(
    groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> list[GroupTimeline]:
    """Return the timeline of each group; four queries."""
    pks = [group.pk for group in groups]
    changes = group_rows(
        Change.objects.filter(
            group__in=pks,
            kind__in={*SETTINGS, *KINDS, *assistant_modules.KINDS},
            occurred_at__lte=now,
        ).order_by("occurred_at", "pk")
    )
    readings = group_rows(_readings(pks, since, now))
    series = series_of(pks)
    no_series = Readings(np.empty(0), np.empty(0))
    return [
        GroupTimeline(
            group,
            readings.get(group.pk, []),
            changes.get(group.pk, []),
            series.get(group.pk, no_series),
            since,
        )
        for group in groups
    ]


def _readings(pks: Collection[int], since: datetime, now: datetime) -> Iterator[TimelinePoint]:
    """Return the readings of these days, and each group's last one before them."""
    earlier = Reading.objects.filter(group=OuterRef("pk"), at__lte=since).order_by("-at")
    previous = TargetGroup.objects.filter(pk__in=pks).values_list(
        Subquery(earlier.values("pk")[:1])
    )
    rows = Reading.objects.filter(
        Q(at__gt=since, at__lte=now) | Q(pk__in=[pk for (pk,) in previous if pk]), group__in=pks
    ).order_by("at")
    return map(TimelinePoint._make, rows.values_list(*TimelinePoint._fields))


def group_rows(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Return rows by their group, in their order."""
    by_group: dict[int, list[Row]] = {}
    for row in rows:
        by_group.setdefault(row.group_id, []).append(row)
    return by_group
