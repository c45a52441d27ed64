"""The history of groups: the exchange's changelog and Fieldwatch's own edits, a line a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.alerts.text import pause_cause
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.models import Change, Edit, Project
from dashboard.sync.batches import edit_records
from dashboard.sync.edits.kinds.registry import changelog_entries
from dashboard.web.connections.waits import OpenWait
from dashboard.web.edits.forms.assistant_modules import format_duration
from dashboard.web.edits.value_labels import (
    changed_parts,
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
# Changelog values that are codes, or numbers without their unit.
_CODES: Mapping[str, Callable[[str], str]] = {
    ChangelogKind.INDUSTRY_LOCKOUT_CODE: labels.sentence_case,
    ChangelogKind.LOCALE: labels.locale_name,
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
# What a change is about, for the filter of a group's history; all others are OTHER.
OTHER = "other"
TOPICS: Mapping[str, str] = {
    ChangelogKind.CPI: "cpi",
    ChangelogKind.USER_REQUESTED_CPI: "cpi",
    ChangelogKind.PRIVATE_EXCHANGE_CPI: "cpi",
    Edit.Kind.CPI: "cpi",
    ChangelogKind.STATUS: "status",
    Edit.Kind.STATUS: "status",
    Edit.Kind.LAUNCH: "status",
    ChangelogKind.FILLING_GOAL: "goals",
    ChangelogKind.FIELDING_PERIOD_START_DATE: "goals",
    ChangelogKind.FIELDING_PERIOD_END_DATE: "goals",
    Edit.Kind.GOALS: "goals",
    Edit.Kind.DATES: "goals",
}
FORMER_USER = "Former user"
NOT_SENT = "not sent"
OVERTAKEN = "refused: someone else changed it first"
_NOT_DONE = (Edit.State.REJECTED, Edit.State.CONFLICT)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change: when, who, what, from, to, and its result.

    `edit` is the id of the edit where the change was made in Fieldwatch; `topic` is a value of
    `TOPICS`, or OTHER.
    """

    at: datetime
    who: str
    what: str
    old: str
    new: str
    outcome: str
    tone: str
    detail: str
    edit: int | None = None
    group: int | None = None  # None for a change of a whole project
    topic: str = OTHER
    wait: OpenWait | None = None  # of an edit that is open

    @property
    def ours(self) -> bool:
        """Whether the change was made in Fieldwatch."""
        return self.edit is not None


def project_names(project: Project, changes: Iterable[Change]) -> dict[str, str]:
    """Return names by the exchange's id: of a project, and of those its groups moved from or to."""
    moves = (change for change in changes if change.kind == ChangelogKind.PROJECT_ID)
    ids = {end for move in moves for end in (move.old, move.new) if isinstance(end, str)}
    if others := ids - {project.exchange_id}:
        projects = Project.objects.filter(account=project.account_id, exchange_id__in=others)
        names = dict(projects.values_list("exchange_id", "name"))
    else:
        names = {}
    return names | {project.exchange_id: project.name}


def history_lines(
    changes: Iterable[Change],
    edits: Sequence[Edit],
    people: Mapping[str, str],
    zone: ZoneInfo | None = None,
    *,
    waits: Mapping[int, OpenWait] | None = None,
) -> list[HistoryLine]:
    """Return the lines, newest first; an edit and its changelog entries make one line.

    Times among the values are shown in `zone`, else in UTC. `waits`: what open edits wait for.
    """
    unmatched: dict[tuple[int | None, str], list[Change]] = defaultdict(list)
    for change in changes:
        unmatched[change.group_id, change.kind].append(change)
    for edit in edits:
        _drop_matched(edit, unmatched)
    lines = [edit_line(edit, people, zone, (waits or {}).get(edit.pk)) for edit in edits]
    lines += [
        _line_of_change(change, people, zone)
        for remaining in unmatched.values()
        for change in remaining
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _drop_matched(edit: Edit, unmatched: Mapping[tuple[int | None, str], list[Change]]) -> None:
    """Drop the changelog entries of this edit: of each kind, the one nearest in time."""
    if edit.state in _NOT_DONE:
        return
    for kind, value in changelog_entries(edit):
        same = unmatched.get((edit.group_id, kind), [])
        near = [
            change
            for change in same
            if abs(change.occurred_at - edit.started_at) <= CLOCKS_DIFFER
            and (value is None or format_value(change.new) == format_value(value))
        ]
        if near:
            same.remove(min(near, key=lambda change: abs(change.occurred_at - edit.started_at)))


def edit_line(
    edit: Edit,
    names: Mapping[str, str] | None = None,
    zone: ZoneInfo | None = None,
    wait: OpenWait | None = None,
) -> HistoryLine:
    """Return the line of an edit made in Fieldwatch, with what it waits for while it is open."""
    people = names or {}
    what, old, new = edit.title, "", ""
    changed = changed_parts(edit, people, zone)
    if edit.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT):
        new = str((edit.wanted or {}).get("name", ""))
    elif len(changed) == 1:
        word, old, new = changed[0]
        what = word if edit.kind != Edit.Kind.RE_ENTRY else f"{what}: {word}"
    else:
        old = "; ".join(f"{word}: {before}" for word, before, _ in changed)
        new = "; ".join(f"{word}: {wanted}" for word, _, wanted in changed)
    return HistoryLine(
        at=edit.started_at,
        who=str(edit.by) if edit.by else FORMER_USER,
        what=what,
        old=old,
        new=new,
        outcome=outcome_label(edit),
        tone=OUTCOME_TONES.get(Edit.State(edit.state), "info"),
        detail="" if wait else _describe_outcome(edit, people, zone),
        edit=edit.pk,
        group=edit.group_id,
        topic=TOPICS.get(edit.kind, OTHER),
        wait=wait,
    )


