"""The goal of a group, and of each of its quotas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web.edits.forms import price_impact
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    Value,
    format_change,
    is_large_step,
    last_known_step,
    parse_whole,
)
from dashboard.web.formatting import numbers
from dashboard.web.formatting.typed_numbers import read_whole_number
from dashboard.web.formatting.values import Names, Parts
from dashboard.web.http.ticks import is_ticked

TOTAL: Final = "completes_goal"
AGAIN, RECALCULATE = "completes_goal_again", "quotas_anew"
MAX_GOAL = 1_000_000
_NUMBERED = re.compile(r"profiles\W+(\d{1,4})(?:\W+targets\W+(\d{1,4}))?")
_OF_TOTAL = "total_completes_goal"


class QuotaTarget(TypedDict):
    """A quota: its goal, its completes, and the exchange's conditions."""

    id: str
    name: str
    conditions: list[Value]
    completes_goal: int | None
    completes: int | None


class QuotaProfile(TypedDict):
    """The quotas of one question."""

    id: str
    name: str
    targets: list[QuotaTarget]


class GoalsValue(TypedDict, total=False):
    """The goals of a group; one to be sent has only what changes."""

    completes_goal: int | None
    profiles: list[QuotaProfile]


@dataclass(frozen=True, slots=True)
class QuotaGoal:
    """A quota on the form: its field, its label, its completes, its goal and the typed goal."""

    name: str
    label: str
    completes: int | None
    was: int | None
    text: str
    error: str


def quota_field(profile: QuotaProfile, target: QuotaTarget) -> str:
    """Return the name of a quota's field."""
    return f"quota.{profile['id']}.{target['id']}"


def clean_goals(entry: BoundForm[GoalsValue]) -> GoalsValue:
    """Return only what changes.

    With the total alone, the exchange recalculates the quotas, which the person must confirm.
    """
    errors: dict[str, str] = {}
    value: GoalsValue = {}
    current = entry.seen[TOTAL]
    total = _clean_goal(entry, TOTAL, current, errors)
    if total != current:
        value[TOTAL] = total
    if profiles := _clean_quotas(entry, errors):
        value["profiles"] = profiles
    if errors:
        raise FormError(errors)
    if not value:
        raise FormError(form=NO_CHANGE)
    again = _require_confirmation(entry, current, total or 0) if TOTAL in value else {}
    recalculated = (
        _confirm_recalculation(entry) if TOTAL in value and "profiles" not in value else {}
    )
    if again or recalculated:
        raise FormError(again | recalculated, again=bool(again))
    return value


def _clean_goal(
    entry: BoundForm[GoalsValue], name: str, current: int | None, errors: dict[str, str]
) -> int | None:
    text = entry.typed.get(name, "").strip()
    if text == ("" if current is None else str(current)):
        return current
    try:
        return parse_whole(text, 1, MAX_GOAL, name, "goal")
    except FormError as exc:
        errors |= exc.fields
        return current


def _clean_quotas(entry: BoundForm[GoalsValue], errors: dict[str, str]) -> list[QuotaProfile]:
    """Return the profiles that have quotas with a new goal, with only those quotas."""
    changed = []
    for profile in entry.seen["profiles"]:
        targets = []
        for target in profile["targets"]:
            name, current = quota_field(profile, target), target["completes_goal"]
            if (
                name in entry.typed
                and (goal := _clean_goal(entry, name, current, errors)) != current
            ):
                targets.append(target | {"completes_goal": goal})
        if targets:
            changed.append(profile | {"targets": targets})
    return changed


def _require_confirmation(
    entry: BoundForm[GoalsValue], old: int | None, new: int
) -> dict[str, str]:
    """Return the error of a large step that was typed once; empty where there is none."""
    again = entry.typed.get(AGAIN, "").strip()
    if not old or not is_large_step(old, new) or read_whole_number(again) == new:
        return {}
    sentence = f"{format_change(old, new)}: re-enter the goal to confirm."
    return {AGAIN: "The two values differ." if again else sentence}


def _confirm_recalculation(entry: BoundForm[GoalsValue]) -> dict[str, str]:
    """Return what the exchange does with quotas that nobody changed, unless that is confirmed."""
    number = sum(len(profile["targets"]) for profile in entry.seen["profiles"])
    if not number or is_ticked(entry.typed, RECALCULATE):
        return {}
    quotas = "this quota" if number == 1 else f"these {number} quotas"
    return {RECALCULATE: f"If you only change the total, Cint recalculates {quotas}."}


def goals_context(entry: BoundForm[GoalsValue]) -> dict[str, object]:
    """Return the goals as typed, else as the exchange has them, and what a new total costs."""
    current = entry.seen[TOTAL]
    text = entry.typed.get(TOTAL, "" if current is None else str(current))
    wanted = read_whole_number(text)
    label_by_id = quota_labels(entry.seen)
    return {
        "total": text,
        "present": numbers.format_count(current),
        "done": numbers.format_count(entry.group.completes),
        "anew": RECALCULATE in entry.errors or is_ticked(entry.typed, RECALCULATE),
        "agreed": is_ticked(entry.typed, RECALCULATE),
        "cost": price_impact.describe_goal_impact(entry.group, wanted, current)
        if wanted is not None and 0 < wanted <= MAX_GOAL and wanted != current
        else "",
        "are_quotas_typed": any(name.startswith("quota.") for name in entry.typed),
        "quotas": [
            (
                profile["name"] or "Quota",
                [
                    _quota_goal(entry, profile, target, label_by_id[target["id"]])
                    for target in profile["targets"]
                ],
            )
            for profile in entry.seen["profiles"]
        ],
    }


