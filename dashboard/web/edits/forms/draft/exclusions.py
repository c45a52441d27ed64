"""Whose participants are kept out: groups and projects, each for a number of days."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.edits.forms.base import BoundForm, FormError, Value

NAME = "respondent_activity_exclusions"
USUAL_DAYS, MOST_DAYS, MOST = 90, 396, 50
GROUP, PROJECT = "target-group", "project"
_LINE = re.compile(r"([0-9A-Za-z]{6,26})(?:[\s,;]+(\d{1,3})(?:\s*days?)?)?", re.ASCII)
_DURATION = re.compile(r"P(\d{1,4})([DW])")


def clean_exclusions(entry: BoundForm, text: str) -> Value:
    """One a line: the id of a group or project, and for how many days.

    A line that stands as it was shown stays as the exchange has it, whatever that is.
    """
    held = list((entry.seen or {}).get(NAME) or [])
    given = [line.strip() for line in text.splitlines() if line.strip()]
    if len(given) > max(MOST, len(held)):
        raise FormError({NAME: f"At most {MOST} groups and projects."})
    shown = list(zip(_lines(held, entry.group.account_id), held, strict=True))
    kept = [_taken(shown, line) for line in given]
    read = [None if item else _read(line) for line, item in zip(given, kept, strict=True)]
    known = _known([pair[0] for pair in read if pair], entry.group.account_id)
    return [
        item if pair is None else _item(pair, known, held)
        for item, pair in zip(kept, read, strict=True)
    ]


def _item(
    read: tuple[str, int], known: Mapping[str, tuple[str, str]], held: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """What a typed line stands for: one of ours, or one that is held already, for other days."""
    number, days = read
    ulid = known[number][1] if number in known else number
    was = next((one for one in held if str(one.get("id")).upper() == ulid), None)
    if number not in known and was is None:
        raise FormError({NAME: f"No group or project of this account is called “{number}”."})
    kind = known[number][0] if number in known else (was or {}).get("type")
    return {**(was or {"type": kind, "id": ulid}), "duration": f"P{days}D"}


def _taken(shown: list[tuple[str, Any]], line: str) -> Any:
    """What a line was shown for, once; None for a line that was typed."""
    for place, (text, item) in enumerate(shown):
        if text == line:
            del shown[place]
            return item
    return None


def _read(line: str) -> tuple[str, int]:
    read = _LINE.fullmatch(line)
    if read is None:
        raise FormError(
            {NAME: f"“{line[:40]}” is no id with a number of days, as in “T000123 90”."}
        )
    days = int(read[2] or USUAL_DAYS)
    if not 1 <= days <= MOST_DAYS:
        raise FormError({NAME: f"From 1 to {MOST_DAYS} days."})
    return read[1].upper(), days


def _known(numbers: Sequence[str], account_id: int | None) -> dict[str, tuple[str, str]]:
    """What each of these ids is, by the short id or the exchange's own."""
    known: dict[str, tuple[str, str]] = {}
    for model, kind in ((TargetGroup, GROUP), (Project, PROJECT)):
        rows: Any = model._default_manager.filter(account_id=account_id)
        for column in ("human_readable_id", "exchange_id"):
            for one in rows.filter(**{f"{column}__in": numbers}):
                known[getattr(one, column)] = (kind, one.exchange_id)
    return known


def exclusions_initial(value: Sequence[Mapping[str, Any]], account_id: int | None) -> str:
    """The lines as a person would type them: short ids where we know them."""
    return "\n".join(_lines(value, account_id))


def _lines(value: Sequence[Mapping[str, Any]], account_id: int | None) -> list[str]:
    ulids = [str(one.get("id")) for one in value]
    short: dict[str, str] = {}
    for model in (TargetGroup, Project):
        rows: Any = model._default_manager.filter(account_id=account_id, exchange_id__in=ulids)
        short |= dict(
            rows.exclude(human_readable_id="").values_list("exchange_id", "human_readable_id")
        )
    return [
        f"{short.get(ulid, ulid)} {_days(one.get('duration'))}"
        for ulid, one in zip(ulids, value, strict=True)
    ]


def _days(duration: str | None) -> int:
    """Days of a period; months and years, which nobody types here, by their usual length."""
    text = duration or f"P{USUAL_DAYS}D"
    if read := _DURATION.fullmatch(text):
        return int(read[1]) * (7 if read[2] == "W" else 1)
    years, months, days = (
        int(read[1]) if (read := re.search(rf"(\d+){unit}", text)) else 0 for unit in "YMD"
    )
    return years * 365 + months * 30 + days
