"""Values of settings in words, whatever their shape, as a whole or part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.web.formatting import labels, numbers, times

Names = Mapping[str, str]  # names of people and things of the exchange by their ids
Parts = dict[str, str]  # the text of each part of a value, by its label
# Splits a value of one kind of edit into parts; times are in the zone, else in UTC.
# Any: the JSON of one kind of edit, of a shape that its own form knows.
WordParts = Callable[[Any, Names, ZoneInfo | None], Parts]


def format_value(value: object, names: Names | None = None, zone: ZoneInfo | None = None) -> str:
    """Return a value in words, whatever its shape; times in this zone, else in UTC."""
    if value is None or value == "":
        return numbers.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return _object_in_words(value, names or {}, zone)
    if isinstance(value, str):
        words_by_code = {**labels.STATUSES, **labels.STRATEGIES}
        return words_by_code.get(value) or (names or {}).get(value) or _moment_in_words(value, zone)
    if isinstance(value, int):
        return numbers.format_count(value)
    return numbers.format_limit(value) if isinstance(value, float) else str(value)


def format_daily_rates(before: float | None, after: float | None) -> str:
    """Return "21 → 35": two rates with the digits that tell them apart; empty without both."""
    if before is None or after is None:
        return ""
    digits = 0 if min(before, after) >= 10 else 1
    first = numbers.format_beside(before, after, digits)
    return f"{first} → {numbers.format_beside(after, before, digits)}"


def format_foretold(low: float, high: float, seen: float | None) -> str:
    """Return "Expected +10 to +60 %, seen +34 %.": completes an hour after a change over before."""
    ends = [numbers.format_signed(round((ratio - 1) * 100)) for ratio in (low, high)]
    expected = f"Expected {' to '.join(dict.fromkeys(ends))} %"
    if seen is None:
        return f"{expected}."
    return f"{expected}, seen {numbers.format_signed(round((seen - 1) * 100))} %."


def _object_in_words(value: Mapping[str, object], names: Names, zone: ZoneInfo | None) -> str:
    if "value" in value and "currency_code" in value:
        try:
            scale = value.get("currency_scale")
            return numbers.format_money(
                Decimal(str(value["value"])),
                str(value["currency_code"]),
                scale=scale if isinstance(scale, int) else None,
            )
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
    """Format an ISO time; return any other text as it is."""
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return text
    if moment is None or moment.tzinfo is None:
        return text
    if zone is None:
        return numbers.short_utc(moment)
    return f"{moment.astimezone(zone):%a %-d %b %Y %H:%M} {times.zone_city(zone)}"
