"""The fielding period, typed in the zone where the group's people live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import (
    NO_CHANGE,
    BoundForm,
    Form,
    FormError,
    Value,
    last_known_step,
)
from dashboard.web.formatting import times
from dashboard.web.formatting.values import Names, Parts, format_value

START, END = "start_fielding_at", "end_fielding_at"
_FORM = "%Y-%m-%dT%H:%M"
_LONGEST = timedelta(days=3 * 366)


def clean_dates(entry: BoundForm) -> Value:
    """Both ends in UTC; what was not touched goes back to the millisecond as it came."""
    value = {name: _moment(entry, name) for name in (START, END)}
    start, end = (datetime.fromisoformat(value[name]) for name in (START, END))
    if end <= start:
        raise FormError(end_fielding_at="The end must be after the start.")
    if value == entry.seen:
        raise FormError(form=NO_CHANGE)
    if value[END] != entry.seen[END]:
        if end <= entry.now:
            raise FormError(end_fielding_at="The end must be in the future.")
        if end - entry.now > _LONGEST:
            raise FormError(
                end_fielding_at="That is more than three years ahead. Is the year right?"
            )
    return value


def _moment(entry: BoundForm, name: str) -> str:
    """What was typed, in UTC; a start that has passed cannot be typed."""
    seen = entry.seen[name]
    text = entry.typed.get(name, "").strip()
    if (name == START and _started(entry)) or (seen and text == _local(seen, entry)):
        return str(seen)
    typed, zone = datetimes.parse_datetime(text, name), times.zone_of(entry.group)
    if why := datetimes.reason_skipped(typed, zone):
        raise FormError({name: why})
    return datetimes.rfc3339_stamp(typed.replace(tzinfo=zone))


def _started(entry: BoundForm) -> bool:
    seen = entry.seen[START]
    return bool(seen) and datetime.fromisoformat(seen) <= entry.now


def _local(stamp: str | None, entry: BoundForm) -> str:
    if not stamp:
        return ""
    there = datetime.fromisoformat(stamp).astimezone(times.zone_of(entry.group))
    return there.strftime(f"{_FORM}:%S" if there.second else _FORM)


def dates_context(entry: BoundForm) -> dict[str, Any]:
    """Both ends as typed, else as the exchange has them, in the group's zone."""
    zone = times.zone_of(entry.group)
    return {
        "zone": f"{times.zone_city(zone)} ({zone.key})",
        "start": entry.typed.get(START, _local(entry.seen[START], entry)),
        "end": entry.typed.get(END, _local(entry.seen[END], entry)),
        "present": {
            name: times.group_local_time(datetime.fromisoformat(stamp), entry.group)
            if stamp
            else "not set"
            for name, stamp in ((name, entry.seen[name]) for name in (START, END))
        },
        "started": _started(entry),
        "earliest": entry.now.astimezone(zone).strftime(_FORM),
    }


def dates_initial(value: Value, entry: BoundForm) -> Mapping[str, str]:
    """Both ends in the group's zone."""
    return {name: _local(value[name], entry) for name in (START, END)}


def quick_dates(entry: BoundForm) -> Mapping[str, str]:
    """The end a day later; a day from now where it has passed."""
    if entry.typed.get("hours") != "24" or not entry.seen[END]:
        return {}
    end = max(datetime.fromisoformat(entry.seen[END]), entry.now) + timedelta(hours=24)
    return dates_initial(entry.seen | {END: end.isoformat()}, entry)


def dates_field_for(name: str, _made: Edit) -> str:
    """The end that an objection is about."""
    return last_known_step(name, (START, END))


def dates_parts(value: Value, names: Names, zone: ZoneInfo | None) -> Parts:
    """Both ends."""
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
    place=dates_field_for,
    parts=dates_parts,
)
