"""What happened since a moment: opened, closed, paused, resumed, edited, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Change, Edit, User
from dashboard.web.edits import history
from dashboard.web.formatting import labels

FRIDAY, EVENING = 4, 18
# What colleagues do on the exchange itself; the rest of the changelog stays on the group's page.
SHOWN_CHANGE_KINDS = (
    ChangelogKind.STATUS,
    ChangelogKind.CPI,
    ChangelogKind.FILLING_GOAL,
    ChangelogKind.FILLING_STRATEGY,
    ChangelogKind.FIELDING_PERIOD_END_DATE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that can be asked for."""

    key: str
    word: str
    start: datetime


def since_choices(user: User, now: datetime) -> list[Span]:
    """Since my last visit (once there was one), Friday evening where I am, or 24 hours."""
    here = now.astimezone(zone_named(user.time_zone))
    friday = here.replace(hour=EVENING, minute=0, second=0, microsecond=0)
    friday -= timedelta(days=(here.weekday() - FRIDAY) % 7)
    if friday > here:
        friday -= timedelta(days=7)
    told = [Span("friday", "Friday 18:00", friday), Span("24h", "24 hours", now - timedelta(1))]
    if user.last_visit_at:
        told.insert(0, Span("visit", "My last visit", user.last_visit_at))
    return told


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened lately."""

    at: datetime
    word: str
    tone: str
    group_pk: int | None
    group: str
    text: str
    who: str


def events_since(
    incidents: Iterable[Any],
    edits: Sequence[Edit],
    changes: Sequence[Change],
    start: datetime,
    zone: ZoneInfo,
) -> list[Event]:
    """Newest first, in the person's zone. `incidents` are rows of `attention.FIELDS`."""
    told = [*_fired(incidents, start)]
    by_group: dict[int, tuple[list[Change], list[Edit]]] = {}
    names: dict[int, str] = {}
    people: dict[str, str] = {}
    for change in changes:
        by_group.setdefault(change.group_id, ([], []))[0].append(change)
        names[change.group_id] = change.group_name  # type: ignore[attr-defined]
        people[change.actor_id] = change.actor_name  # type: ignore[attr-defined]
    for edit in edits:
        if edit.group is None or edit.group_id is None:
            continue
        by_group.setdefault(edit.group_id, ([], []))[1].append(edit)
        names[edit.group_id] = edit.group.name
    known = {key: name for key, name in people.items() if key and name}
    for pk, (of, ours) in by_group.items():
        told += [
            _line(line, pk, names[pk]) for line in history.history_lines(of, ours, known, zone)
        ]
    return sorted(told, key=lambda event: event.at, reverse=True)


def _fired(incidents: Iterable[Any], start: datetime) -> Iterable[Event]:
    for one in incidents:
        of = (one.group_id, one.group_name or one.project_name or one.account_name)
        said = labels.without_group_name(one.group_name or "", one.sentence)
        if one.fired_at and one.fired_at >= start:
            yield Event(one.fired_at, "Opened", "warn", *of, said, "")
        if one.closed_at and one.closed_at >= start and one.fired_at:
            why = f" ({one.close_reason})" if one.close_reason else ""
            yield Event(one.closed_at, "Closed", "good", *of, said + why, "")


_LAUNCHES = {"Launch": "Launched", "Schedule": "Scheduled"}  # edits of ours, as they ended


def _line(line: history.HistoryLine, pk: int, name: str) -> Event:
    word, tone = "Edited", "info"
    if line.what == "Status" and line.new in ("Paused", "Live"):
        word, tone = ("Paused", "bad") if line.new == "Paused" else ("Resumed", "good")
        if line.old in ("Draft", "Scheduled"):
            word = "Launched"
    elif line.what == "Status" and line.new == "Scheduled":
        word = "Scheduled"
    elif line.what in _LAUNCHES and line.tone == "good":
        word, tone = _LAUNCHES[line.what], "good"
    said = f"{line.what}: {line.old} → {line.new}" if line.old else f"{line.what}: {line.new}"
    more = ", ".join(filter(None, (line.outcome, line.detail)))
    return Event(line.at, word, tone, pk, name, f"{said} ({more})" if more else said, line.who)


def count_by_word(told: Iterable[Event]) -> Mapping[str, int]:
    """How many of each word, the commonest first."""
    return dict(Counter(event.word for event in told).most_common())
