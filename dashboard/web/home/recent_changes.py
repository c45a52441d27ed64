"""What people and Cint changed since a time, and who did it: pauses, launches and edits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Change, Edit, User
from dashboard.web.edits import history

FRIDAY, EVENING = 4, 18
# What colleagues change on Cint; the rest of the changelog is on the group's page only.
SHOWN_CHANGE_KINDS = (
    ChangelogKind.STATUS,
    ChangelogKind.CPI,
    ChangelogKind.FILLING_GOAL,
    ChangelogKind.FILLING_STRATEGY,
    ChangelogKind.FIELDING_PERIOD_END_DATE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """A time range that the page offers."""

    key: str
    word: str
    start: datetime


def since_choices(user: User, now: datetime) -> list[Span]:
    """Return the ranges: since the last visit (if any), Friday evening local time, 24 hours."""
    local_now = now.astimezone(zone_named(user.time_zone))
    friday = local_now.replace(hour=EVENING, minute=0, second=0, microsecond=0)
    friday -= timedelta(days=(local_now.weekday() - FRIDAY) % 7)
    if friday > local_now:
        friday -= timedelta(days=7)
    spans = [Span("friday", "Friday 18:00", friday), Span("24h", "24 hours", now - timedelta(1))]
    if user.last_visit_at:
        spans.insert(0, Span("visit", "My last visit", user.last_visit_at))
    return spans


@dataclass(frozen=True, slots=True)
class Event:
    """A recent event of a group."""

    at: datetime
    word: str
    tone: str
    group_pk: int | None
    group: str
    text: str
    who: str


def events_since(
    edits: Sequence[Edit],
    changes: Sequence[Change],
    zone: ZoneInfo,
) -> list[Event]:
    """Return events, newest first, with times in the person's zone."""
    events = []
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
    exchange_names = {key: name for key, name in people.items() if key and name}
    for pk, (group_changes, group_edits) in by_group.items():
        events += [
            _change_event(line, pk, names[pk])
            for line in history.history_lines(group_changes, group_edits, exchange_names, zone)
        ]
    return sorted(events, key=lambda event: event.at, reverse=True)


_LAUNCHES = {"Launch": "Launched", "Schedule": "Scheduled"}  # edits by the word for their result


def _change_event(line: history.HistoryLine, pk: int, name: str) -> Event:
    word, tone = "Edited", "info"
    if line.what == "Status" and line.new in ("Paused", "Live"):
        word, tone = ("Paused", "bad") if line.new == "Paused" else ("Resumed", "good")
        if line.old in ("Draft", "Scheduled"):
            word = "Launched"
    elif line.what == "Status" and line.new == "Scheduled":
        word = "Scheduled"
    elif line.what in _LAUNCHES and line.tone == "good":
        word, tone = _LAUNCHES[line.what], "good"
    text = f"{line.what}: {line.old} → {line.new}" if line.old else f"{line.what}: {line.new}"
    details = ", ".join(filter(None, (line.outcome, line.detail)))
    return Event(
        line.at, word, tone, pk, name, f"{text} ({details})" if details else text, line.who
    )


@dataclass(frozen=True, slots=True)
class FoldedEvents:
    """The same change by the same person within an hour: one line, however many groups."""

    events: list[Event]

    @property
    def first(self) -> Event:
        """Return the newest of the events."""
        return self.events[0]

    @property
    def groups(self) -> int:
        """Return the number of groups."""
        return len({event.group_pk for event in self.events})


FOLDED_WITHIN = timedelta(hours=1)


def fold_events(events: Iterable[Event]) -> list[FoldedEvents]:
    """Fold events, newest first: a person who schedules six groups is one line."""
    folds: list[FoldedEvents] = []
    newest: dict[tuple[str, str, str], FoldedEvents] = {}
    for event in events:
        key = (event.who, event.word, event.text)
        fold = newest.get(key)
        if fold and event.who and fold.events[-1].at - event.at <= FOLDED_WITHIN:
            fold.events.append(event)
        else:
            newest[key] = FoldedEvents([event])
            folds.append(newest[key])
    return folds


# How a number of events reads, by their word: for one, for several.
_COUNTED_AS = {
    "Edited": ("edit", "edits"),
    "Launched": ("launch", "launches"),
}


def count_by_word(events: Iterable[Event]) -> Mapping[str, int]:
    """Count events by word, most frequent first: "new alerts": 264, "paused": 34."""
    counts = Counter(event.word for event in events).most_common()
    return {_COUNTED_AS.get(word, (word, word))[count != 1]: count for word, count in counts}
