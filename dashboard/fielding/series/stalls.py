"""Stalls: hours without completes although many were expected (a broken link, a closed survey).

A stall says nothing about the response rate, so it is removed like time paused. While it lasts, the
forecast allows for a group that never recovers: the longer the stall, the likelier.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dashboard.fielding.series.readings import Floats, Hours, Ints, Record

DUE = 8.0  # completes that were due in the stretch
STRETCH = 0.25  # usual days that it held
AROUND = 1.5  # usual days on each side from which the rate around it is taken
STILL = 0.08  # how fast the chance grows, by usual days of it, that nothing comes any more


def without_stalls(
    records: Sequence[Record], hours: Hours, shape: Floats, *, lasting: float = 0.0
) -> tuple[list[Record], Floats]:
    """Return the records without the hours of stalls, and each group's chance of no recovery.

    lasting: the weight of an hour of a stall that is not over. Records without a stall are returned
    as the same objects.
    """
    rows = np.arange(shape.shape[0])[:, None]
    usual = shape[rows, hours.slot] * hours.live / 24
    time, came = (_summed(x) for x in (usual, hours.counts))
    rate = (came[:, -1] + 1) / (time[:, -1] + 1)
    row, begin, end = _silences(hours.counts, time, rate)
    remaining, no_recovery = list(records), np.zeros(len(records))
    width = hours.counts.shape[1]
    for r, first, last in zip(row.tolist(), begin.tolist(), end.tolist(), strict=True):
        if _is_stall(time[r], came[r], rate[r], first, last):
            remaining[r] = _cut(remaining[r], records[r], first - width, last - width, lasting)
            no_recovery[r] = (
                1 - np.exp(-STILL * (time[r, last] - time[r, first])) if last == width else 0.0
            )
    return [_live_only(record) for record in remaining], no_recovery


def _summed(hourly: Floats) -> Floats:
    """Return sums up to the start of each hour and to the end: (groups, hours + 1)."""
    return np.concatenate((np.zeros((hourly.shape[0], 1)), np.cumsum(hourly, axis=1)), axis=1)


def _silences(counts: Floats, time: Floats, rate: Floats) -> tuple[Ints, Ints, Ints]:
    """Return group, first hour and end of the spans without completes that might be stalls."""
    row, hour = np.nonzero(counts > 0)
    if not row.size:
        return row, row, row
    ends = np.append(hour[1:], 0)
    last = np.append(row[1:] != row[:-1], True)
    ends[last] = counts.shape[1]
    held = time[row, ends] - time[row, hour + 1]
    long = (held >= STRETCH) & (held * rate[row] >= DUE)
    return row[long], hour[long] + 1, ends[long]


def _is_stall(time: Floats, came: Floats, rate: float, first: int, last: int) -> bool:
    """Whether much was due at the rate before and, once it is over, after the stretch too."""
    held = time[last] - time[first]
    before = int(np.searchsorted(time, time[first] - AROUND))
    rates = [(came[first] - came[before] + 1) / (time[first] - time[before] + 1 / rate)]
    if last + 1 < time.size:
        after = int(np.searchsorted(time, time[last] + AROUND, side="right")) - 1
        rates.append((came[after] - came[last] + 1) / (time[after] - time[last] + 1 / rate))
    return bool(held * min(rates) >= DUE)


def _cut(record: Record, original: Record, first: int, last: int, lasting: float) -> Record:
    """The record with the hours of a stall not live, counted from its end."""
    live = record.live.copy() if record is original else record.live
    stop = live.size + last
    live[live.size + first : stop] *= lasting if last == 0 else 0.0
    return replace(record, live=live)


def _live_only(record: Record) -> Record:
    """A record without its dead hours."""
    dead = record.live <= 0.0
    if not dead.any():
        return record
    keep = ~dead
    return Record(
        record.start[keep],
        record.counts[keep],
        record.live[keep],
        record.slot[keep],
        record.sharp[keep],
    )
