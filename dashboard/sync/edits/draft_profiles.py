"""The profiles of a draft with their texts, and in a form that can be compared."""

from __future__ import annotations

from decimal import Decimal

from dashboard.exchange.json_types import object_in, objects_in
from dashboard.exchange.sendable import GOALS, QUOTA_READ_ONLY, without
from dashboard.exchange.shapes.profiling import profiling_request
from dashboard.sync.columns import limits
from dashboard.sync.edits.merge import Members, Value


def with_texts(profiling: Members) -> dict[str, Value]:
    """The profiles as the exchange has them, each target with a text that people recognise.

    Of a quota's two goals only the one in use is included: the exchange computes the other.
    """
    if not profiling:
        return {}
    profiling_value: dict[str, Value] = limits.fit_json(dict(profiling))
    profiling_value["profiles"] = [
        _profile_with_texts(each, profiling_value) for each in profiling_value.get("profiles") or []
    ]
    if not profiling_value["profiles"]:
        return profiling_value if "template_id" in profiling_value else {}
    return profiling_value


def _profile_with_texts(profile: Value, profiling: Value) -> Value:
    goal = GOALS.get(str(profiling.get("profile_adjustment_type")), GOALS["nominal"])
    left_out = QUOTA_READ_ONLY | (set(GOALS.values()) - {goal})
    targets = []
    for each in profile.get("targets") or []:
        target = dict(each)
        if not profile.get("quotas_enabled"):
            target.pop("quota", None)
        elif "quota" in target:  # our tables store decimals as text
            quota = without(target["quota"] or {}, left_out)
            target["quota"] = {n: _as_number(v) if n == goal else v for n, v in quota.items()}
        if text := each.get("text_translated") or each.get("text") or _condition_names(each):
            target["text"] = text
        targets.append(target)
    return profile | {"targets": targets}


def _as_number(number: object) -> object:
    return limits.fit_json(Decimal(number)) if isinstance(number, str) else number


def _condition_names(target: Members) -> str:
    """The names of a target's conditions, if the exchange gives them."""
    members = ("condition_name_translated", "condition_name")
    names = [
        next((condition[name] for name in members if condition.get(name)), "")
        for condition in target.get("conditions", [])
    ]
    return ", ".join(filter(None, names))


def comparable_profiles(profiling: Value) -> list[list[object]]:
    """Audience and quotas in a form that does not depend on order or names."""
    sent = profiling_request(profiling)
    unit = sent.get("profile_adjustment_type")
    comparable: list[list[object]] = []
    for profile in objects_in(sent, "profiles"):
        targets = [
            [
                sorted(map(_comparable_condition, objects_in(target, "conditions"))),
                [float(str(goal)) for goal in object_in(target, "quota").values()],
            ]
            for target in objects_in(profile, "targets")
        ]
        quotas = unit if profile.get("quotas_enabled") else ""
        comparable.append([profile.get("object"), quotas, sorted(targets, key=repr)])
    return sorted(comparable, key=repr)


def _comparable_condition(condition: Value) -> str:
    bounds = [condition.get(name) for name in ("option", "min", "max")]
    return repr(
        [condition.get("question_id"), *bounds, sorted(condition.get("open_ended_values") or [])]
    )
