"""Profiles and quotas of a draft, as they are typed: checked question by question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from dashboard.sync.edits.kinds.draft import PROFILING
from dashboard.web.edits.forms.base import FormError, Value, is_untouched, parse_whole
from dashboard.web.edits.forms.draft.fields import GOAL, MOST_COMPLETES, DraftEntry
from dashboard.web.edits.forms.draft.questions import (
    GOALS,
    NUMBER,
    OFFERED,
    OPEN,
    PERCENT,
    PREFIX,
    RANGE,
    QuestionRow,
    QuotaField,
    as_typed,
    cell_of,
    held_profiles,
    question_rows,
    quota_unit,
)

UNITS = {PERCENT: "per cent of the goal", NUMBER: "completes"}
MOST_QUOTAS, MOST_VALUES, YOUNGEST, OLDEST = 350, 10_000, 1, 99
_SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?", re.ASCII)


def parse_quotas(entry: DraftEntry) -> tuple[Value, dict[str, str]]:
    """Profiles as far as they can be understood, and what is wrong, by field."""
    wrong: dict[str, str] = {}
    kind, found = quota_unit(entry), question_rows(entry)
    profiles = [_profile(entry, number, row, kind, wrong) for number, row in enumerate(found)]
    if sum(len(one["targets"]) for one in profiles if one["quotas_enabled"]) > MOST_QUOTAS:
        wrong[PROFILING] = f"The exchange takes at most {MOST_QUOTAS} quotas in all."
    before = held_profiles(entry)
    if not profiles:
        kept = {name: before[name] for name in ("template_id",) if name in before}
        return (before if not before.get("profiles") else kept), wrong
    return {**before, "profile_adjustment_type": kind, "profiles": profiles}, wrong


def _profile(
    entry: DraftEntry, number: int, row: QuestionRow, kind: str, wrong: dict[str, str]
) -> Value:
    name = f"{PREFIX}{number}"
    targets, spans = [], list[tuple[int, int]]()
    for place, cell in enumerate(row.cells):
        if not cell.wanted:
            continue
        try:
            targets.append(_target(entry, cell, kind if row.quotas else "", f"{name}.{place}"))
        except FormError as exc:
            wrong |= exc.fields
            continue
        if cell.kind == RANGE:
            spans.append((int(cell.low), int(cell.high)))
    if not any(cell.wanted for cell in row.cells):
        wrong[name] = "Tick one answer at least, or take the question out."
    spans.sort()
    if any(low <= before for (_, before), (low, _) in pairwise(spans)):
        wrong[name] = "Two of these ranges overlap."
    switched = row.quotas != bool(row.profile.get("quotas_enabled"))
    quotas = (
        {"quotas_enabled": row.quotas} if switched or "quotas_enabled" not in row.profile else {}
    )
    return {**row.profile, **quotas, "targets": targets}


def _target(entry: DraftEntry, cell: QuotaField, kind: str, name: str) -> Value:
    """The answer as it is held, with what was typed; its words go where they are another's."""
    target = dict(cell.target)
    was = cell_of(target)
    changed = (cell.low, cell.high) != (was.low, was.high)
    if cell.kind == RANGE and (changed or not was.low or not was.high):
        low = parse_whole(cell.low, YOUNGEST, OLDEST, f"{name}.low", "beginning")
        high = parse_whole(cell.high, low, OLDEST, f"{name}.low", "end")
        target = _reworded(target, target["conditions"][0] | {"min": low, "max": high})
    elif cell.kind == OPEN and not is_untouched(cell.values, was.values):
        target = _reworded(target, _open(target["conditions"][0], cell.values, name))
    if not kind:
        target.pop("quota", None)
        return target
    goal, quota = GOALS[kind], target.get("quota") or {}
    if goal not in quota or cell_of(cell.target, goal).quota != cell.quota:
        rest = {n: value for n, value in quota.items() if n not in GOALS.values()}
        quota = {**rest, goal: _quota(entry, cell.quota, kind, f"{name}.quota")}
    return {**target, "quota": quota}


def _reworded(target: Value, condition: Value) -> Value:
    """A target with another condition, without the words for the one before."""
    words = ("text", "text_translated", "name")
    rest = {name: value for name, value in target.items() if name not in words}
    return rest | {"conditions": [condition]}


def _open(condition: Value, text: str, name: str) -> Value:
    """Values one a line; none at all: every value."""
    values = list(dict.fromkeys(filter(None, (one.strip() for one in text.splitlines()))))
    if len(values) > MOST_VALUES:
        raise FormError({f"{name}.low": f"At most {MOST_VALUES:,} values."})
    return condition | {"allow_all_values": not values, "open_ended_values": values or None}


def _quota(entry: DraftEntry, text: str, kind: str, name: str) -> int | float:
    if kind == PERCENT:
        text = text.removesuffix("%").strip()
        if not _SHARE.fullmatch(text) or float(text) > 100:
            raise FormError({name: "0 to 100 per cent, with two decimals at most."})
        return int(float(text)) if float(text).is_integer() else float(text)
    return parse_whole(text, 0, _goal(entry), name, "quota")


def _goal(entry: DraftEntry) -> int:
    text = entry.text(GOAL)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else MOST_COMPLETES


def quotas_context(entry: DraftEntry) -> dict[str, Any]:
    """What the template needs of the questions."""
    kind, found = quota_unit(entry), question_rows(entry)
    return {
        "sealed_profiles": as_typed(found, kind)[OFFERED],
        "unit": kind,
        "quota_units": UNITS.items(),
        "questions": [
            {
                "row": row,
                "name": f"{PREFIX}{number}",
                "error": entry.errors.get(f"{PREFIX}{number}", ""),
                "sum": _sum(row, kind, _goal(entry)),
                "cells": [
                    _shown_cell(entry, f"{PREFIX}{number}.{n}", c) for n, c in enumerate(row.cells)
                ],
            }
            for number, row in enumerate(found)
        ],
    }


def _shown_cell(entry: DraftEntry, name: str, cell: QuotaField) -> dict[str, Any]:
    errors = [entry.errors[one] for one in (f"{name}.low", f"{name}.quota") if one in entry.errors]
    return {"name": name, "cell": cell, "error": " ".join(errors)}


def _sum(row: QuestionRow, kind: str, goal: int) -> str:
    """What the quotas add up to."""
    texts = [cell.quota for cell in row.cells if cell.wanted]
    if not row.quotas or not all(_SHARE.fullmatch(text) or text.isdecimal() for text in texts):
        return ""
    total = round(sum(map(float, texts)), 2)
    most = 100 if kind == PERCENT else goal
    said = f"{total:.10g} %" if kind == PERCENT else f"{total:.10g} of {goal} completes"
    return f"Together {said}{', more than the goal' if total > most else ''}"


def quotas_field_for(steps: Iterable[str], name: str) -> str:
    """The field of an objection to profiles: its question where it is numbered."""
    numbered = re.search(r"profiles\[(\d+)\]|profiles\.(\d+)", name)
    if numbered:
        return f"{PREFIX}{numbered[1] or numbered[2]}"
    return PROFILING if PROFILING in steps or OFFERED in steps else ""
