"""The fielding period, typed in the time zone of the group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.fielding.advice.plan import MOST_DAYS
from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    last_known_step,
)
from dashboard.web.formatting import times
from dashboard.web.formatting.values import Names, Parts, format_value

DatesValue = Mapping[str, str | None]  # both dates, in UTC as the exchange writes them
START, END = "start_fielding_at", "end_fielding_at"
_INPUT_FORMAT = "%Y-%m-%dT%H:%M"
_LONGEST = timedelta(days=3 * 366)


def clean_dates(entry: BoundForm[DatesValue]) -> DatesValue:
    """Return start and end in UTC; what was not touched is sent back to the millisecond."""
    value = {name: _clean_datetime(entry, name) for name in (START, END)}
    start, end = (datetime.fromisoformat(value[name]) for name in (START, END))
    if end <= start:
        raise FormError(end_fielding_at="The end date must be after the start date.")
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    if value[END] != entry.seen[END]:
        if end <= entry.now:
            raise FormError(end_fielding_at="The end date must be in the future.")
        if end - entry.now > _LONGEST:
            raise FormError(end_fielding_at="More than three years ahead. Check the year.")
    return value


def _clean_datetime(entry: BoundForm[DatesValue], name: str) -> str:
    """Return a typed date in UTC; a start that has passed cannot be changed."""
    seen = entry.seen[name]
    text = entry.typed.get(name, "").strip()
    if (name == START and _has_started(entry)) or (seen and text == _to_local_text(seen, entry)):
        return str(seen)
    local, zone = datetimes.parse_datetime(text, name), times.zone_of(entry.group)
    if reason := datetimes.reason_skipped(local, zone):
        raise FormError({name: reason})
    return datetimes.rfc3339_stamp(local.replace(tzinfo=zone))


def _has_started(entry: BoundForm[DatesValue]) -> bool:
    start = entry.seen[START]
    if not start:
        return False
    return datetime.fromisoformat(start) <= entry.now


def _to_local_text(stamp: str | None, entry: BoundForm[DatesValue]) -> str:
    if not stamp:
        return ""
    local = datetime.fromisoformat(stamp).astimezone(times.zone_of(entry.group))
    return local.strftime(f"{_INPUT_FORMAT}:%S" if local.second else _INPUT_FORMAT)


def dates_context(entry: BoundForm[DatesValue]) -> dict[str, object]:
    """Return both dates as typed, else as the exchange has them, in the group's time zone."""
    zone = times.zone_of(entry.group)
    return {
        "zone": f"{times.zone_city(zone)} ({zone.key})",
        "start": entry.typed.get(START, _to_local_text(entry.seen[START], entry)),
        "end": entry.typed.get(END, _to_local_text(entry.seen[END], entry)),
        "present": {
            name: times.group_local_time(datetime.fromisoformat(stamp), entry.group)
            if stamp
            else "not set"
            for name, stamp in ((name, entry.seen[name]) for name in (START, END))
        },
        "started": _has_started(entry),
        "earliest": entry.now.astimezone(zone).strftime(_INPUT_FORMAT),
    }


def dates_initial(value: DatesValue, entry: BoundForm[DatesValue]) -> Mapping[str, str]:
    """Return both dates in the group's time zone."""
    return {name: _to_local_text(value[name], entry) for name in (START, END)}


def quick_dates(entry: BoundForm[DatesValue]) -> Mapping[str, str]:
    """Return an end date 24 hours or so many days later, from now where it has passed."""
    current, days = entry.seen[END], entry.typed.get("days", "")
    if entry.typed.get("hours") == "24":
        days = "1"
    if not current or not days.isascii() or not days.isdigit() or not 0 < int(days) <= MOST_DAYS:
        return {}
    end = max(datetime.fromisoformat(current), entry.now) + timedelta(days=int(days))
    return dates_initial({**entry.seen, END: end.isoformat()}, entry)


def dates_field_for(name: str, _edit: Edit) -> str:
    """Return the date that an objection is about."""
    return last_known_step(name, (START, END))


def dates_parts(value: DatesValue, names: Names, zone: ZoneInfo | None) -> Parts:
    """Return both dates in words."""
    return {
        "Start": format_value(value.get(START), names, zone),
        "End": format_value(value.get(END), names, zone),
    }


FORM = Form(
    "dates",
    Edit.Kind.DATES,
    "Fielding dates",
    clean_dates,
    dates_context,
    dates_initial,
    quick=quick_dates,
    field_for=dates_field_for,
    parts=dates_parts,
)
