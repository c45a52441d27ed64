"""What is ours: the budget of a group, and a zone of its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from dashboard.fielding.domain import time_zones
from dashboard.fielding.models import Edit
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    Value,
    parse_amount,
)
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import Names, Parts


def check_budget(entry: BoundForm) -> Value:
    """An amount in the group's currency; nothing typed takes the budget away."""
    text, currency = entry.typed.get("budget", ""), entry.group.currency
    if not currency:
        raise FormError(budget="The exchange has not told this group's currency yet.")
    value = None
    if text.strip():
        money = parse_amount(text, currency, "budget", "budget")
        value = {"value": format(money, "f"), "currency_code": currency}
    if _plain(value) == _plain(entry.seen):
        raise FormError(budget=NO_CHANGE)
    return value


def _plain(value: Value) -> Decimal | None:
    return Decimal(value["value"]) if value else None


def shown_budget(entry: BoundForm) -> dict[str, Any]:
    """The budget beside what was spent."""
    group, seen = entry.group, _plain(entry.seen)
    return {
        "currency": group.currency,
        "present": numbers.format_money(seen, group.currency) if seen is not None else "none",
        "value": entry.typed.get("budget", numbers.typed_amount(seen)),
        "spent": numbers.format_total(group.cost, group.currency),
    }


def filled_budget(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """The amount, or nothing."""
    return {"budget": numbers.typed_amount(_plain(value))}


@cache
def zone_names() -> frozenset[str]:
    """The zones that can be chosen."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def check_zone(entry: BoundForm) -> Value:
    """A zone by its name, or "" for the country's."""
    zone = entry.typed.get("time_zone", "")
    if zone and zone not in zone_names():
        raise FormError(time_zone="Choose a zone of the list.")
    if zone == entry.seen:
        raise FormError(time_zone=NO_CHANGE)
    return zone


def shown_zone(entry: BoundForm) -> dict[str, Any]:
    """Every zone, the country's first."""
    chosen = entry.typed.get("time_zone", entry.seen)
    country = time_zones.zone_of(entry.group.country_code, "").key
    return {
        "choices": [(name, name == chosen) for name in sorted(zone_names())],
        "country": country,
        "present": entry.seen or f"{country}, as for its country",
    }


def filled_zone(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """The zone chosen."""
    return {"time_zone": str(value)}


def zone_parts(value: Value, _names: Names, _zone: ZoneInfo | None) -> Parts:
    """The zone, or that it is the country's."""
    return {"Time zone": value or "as for its country"}


BUDGET = Form("budget", Edit.Kind.BUDGET, "Budget", check_budget, shown_budget, filled_budget)
TIME_ZONE = Form(
    "time_zone",
    Edit.Kind.TIME_ZONE,
    "Time zone",
    check_zone,
    shown_zone,
    filled_zone,
    parts=zone_parts,
)
