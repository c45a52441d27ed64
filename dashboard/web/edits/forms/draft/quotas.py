"""The typed profiles and quotas of a draft, checked question by question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from dashboard.sync.edits.kinds.draft import PROFILING
from dashboard.web.edits.forms.base import FormError, Value, is_untouched, parse_whole
from dashboard.web.edits.forms.draft.fields import GOAL, MAX_COMPLETES, DraftEntry
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
    held_profiles,
    question_rows,
    quota_field_of,
    quota_unit,
    rows_as_typed,
)
from dashboard.web.formatting.typed_numbers import numbers_within, read_whole_number

UNITS = {PERCENT: "% of the goal", NUMBER: "completes"}
MAX_QUOTAS, MAX_VALUES, YOUNGEST, OLDEST = 350, 10_000, 1, 99
WHOLE_PERCENT = Decimal(100)


def parse_quotas(entry: DraftEntry) -> tuple[Value, dict[str, str]]:
    """Return the profiles as far as they can be read, and the errors by field."""
    errors: dict[str, str] = {}
    kind, rows = quota_unit(entry), question_rows(entry)
    profiles = [_parse_profile(entry, number, row, kind, errors) for number, row in enumerate(rows)]
    if (
        sum(len(profile["targets"]) for profile in profiles if profile["quotas_enabled"])
        > MAX_QUOTAS
    ):
        errors[PROFILING] = f"Cint accepts at most {MAX_QUOTAS} quotas in total."
    held = held_profiles(entry)
    if not profiles:
        template = {name: held[name] for name in ("template_id",) if name in held}
        return (held if not held.get("profiles") else template), errors
    return {**held, "profile_adjustment_type": kind, "profiles": profiles}, errors


def _parse_profile(
    entry: DraftEntry, number: int, row: QuestionRow, kind: str, errors: dict[str, str]
) -> Value:
    name = f"{PREFIX}{number}"
    targets, ranges = [], list[tuple[int, int]]()
    for index, cell in enumerate(row.cells):
        if not cell.wanted:
            continue
        try:
            targets.append(
                _parse_target(entry, cell, kind if row.quotas else "", f"{name}.{index}")
            )
        except FormError as exc:
            errors |= exc.fields
            continue
        if cell.kind == RANGE:
            ranges.append((read_whole_number(cell.low) or 0, read_whole_number(cell.high) or 0))
    if not any(cell.wanted for cell in row.cells):
        errors[name] = "Tick at least one answer, or remove the question."
    ranges.sort()
    if any(low <= previous_high for (_, previous_high), (low, _) in pairwise(ranges)):
        errors[name] = "Two of these ranges overlap."
    is_switched = row.quotas != bool(row.profile.get("quotas_enabled"))
    quotas = (
        {"quotas_enabled": row.quotas} if is_switched or "quotas_enabled" not in row.profile else {}
    )
    return {**row.profile, **quotas, "targets": targets}


def _parse_target(entry: DraftEntry, cell: QuotaField, kind: str, name: str) -> Value:
    """Return the answer with what was typed; a new condition drops the text of the old one."""
    target = dict(cell.target)
    current = quota_field_of(target)
    changed = (cell.low, cell.high) != (current.low, current.high)
    if cell.kind == RANGE and (changed or not current.low or not current.high):
        low = parse_whole(cell.low, YOUNGEST, OLDEST, f"{name}.low", "start of the range")
        high = parse_whole(cell.high, low, OLDEST, f"{name}.low", "end of the range")
        target = _with_condition(target, target["conditions"][0] | {"min": low, "max": high})
    elif cell.kind == OPEN and not is_untouched(cell.values, current.values):
        target = _with_condition(target, _parse_values(target["conditions"][0], cell.values, name))
    if not kind:
        target.pop("quota", None)
        return target
    goal, quota = GOALS[kind], target.get("quota") or {}
    if goal not in quota or quota_field_of(cell.target, goal).quota != cell.quota:
        others = {member: value for member, value in quota.items() if member not in GOALS.values()}
        quota = {**others, goal: _parse_quota(entry, cell.quota, kind, f"{name}.quota")}
    return {**target, "quota": quota}


def _with_condition(target: Value, condition: Value) -> Value:
    """Return a target with another condition, without the text of the previous one."""
    texts = ("text", "text_translated", "name")
    others = {name: value for name, value in target.items() if name not in texts}
    return others | {"conditions": [condition]}


def _parse_values(condition: Value, text: str, name: str) -> Value:
    """Return the condition with these values, one a line; without any, every value is allowed."""
    values = list(dict.fromkeys(filter(None, (line.strip() for line in text.splitlines()))))
    if len(values) > MAX_VALUES:
        raise FormError({f"{name}.low": f"At most {MAX_VALUES:,} values."})
    return condition | {"allow_all_values": not values, "open_ended_values": values or None}


def _parse_quota(entry: DraftEntry, text: str, kind: str, name: str) -> int | float:
    if kind == PERCENT:
        if (share := _read_share(text)) is None:
            raise FormError({name: "Enter 0 to 100 %, with at most two decimals."})
        return int(share) if share == int(share) else float(share)
    return parse_whole(text, 0, _completes_goal(entry), name, "quota")


def _read_share(text: str) -> Decimal | None:
    """Return a percentage with at most two decimals; None for any other text."""
    text = text.strip().removesuffix("%")
    readings = numbers_within(text, least=Decimal(0), most=WHOLE_PERCENT)
    share = readings[0] if readings else Decimal(-1)
    return share if 0 <= share <= WHOLE_PERCENT and share == round(share, 2) else None


def _completes_goal(entry: DraftEntry) -> int:
    goal = read_whole_number(entry.text(GOAL))
    return goal if goal is not None and 0 <= goal < 10**7 else MAX_COMPLETES


def quotas_context(entry: DraftEntry) -> dict[str, object]:
    """Return what the template needs of the questions."""
    kind, rows = quota_unit(entry), question_rows(entry)
    return {
        "sealed_profiles": rows_as_typed(rows, kind)[OFFERED],
        "unit": kind,
        "quota_units": UNITS.items(),
        "questions": [
            {
                "row": row,
                "name": f"{PREFIX}{number}",
                "error": entry.errors.get(f"{PREFIX}{number}", ""),
                "sum": _format_sum(row, kind, _completes_goal(entry)),
                "cells": [
                    _cell_context(entry, f"{PREFIX}{number}.{index}", cell)
                    for index, cell in enumerate(row.cells)
                ],
            }
            for number, row in enumerate(rows)
        ],
    }


def _cell_context(entry: DraftEntry, name: str, cell: QuotaField) -> dict[str, object]:
    errors = [
        entry.errors[field] for field in (f"{name}.low", f"{name}.quota") if field in entry.errors
    ]
    return {"name": name, "cell": cell, "error": " ".join(errors)}


def _format_sum(row: QuestionRow, kind: str, goal: int) -> str:
    """Return the sum of the quotas in words."""
    read = _read_share if kind == PERCENT else read_whole_number
    quotas = [read(cell.quota) for cell in row.cells if cell.wanted]
    known = [quota for quota in quotas if quota is not None]
    if not row.quotas or len(known) < len(quotas):
        return ""
    total = sum(known)
    maximum = 100 if kind == PERCENT else goal
    text = f"{total:.10g} %" if kind == PERCENT else f"{total:.10g} of {goal} completes"
    return f"Total {text}{', more than the goal' if total > maximum else ''}"


def quotas_field_for(steps: Iterable[str], name: str) -> str:
    """Return the field of an objection to profiles: its question where one is numbered."""
    numbered = re.search(r"profiles\[(\d+)\]|profiles\.(\d+)", name)
    if numbered:
        return f"{PREFIX}{numbered[1] or numbered[2]}"
    return PROFILING if PROFILING in steps or OFFERED in steps else ""
