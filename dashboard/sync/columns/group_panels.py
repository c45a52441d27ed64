"""Quotas and rate cards as the exchange sends them, as columns of a group's panels. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dashboard.exchange.shapes.pricing import RateCardData, TargetGroupRateCard
from dashboard.exchange.shapes.profiling import Profile, Profiles, ProfileTarget
from dashboard.sync.columns.limits import fit_json


def profile_columns(profiles: Profiles | None) -> dict[str, Any]:
    """The profiles with how far each target is; none where the exchange tells of none."""
    told = profiles.profiles if profiles else []
    return {"profiles": fit_json([_profile(profile) for profile in told])}


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id or "",
        "name": profile.name or profile.description_translated or profile.description or "",
        "quotas": bool(profile.quotas_enabled),
        "targets": [_target(target) for target in profile.targets],
    }


def _target(target: ProfileTarget) -> dict[str, Any]:
    quota = target.quota
    return {
        "id": target.id or "",
        "name": target.text_translated or target.text or target.name or _conditions(target),
        "goal": quota.completes_goal if quota else None,
        "completes": quota.completes if quota else None,
        "prescreens": quota.prescreens if quota else None,
    }


def _conditions(target: ProfileTarget) -> str:
    """Whom a target without a name of its own means, from what it asks for."""
    return ", ".join(filter(None, map(_condition, target.conditions)))


def _condition(asked: Mapping[str, Any]) -> str:
    for name in ("condition_name_translated", "condition_name"):
        if asked.get(name):
            return str(asked[name])
    if "min" in asked or "max" in asked:
        return f"{asked.get('min', '')}–{asked.get('max', '')}"
    return f"answer {asked['option']}" if "option" in asked else ""


def rate_card_columns(card: TargetGroupRateCard | None) -> dict[str, Any]:
    """The table that counts for the group; none where the exchange tells of none."""
    data = card.data if card else None
    if card is None or data is None:
        return {"rate_card": None}
    return {"rate_card": price_table(data) | {"bound": card.bound_rate_card is not None}}


def price_table(data: RateCardData) -> dict[str, Any]:
    """A table of prices as JSON holds it."""
    plain = msgspec.to_builtins(data)
    return {
        "currency": (data.pricing_table_currency_code or "").upper(),
        "minutes": plain["length_of_interview_minutes"],
        "percents": plain["incidence_rate_percents"],
        "prices": plain["pricing_table_data"],
    }
