"""The goal of a group, and of each of its quotas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
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
from dashboard.web.formatting.values import Names, Parts
from dashboard.web.http.ticks import is_ticked

TOTAL, AGAIN, ANEW = "completes_goal", "completes_goal_again", "quotas_anew"
MOST = 1_000_000
_NUMBERED = re.compile(r"profiles\W+(\d{1,4})(?:\W+targets\W+(\d{1,4}))?")
_OF_TOTAL = "total_completes_goal"


@dataclass(frozen=True, slots=True)
class QuotaGoal:
    """One quota: its field, its words, what it has and what it should have."""

    name: str
    label: str
    completes: int | None
    was: int | None
    text: str
    error: str


def field_of(profile: Value, target: Value) -> str:
    """The name of a quota's field."""
    return f"quota.{profile['id']}.{target['id']}"


def clean_goals(entry: BoundForm) -> Value:
    """Only what changes: with the total alone, the exchange works the quotas out anew, which must
    be agreed to.
    """
    wrong: dict[str, str] = {}
    value: dict[str, Any] = {}
    was = entry.seen[TOTAL]
    total = _number(entry, TOTAL, was, wrong)
    if total != was:
        value[TOTAL] = total
    if profiles := _quotas(entry, wrong):
        value["profiles"] = profiles
    if wrong:
        raise FormError(wrong)
    if not value:
        raise FormError(form=NO_CHANGE)
    again = _typed_twice(entry, was, total or 0) if TOTAL in value else {}
    anew = _quotas_move(entry) if TOTAL in value and "profiles" not in value else {}
    if again or anew:
        raise FormError(again | anew, again=bool(again))
    return value


def _number(entry: BoundForm, name: str, was: int | None, wrong: dict[str, str]) -> int | None:
    text = entry.typed.get(name, "").strip()
    if text == ("" if was is None else str(was)):
        return was
    try:
        return parse_whole(text, 1, MOST, name, "goal")
    except FormError as exc:
        wrong |= exc.fields
        return was


def _quotas(entry: BoundForm, wrong: dict[str, str]) -> list[Value]:
    """The profiles that have a quota with a new goal, with those quotas alone."""
    changed = []
    for profile in entry.seen["profiles"]:
        targets = []
        for target in profile["targets"]:
            name, was = field_of(profile, target), target["completes_goal"]
            if name in entry.typed and (goal := _number(entry, name, was, wrong)) != was:
                targets.append(target | {"completes_goal": goal})
        if targets:
            changed.append(profile | {"targets": targets})
    return changed


def _typed_twice(entry: BoundForm, old: int | None, new: int) -> dict[str, str]:
    """What is wrong with a large step that was typed once."""
    again = entry.typed.get(AGAIN, "").strip()
    if not old or not is_large_step(old, new) or again == str(new):
        return {}
    sentence = f"That is {format_change(old, new)}. Type the new goal again to confirm it."
    return {AGAIN: "This is not the goal above." if again else sentence}


def _quotas_move(entry: BoundForm) -> dict[str, str]:
    """What the exchange does with quotas that stay as they are in the form, until it is agreed."""
    number = sum(len(profile["targets"]) for profile in entry.seen["profiles"])
    if not number or is_ticked(entry.typed, ANEW):
        return {}
    what = "this quota" if number == 1 else f"these {number} quotas"
    return {ANEW: f"With a new goal alone the exchange works {what} out anew from its own figures."}


def goals_context(entry: BoundForm) -> dict[str, Any]:
    """The goals as typed, else as the exchange has them, and what more completes cost."""
    was = entry.seen[TOTAL]
    text = entry.typed.get(TOTAL, "" if was is None else str(was))
    moved = text.isascii() and text.isdigit() and len(text) < 8 and int(text) != was
    said = quota_labels(entry.seen)
    return {
        "total": text,
        "present": numbers.format_count(was),
        "done": numbers.format_count(entry.group.completes),
        "anew": ANEW in entry.errors or is_ticked(entry.typed, ANEW),
        "agreed": is_ticked(entry.typed, ANEW),
        "cost": price_impact.for_goal(entry.group, int(text), was) if moved else "",
        "quotas": [
            (
                profile["name"] or "Quota",
                [_quota(entry, profile, one, said[one["id"]]) for one in profile["targets"]],
            )
            for profile in entry.seen["profiles"]
        ],
    }


