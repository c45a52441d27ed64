"""The history of groups: the exchange's changelog and our own edits, one line a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.alerts.text import pause_cause
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.models import Change, Edit, Project
from dashboard.sync.batches import edit_records
from dashboard.sync.edits.kinds.registry import changelog_entries
from dashboard.web.edits.forms.assistant_modules import format_duration
from dashboard.web.edits.value_labels import (
    changed_parts,
    locale_label,
    value_parts,
)
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import format_value

CLOCKS_DIFFER = timedelta(minutes=10)
OUTCOME_TONES = {
    Edit.State.CONFIRMED: "good",
    Edit.State.REJECTED: "bad",
    Edit.State.CONFLICT: "warn",
    Edit.State.GIVEN_UP: "warn",
}
# Values of the changelog that are codes or have no unit.
_CODES: Mapping[str, Callable[[str], str]] = {
    ChangelogKind.INDUSTRY_LOCKOUT_CODE: labels.sentence_case,
    ChangelogKind.LOCALE: locale_label,
    ChangelogKind.PACING_ADAPTIVE_INCREMENT_INTERVAL: format_duration,
    ChangelogKind.PACING_ASSISTANCE: lambda code: labels.PACING.get(code, code).partition(":")[0],
    ChangelogKind.PACING_LINEAR_INCREMENT_INTERVAL: format_duration,
    ChangelogKind.STUDY_TYPE: labels.sentence_case,
}
_NUMBERS: Mapping[str, Callable[[float], str]] = {
    ChangelogKind.EXPECTED_INCIDENCE_RATE: numbers.format_percent,
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: "{} min".format,
    ChangelogKind.SOFT_LAUNCH_DEMOGRAPHICS_STRICTNESS_PERCENTAGE: "{} %".format,
    ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE: "{} %".format,
}
NOT_SENT = "not sent"
OVERTAKEN = "sent, and refused because somebody changed it meanwhile"
_NOT_DONE = (Edit.State.REJECTED, Edit.State.CONFLICT)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change: when, who, what, from, to, and how it ended. `edit`: which of ours it is."""

    at: datetime
    who: str
    what: str
    old: str
    new: str
    outcome: str
    tone: str
    detail: str
    edit: int | None = None
    group: int | None = None  # none where it is of a whole project

    @property
    def ours(self) -> bool:
        """Whether it was made through Fieldwatch."""
        return self.edit is not None


def project_names(of: Project, changes: Iterable[Change]) -> dict[str, str]:
    """Names by the exchange's id: of a project, and of those that its groups came from or went to.

    Asked for only where a group moved.
    """
    moves = (change for change in changes if change.kind == ChangelogKind.PROJECT_ID)
    ids = {end for move in moves for end in (move.old, move.new) if isinstance(end, str)}
    if others := ids - {of.exchange_id}:
        known = Project.objects.filter(account=of.account_id, exchange_id__in=others)
        named = dict(known.values_list("exchange_id", "name"))
    else:
        named = {}
    return named | {of.exchange_id: of.name}


def history_lines(
    changes: Iterable[Change],
    edits: Sequence[Edit],
    people: Mapping[str, str],
    zone: ZoneInfo | None = None,
) -> list[HistoryLine]:
    """Newest first; an edit and the changelog's words of it are one line.

    Moments among the values are told in this zone, else in UTC.
    """
    theirs: dict[tuple[int | None, str], list[Change]] = defaultdict(list)
    for change in changes:
        theirs[change.group_id, change.kind].append(change)
    for edit in edits:
        _take(edit, theirs)
    told = [edit_line(edit, people, zone) for edit in edits]
    told += [_change_line(one, people, zone) for left in theirs.values() for one in left]
    return sorted(told, key=lambda line: line.at, reverse=True)


def _take(edit: Edit, theirs: Mapping[tuple[int | None, str], list[Change]]) -> None:
    """Take from the changelog what this edit did: of each kind, the nearest in time."""
    if edit.state in _NOT_DONE:
        return
    for kind, value in changelog_entries(edit):
        same = theirs.get((edit.group_id, kind), [])
        near = [
            change
            for change in same
            if abs(change.occurred_at - edit.started_at) <= CLOCKS_DIFFER
            and (value is None or format_value(change.new) == format_value(value))
        ]
        if near:
            same.remove(min(near, key=lambda one: abs(one.occurred_at - edit.started_at)))


