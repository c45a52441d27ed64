"""What else happened to a group: what its effects cannot be told apart from.

The fielding assistant (soft launch, pacing, pricing, quota overlay), what was bid, the link, and
the steps of a slow pacing. Pauses are taken from the statuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.quotas import QuotaUnit, quota_targets
from dashboard.fielding.effects.effect import QuotaProgress, SettingChange
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.fielding.series.pace import Pacing, SoftLaunch

_PREFIXES = (
    ("soft_launch_", "soft launch"),
    ("pacing_", "pacing"),
    ("pricing_", "pricing"),
    ("quota_overlay_", "quotas"),
    ("expected_", "bid"),
    ("live_url_", "link"),
)
_EDITS = {Edit.Kind.ASSISTANT: "assistant", Edit.Kind.GOALS: "goal"}
_OF_ASSISTANT = ("soft launch", "pacing", "pricing", "quotas")
_SAME = timedelta(minutes=10)
_DAY = timedelta(days=1)


class AssistantRecords(Protocol):
    """Changelog, edits and assistant of a group."""

    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def edits(self) -> Sequence[Edit]: ...
    @property
    def soft_launch(self) -> SoftLaunch | None: ...
    @property
    def pacing(self) -> Pacing | None: ...


def other_events(
    group: TargetGroup,
    records: AssistantRecords,
    changes: Sequence[SettingChange],
    *,
    now: datetime,
) -> list[SettingChange]:
    """What happened from the launch up to now beside `changes`, each once."""
    launch = _launch(group, records.changes)
    events: list[SettingChange] = []
    for event in (
        *_of_changelog(records.changes),
        *_end_of_soft_launch(records.soft_launch),
        *_of_edits(records.edits),
        *_pacing_steps(records.pacing, launch, changes),
    ):
        known = (*changes, *events)
        if (launch or event.at) <= event.at <= now and not any(_is_same(event, x) for x in known):
            events.append(event)
    return events


def quota_cells(profiles: object, unit: QuotaUnit) -> list[QuotaProgress]:
    """The cells with a goal of stored profiles whose quotas are on, as they are now."""
    return [
        QuotaProgress(target.question, float(target.done), float(target.goal))
        for target in quota_targets(profiles, unit)
    ]


def _launch(group: TargetGroup, changes: Iterable[Change]) -> datetime | None:
    """When the group first went live, as far as that is known: drafts are set up before."""
    first = [c.occurred_at for c in changes if c.kind == ChangelogKind.STATUS and c.new == "live"]
    return min([*first, *([group.starts_at] if group.starts_at else [])], default=None)


def _of_changelog(changes: Iterable[Change]) -> list[SettingChange]:
    """Rows of the assistant, of what was bid and of the link; of each module its switch first."""
    switches = (ChangelogKind.SOFT_LAUNCH_ASSISTED, ChangelogKind.PACING_ASSISTANCE)
    ordered = sorted(changes, key=lambda c: (c.kind not in switches, c.occurred_at))
    return [
        SettingChange(change.occurred_at, kind, _label(change))
        for change in ordered
        for prefix, kind in _PREFIXES
        if change.kind.startswith(prefix)
    ]


def _label(change: Change) -> str:
    """What the change did to a module, in a word."""
    if change.kind == ChangelogKind.SOFT_LAUNCH_ASSISTED:
        return "started" if change.new else "ended"
    return "changed"


def _end_of_soft_launch(soft_launch: SoftLaunch | None) -> list[SettingChange]:
    return [SettingChange(soft_launch.ends_at, "soft launch", "ended")] if soft_launch else []


def _of_edits(edits: Iterable[Edit]) -> list[SettingChange]:
    """What was changed through Fieldwatch: a changelog need not list every edit."""
    return [
        SettingChange(edit.started_at, _EDITS[Edit.Kind(edit.kind)], "changed")
        for edit in edits
        if edit.kind in _EDITS and edit.state == Edit.State.CONFIRMED
    ]


def _pacing_steps(
    pacing: Pacing | None, launch: datetime | None, changes: Iterable[SettingChange]
) -> list[SettingChange]:
    """Steps of linear and adaptive pacing within a day of a change.

    Steps of a day or less are on both sides of every change, and are no event.
    """
    if pacing is None or launch is None or pacing.kind == "gemini" or pacing.every <= _DAY:
        return []
    steps = {
        launch + step * pacing.every
        for change in changes
        if change.at > launch
        for step in (
            (change.at - launch) // pacing.every,
            (change.at - launch) // pacing.every + 1,
        )
        if step > 0 and abs(launch + step * pacing.every - change.at) < _DAY
    }
    return [SettingChange(at, "pacing", "step") for at in sorted(steps)]


def _is_same(event: SettingChange, known: SettingChange) -> bool:
    """Whether both are one thing, listed twice: a module's rows, an edit and its rows."""
    near = abs(event.at - known.at) <= (_DAY if event.label == known.label == "ended" else _SAME)
    kinds = {event.kind, known.kind}
    of_assistant = "assistant" in kinds and not kinds.isdisjoint(_OF_ASSISTANT)
    return near and (len(kinds) == 1 or of_assistant)
