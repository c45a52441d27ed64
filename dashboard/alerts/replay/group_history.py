"""A group as it was at any moment of the last days, from readings, completes and the changelog.

Readings are kept only where something changed, so the last one holds until the next. Before the
first one the exchange's own series says how many completes there were, and its changelog what was
agreed; the other figures of then are not known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from django.db.models import OuterRef, Q, Subquery

from dashboard.alerts.incidents.changelog import KINDS
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.replay.settings_history import SETTINGS, settings_over_time
from dashboard.alerts.rules.catalogue import CPI_CHANGED
from dashboard.alerts.rules.snapshot import GroupSnapshot, figures_of
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.group_history import series_of
from dashboard.fielding.models import Change, Reading, TargetGroup
from dashboard.fielding.series.readings import Readings


class TimelinePoint(NamedTuple):
    """A reading, or before the first one a count of the series; without a model's cost."""

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


# What rules read; the price is what the changelog says, where no reading does.
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
    """A group as it was at any moment from `start` on; no start: nothing is known of it."""

    def __init__(
        self,
        group: TargetGroup,
        readings: Sequence[TimelinePoint],
        changes: Sequence[Change],
        series: Readings,
        since: datetime,
    ) -> None:
        self.group, self.series, self.changes = group, series, changes
        self.seen = [*_counted(group.pk, series, readings), *readings]
        self._stamps = [seen.at for seen in self.seen]
        self._settings = settings_over_time(group, changes)
        self.turns = [c.occurred_at for c in changes if c.kind in SETTINGS]
        self._statuses = [c for c in changes if c.kind == ChangelogKind.STATUS]
        self._turned = [c.occurred_at for c in self._statuses]
        self._priced = [c.occurred_at for c in changes if KINDS.get(c.kind) == CPI_CHANGED.code]
        self._risen = list(_rises(self.seen))
        counts = [s.completes for s in self.seen if s.completes is not None]
        self._falls = counts != sorted(counts)
        known = self._stamps[:1] + self._turned[:1]
        self.start = max(since, min(known)) if known else None
        self.read_since = readings[0].at if readings else None
        self.insights: list[tuple[datetime, Insight]] = []
        self.foretold = False  # whether all that is judged of it are these insights
        self.issues: list[tuple[datetime, datetime, str]] = []  # from, until, error or warning
        self._base = figures_of(group, now=datetime.min.replace(tzinfo=UTC))._replace(
            insight=Insight(rhythm=Insight.of(group).rhythm), issues={}, short_at_end=None
        )
        self._agreed: dict[int, dict[str, Any]] = {}
        self._where: tuple[int, ...] = ()
        self._then = self._base

    def at(self, now: datetime) -> GroupSnapshot:
        """The figures of then; what is not known of then is None."""
        foreseen = bisect_right(self.insights, now, key=_when)
        where = (bisect_right(self._stamps, now), bisect_right(self.turns, now), foreseen)
        if where != self._where:
            insight = self._base.insight
            if foreseen:
                insight = insight.with_parts_of(self.insights[foreseen - 1][1])
            self._where = where
            self._then = self._base._replace(**self._columns(now), insight=insight)
        f = self._then._replace(now=now)
        if self._falls:
            f = f._replace(most_completes=self._most(now, where[0]))
        return f._replace(issues=self._reported(now)) if self.issues else f

    def moves(self) -> list[datetime]:
        """When what is judged of it became another, in order; between these it stood still."""
        moved = {*self.turns, *map(_when, self.insights)}
        if not self.foretold:
            moved.update(self._stamps, *(issue[:2] for issue in self.issues))
        return sorted(moved)

    def group_at(self, now: datetime) -> TargetGroup:
        """The group's row as it was then, not to be saved."""
        row = copy(self.group)
        index = bisect_right(self._stamps, now)
        seen = self.seen[index - 1] if index else None
        row.epcm, row.average_cpi = (seen.epcm, seen.average_cpi) if seen else (None, None)
        for name, value in self._columns(now).items():
            if name != "cpi_changed_at":
                setattr(row, name, value)
        return row

    def pauses(self, now: datetime) -> list[tuple[datetime, Any]]:
        """The changes of status up to then."""
        return [(c.occurred_at, c.new) for c in self._statuses if c.occurred_at <= now]

    def assisted(self, now: datetime) -> list[tuple[datetime, str, Any]]:
        """The changes of the fielding assistant up to then."""
        return [
            (c.occurred_at, c.kind, c.new)
            for c in self.changes
            if c.occurred_at <= now and c.kind in assistant_modules.KINDS
        ]

    def _columns(self, now: datetime) -> dict[str, Any]:
        index, turned = bisect_right(self._stamps, now), bisect_right(self.turns, now)
        seen = self.seen[index - 1] if index else TimelinePoint(self.group.pk, now)
        if turned not in self._agreed:
            self._agreed[turned] = self._settled(now)
        found = self._agreed[turned] | dict(zip(_FIGURES, _figures(seen), strict=True))
        found["last_complete_at"] = self._risen[index - 1] if index else None
        if seen.status:
            found["status"] = seen.status
        if seen.cpi is not None:
            found["cpi"] = seen.cpi
        return found

    def _settled(self, now: datetime) -> dict[str, Any]:
        """What was agreed, and how the status and the price came about."""
        turned, priced = bisect_right(self._turned, now), bisect_right(self._priced, now)
        status = self._statuses[turned - 1] if turned else None
        found = {name: values.at(now) for name, values in self._settings.items()}
        if self.group.completes_goal == self.group.filling_goal:
            found["completes_goal"] = found["filling_goal"]
        return found | {
            "status_reason": status.reason_code if status else "",
            "status_changed_by": status.actor_type if status else "",
            "status_changed_at": status.occurred_at if status else found["starts_at"],
            "cpi_changed_at": self._priced[priced - 1] if priced else None,
        }

    def _most(self, now: datetime, index: int) -> int | None:
        recent = self.seen[bisect_right(self._stamps, now - DAY) : index]
        return max((s.completes for s in recent if s.completes is not None), default=None)

    def _reported(self, now: datetime) -> dict[str, Any]:
        kinds = [kind for begin, end, kind in self.issues if begin <= now < end]
        return {"then": [{"type": kind} for kind in kinds]} if kinds else {}


