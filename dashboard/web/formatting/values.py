"""A value of a setting in words, whatever its shape; and what a value says, part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.web.formatting import labels, numbers, times

Names = Mapping[str, str]  # names of people and things of the exchange by their ids
Parts = dict[str, str]  # what a value says, by the word for each part
# The parts of a value of one kind of edit, with its moments in a zone, else in UTC.
WordParts = Callable[[Any, Names, ZoneInfo | None], Parts]


def format_value(value: Any, names: Names | None = None, zone: ZoneInfo | None = None) -> str:
    """A value in words, whatever its shape; moments in this zone, else in UTC."""
    if value is None or value == "":
        return numbers.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return _object_in_words(value, names or {}, zone)
    if isinstance(value, str):
        known = {**labels.STATUSES, **labels.STRATEGIES}
        return known.get(value) or (names or {}).get(value) or _moment_in_words(value, zone)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _object_in_words(value: Mapping[str, Any], names: Names, zone: ZoneInfo | None) -> str:
    if "value" in value and "currency_code" in value:
        try:
            return numbers.format_money(Decimal(str(value["value"])), str(value["currency_code"]))
        except InvalidOperation:
            return f"{value['value']} {value['currency_code']}"
    if "las_user_id" in value:
        user = value["las_user_id"]
        return names.get(str(user), str(user)) if user else numbers.DASH
    parts = (
        (key.replace("_", " "), format_value(item, names, zone)) for key, item in value.items()
    )
    return ", ".join(f"{word}: {text}" for word, text in parts)


def _moment_in_words(text: str, zone: ZoneInfo | None) -> str:
    """A time as a time, any other text as it is."""
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return text
    if moment is None or moment.tzinfo is None:
        return text
    if zone is None:
        return numbers.short_utc(moment)
    return f"{moment.astimezone(zone):%a %-d %b %Y %H:%M} {times.zone_city(zone)}"
