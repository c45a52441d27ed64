"""What the fielding assistant does to a group, as its changelog and its draft told last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.fielding.series.pace import Pacing, SoftLaunch

KINDS = (
    "soft_launch_assisted_change",
    "soft_launch_end_date_change",
    "soft_launch_filling_goal_percentage_change",
    "pacing_assistance_change",
    "pacing_linear_increment_interval_change",
    "pacing_adaptive_increment_interval_change",
    "pricing_assistance_change",
    "pricing_dynamic_maximum_cpi_change",
    "pricing_rate_card_maximum_cpi_change",
)
_DURATION = re.compile(
    r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?", re.ASCII
)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Modules:
    """Soft launch and pacing, None where they are off, and the highest CPI that pricing may set."""

    soft_launch: SoftLaunch | None = None
    pacing: Pacing | None = None
    cpi_limit: Decimal | None = None


@dataclass(slots=True)
class _NewestValues:
    """The newest value of each kind of change."""

    values: dict[str, Any] = field(default_factory=dict)

    def get(self, kind: str) -> Any:
        return self.values.get(f"{kind}_change")


def modules_of(changes: Iterable[tuple[datetime, str, Any]], details: Any) -> Modules:
    """From (when, kind, new value) of the changelog, over what the draft was given."""
    newest = _NewestValues(_drafted(details))
    for _, kind, value in sorted(changes, key=lambda change: change[0]):
        newest.values[kind] = value
    return Modules(_soft_launch(newest), _pacing(newest), _cpi_limit(newest))


def _drafted(details: Any) -> dict[str, Any]:
    """The assistant of a draft in the changelog's words."""
    assistant = details.get("fielding_assistant_assignment") if isinstance(details, dict) else None
    return as_changes(assistant) if isinstance(assistant, Mapping) else {}


def as_changes(assistant: Mapping[str, Any]) -> dict[str, Any]:
    """An assignment as the exchange has it, in the changelog's words: a value by kind of change."""
    soft, pacing, pricing, quotas = (
        part if isinstance(part := assistant.get(name), Mapping) else {}
        for name in ("soft_launch", "pacing", "pricing", "quota_overlay")
    )
    pace, price = pacing.get("type"), pricing.get("type")
    return {
        "soft_launch_assisted_change": bool(soft),
        "soft_launch_end_date_change": soft.get("end_at"),
        "soft_launch_filling_goal_percentage_change": soft.get("filling_goal_percentage"),
        "soft_launch_demographics_strictness_percentage_change": soft.get(
            "demographics_strictness_percentage"
        ),
        "pacing_assistance_change": pace,
        f"pacing_{pace}_increment_interval_change": pacing.get("increment_interval"),
        "pacing_gemini_exposed_target_group_id_change": pacing.get("exposed_target_group_id"),
        "quota_overlay_assisted_change": bool(quotas),
        "quota_overlay_prevent_overfilling_change": quotas.get("prevent_overfill"),
        "quota_overlay_balance_fill_change": quotas.get("balance_fill"),
        "pricing_assistance_change": price,
        **{
            f"pricing_{price}_{name}_change": pricing.get(name)
            for name in ("total_budget", "maximum_cpi", "minimum_cpi", "boost_cpi")
        },
    }


def _soft_launch(newest: _NewestValues) -> SoftLaunch | None:
    until, percent = (
        newest.get("soft_launch_end_date"),
        newest.get("soft_launch_filling_goal_percentage"),
    )
    if newest.get("soft_launch_assisted") is False or not until or not percent:
        return None
    try:
        return SoftLaunch(_moment(str(until)), min(1.0, float(percent) / 100))
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    """An aware datetime; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"no time zone: {text}")
    return moment


def _pacing(newest: _NewestValues) -> Pacing | None:
    kind = newest.get("pacing_assistance")
    if kind == "gemini":
        return Pacing("gemini")
    if kind not in ("linear", "adaptive"):
        return None
    return Pacing(kind, _duration(newest.get(f"pacing_{kind}_increment_interval")))


def _duration(text: Any) -> timedelta:
    """The length of an ISO 8601 duration in days to seconds; a day for any other."""
    return duration_of(text) or _DAY


def duration_of(text: Any) -> timedelta | None:
    """The length of an ISO 8601 duration in days, hours, minutes and seconds; None for any other,
    and for one without any length.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    days, hours, minutes, seconds = (
        (int(part or 0) for part in match.groups()) if match else [0] * 4
    )
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None


def _cpi_limit(newest: _NewestValues) -> Decimal | None:
    kind = newest.get("pricing_assistance")
    value = newest.get(f"pricing_{kind}_maximum_cpi") if kind else None
    try:
        return Decimal(str(value["value"])) if isinstance(value, Mapping) else None
    except (InvalidOperation, KeyError):
        return None