def outcome_label(edit: Edit) -> str:
    """Return the state of an edit as a label.

    An edit that was never sent was not refused; and where the exchange holds another value than
    was sent, that need not be someone else's change.
    """
    if edit.state == Edit.State.REJECTED and edit.sent is False:
        return NOT_SENT
    failed = (Edit.State.REJECTED, Edit.State.CONFLICT)
    if edit.state in failed and edit.sent and edit.taken is False:
        return OVERTAKEN
    creates = edit.kind in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT)
    sent = creates or edit.checks > 0 or edit.sent is True
    if edit.kind == Edit.Kind.LAUNCH:
        sent = bool(edit.after)
    held_otherwise = edit.state == Edit.State.CONFLICT and sent
    held = edit_records.HELD[:1].lower() + edit_records.HELD[1:]
    return held if held_otherwise else edit.get_state_display()


def _describe_outcome(edit: Edit, people: Mapping[str, str], zone: ZoneInfo | None) -> str:
    """Return details of how an edit ended; empty where the label says everything."""
    if edit.state == Edit.State.CONFLICT:
        before = value_parts(edit.kind, edit.before, people, zone)
        after = value_parts(edit.kind, edit.after, people, zone).items()
        differ = [f"{word} {now}" for word, now in after if before.get(word) != now]
        return f"Cint has {'; '.join(differ)}" if differ else ""
    if edit.state == Edit.State.GIVEN_UP and edit.reasons and edit.given_up_by_id is None:
        return "; ".join(str(reason.get("reason", "")) for reason in edit.reasons)
    if edit.state == Edit.State.GIVEN_UP:
        who = edit.given_up_by or FORMER_USER
        return f"{who} checked on Cint and abandoned this change; its result is unknown"
    if edit.state == Edit.State.CONFIRMED and edit.settled_at:
        seconds = (edit.settled_at - edit.started_at).total_seconds()
        return f"after {seconds:.0f} s" if seconds >= 1 else "in under 1 s"
    return "; ".join(_describe_objection(reason) for reason in edit.reasons)


def _describe_objection(reason: Mapping[str, object]) -> str:
    """Return an objection of the exchange, with its field's name; an id is no name."""
    path, objection = str(reason.get("name", "")), str(reason.get("reason", ""))
    name = labels.field_name(path)
    return f"{name}: {objection}" if name != path else objection


def _format_logged_value(
    kind: str, value: object, people: Mapping[str, str], zone: ZoneInfo | None
) -> str:
    if isinstance(value, str) and value and kind in _CODES:
        return _CODES[kind](value)
    if isinstance(value, int | float) and kind in _NUMBERS:
        return _NUMBERS[kind](value)
    return format_value(value, people, zone)


def _line_of_change(
    change: Change, people: Mapping[str, str], zone: ZoneInfo | None
) -> HistoryLine:
    who = people.get(change.actor_id) or labels.ACTORS.get(
        change.actor_type, change.actor_type or "unknown"
    )
    reason = pause_cause(change.reason_code).label if change.reason_code else ""
    return HistoryLine(
        at=change.occurred_at,
        who=who,
        what=labels.CHANGES.get(change.kind, labels.sentence_case(change.kind)),
        old=_format_logged_value(change.kind, change.old, people, zone),
        new=_format_logged_value(change.kind, change.new, people, zone),
        outcome="",
        tone="",
        detail=f"Reason: {reason}" if reason else "",
        group=change.group_id,
        topic=TOPICS.get(change.kind, OTHER),
    )
