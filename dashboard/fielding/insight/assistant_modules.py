"""The fielding assistant of a group, from its changelog over the values of its draft."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.series.pace import Pacing, SoftLaunch

KINDS = (
    ChangelogKind.SOFT_LAUNCH_ASSISTED,
    ChangelogKind.SOFT_LAUNCH_END_DATE,
    ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE,
    ChangelogKind.PACING_ASSISTANCE,
    ChangelogKind.PACING_LINEAR_INCREMENT_INTERVAL,
    ChangelogKind.PACING_ADAPTIVE_INCREMENT_INTERVAL,
    ChangelogKind.PRICING_ASSISTANCE,
    ChangelogKind.PRICING_DYNAMIC_MAXIMUM_CPI,
    ChangelogKind.PRICING_RATE_CARD_MAXIMUM_CPI,
)
_DURATION = re.compile(
    r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?", re.ASCII
)
_DAY = timedelta(days=1)
_STEPPED_PACING: dict[str, Literal["linear", "adaptive"]] = {
    "linear": "linear",
    "adaptive": "adaptive",
}


@dataclass(frozen=True, slots=True)
class Modules:
    """Soft launch and pacing, None if switched off, and the highest CPI that pricing may set.

    past_soft_launch: the last soft launch of a group that has none now.
    """

    soft_launch: SoftLaunch | None = None
    pacing: Pacing | None = None
    cpi_limit: Decimal | None = None
    past_soft_launch: SoftLaunch | None = None


@dataclass(slots=True)
class _NewestValues:
    """The newest value of each kind of change."""

    values: dict[str, object] = field(default_factory=dict)

    def get(self, kind: str) -> object:
        return self.values.get(kind)


def modules_of(changes: Iterable[tuple[datetime, str, object]], details: object) -> Modules:
    """Return the modules from changes (time, kind, new value) over the draft's values."""
    newest = _NewestValues(_values_of_draft(details))
    ordered = sorted(changes, key=lambda change: change[0])
    last_set = _NewestValues(
        newest.values | {kind: value for _, kind, value in ordered if value is not None}
    )
    last_set.values.pop(ChangelogKind.SOFT_LAUNCH_ASSISTED, None)
    for _, kind, value in ordered:
        newest.values[kind] = value
    soft = _soft_launch(newest)
    past = _soft_launch(last_set) if soft is None else None
    return Modules(soft, _pacing(newest), _cpi_limit(newest), past)


def changes_with_old_values(
    changes: Iterable[tuple[datetime, str, object, object]],
) -> Iterator[tuple[datetime, str, object]]:
    """Yield (time, kind, new value) of changes (time, kind, old, new), old values just before.

    A soft launch that was set in the draft is found only in the old values of its end.
    """
    for at, kind, old, new in changes:
        if old is not None:
            yield at - timedelta(microseconds=1), kind, old
        yield at, kind, new


def _values_of_draft(details: object) -> dict[str, object]:
    """Return a draft's assistant as values by kind of change."""
    assistant = details.get("fielding_assistant_assignment") if isinstance(details, dict) else None
    return as_changes(assistant) if isinstance(assistant, Mapping) else {}


def as_changes(assistant: Mapping[str, object]) -> dict[str, object]:
    """Return an assignment of the exchange as values by the changelog's kind of change."""
    soft, pacing, pricing, quotas = (
        _part_of(assistant, name) for name in ("soft_launch", "pacing", "pricing", "quota_overlay")
    )
    pace, price = pacing.get("type"), pricing.get("type")
    return {
        ChangelogKind.SOFT_LAUNCH_ASSISTED: bool(soft),
        ChangelogKind.SOFT_LAUNCH_END_DATE: soft.get("end_at"),
        ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE: soft.get("filling_goal_percentage"),
        ChangelogKind.SOFT_LAUNCH_DEMOGRAPHICS_STRICTNESS_PERCENTAGE: soft.get(
            "demographics_strictness_percentage"
        ),
        ChangelogKind.PACING_ASSISTANCE: pace,
        f"pacing_{pace}_increment_interval_change": pacing.get("increment_interval"),
        ChangelogKind.PACING_GEMINI_EXPOSED_TARGET_GROUP_ID: pacing.get("exposed_target_group_id"),
        ChangelogKind.QUOTA_OVERLAY_ASSISTED: bool(quotas),
        ChangelogKind.QUOTA_OVERLAY_PREVENT_OVERFILLING: quotas.get("prevent_overfill"),
        ChangelogKind.QUOTA_OVERLAY_BALANCE_FILL: quotas.get("balance_fill"),
        ChangelogKind.PRICING_ASSISTANCE: price,
        **{
            f"pricing_{price}_{name}_change": pricing.get(name)
            for name in ("total_budget", "maximum_cpi", "minimum_cpi", "boost_cpi")
        },
    }


def _part_of(assistant: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return a part of an assignment; empty if it is off or has another form."""
    part = assistant.get(name)
    return part if isinstance(part, Mapping) else {}


def _soft_launch(newest: _NewestValues) -> SoftLaunch | None:
    until, percent = (
        newest.get(ChangelogKind.SOFT_LAUNCH_END_DATE),
        newest.get(ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE),
    )
    if newest.get(ChangelogKind.SOFT_LAUNCH_ASSISTED) is False or not until or not percent:
        return None
    try:
        return SoftLaunch(_as_aware_time(str(until)), min(1.0, float(str(percent)) / 100))
    except ValueError:
        return None


def _as_aware_time(text: str) -> datetime:
    """Return an aware datetime; ValueError for any other text."""
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError(f"no time zone: {text}")
    return moment


def _pacing(newest: _NewestValues) -> Pacing | None:
    kind = newest.get(ChangelogKind.PACING_ASSISTANCE)
    if kind == "gemini":
        return Pacing("gemini")
    stepped = _STEPPED_PACING.get(str(kind))
    if stepped is None:
        return None
    interval = duration_of(newest.get(f"pacing_{stepped}_increment_interval_change"))
    return Pacing(stepped, interval or _DAY)


def duration_of(text: object) -> timedelta | None:
    """Return an ISO 8601 duration in days, hours, minutes, seconds; None for others and for 0."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    days, hours, minutes, seconds = (
        (int(part or 0) for part in match.groups()) if match else [0] * 4
    )
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None


def _cpi_limit(newest: _NewestValues) -> Decimal | None:
    kind = newest.get(ChangelogKind.PRICING_ASSISTANCE)
    value = newest.get(f"pricing_{kind}_maximum_cpi_change") if kind else None
    try:
        return Decimal(str(value["value"])) if isinstance(value, Mapping) else None
    except (InvalidOperation, KeyError):
        return None
