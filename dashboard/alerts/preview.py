"""What a rule would have done: the same machine over the readings of the last days.

Readings are kept only where something changed, so the last one holds until the next. What was not
kept cannot be replayed: a forecast, an early warning, the exchange's own issues of then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from dashboard.alerts.book import Effective, checked, effective
from dashboard.alerts.changes import KINDS, not_ours, told
from dashboard.alerts.figures import Figures, figures_of
from dashboard.alerts.judge import KNOWN
from dashboard.alerts.machine import Standing, State, step
from dashboard.alerts.rules import CPI_CHANGED, RULES
from dashboard.fielding.models import Change, Reading, Rule, TargetGroup

STEP = timedelta(minutes=30)
NOT_KEPT = frozenset({"behind_pace", "ends_soon", "early", "projected_cost", "about_to_pause"})
NOT_KEPT |= {"issue_error", "issue_warning"}


class _Seen(NamedTuple):
    """A reading, without the cost of a model's instance: a preview reads many thousands."""

    group_id: int
    at: datetime
    status: str
    completes: int | None
    prescreens: int | None
    entrants: int | None
    incidence_rate: float | None
    drop_off_rate: float | None
    conversion_rate: float | None
    median_loi_seconds: int | None
    epc: Decimal | None
    cpi: Decimal | None
    cost: Decimal | None


_READ = _Seen._fields[2:]


class Firing(NamedTuple):
    """One time that a rule would have fired; no end: it still would."""

    group: TargetGroup
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Replay:
    """All firings of a rule over some groups and days, oldest first."""

    now: datetime
    replayable: bool
    firings: list[Firing] = field(default_factory=list)
    since: datetime | None = None  # the first reading, where the days do not begin with one

    @property
    def open_for(self) -> timedelta:
        """How long it would have fired in all."""
        return sum(((f.ended or self.now) - f.began for f in self.firings), timedelta(0))

    def __str__(self) -> str:
        if not self.replayable:
            return "cannot be replayed: what it judges by was not kept"
        times = {0: "never", 1: "once"}.get(len(self.firings), f"{len(self.firings)} times")
        hours = self.open_for / timedelta(hours=1)
        return f"would have fired {times}" + (
            f", open {hours:.0f} h in all" if self.firings else ""
        )


def replay(
    code: str,
    settings: Mapping[str, Any],
    groups: Collection[TargetGroup],
    *,
    now: datetime,
    days: int = 14,
) -> Replay:
    """What a rule with these settings would have done on the groups; ValueError as in an edit."""
    chosen = effective(RULES[code], [Rule(version=0, settings=checked(code, settings))])
    if code in NOT_KEPT or code == "no_data":
        return Replay(now, replayable=False)
    since, first = now - timedelta(days=days), None
    changes = _by_group(
        Change.objects.filter(
            group__in=groups, kind__in=list(KINDS), occurred_at__gt=since, occurred_at__lte=now
        ).order_by("occurred_at", "pk")
    )
    if chosen.rule.judge is None:
        firings = [f for group in groups for f in _facts(chosen, group, changes.get(group.pk, []))]
    else:
        rows = Reading.objects.filter(group__in=groups, at__gt=since, at__lte=now).order_by("at")
        readings = _by_group(map(_Seen._make, rows.values_list(*_Seen._fields)))
        first = min((theirs[0].at for theirs in readings.values()), default=None)
        firings = [
            firing
            for group in groups
            for firing in _run(
                chosen, _Past(group, readings.get(group.pk, []), changes.get(group.pk, [])), now
            )
        ]
    late = first if first and first - since > timedelta(days=1) else None
    return Replay(now, True, sorted(firings, key=lambda firing: firing.began), late)


def _by_group(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.group_id, []).append(row)
    return found


def _facts(chosen: Effective, group: TargetGroup, changes: Sequence[Change]) -> Iterator[Firing]:
    """Each change by somebody else that would have been told; it stands for a day."""
    mine = [change for change in changes if KINDS[change.kind] == chosen.rule.code]
    for change in not_ours(mine):
        if told(change, group, chosen):
            yield Firing(group, change.occurred_at, change.occurred_at + timedelta(days=1))


