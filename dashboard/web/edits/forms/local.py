"""Settings stored in Fieldwatch only: the budget of a group, and its own time zone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from dashboard.fielding.domain import time_zones
from dashboard.fielding.models import Edit
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    Money,
    parse_amount,
)
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import Names, Parts


def clean_budget(entry: BoundForm[Money | None]) -> Money | None:
    """Return an amount in the group's currency; an empty field removes the budget."""
    text, currency = entry.typed.get("budget", ""), entry.group.currency
    if not currency:
        raise FormError(budget="This group's currency is not known yet.")
    value: Money | None = None
    if text.strip():
        money = parse_amount(text, currency, "budget", "budget")
        value = {"value": format(money, "f"), "currency_code": currency}
    if _amount_of(value) == _amount_of(entry.seen):
        raise FormError(budget=NO_CHANGE)
    return value


def _amount_of(value: Money | None) -> Decimal | None:
    return Decimal(value["value"]) if value else None


def budget_context(entry: BoundForm[Money | None]) -> dict[str, object]:
    """Return the budget and the spend so far."""
    group, seen = entry.group, _amount_of(entry.seen)
    return {
        "currency": group.currency,
        "present": numbers.format_money(seen, group.currency) if seen is not None else "Not set",
        "value": entry.typed.get("budget", numbers.typed_amount(seen)),
        "spent": numbers.format_total(group.cost, group.currency),
    }


def budget_initial(value: Money | None, _entry: BoundForm[Money | None]) -> Mapping[str, str]:
    """Return the amount, or an empty text."""
    return {"budget": numbers.typed_amount(_amount_of(value))}


@cache
def zone_names() -> frozenset[str]:
    """Return the time zones that can be chosen."""
    return frozenset(name for name in available_timezones() if "/" in name or name == "UTC")


def clean_zone(entry: BoundForm[str]) -> str:
    """Return the name of a time zone, or "" for the country's."""
    zone = entry.typed.get("time_zone", "")
    if zone and zone not in zone_names():
        raise FormError(time_zone="Choose a time zone from the list.")
    if zone == entry.seen:
        raise FormError(time_zone=NO_CHANGE)
    return zone


def zone_context(entry: BoundForm[str]) -> dict[str, object]:
    """Return every time zone, and the country's."""
    chosen = entry.typed.get("time_zone", entry.seen)
    country = time_zones.zone_of(entry.group.country_code, "").key
    return {
        "choices": [(name, name == chosen) for name in sorted(zone_names())],
        "country": country,
        "present": entry.seen or f"{country} (country default)",
    }


def zone_initial(value: str, _entry: BoundForm[str]) -> Mapping[str, str]:
    """Return the chosen time zone."""
    return {"time_zone": str(value)}


def zone_parts(value: str, _names: Names, _zone: ZoneInfo | None) -> Parts:
    """Return the time zone in words."""
    return {"Time zone": value or "Country default"}


BUDGET = Form("budget", Edit.Kind.BUDGET, "Budget", clean_budget, budget_context, budget_initial)
TIME_ZONE = Form(
    "time_zone",
    Edit.Kind.TIME_ZONE,
    "Time zone",
    clean_zone,
    zone_context,
    zone_initial,
    parts=zone_parts,
)
