"""The history of a group: the exchange's changelog and our own edits, one line a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.alerts.words import pause_cause
from dashboard.fielding.models import Change, Edit
from dashboard.web import figures, words

CHANGE_OF_EDIT = {
    Edit.Kind.CPI: "cpi_change",
    Edit.Kind.FILLING_STRATEGY: "filling_strategy_change",
}
CLOCKS_DIFFER = timedelta(minutes=10)
OUTCOME_TONES = {
    Edit.State.CONFIRMED: "good",
    Edit.State.REJECTED: "bad",
    Edit.State.CONFLICT: "warn",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One change: when, who, what, from, to, and how it ended."""

    at: datetime
    who: str
    what: str
    old: str
    new: str
    outcome: str
    tone: str
    detail: str
    ours: bool


def lines(
    changes: Iterable[Change], edits: Sequence[Edit], people: Mapping[str, str]
) -> list[Line]:
    """Newest first; an edit and the changelog's word of it are one line."""
    open_edits = {edit.pk: edit for edit in edits}
    told: list[Line] = []
    for change in changes:
        edit = _edit_of(change, open_edits.values())
        if edit:
            del open_edits[edit.pk]
            told.append(edit_line(edit))
        else:
            told.append(_change_line(change, people))
    told += [edit_line(edit) for edit in open_edits.values()]
    return sorted(told, key=lambda line: line.at, reverse=True)


def _edit_of(change: Change, edits: Iterable[Edit]) -> Edit | None:
    """The edit that made this change, if one of ours did."""
    for edit in edits:
        near = abs(change.occurred_at - edit.started_at) <= CLOCKS_DIFFER
        if near and CHANGE_OF_EDIT.get(Edit.Kind(edit.kind)) == change.kind:  # noqa: SIM102
            if edit.state == Edit.State.CONFIRMED and say(edit.wanted) == say(change.new):
                return edit
    return None


def edit_line(edit: Edit) -> Line:
    old, new = (
        _re_entry_diff(edit)
        if edit.kind == Edit.Kind.RE_ENTRY
        else (
            say(edit.before),
            say(edit.wanted),
        )
    )
    return Line(
        at=edit.started_at,
        who=str(edit.by) if edit.by else "somebody who left",
        what=edit.get_kind_display(),
        old=old,
        new=new,
        outcome=edit.get_state_display(),
        tone=OUTCOME_TONES.get(Edit.State(edit.state), "info"),
        detail=_outcome(edit),
        ours=True,
    )


def _outcome(edit: Edit) -> str:
    """What there is to say of how an edit ended."""
    if edit.state == Edit.State.CONFLICT and edit.kind != Edit.Kind.RE_ENTRY:
        return f"The exchange has {say(edit.after)}"
    if edit.state == Edit.State.CONFIRMED and edit.settled_at:
        return f"after {(edit.settled_at - edit.started_at).total_seconds():.0f} s"
    return "; ".join(str(reason.get("reason", "")) for reason in edit.reasons)


def _re_entry_diff(edit: Edit) -> tuple[str, str]:
    """Only the cells that changed, in words."""
    cells = [
        (status, side, target, value)
        for status, sides in (edit.wanted or {}).items()
        for side, targets in sides.items()
        for target, value in targets.items()
        if _cell(edit.before, status, side, target) != value
    ]
    named = [
        f"{words.RE_ENTRY_STATUSES.get(status, status)}, "
        f"{words.RE_ENTRY_SIDES.get(side, side).lower()}, "
        f"{words.RE_ENTRY_TARGETS.get(target, target)}: {'allowed' if value else 'not allowed'}"
        for status, side, target, value in cells
    ]
    return "", "; ".join(named) or "unchanged"


def _cell(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _change_line(change: Change, people: Mapping[str, str]) -> Line:
    who = people.get(change.actor_id) or words.ACTORS.get(
        change.actor_type, change.actor_type or "unknown"
    )
    reason = pause_cause(change.reason_code).what if change.reason_code else ""
    return Line(
        at=change.occurred_at,
        who=who,
        what=words.CHANGES.get(change.kind, words.sentence_case(change.kind)),
        old=say(change.old, people),
        new=say(change.new, people),
        outcome="",
        tone="",
        detail=f"Because {reason}" if reason else "",
        ours=False,
    )


def say(value: Any, people: Mapping[str, str] | None = None) -> str:
    """A changelog value in words, whatever its shape."""
    if value is None or value == "":
        return figures.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return _say_object(value, people or {})
    if isinstance(value, str):
        known = {**words.STATUSES, **words.STRATEGIES}
        return known.get(value) or _say_moment(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _say_object(value: Mapping[str, Any], people: Mapping[str, str]) -> str:
    if "value" in value and "currency_code" in value:
        try:
            return figures.money(Decimal(str(value["value"])), str(value["currency_code"]))
        except InvalidOperation:
            return f"{value['value']} {value['currency_code']}"
    if "las_user_id" in value:
        user = value["las_user_id"]
        return people.get(str(user), str(user)) if user else figures.DASH
    return ", ".join(f"{key.replace('_', ' ')}: {say(item)}" for key, item in value.items())


def _say_moment(text: str) -> str:
    """A time as a time, any other text as it is."""
    try:
        return figures.utc(datetime.fromisoformat(text)) if "T" in text else text
    except ValueError:
        return text
