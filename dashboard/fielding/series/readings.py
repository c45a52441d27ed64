"""From readings of a cumulative count to completes per live hour, for many groups at once.

A reading is (end of its interval, cumulative completes). Readings may be missing, repeated,
out of order, and may fall (reconciliation). What comes out is a grid of *live* hours: time
paused is taken out of the grid, so that ages and rates are counted in time in field.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Reading = tuple[datetime, float]
Pause = tuple[datetime, datetime | None]

HOUR = 3600.0
WEEK = 168
LONGEST = 42 * 24
DIP = 6  # readings
_MONDAY = 3 * 24  # 1970-01-01 was a Thursday


def epoch_seconds(moment: datetime, name: str) -> float:
    """Return seconds since 1970 UTC of an aware datetime; ValueError names a naive one."""
    if moment.utcoffset() is None:
        raise ValueError(f"{name} has no time zone: {moment!r}")
    return moment.timestamp()


def utc_datetime(at: float) -> datetime:
    """Return the UTC datetime of seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)


def as_zone(zone: str | tzinfo) -> tzinfo:
    """Return the time zone of an IANA name; ValueError for an unknown name."""
    if isinstance(zone, tzinfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise ValueError(f"unknown time zone {zone!r}") from exc


@lru_cache(maxsize=8192)
def _slots_of_week(zone: tzinfo, week: int) -> Ints:
    """Return the hour of the local week (0 = Monday 00:00) of a week's 168 UTC hours."""
    offsets = np.empty(WEEK)
    for hour in range(WEEK):
        middle = datetime.fromtimestamp((week * WEEK + hour + 0.5) * HOUR, zone)
        offset = middle.utcoffset()
        offsets[hour] = offset.total_seconds() / HOUR if offset else 0.0
    local = week * WEEK + np.arange(WEEK) + 0.5 + offsets + _MONDAY
    return np.floor(local).astype(np.int64) % WEEK


def week_hours(zone: tzinfo, first: int, count: int) -> Ints:
    """Return the hour of the local week (0 to 167) of `count` UTC hours from hour `first`.

    Follows daylight saving: the middle of each UTC hour is looked up in the zone.
    """
    week, skip = divmod(first, WEEK)
    weeks = [_slots_of_week(zone, week + k) for k in range((skip + count - 1) // WEEK + 1)]
    return np.concatenate(weeks)[skip : skip + count]


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings as two arrays: seconds since 1970 and cumulative counts."""

    at: Floats
    count: Floats


@dataclass(frozen=True, slots=True)
class CleanReadings(Readings):
    """Readings as `clean_history` leaves them: whoever gets these need not clean them again."""


History = Sequence[Reading] | Readings


def clean_history(history: History, now: float) -> CleanReadings:
    """Return readings sorted, with the last of repeated stamps, without dips.

    A value that is no count (None, not a number, below zero) is a gap. The first stamp after `now`
    is the current interval: its count is taken as of now; later ones are left out. ValueError for a
    naive stamp.
    """
    if isinstance(history, CleanReadings) and (not history.at.size or history.at[-1] <= now):
        return history
    at, count = _arrays(history)
    is_count = (count >= 0) & (count < np.inf)
    if not is_count.all():
        at, count = at[is_count], count[is_count]
    if not at.size:
        return CleanReadings(at, count)
    steps = at[1:] - at[:-1]
    if steps.size and steps.min() <= 0:
        order = np.argsort(at, kind="stable")
        at, count = at[order], count[order]
        last = np.append(at[1:] > at[:-1], True)
        at, count = at[last], count[last]
    if at[-1] > now:
        at, count = _until(at, count, now)
    falls = np.flatnonzero(count[1:] < count[:-1]) + 1
    if falls.size:
        sound = _without_dips(count, falls)
        at, count = at[sound], count[sound]
    return CleanReadings(at, count)


def _without_dips(count: Floats, falls: Ints) -> NDArray[np.bool_]:
    """Return which readings are no dip: a fall that is undone within DIP readings in one step."""
    sound = np.ones(count.size, dtype=bool)
    for fall in falls.tolist():
        before = count[fall - 1]
        back = np.flatnonzero(count[fall + 1 : fall + 1 + DIP] >= before)
        if not back.size:
            continue
        until = fall + 1 + int(back[0])
        if count[until] - count[until - 1] >= (before - count[fall]) / 2:
            sound[fall:until] = False
    return sound


def _arrays(history: History) -> tuple[Floats, Floats]:
    """Return stamps in seconds and counts, in the given order."""
    if isinstance(history, Readings):
        return history.at, history.count
    if len(history) == 0:
        return np.empty(0), np.empty(0)
    stamps, counts = zip(*history, strict=True)
    if None in {stamp.tzinfo for stamp in stamps}:
        raise ValueError("history holds a stamp without a time zone")
    at = np.fromiter(map(datetime.timestamp, stamps), np.float64, len(stamps))
    return at, np.array(counts, dtype=np.float64)


def _until(at: Floats, count: Floats, now: float) -> tuple[Floats, Floats]:
    """Return readings up to now, with the current interval as a reading of now."""
    past = int(np.searchsorted(at, now, side="right"))
    if past and at[past - 1] == now:
        return at[:past], count[:past]
    return np.append(at[:past], now), count[: past + 1]


def live_share(first: int, count: int, pauses: Sequence[Pause], until: float) -> Floats:
    """Return the live share (0 to 1) of `count` UTC hours; an open pause ends at `until`."""
    live = np.ones(count)
    edges = (first + np.arange(count + 1)) * HOUR
    for begin, end in pauses:
        opens = epoch_seconds(begin, "a pause")
        closes = until if end is None else epoch_seconds(end, "a pause")
        if closes <= max(opens, edges[0]) or opens >= edges[-1]:
            continue
        overlap = np.minimum(edges[1:], closes) - np.maximum(edges[:-1], opens)
        live -= np.clip(overlap / HOUR, 0.0, 1.0)
    return np.maximum(live, 0.0)


@dataclass(frozen=True, slots=True)
class Record:
    """Live hours of one group, oldest first, the last one ends with the last reading.

    counts: completes in the hour; live: the share of the hour that was live and read;
    slot: hour of the local week; sharp: whether the hour's own count was read, not spread;
    start: when the hour begins (seconds since 1970).
    """

    start: Floats
    counts: Floats
    live: Floats
    slot: Ints
    sharp: Floats


def live_hours(read: Readings, *, zone: tzinfo, pauses: Sequence[Pause], shape: Floats) -> Record:
    """Return the completes of each live hour between the first and last reading (at most 42 days).

    Completes between two distant readings are spread over the live hours by `shape` (168
    hour-of-week weights). A fall counts as no completes and no time.
    """
    if read.at.size < 2:
        none = np.empty(0)
        return Record(none, none, none, np.empty(0, dtype=np.int64), none)
    first, last = int(read.at[0] // HOUR), int(-(-read.at[-1] // HOUR))
    first = max(first, last - 2 * LONGEST)
    hours = last - first
    edges = HOUR * np.arange(first, last + 1, dtype=np.float64)
    slot = week_hours(zone, first, hours)
    live = live_share(first, hours, pauses, float(read.at[-1])) if pauses else np.ones(hours)
    rises = np.diff(read.count)
    is_rise = (rises >= 0).astype(np.float64)
    field = np.concatenate(([0.0], np.cumsum(shape[slot] * live + 1e-9)))
    gross = np.concatenate(([0.0], np.cumsum(np.maximum(rises, 0.0))))
    counts = np.diff(np.interp(field, np.interp(read.at, edges, field), gross))
    span = np.diff(read.at)
    known = np.diff(np.interp(edges, read.at, np.concatenate(([0.0], np.cumsum(is_rise * span)))))
    sharp = np.diff(np.interp(edges, read.at, np.append(0.0, np.cumsum(span * (span < 2 * HOUR)))))
    live = live * known / HOUR
    keep = live > 0.02
    picked = np.flatnonzero(keep)[-LONGEST:]
    return Record(edges[picked], counts[picked], live[picked], slot[picked], sharp[picked] / HOUR)


@dataclass(frozen=True, slots=True)
class Hours:
    """Records of several groups side by side: arrays (groups, hours), hours a multiple of 24.

    Each record ends in the last column; what lies before its first hour is zero.
    """

    counts: Floats
    live: Floats
    slot: Ints
    sharp: Floats


def stack_records(records: Sequence[Record]) -> Hours:
    """Return records side by side, padded with empty hours to full blocks of 24 (at least one)."""
    longest = max((record.counts.size for record in records), default=0)
    width = max(24, -(-longest // 24) * 24)
    rows = len(records)
    hours = Hours(
        np.zeros((rows, width)),
        np.zeros((rows, width)),
        np.zeros((rows, width), dtype=np.int64),
        np.zeros((rows, width)),
    )
    for row, record in enumerate(records):
        size = record.counts.size
        if size:
            hours.counts[row, -size:] = record.counts
            hours.live[row, -size:] = record.live
            hours.slot[row, -size:] = record.slot
            hours.sharp[row, -size:] = record.sharp
    return hours
