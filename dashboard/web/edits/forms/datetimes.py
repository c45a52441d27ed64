"""Days and times as people type them, in the zone where a group's people live."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard.web.edits.forms.base import FormError
from dashboard.web.formatting import times

_TYPED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)


def parse_datetime(text: str, name: str) -> datetime:
    """The day and time that were typed, without a zone; Wrong at that field."""
    try:
        return datetime.fromisoformat(text if _TYPED.fullmatch(text) else "")
    except ValueError:
        raise FormError({name: "Type a day and a time, for example 2026-11-27 18:00."}) from None


def reason_skipped(moment: datetime, zone: ZoneInfo) -> str:
    """Why there is no such time in a zone; empty where there is."""
    there = moment.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment:
        return ""
    where = times.zone_city(zone)
    return f"{moment:%H:%M} is skipped that night in {where}: clocks go forward."


def rfc3339_stamp(moment: datetime) -> str:
    """An aware moment as the exchange writes it: UTC, to the millisecond, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
