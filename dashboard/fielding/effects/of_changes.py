"""What each change of a group was followed by, read from the tables and ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.effects import effect
from dashboard.fielding.effects.rate_comparison import Measure, Verdict
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.fielding.series import completes, daily
from dashboard.fielding.series.readings import Readings, clean_history
from dashboard.fielding.series.weekly_shape import Prior

KINDS: dict[str, str] = {
    ChangelogKind.CPI: "cpi",
    ChangelogKind.USER_REQUESTED_CPI: "cpi",
    ChangelogKind.FILLING_GOAL: "goal",
    ChangelogKind.FILLING_STRATEGY: "strategy",
    ChangelogKind.STATUS: "status",
    ChangelogKind.RE_ENTRY_CONFIGURATION: "re-entry",
}
WORDS = {
    "cpi": "CPI",
    "goal": "Goal",
    "strategy": "Filling strategy",
    "status": "Resumed",
    "re-entry": "Re-entry",
}
_EDITS = {
    Edit.Kind.CPI: "cpi",
    Edit.Kind.FILLING_STRATEGY: "strategy",
    Edit.Kind.RE_ENTRY: "re-entry",
}
SHOWN = 20
_SAME = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle


@dataclass(frozen=True, slots=True)
class ChangeEffect:
    """One change and what followed it.

    kind: cpi, goal, strategy, status (a resume) or re-entry; `what` is that in words. old and
    new are as the changelog or the edit has them. overlaps names the changes that this one
    cannot be told apart from. before and after are the stretches held against each other.
    """

    at: datetime
    kind: str
    what: str
    old: Any
    new: Any
    completes_an_hour: Measure
    conversion: Measure
    completes_per_entrant: Measure
    epc: Verdict | None
    epc_note: str
    overlaps: tuple[str, ...]
    before: tuple[datetime, datetime]
    after: tuple[datetime, datetime]

    @property
    def verdict(self) -> Verdict:
        """The verdict on completes an hour: raised, lowered, no clear effect, too early."""
        return self.completes_an_hour.verdict

    @property
    def sentence(self) -> str:
        """The verdict with its number and its interval."""
        seen = self.completes_an_hour
        if seen.ratio is None:
            return f"{seen.verdict.capitalize()}: {seen.reason}"
        interval = f"× {seen.ratio:.2f}, 95 % sure of {seen.low:.2f} to {seen.high:.2f}"
        return f"{seen.verdict.capitalize()}: {seen.reason} ({interval})"


@dataclass(frozen=True, slots=True)
class _Turn:
    """A change as the tables hold it."""

    at: datetime
    kind: str
    old: Any
    new: Any

    @property
    def told(self) -> effect.SettingChange:
        """As `effect` takes it."""
        return effect.SettingChange(
            self.at, self.kind, f"{brief_value(self.old)} → {brief_value(self.new)}"
        )


@dataclass(frozen=True, slots=True)
class GroupRecords:
    """What the tables tell of a group: its changes, its edits, its series and its readings.

    days: (day, hours, odd) as stored; readings: (time, entrants, prescreens) in order of time.
    """

    changes: Sequence[Change]
    edits: Sequence[Edit]
    days: Iterable[tuple[date, Any, Any]]
    readings: Sequence[tuple[datetime, int | None, int | None]]


def effects_of_changes(
    group: TargetGroup, told: GroupRecords, *, now: datetime, prior: Prior | None = None
) -> list[ChangeEffect]:
    """The effects of a group's changes of CPI, goal, strategy, status and re-entry, newest first.

    The newest 20, of rows that were read already, in whatever order. A status change is one that
    put the group back into the field: what a pause does needs no measuring.
    """
    listed = sorted(
        (c for c in told.changes if c.kind in KINDS and c.occurred_at <= now),
        key=lambda change: (change.occurred_at, change.pk),
    )
    turns = _turns(listed, _edits(told.edits, now))
    if not turns:
        return []
    measured = _measured(group, listed, told, prior, now)
    others = [turn.told for turn in turns]
    return [
        _aftermath(turn, effect.effect_of_change(turn.told, measured, now=now, others=others))
        for turn in reversed(turns[-SHOWN:])
    ]


def _edits(edits: Iterable[Edit], now: datetime) -> list[_Turn]:
    """What was changed through Fieldwatch: a changelog need not tell of every edit."""
    return [
        _Turn(edit.started_at, _EDITS[Edit.Kind(edit.kind)], edit.before, edit.wanted)
        for edit in edits
        if edit.kind in _EDITS and edit.state == Edit.State.CONFIRMED and edit.started_at <= now
    ]


def _turns(changes: Iterable[Change], edits: Iterable[_Turn]) -> list[_Turn]:
    """Each change once, oldest first: the changelog tells one of price under two kinds."""
    kept: list[_Turn] = []
    told = [_Turn(c.occurred_at, KINDS[c.kind], c.old, c.new) for c in changes if _counts(c)]
    for turn in (*told, *edits):
        if not any(turn.kind == one.kind and abs(turn.at - one.at) <= _SAME for one in kept):
            kept.append(turn)
    return sorted(kept, key=lambda turn: turn.at)


def _counts(change: Change) -> bool:
    """Whether it can have an effect of its own: not a pause, and not the launch."""
    return change.kind != ChangelogKind.STATUS or (change.new == "live" and change.old == "paused")


def _measured(
    group: TargetGroup,
    changes: Iterable[Change],
    told: GroupRecords,
    prior: Prior | None,
    now: datetime,
) -> effect.Group:
    packed = {day: completes.as_packed_day(hours, odd) for day, hours, odd in told.days}
    series = [point for point in completes.points_of_days(packed) if point[0] <= now]
    read = [one for one in told.readings if one[0] <= now]
    statuses = [(c.occurred_at, c.new) for c in changes if c.kind == ChangelogKind.STATUS]
    return effect.Group(
        completes=clean_history(series, now.timestamp()),  # once, not for each change
        zone=zone_of(group.country_code, group.time_zone),
        pauses=daily.pauses_of(statuses),
        prior=prior,
        entrants=_known(((at, entrants) for at, entrants, _ in read), now),
        prescreens=_known(((at, prescreens) for at, _, prescreens in read), now),
    )


def _known(pairs: Iterable[tuple[datetime, int | None]], now: datetime) -> Readings:
    known = [(at, float(count)) for at, count in pairs if count is not None]
    return clean_history(known, now.timestamp())


def _aftermath(turn: _Turn, found: effect.MeasuredEffect) -> ChangeEffect:
    return ChangeEffect(
        at=turn.at,
        kind=turn.kind,
        what=WORDS[turn.kind],
        old=turn.old,
        new=turn.new,
        completes_an_hour=found.completes_an_hour,
        conversion=found.conversion,
        completes_per_entrant=found.completes_per_entrant,
        epc=found.epc,
        epc_note=found.epc_note,
        overlaps=tuple(f"{WORDS[c.kind]} {c.label}" for c in found.overlaps),
        before=found.before,
        after=found.after,
    )


def brief_value(value: Any) -> str:
    """A value of the changelog in a word or two."""
    if isinstance(value, dict):
        if "value" not in value:
            return "other settings"
        return f"{value['value']} {value.get('currency_code', '')}".strip()
    return "nothing" if value is None else str(value)