class _Past:
    """A group as it was at any moment that its readings cover."""

    def __init__(
        self, group: TargetGroup, readings: Sequence[_Seen], changes: Sequence[Change]
    ) -> None:
        self.group, self.readings = group, readings
        self._stamps = [reading.at for reading in readings]
        self._statuses = [c for c in changes if c.kind == "status_change"]
        self._turned = [c.occurred_at for c in self._statuses]
        self._priced = [c.occurred_at for c in changes if KINDS[c.kind] == CPI_CHANGED.code]
        self._risen = self._rises()
        counts = [r.completes for r in readings if r.completes is not None]
        self._falls = counts != sorted(counts)
        rhythm = group.insight.get("rhythm")
        self._base = figures_of(group, now=datetime.min.replace(tzinfo=UTC))._replace(
            insight={"rhythm": rhythm} if rhythm else {}, issues={}, short_at_end=None
        )
        self._where: tuple[int, int, int] | None = None
        self._then = self._base

    def _rises(self) -> list[datetime]:
        """Since when, at each reading, no complete had come."""
        risen: list[datetime] = []
        for index, reading in enumerate(self.readings):
            before = self.readings[index - 1] if index else None
            same = before is not None and (reading.completes or 0) <= (before.completes or 0)
            risen.append(risen[-1] if same else reading.at)
        return risen

    def at(self, now: datetime) -> Figures | None:
        """The figures of then; None before the first reading."""
        index = bisect_right(self._stamps, now) - 1
        if index < 0:
            return None
        where = (index, bisect_right(self._turned, now), bisect_right(self._priced, now))
        if where != self._where:
            self._where, self._then = where, self._built(*where)
        f = self._then._replace(now=now)
        return f._replace(most_completes=self._most(now, index)) if self._falls else f

    def _built(self, index: int, turned: int, priced: int) -> Figures:
        reading = self.readings[index]
        read: dict[str, Any] = dict(zip(_READ, reading[2:], strict=True))
        status = self._statuses[turned - 1] if turned else None
        return self._base._replace(
            **read,
            last_complete_at=self._risen[index],
            status_reason=status.reason_code if status else "",
            status_changed_by=status.actor_type if status else "",
            status_changed_at=status.occurred_at if status else self._base.starts_at,
            cpi_changed_at=self._priced[priced - 1] if priced else None,
        )

    def _most(self, now: datetime, index: int) -> int | None:
        day = bisect_right(self._stamps, now - timedelta(days=1))
        recent = self.readings[day : index + 1]
        return max((r.completes for r in recent if r.completes is not None), default=None)


def _run(chosen: Effective, past: _Past, now: datetime) -> Iterator[Firing]:
    """The machine over a group's past, half an hour a step."""
    if not past.readings or chosen.rule.judge is None:
        return
    at, standing, began = past.readings[0].at, Standing(State.OK, now, 0), None
    memory: dict[str, Any] = {}
    while at <= now:
        f = past.at(at)
        before = standing
        standing = _step(chosen, f, standing, memory) if f else standing
        if before.state is State.OK and standing.state is not State.OK and f:
            memory = {"base": f.completes}
        if standing.state is State.FIRING and began is None:
            began = at
        if standing.state is State.OK:
            memory = {}
            if began:
                yield Firing(past.group, began, at)
                began = None
        at += STEP
    if began:
        yield Firing(past.group, began, None)


def _step(chosen: Effective, f: Figures, standing: Standing, memory: Mapping[str, Any]) -> Standing:
    if f.status not in KNOWN:
        return standing
    if f.status not in chosen.rule.statuses:
        return Standing(State.OK, f.now, 0)
    judge = chosen.rule.judge
    verdict = judge(f, chosen.settings, memory) if judge else None
    if verdict is None:
        return standing
    return step(standing, verdict.seen, now=f.now, patience=chosen.patience, fresh=True)