def _quota(entry: BoundForm, profile: Value, target: Value, said: str) -> QuotaGoal:
    name, was = field_of(profile, target), target["completes_goal"]
    text = entry.typed.get(name, "" if was is None else str(was))
    return QuotaGoal(name, said, target["completes"], was, text, entry.errors.get(name, ""))


def quota_labels(value: Value) -> dict[str, str]:
    """Whom each quota is about, by its id; those that read the same are numbered."""
    met: Counter[tuple[str, str]] = Counter()
    said = {}
    for profile in value.get("profiles") or []:
        for target in profile["targets"]:
            words = quota_label(target)
            met[profile["name"], words] += 1
            number = met[profile["name"], words]
            said[target["id"]] = words if number == 1 else f"{words} ({number})"
    return said


def names_with_quotas(edit: Edit, names: Mapping[str, str]) -> Mapping[str, str]:
    """The names, and what each quota was called as it was read: what is wanted names but some."""
    return {**names, **quota_labels(edit.before or {})} if edit.kind == Edit.Kind.GOALS else names


def quota_label(target: Value) -> str:
    """Whom a quota is about, in words."""
    if target["name"]:
        return str(target["name"])
    said = [_condition(one) for one in target.get("conditions") or []]
    return ", ".join(word for word in said if word) or str(target["id"])


def _condition(condition: Value) -> str:
    """ "18–34", "option 1", or the name of what the exchange asks."""
    if condition.get("min") is not None or condition.get("max") is not None:
        low, high = condition.get("min"), condition.get("max")
        return f"{'' if low is None else low}–{'' if high is None else high}"
    named = condition.get("condition_name") or condition.get("name")
    if named:
        return str(named)
    options = condition.get("options") or [condition.get("option")]
    return "option " + ", ".join(str(one) for one in options) if any(options) else ""


def goals_initial(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """Every goal that the value names; a total alone agrees to quotas that are worked out anew."""
    texts = {
        field_of(profile, target): str(target["completes_goal"])
        for profile in value.get("profiles") or []
        for target in profile["targets"]
        if target["completes_goal"] is not None
    }
    total = {TOTAL: str(value[TOTAL])} if value.get(TOTAL) else {}
    return texts | total | ({ANEW: "on"} if total and not texts else {})


def goals_field_for(name: str, made: Edit) -> str:
    """An objection to a quota, by its id or by its place in what was sent, stands at its field; one
    to a profile at the first of its quotas; one to the total at the total.
    """
    known = {
        one: field_of(profile, target)
        for profile in (made.before or {})["profiles"]
        for target in reversed(profile["targets"])
        for one in (profile["id"], target["id"])
    }
    if numbered := _NUMBERED.search(name):
        sent = dict(enumerate((made.wanted or {}).get("profiles") or []))
        targets = dict(enumerate(sent.get(int(numbered[1]), {}).get("targets", [])))
        return known.get(targets.get(int(numbered[2] or 0), {}).get("id", ""), "")
    return known.get(name) or (
        TOTAL if last_known_step(name, (TOTAL,)) or name.startswith(_OF_TOTAL) else ""
    )


def goals_parts(value: Value, names: Names, _zone: ZoneInfo | None) -> Parts:
    """The goal of the group, and of each quota that the value names."""
    parts, quotas = {}, {**quota_labels(value), **names}
    if TOTAL in value:
        parts["Completes goal"] = numbers.format_count(value[TOTAL])
    for profile in value.get("profiles") or []:
        for target in profile["targets"]:
            word = f"{profile['name'] or 'Quota'} {quotas[target['id']]}"
            parts[word] = numbers.format_count(target["completes_goal"])
    return parts


def current_goal(group: TargetGroup) -> str:
    """The goal of the whole that our tables hold."""
    return f"{numbers.format_count(group.completes_goal)} completes"


FORM = Form(
    "goals",
    Edit.Kind.GOALS,
    "Goals",
    clean_goals,
    goals_context,
    goals_initial,
    place=goals_field_for,
    parts=goals_parts,
    current=current_goal,
)