def edit_line(
    edit: Edit, names: Mapping[str, str] | None = None, zone: ZoneInfo | None = None
) -> HistoryLine:
    """An edit of ours."""
    people = names or {}
    what, old, new = edit.title, "", ""
    changed = changed_parts(edit, people, zone)
    if edit.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT):
        new = str((edit.wanted or {}).get("name", ""))
    elif len(changed) == 1:
        word, old, new = changed[0]
        what = word if edit.kind != Edit.Kind.RE_ENTRY else f"{what}: {word}"
    else:
        old = "; ".join(f"{word}: {was}" for word, was, _ in changed)
        new = "; ".join(f"{word}: {to}" for word, _, to in changed)
    return HistoryLine(
        at=edit.started_at,
        who=str(edit.by) if edit.by else "somebody who left",
        what=what,
        old=old,
        new=new,
        outcome=ending(edit),
        tone=OUTCOME_TONES.get(Edit.State(edit.state), "info"),
        detail=_outcome(edit, people, zone),
        edit=edit.pk,
        group=edit.group_id,
    )


def ending(edit: Edit) -> str:
    """How it stands, in a few words.

    What was never sent was not refused, and what was sent and is held otherwise need not be
    somebody else's doing.
    """
    if edit.state == Edit.State.REJECTED and edit.sent is False:
        return NOT_SENT
    failed = (Edit.State.REJECTED, Edit.State.CONFLICT)
    if edit.state in failed and edit.sent and edit.taken is False:
        return OVERTAKEN
    made = edit.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT)
    sent = made or edit.checks > 0 or edit.sent is True
    if edit.kind == Edit.Kind.LAUNCH:
        sent = bool(edit.after)
    held_otherwise = edit.state == Edit.State.CONFLICT and sent
    return edit_records.HELD.lower() if held_otherwise else edit.get_state_display()


def _outcome(edit: Edit, people: Mapping[str, str], zone: ZoneInfo | None) -> str:
    """What there is to say of how an edit ended."""
    if edit.state == Edit.State.CONFLICT:
        was = value_parts(edit.kind, edit.before, people, zone)
        theirs = value_parts(edit.kind, edit.after, people, zone).items()
        differ = [f"{word} {now}" for word, now in theirs if was.get(word) != now]
        return f"The exchange has {'; '.join(differ)}" if differ else ""
    if edit.state == Edit.State.GIVEN_UP and edit.reasons and edit.given_up_by_id is None:
        return "; ".join(str(reason.get("reason", "")) for reason in edit.reasons)
    if edit.state == Edit.State.GIVEN_UP:
        who = edit.given_up_by or "somebody who left"
        return f"{who} looked at the exchange and went on; whether it was taken is not known"
    if edit.state == Edit.State.CONFIRMED and edit.settled_at:
        seconds = (edit.settled_at - edit.started_at).total_seconds()
        return f"after {seconds:.0f} s" if seconds >= 1 else "in less than a second"
    return "; ".join(_objection(one) for one in edit.reasons)


def _objection(reason: Mapping[str, Any]) -> str:
    """What the exchange objected to, with its field where that has a word; ids tell nothing."""
    path, why = str(reason.get("name", "")), str(reason.get("reason", ""))
    name = labels.field_name(path)
    return f"{name}: {why}" if name != path else why


def _value(kind: str, value: Any, people: Mapping[str, str], zone: ZoneInfo | None) -> str:
    if isinstance(value, str) and value and kind in _CODES:
        return _CODES[kind](value)
    if isinstance(value, int | float) and kind in _NUMBERS:
        return _NUMBERS[kind](value)
    return format_value(value, people, zone)


def _change_line(change: Change, people: Mapping[str, str], zone: ZoneInfo | None) -> HistoryLine:
    who = people.get(change.actor_id) or labels.ACTORS.get(
        change.actor_type, change.actor_type or "unknown"
    )
    reason = pause_cause(change.reason_code).label if change.reason_code else ""
    return HistoryLine(
        at=change.occurred_at,
        who=who,
        what=labels.CHANGES.get(change.kind, labels.sentence_case(change.kind)),
        old=_value(change.kind, change.old, people, zone),
        new=_value(change.kind, change.new, people, zone),
        outcome="",
        tone="",
        detail=f"Reason: {reason}" if reason else "",
        group=change.group_id,
    )
