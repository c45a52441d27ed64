"""Whom a draft asks for: its profiles with the words for them, and as they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashboard.exchange.shapes.profiling import profiling_request
from dashboard.sync import fits

Value = dict[str, Any]


def with_words(profiling: Mapping[str, Any]) -> Value:
    """Profiles as they are sent, with the words by which a person knows them."""
    if not profiling:
        return {}
    told: Value = fits.clean(profiling_request(profiling))
    for kept, each in zip(told.get("profiles", []), profiling.get("profiles") or [], strict=True):
        kept |= {n: each[n] for n in ("description", "description_translated") if each.get(n)}
        for target, held in zip(kept["targets"], each.get("targets", []), strict=True):
            if "quota" in target:  # our tables keep decimals as text
                target["quota"] = {name: _number(one) for name, one in target["quota"].items()}
            text = held.get("text_translated") or held.get("text") or _named(held)
            if text:
                target["text"] = text
    return told


def _number(given: Any) -> Any:
    return fits.clean(Decimal(given)) if isinstance(given, str) else given


def _named(target: Mapping[str, Any]) -> str:
    """The names of a target's conditions, where the exchange gives them."""
    names = ("condition_name_translated", "condition_name")
    said = [next((one[n] for n in names if one.get(n)), "") for one in target.get("conditions", [])]
    return ", ".join(filter(None, said))


def plain(profiling: Value) -> list[Any]:
    """Who is asked for and how many of each, whatever the order and the names."""
    sent = profiling_request(profiling)
    unit = sent.get("profile_adjustment_type")
    told = []
    for one in sent.get("profiles") or []:
        targets = [
            [
                sorted(map(_condition, each["conditions"])),
                [float(one) for one in (each.get("quota") or {}).values()],
            ]
            for each in one["targets"]
        ]
        quotas = unit if one.get("quotas_enabled") else ""
        told.append([one.get("object"), quotas, sorted(targets, key=repr)])
    return sorted(told, key=repr)


def _condition(given: Value) -> str:
    bounds = [given.get(name) for name in ("option", "min", "max")]
    return repr([given.get("question_id"), *bounds, sorted(given.get("open_ended_values") or [])])
