"""Whom a draft asks for: its profiles with the words for them, and as they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashboard.exchange.sendable import GOALS, QUOTA_READ_ONLY, without
from dashboard.exchange.shapes.profiling import profiling_request
from dashboard.sync.columns import limits

Value = dict[str, Any]


def with_words(profiling: Mapping[str, Any]) -> Value:
    """Profiles with all that the exchange says of them, and the words by which people know them.

    Of the two goals of a quota only the one that counts: the exchange works out the other.
    """
    if not profiling:
        return {}
    worded: Value = limits.fit_json(dict(profiling))
    worded["profiles"] = [_with_words(each, worded) for each in worded.get("profiles") or []]
    if not worded["profiles"]:
        return worded if "template_id" in worded else {}
    return worded


def _with_words(profile: Value, profiling: Value) -> Value:
    goal = GOALS.get(str(profiling.get("profile_adjustment_type")), GOALS["nominal"])
    left_out = QUOTA_READ_ONLY | (set(GOALS.values()) - {goal})
    targets = []
    for each in profile.get("targets") or []:
        target = dict(each)
        if not profile.get("quotas_enabled"):
            target.pop("quota", None)
        elif "quota" in target:  # our tables keep decimals as text
            held = without(target["quota"] or {}, left_out)
            target["quota"] = {n: _number(v) if n == goal else v for n, v in held.items()}
        if text := each.get("text_translated") or each.get("text") or _named(each):
            target["text"] = text
        targets.append(target)
    return profile | {"targets": targets}


def _number(number: Any) -> Any:
    return limits.fit_json(Decimal(number)) if isinstance(number, str) else number


def _named(target: Mapping[str, Any]) -> str:
    """The names of a target's conditions, where the exchange gives them."""
    names = ("condition_name_translated", "condition_name")
    said = [next((one[n] for n in names if one.get(n)), "") for one in target.get("conditions", [])]
    return ", ".join(filter(None, said))


def comparable_profiles(profiling: Value) -> list[Any]:
    """Who is asked for and how many of each, whatever the order and the names."""
    sent = profiling_request(profiling)
    unit = sent.get("profile_adjustment_type")
    comparable = []
    for one in sent.get("profiles") or []:
        targets = [
            [
                sorted(map(_condition, each["conditions"])),
                [float(one) for one in (each.get("quota") or {}).values()],
            ]
            for each in one["targets"]
        ]
        quotas = unit if one.get("quotas_enabled") else ""
        comparable.append([one.get("object"), quotas, sorted(targets, key=repr)])
    return sorted(comparable, key=repr)


def _condition(condition: Value) -> str:
    bounds = [condition.get(name) for name in ("option", "min", "max")]
    return repr(
        [condition.get("question_id"), *bounds, sorted(condition.get("open_ended_values") or [])]
    )
