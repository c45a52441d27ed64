"""Turn quotas and rate cards from the exchange into columns of a group's panels. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict

from dashboard.exchange.shapes.pricing import RateCardData, TargetGroupRateCard
from dashboard.exchange.shapes.profiling import Profile, Profiles, ProfileTarget
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.columns.limits import fit_json


class TargetRow(TypedDict):
    """A target of a profile with its quota, as the tables store it."""

    id: str
    name: str
    goal: int | None
    completes: int | None
    prescreens: int | None


class ProfileRow(TypedDict):
    """A profile of a group with its targets, as the tables store it."""

    id: str
    name: str
    quotas: bool
    targets: list[TargetRow]


class PriceTable(TypedDict):
    """Prices by LOI (rows, minutes) and IR (columns, percent), in minor units of the currency."""

    currency: str
    minutes: list[float]
    percents: list[float]
    prices: list[list[float]]
    bound: NotRequired[bool]


def profile_columns(profiles: Profiles | None) -> Columns:
    """The profiles with each target's progress; empty without profiles."""
    rows = [_profile_row(profile) for profile in (profiles.profiles if profiles else [])]
    return {"profiles": fit_json(rows)}


def _profile_row(profile: Profile) -> ProfileRow:
    return {
        "id": profile.id or "",
        "name": profile.name or profile.description_translated or profile.description or "",
        "quotas": bool(profile.quotas_enabled),
        "targets": [_target_row(target) for target in profile.targets],
    }


def _target_row(target: ProfileTarget) -> TargetRow:
    quota = target.quota
    return {
        "id": target.id or "",
        "name": target.text_translated
        or target.text
        or target.name
        or conditions_text(target.conditions),
        "goal": quota.completes_goal if quota else None,
        "completes": quota.completes if quota else None,
        "prescreens": quota.prescreens if quota else None,
    }


def conditions_text(conditions: Iterable[Mapping[str, object]]) -> str:
    """A name for a target that has none, from its conditions."""
    return ", ".join(filter(None, map(_condition_text, conditions)))


def _condition_text(condition: Mapping[str, object]) -> str:
    for name in ("condition_name_translated", "condition_name"):
        if condition.get(name):
            return str(condition[name])
    if "min" in condition or "max" in condition:
        return f"{condition.get('min', '')}–{condition.get('max', '')}"
    return f"answer {condition['option']}" if "option" in condition else ""


def rate_card_columns(card: TargetGroupRateCard | None) -> Columns:
    """The price table in force for the group; None without a rate card."""
    data = card.data if card else None
    if card is None or data is None:
        return {"rate_card": None}
    return {"rate_card": {**price_table(data), "bound": card.bound_rate_card is not None}}


def price_table(data: RateCardData) -> PriceTable:
    """The price table of a rate card as the tables store it."""
    return {
        "currency": (data.pricing_table_currency_code or "").upper(),
        "minutes": data.length_of_interview_minutes,
        "percents": data.incidence_rate_percents,
        "prices": data.pricing_table_data,
    }