def _when(insight: tuple[datetime, Insight]) -> datetime:
    return insight[0]


def _counted(
    pk: int, series: Readings, readings: Sequence[TimelinePoint]
) -> Iterator[TimelinePoint]:
    """The moments of the series before the first reading at which its count changed."""
    first = readings[0].at.timestamp() if readings else np.inf
    moved = (np.diff(series.count, prepend=-1.0) != 0) & (series.at < first)
    for at, count in zip(series.at[moved].tolist(), series.count[moved].tolist(), strict=True):
        yield TimelinePoint(pk, datetime.fromtimestamp(at, UTC), completes=int(count))


def _rises(seen: Sequence[TimelinePoint]) -> Iterator[datetime]:
    """Since when, at each moment, no complete had come."""
    before: TimelinePoint | None = None
    risen = datetime.min.replace(tzinfo=UTC)
    for one in seen:
        if before is None or (one.completes or 0) > (before.completes or 0):
            risen = one.at
        before = one
        yield risen


def load_timelines(
    groups: Collection[TargetGroup], *, since: datetime, now: datetime
) -> list[GroupTimeline]:
    """The past of each group; four queries."""
    pks = [group.pk for group in groups]
    changes = by_group(
        Change.objects.filter(
            group__in=pks,
            kind__in={*SETTINGS, *KINDS, *assistant_modules.KINDS},
            occurred_at__lte=now,
        ).order_by("occurred_at", "pk")
    )
    readings = by_group(_readings(pks, since, now))
    series = series_of(pks)
    nothing = Readings(np.empty(0), np.empty(0))
    return [
        GroupTimeline(
            group,
            readings.get(group.pk, []),
            changes.get(group.pk, []),
            series.get(group.pk, nothing),
            since,
        )
        for group in groups
    ]


def _readings(pks: Collection[int], since: datetime, now: datetime) -> Iterator[TimelinePoint]:
    """Readings of these days, and of each group the last one before, which held when they began."""
    earlier = Reading.objects.filter(group=OuterRef("pk"), at__lte=since).order_by("-at")
    held = TargetGroup.objects.filter(pk__in=pks).values_list(Subquery(earlier.values("pk")[:1]))
    rows = Reading.objects.filter(
        Q(at__gt=since, at__lte=now) | Q(pk__in=[pk for (pk,) in held if pk]), group__in=pks
    ).order_by("at")
    return map(TimelinePoint._make, rows.values_list(*TimelinePoint._fields))


def by_group(rows: Iterable[Any]) -> dict[int, list[Any]]:
    """Rows by the group that they are of, in their order."""
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.group_id, []).append(row)
    return found
