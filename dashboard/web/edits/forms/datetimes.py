"""Dates and times as people type them, in the time zone of a group."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard.web.edits.forms.base import FormError
from dashboard.web.formatting import times

# Only years that are whole in every time zone: 0001 and 9999 are not.
_TYPED = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)


def parse_datetime(text: str, name: str) -> datetime:
    """Return the typed date and time, without a zone; raises FormError at the field `name`."""
    try:
        return datetime.fromisoformat(text if _TYPED.fullmatch(text) else "")
    except ValueError:
        raise FormError({name: "Enter a date and time, for example 2026-11-27 18:00."}) from None


def reason_skipped(moment: datetime, zone: ZoneInfo) -> str:
    """Return why this time does not exist in a zone; empty where it does."""
    local = moment.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment:
        return ""
    city = times.zone_city(zone)
    return f"{moment:%H:%M} does not exist that night in {city}: the clocks go forward."


def rfc3339_stamp(moment: datetime) -> str:
    """Return an aware moment as the exchange writes it: UTC, to the millisecond, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