def _quota_goal(
    entry: BoundForm[GoalsValue], profile: QuotaProfile, target: QuotaTarget, label: str
) -> QuotaGoal:
    name, current = quota_field(profile, target), target["completes_goal"]
    text = entry.typed.get(name, "" if current is None else str(current))
    return QuotaGoal(name, label, target["completes"], current, text, entry.errors.get(name, ""))


def quota_labels(value: GoalsValue) -> dict[str, str]:
    """Return the label of each quota by its id; equal labels are numbered."""
    occurrences: Counter[tuple[str, str]] = Counter()
    label_by_id = {}
    for profile in value.get("profiles") or []:
        for target in profile["targets"]:
            label = quota_label(target)
            occurrences[profile["name"], label] += 1
            number = occurrences[profile["name"], label]
            label_by_id[target["id"]] = label if number == 1 else f"{label} ({number})"
    return label_by_id


def names_with_quotas(edit: Edit, names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names with the label of each quota as it was read: an edit names only some."""
    if edit.kind != Edit.Kind.GOALS:
        return names
    before: GoalsValue = edit.before or GoalsValue()
    return {**names, **quota_labels(before)}


def quota_label(target: QuotaTarget) -> str:
    """Return whom a quota is about."""
    if target["name"]:
        return str(target["name"])
    conditions = [_describe_condition(condition) for condition in target.get("conditions") or []]
    return ", ".join(word for word in conditions if word) or str(target["id"])


def _describe_condition(condition: Value) -> str:
    """Return "18–34", "option 1", or the exchange's name of the condition."""
    if condition.get("min") is not None or condition.get("max") is not None:
        low, high = condition.get("min"), condition.get("max")
        return f"{'' if low is None else low}–{'' if high is None else high}"
    name = condition.get("condition_name") or condition.get("name")
    if name:
        return str(name)
    options = condition.get("options") or [condition.get("option")]
    return "option " + ", ".join(str(option) for option in options) if any(options) else ""


def goals_initial(value: GoalsValue, _entry: BoundForm[GoalsValue]) -> Mapping[str, str]:
    """Return every goal in the value; a total alone confirms that quotas are recalculated."""
    texts = {
        quota_field(profile, target): str(target["completes_goal"])
        for profile in value.get("profiles") or []
        for target in profile["targets"]
        if target["completes_goal"] is not None
    }
    total = {TOTAL: str(value[TOTAL])} if value.get(TOTAL) else {}
    return texts | total | ({RECALCULATE: "on"} if total and not texts else {})


def quick_goals(entry: BoundForm[GoalsValue]) -> Mapping[str, str]:
    """Return the goals that a plan asks for: of the group (`goal`), and of quotas by their keys
    (`quota`: "key:goal", any number of them)."""
    typed: dict[str, str] = {}
    if is_goal(goal := entry.typed.get("goal", "")):
        typed[TOTAL] = goal
    wanted = dict(text.rpartition(":")[::2] for text in entry.typed.getlist("quota"))
    for number, profile in enumerate(entry.seen["profiles"]):
        for place, target in enumerate(profile["targets"]):
            # Without an id of the target, its place is the key: see `domain.quotas`.
            key = str(target["id"] or f"{profile['id'] or number}.{place}")
            if is_goal(goal := wanted.get(key, "")):
                typed[quota_field(profile, target)] = goal
    return typed


def is_goal(text: str) -> bool:
    """Return whether a text is a goal that may be typed."""
    return len(text) < 8 and text.isascii() and text.isdigit() and 0 < int(text) <= MAX_GOAL


def goals_field_for(name: str, edit: Edit) -> str:
    """Return the field of an objection.

    A quota is named by its id or by its index in what was sent; a profile stands for the first of
    its quotas.
    """
    known = {
        identifier: quota_field(profile, target)
        for profile in (edit.before or {})["profiles"]
        for target in reversed(profile["targets"])
        for identifier in (profile["id"], target["id"])
    }
    if numbered := _NUMBERED.search(name):
        sent = dict(enumerate((edit.wanted or {}).get("profiles") or []))
        targets = dict(enumerate(sent.get(int(numbered[1]), {}).get("targets", [])))
        return known.get(targets.get(int(numbered[2] or 0), {}).get("id", ""), "")
    return known.get(name) or (
        TOTAL if last_known_step(name, (TOTAL,)) or name.startswith(_OF_TOTAL) else ""
    )


def goals_parts(value: GoalsValue, names: Names, _zone: ZoneInfo | None) -> Parts:
    """Return the goal of the group, and of each quota in the value, in words."""
    parts, quotas = {}, {**quota_labels(value), **names}
    if TOTAL in value:
        parts["Completes goal"] = numbers.format_count(value[TOTAL])
    for profile in value.get("profiles") or []:
        for target in profile["targets"]:
            word = f"{profile['name'] or 'Quota'} {quotas[target['id']]}"
            parts[word] = numbers.format_count(target["completes_goal"])
    return parts


def current_goal(group: TargetGroup) -> str:
    """Return the group's goal that our tables hold."""
    return f"{numbers.format_count(group.completes_goal)} completes"


FORM = Form(
    "goals",
    Edit.Kind.GOALS,
    "Goals",
    clean_goals,
    goals_context,
    goals_initial,
    quick=quick_goals,
    field_for=goals_field_for,
    parts=goals_parts,
    current=current_goal,
)
