"""Exclusions: the groups and projects whose participants may not enter, each for some days."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.edits.forms.base import BoundForm, FormError, Value

NAME = "respondent_activity_exclusions"
DEFAULT_DAYS, MAX_DAYS, MAX_EXCLUSIONS = 90, 396, 50
GROUP, PROJECT = "target-group", "project"
_LINE = re.compile(r"([0-9A-Za-z]{6,26})(?:[\s,;]+(\d{1,3})(?:\s*days?)?)?", re.ASCII)
_DURATION = re.compile(r"P(\d{1,4})([DW])")


def clean_exclusions(entry: BoundForm[Value], text: str) -> Value:
    """Return the exclusions, one for each line: the id of a group or project, and the days.

    A line that nobody touched is sent back as the exchange has it, whatever it contains.
    """
    current = list((entry.seen or {}).get(NAME) or [])
    typed_lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(typed_lines) > max(MAX_EXCLUSIONS, len(current)):
        raise FormError({NAME: f"At most {MAX_EXCLUSIONS} groups and projects."})
    shown_items = list(zip(_lines_of(current, entry.group.account_id), current, strict=True))
    untouched = [_take_untouched(shown_items, line) for line in typed_lines]
    parsed = [
        None if item else _parse_line(line)
        for line, item in zip(typed_lines, untouched, strict=True)
    ]
    known = _find_by_id([pair[0] for pair in parsed if pair], entry.group.account_id)
    return [
        item if pair is None else _exclusion_of(pair, known, current)
        for item, pair in zip(untouched, parsed, strict=True)
    ]


def _exclusion_of(
    parsed: tuple[str, int],
    known: Mapping[str, tuple[str, str]],
    current_items: Sequence[Mapping[str, Value]],
) -> Mapping[str, Value]:
    """Return the exclusion of a typed line: a group or project of the account, or a current one."""
    identifier, days = parsed
    ulid = known[identifier][1] if identifier in known else identifier
    current = next((item for item in current_items if str(item.get("id")).upper() == ulid), None)
    if identifier not in known and current is None:
        raise FormError({NAME: f"No group or project of this account has the ID “{identifier}”."})
    kind = known[identifier][0] if identifier in known else (current or {}).get("type")
    return {**(current or {"type": kind, "id": ulid}), "duration": f"P{days}D"}


def _take_untouched(shown_items: list[tuple[str, Value]], line: str) -> Value:
    """Return the item that was shown as this line, once; None for a line that was typed."""
    for index, (text, item) in enumerate(shown_items):
        if text == line:
            del shown_items[index]
            return item
    return None


def _parse_line(line: str) -> tuple[str, int]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise FormError(
            {NAME: f"“{line[:40]}” is not an ID followed by a number of days, as in “T000123 90”."}
        )
    days = int(match[2] or DEFAULT_DAYS)
    if not 1 <= days <= MAX_DAYS:
        raise FormError({NAME: f"Enter 1 to {MAX_DAYS} days."})
    return match[1].upper(), days


def _find_by_id(identifiers: Sequence[str], account_id: int | None) -> dict[str, tuple[str, str]]:
    """Return (kind, exchange id) of groups and projects, by their short or exchange id."""
    known: dict[str, tuple[str, str]] = {}
    for model, kind in ((TargetGroup, GROUP), (Project, PROJECT)):
        rows = model._default_manager.filter(account_id=account_id)
        for column in ("human_readable_id", "exchange_id"):
            for row in rows.filter(**{f"{column}__in": identifiers}):
                known[getattr(row, column)] = (kind, row.exchange_id)
    return known


def exclusions_initial(value: Sequence[Mapping[str, Value]], account_id: int | None) -> str:
    """Return the lines as a person would type them, with short ids where they are known."""
    return "\n".join(_lines_of(value, account_id))


def _lines_of(value: Sequence[Mapping[str, Value]], account_id: int | None) -> list[str]:
    ulids = [str(item.get("id")) for item in value]
    short_ids: dict[str, str] = {}
    for model in (TargetGroup, Project):
        rows = model._default_manager.filter(account_id=account_id, exchange_id__in=ulids)
        short_ids |= dict(
            rows.exclude(human_readable_id="").values_list("exchange_id", "human_readable_id")
        )
    return [
        f"{short_ids.get(ulid, ulid)} {_days_of(item.get('duration'))}"
        for ulid, item in zip(ulids, value, strict=True)
    ]


def _days_of(duration: str | None) -> int:
    """Return the days of an ISO 8601 duration; a month counts 30, a year 365."""
    text = duration or f"P{DEFAULT_DAYS}D"
    if match := _DURATION.fullmatch(text):
        return int(match[1]) * (7 if match[2] == "W" else 1)
    years, months, days = (
        int(match[1]) if (match := re.search(rf"(\d+){unit}", text)) else 0 for unit in "YMD"
    )
    return years * 365 + months * 30 + days
