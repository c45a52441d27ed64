"""The completes time series of a group, stored as one row a UTC day.

A point is (end of its interval, cumulative completes). Slot h of a day is the count at (h+1):00Z,
so 00:00Z is the last slot of the day before. Points off the hour are stored next to the slots.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from dashboard.fielding.series.readings import Readings

GAP = -1
_PACKED = struct.Struct("<24i")
_EMPTY = (GAP,) * 24
_EPOCH = date(1970, 1, 1)
_END, _COUNT = itemgetter(0), itemgetter(1)
_ENDS = 3600.0 * np.arange(1, 25)


# Points off the hour as the database returns them: (ISO 8601 time, count).
StoredPoints = Iterable[Sequence[str | int]]


class PackedDay(NamedTuple):
    """A day's slots as stored, and the points off the hour."""

    hours: bytes
    odd: list[tuple[str, int]] | None


def pack_days(points: Iterable[tuple[datetime, int]]) -> dict[date, PackedDay]:
    """Return days from points in any order; of two points at one time the later one counts."""
    rows = list(points)
    if not rows:
        return {}
    ends = np.fromiter(map(datetime.timestamp, map(_END, rows)), np.float64, len(rows))
    hours, beyond = np.divmod(ends, 3600.0)
    on_hour = beyond == 0.0
    day, slot = np.divmod(hours.astype(np.int64) - on_hour, 24)
    days, row = np.unique(day, return_inverse=True)
    slots = np.full((days.size, 24), GAP, dtype="<i4")
    # of several values for one slot the last one stays
    slots[row[on_hour], slot[on_hour]] = np.fromiter(map(_COUNT, rows), "<i4", len(rows))[on_hour]
    odd: dict[int, dict[str, int]] = {}
    for place in np.flatnonzero(~on_hour).tolist():
        at, count = rows[place]
        odd.setdefault(int(row[place]), {})[at.astimezone(UTC).isoformat()] = count
    return {
        _EPOCH + timedelta(days=number): PackedDay(
            slots[place].tobytes(), sorted(odd[place].items()) if place in odd else None
        )
        for place, number in enumerate(days.tolist())
    }


def unpack_day(
    day: date, hours: bytes, odd: Iterable[tuple[str, int]] | None
) -> list[tuple[datetime, int]]:
    """Return the points of a day, oldest first."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    points = [
        (start + timedelta(hours=slot + 1), count)
        for slot, count in enumerate(_PACKED.unpack(bytes(hours)))
        if count != GAP
    ]
    if odd:
        points += [(datetime.fromisoformat(at), count) for at, count in odd]
        points.sort()
    return points


def on_the_hour(
    days: Iterable[tuple[date, bytes | memoryview, StoredPoints | None]],
) -> list[tuple[date, bytes]]:
    """Return the slots of a group's days; an empty slot takes the last point of its hour.

    So a series whose intervals end at 10:12 and 11:12 (it started at :12) has hourly values too.
    """
    rows = [(day, as_packed_day(hours, odd)) for day, hours, odd in days]
    off_hour: dict[tuple[date, int], int] = {}
    for _, row in rows:
        for at, count in row.odd or ():
            before = datetime.fromisoformat(at) - timedelta(hours=1)
            off_hour[before.date(), before.hour] = count
    return [
        (day, _fill_slots(off_hour, day, row.hours) if off_hour else row.hours) for day, row in rows
    ]


def _fill_slots(off_hour: Mapping[tuple[date, int], int], day: date, hours: bytes) -> bytes:
    slots = enumerate(_PACKED.unpack(hours))
    return _PACKED.pack(
        *(off_hour.get((day, hour), GAP) if count == GAP else count for hour, count in slots)
    )


def as_packed_day(hours: bytes | memoryview, odd: StoredPoints | None) -> PackedDay:
    """Return a stored row with its own types, whichever types the database returns."""
    pairs = [(str(at), int(count)) for at, count in odd] if odd else None
    return PackedDay(bytes(hours), pairs)


def points_of_days(days: Mapping[date, PackedDay]) -> list[tuple[datetime, int]]:
    """Return the series of several days, oldest first."""
    return [point for day in sorted(days) for point in unpack_day(day, *days[day])]


def changed_days(
    stored: Mapping[date, PackedDay], read: Mapping[date, PackedDay]
) -> dict[date, PackedDay]:
    """Return the days of an answer that differ from the stored ones."""
    return {day: packed for day, packed in read.items() if stored.get(day) != packed}


def was_lowered(stored: Mapping[date, PackedDay], read: Mapping[date, PackedDay]) -> bool:
    """Return whether an answer has fewer completes at any hour than the stored days."""
    for day in stored.keys() & read.keys():
        was, now = (np.frombuffer(days[day].hours, "<i4") for days in (stored, read))
        if ((now < was) & (now != GAP)).any():
            return True
    return False


def fill_gaps(
    stored: Mapping[date, PackedDay], read: Mapping[date, PackedDay]
) -> dict[date, PackedDay]:
    """Return an answer with its gaps filled from the stored days."""
    return {
        day: _overlay(stored[day], packed) if day in stored else packed
        for day, packed in read.items()
    }


def _overlay(below: PackedDay, above: PackedDay) -> PackedDay:
    pairs = zip(_PACKED.unpack(below.hours), _PACKED.unpack(above.hours), strict=True)
    odd = dict(below.odd or ()) | dict(above.odd or ())
    hours = (old if new == GAP else new for old, new in pairs)
    return PackedDay(_PACKED.pack(*hours), sorted(odd.items()) or None)


def readings_of_days(days: Mapping[date, PackedDay]) -> Readings:
    """Return the series of several days as arrays, oldest first."""
    order = sorted(days)
    slots = np.frombuffer(b"".join(days[day].hours for day in order), "<i4").reshape(-1, 24)
    starts = np.array([(day - _EPOCH).days * 86_400.0 for day in order])
    known = slots != GAP
    at = (starts.reshape(-1, 1) + _ENDS)[known]
    count = slots[known].astype(np.float64)
    if odd := [pair for day in order for pair in days[day].odd or ()]:
        at = np.append(at, [datetime.fromisoformat(stamp).timestamp() for stamp, _ in odd])
        count = np.append(count, [number for _, number in odd])
        by_time = np.argsort(at, kind="stable")
        at, count = at[by_time], count[by_time]
    return Readings(at, count)


def total_fall(series: Readings) -> int:
    """Return by how many completes the series fell in total, a sign of reconciliation."""
    return int(-np.minimum(np.diff(series.count), 0.0).sum())
