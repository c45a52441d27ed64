"""The fielding period, typed in the zone where the group's people live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import NO_CHANGE, Entry, Form, Value, Wrong, step
from dashboard.web.formatting import times

START, END = "start_fielding_at", "end_fielding_at"
_FORM = "%Y-%m-%dT%H:%M"
_LONGEST = timedelta(days=3 * 366)


def check(entry: Entry) -> Value:
    """Both ends in UTC; what was not touched goes back to the millisecond as it came."""
    value = {name: _moment(entry, name) for name in (START, END)}
    start, end = (datetime.fromisoformat(value[name]) for name in (START, END))
    if end <= start:
        raise Wrong(end_fielding_at="The end must be after the start.")
    if value == entry.seen:
        raise Wrong(form=NO_CHANGE)
    if value[END] != entry.seen[END]:
        if end <= entry.now:
            raise Wrong(end_fielding_at="The end must be in the future.")
        if end - entry.now > _LONGEST:
            raise Wrong(end_fielding_at="That is more than three years ahead. Is the year right?")
    return value


def _moment(entry: Entry, name: str) -> str:
    """What was typed, in UTC; a start that has passed cannot be typed."""
    seen = entry.seen[name]
    text = entry.typed.get(name, "").strip()
    if (name == START and _started(entry)) or (seen and text == _local(seen, entry)):
        return str(seen)
    typed, zone = datetimes.typed(text, name), times.zone_of(entry.group)
    if why := datetimes.skipped(typed, zone):
        raise Wrong({name: why})
    return datetimes.stamp(typed.replace(tzinfo=zone))


def _started(entry: Entry) -> bool:
    seen = entry.seen[START]
    return bool(seen) and datetime.fromisoformat(seen) <= entry.now


def _local(stamp: str | None, entry: Entry) -> str:
    if not stamp:
        return ""
    there = datetime.fromisoformat(stamp).astimezone(times.zone_of(entry.group))
    return there.strftime(f"{_FORM}:%S" if there.second else _FORM)


def shown(entry: Entry) -> dict[str, Any]:
    """Both ends as typed, else as the exchange has them, in the group's zone."""
    zone = times.zone_of(entry.group)
    return {
        "zone": f"{times.place(zone)} ({zone.key})",
        "start": entry.typed.get(START, _local(entry.seen[START], entry)),
        "end": entry.typed.get(END, _local(entry.seen[END], entry)),
        "present": {
            name: times.there(datetime.fromisoformat(stamp), entry.group) if stamp else "not set"
            for name, stamp in ((name, entry.seen[name]) for name in (START, END))
        },
        "started": _started(entry),
        "earliest": entry.now.astimezone(zone).strftime(_FORM),
    }


def filled(value: Value, entry: Entry) -> Mapping[str, str]:
    """Both ends in the group's zone."""
    return {name: _local(value[name], entry) for name in (START, END)}


def quick(entry: Entry) -> Mapping[str, str]:
    """The end a day later; a day from now where it has passed."""
    if entry.typed.get("hours") != "24" or not entry.seen[END]:
        return {}
    end = max(datetime.fromisoformat(entry.seen[END]), entry.now) + timedelta(hours=24)
    return filled(entry.seen | {END: end.isoformat()}, entry)


def place(name: str, _made: Edit) -> str:
    """The end that an objection is about."""
    return step(name, (START, END))


FORM = Form(
    "dates", Edit.Kind.DATES, "Fielding dates", check, shown, filled, quick=quick, place=place
)
