"""What each change of a group was followed by, read from the tables and ready to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.quotas import quota_unit
from dashboard.fielding.domain.scope import is_open
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.effects import effect
from dashboard.fielding.effects.other_events import other_events, quota_cells
from dashboard.fielding.effects.rate_comparison import Measure, Verdict, cannot_tell
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.fielding.series import completes, daily
from dashboard.fielding.series.pace import Pacing, SoftLaunch
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
VERDICTS: dict[Verdict, str] = {
    "raised": "More completes",
    "lowered": "Fewer completes",
    "no clear effect": "No clear change",
    "too early": "Too early",
    "cannot tell": "Cannot tell",
}
_EDITS = {
    Edit.Kind.CPI: "cpi",
    Edit.Kind.FILLING_STRATEGY: "strategy",
    Edit.Kind.RE_ENTRY: "re-entry",
}
_BEFORE_LAUNCH = (TargetGroup.Status.DRAFT, TargetGroup.Status.SCHEDULED)  # no pauses
SHOWN = 20
_SAME = timedelta(minutes=10)  # clocks apart, and the time that an edit takes to settle


@dataclass(frozen=True, slots=True)
class ChangeEffect:
    """One change and what followed it.

    kind: cpi, goal, strategy, status (a resume) or re-entry; `what` is that in words. old and
    new are as the changelog or the edit has them. overlaps names what else happened within a day,
    so that no effect can be told. before and after are the stretches that are compared, and
    completes_after those counted in the second.
    """

    at: datetime
    kind: str
    what: str
    old: object
    new: object
    completes_an_hour: Measure
    conversion: Measure
    completes_per_entrant: Measure
    epc: Verdict | None
    epc_note: str
    overlaps: tuple[str, ...]
    before: tuple[datetime, datetime]
    after: tuple[datetime, datetime]
    completes_after: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """The verdict on completes an hour."""
        return self.completes_an_hour.verdict

    @property
    def label(self) -> str:
        """The verdict as pages show it."""
        return VERDICTS[self.verdict]

    @property
    def sentence(self) -> str:
        """The verdict with its numbers, its interval and what was corrected."""
        measure = self.completes_an_hour
        if measure.ratio is None:
            return f"{self.label}: {measure.reason}"
        ratio = f"× {measure.ratio:.2f} {measure.correction}".strip()
        interval = f"95 % interval {measure.low:.2f} to {measure.high:.2f}"
        return f"{self.label}: {measure.reason}; {ratio} ({interval})."


@dataclass(frozen=True, slots=True)
class _ChangeRow:
    """A change as the tables hold it."""

    at: datetime
    kind: str
    old: object
    new: object

    @property
    def as_setting_change(self) -> effect.SettingChange:
        """As `effect` takes it."""
        return effect.SettingChange(
            self.at, self.kind, f"{brief_value(self.old)} → {brief_value(self.new)}"
        )


@dataclass(frozen=True, slots=True)
class GroupRecords:
    """What the tables hold of a group: its changes, its edits, its series and its readings.

    days: (day, hours, odd) as stored; readings: (time, entrants, prescreens) in order of time;
    soft_launch and pacing as they were set last; profiles as stored, with their quotas.
    """

    changes: Sequence[Change]
    edits: Sequence[Edit]
    days: Iterable[tuple[date, Any, Any]]  # two JSON columns, unpacked by `completes`
    readings: Sequence[tuple[datetime, int | None, int | None]]
    soft_launch: SoftLaunch | None = None
    pacing: Pacing | None = None
    profiles: Sequence[object] = ()


def effects_of_changes(
    group: TargetGroup,
    records: GroupRecords,
    *,
    now: datetime,
    prior: Prior | None = None,
    kind: str | None = None,
) -> list[ChangeEffect]:
    """The effects of a group's changes of CPI, goal, strategy, status and re-entry, newest first.

    The newest 20 (of one kind, if it is given), of rows that were read already, in whatever order.
    A status change is one that put the group back into the field: what a pause does needs no
    measuring.
    """
    listed = sorted(
        (c for c in records.changes if c.kind in KINDS and c.occurred_at <= now),
        key=lambda change: (change.occurred_at, change.pk),
    )
    rows = _change_rows(listed, _edit_rows(records.edits, now))
    if not rows:
        return []
    measured = _group_of(group, listed, records, prior, now)
    settings = [row.as_setting_change for row in rows]
    others = [*settings, *other_events(group, records, settings, now=now)]
    pairs = [pair for pair in zip(rows, settings, strict=True) if kind in (None, pair[0].kind)]
    effects = [
        _change_effect(row, effect.effect_of_change(setting, measured, now=now, others=others))
        for row, setting in reversed(pairs[-SHOWN:])
    ]
    return effects if is_open(group, now) else [_final_effect(each) for each in effects]


def _edit_rows(edits: Iterable[Edit], now: datetime) -> list[_ChangeRow]:
    """What was changed through Fieldwatch: a changelog need not list every edit."""
    return [
        _ChangeRow(edit.started_at, _EDITS[Edit.Kind(edit.kind)], edit.before, edit.wanted)
        for edit in edits
        if edit.kind in _EDITS and edit.state == Edit.State.CONFIRMED and edit.started_at <= now
    ]


def _change_rows(changes: Iterable[Change], edits: Iterable[_ChangeRow]) -> list[_ChangeRow]:
    """Each change once, oldest first: the changelog lists one of price under two kinds."""
    rows: list[_ChangeRow] = []
    logged = [
        _ChangeRow(change.occurred_at, KINDS[change.kind], change.old, change.new)
        for change in changes
        if _has_own_effect(change)
    ]
    for row in (*logged, *edits):
        if not any(row.kind == known.kind and abs(row.at - known.at) <= _SAME for known in rows):
            rows.append(row)
    return sorted(rows, key=lambda row: row.at)


def _has_own_effect(change: Change) -> bool:
    """Whether it can have an effect of its own: not a pause, and not the launch."""
    return change.kind != ChangelogKind.STATUS or (change.new == "live" and change.old == "paused")


def _group_of(
    group: TargetGroup,
    changes: Iterable[Change],
    records: GroupRecords,
    prior: Prior | None,
    now: datetime,
) -> effect.Group:
    packed = {day: completes.as_packed_day(hours, odd) for day, hours, odd in records.days}
    series = [point for point in completes.points_of_days(packed) if point[0] <= now]
    read = [reading for reading in records.readings if reading[0] <= now]
    statuses = [
        (change.occurred_at, change.new)
        for change in changes
        if change.kind == ChangelogKind.STATUS and change.new not in _BEFORE_LAUNCH
    ]
    return effect.Group(
        completes=clean_history(series, now.timestamp()),  # once, not for each change
        zone=zone_of(group.country_code, group.time_zone),
        pauses=daily.pauses_of(statuses),
        prior=prior,
        entrants=_known_counts(((at, entrants) for at, entrants, _ in read), now),
        prescreens=_known_counts(((at, prescreens) for at, _, prescreens in read), now),
        quotas=quota_cells(records.profiles, quota_unit(group.filling_strategy)),
    )


def _known_counts(pairs: Iterable[tuple[datetime, int | None]], now: datetime) -> Readings:
    known = [(at, float(count)) for at, count in pairs if count is not None]
    return clean_history(known, now.timestamp())


def _change_effect(row: _ChangeRow, measured: effect.MeasuredEffect) -> ChangeEffect:
    return ChangeEffect(
        at=row.at,
        kind=row.kind,
        what=effect.KIND_NAMES[row.kind],
        old=row.old,
        new=row.new,
        completes_an_hour=measured.completes_an_hour,
        conversion=measured.conversion,
        completes_per_entrant=measured.completes_per_entrant,
        epc=measured.epc,
        epc_note=measured.epc_note,
        overlaps=tuple(c.name for c in measured.overlaps),
        before=measured.before,
        after=measured.after,
        completes_after=measured.completes_after,
    )


def _final_effect(change: ChangeEffect) -> ChangeEffect:
    """Return the effect of a change in a group that has ended: it is never too early any more."""
    measure = change.completes_an_hour
    if measure.verdict != "too early":
        return change
    reason = f"{measure.reason.rstrip('.')}; the group ended before more came."
    return replace(change, completes_an_hour=cannot_tell(reason, measure))


def brief_value(value: object) -> str:
    """A value of the changelog in a word or two."""
    if isinstance(value, dict):
        if "value" not in value:
            return "other settings"
        return f"{value['value']} {value.get('currency_code', '')}".strip()
    return "nothing" if value is None else str(value)
