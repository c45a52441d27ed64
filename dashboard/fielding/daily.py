"""Small figures of a group's completes series: sparkline, today, rhythm, time paused. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.readings import HOUR, Floats, Readings, moment, slots

Pauses = Sequence[tuple[datetime, datetime | None]]
SPARK_STEP = 6 * HOUR
SPARK_STEPS = 28
LEARNED_FROM = timedelta(days=14)
# How many completes of its own outweigh the usual shape of a day and of a week.
DAY_WORTH, WEEK_WORTH = 48.0, 28.0
_HOUR = timedelta(hours=1)
_USUAL_HOURS = np.array([
    0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 0.8, 1.0, 1.2, 1.3, 1.3,
    1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.5, 1.5, 1.5, 1.5, 1.2, 0.9,
])  # fmt: skip


def spark(series: Readings, *, now: datetime) -> list[int]:
    """Completes in each 6 h of the last 7 days, oldest first; falls count as none."""
    steps = np.floor((series.at - now.timestamp()) / SPARK_STEP) + SPARK_STEPS
    recent = (steps >= 0) & (series.at > now.timestamp() - SPARK_STEP * SPARK_STEPS)
    step = np.minimum(steps[recent], SPARK_STEPS - 1).astype(np.int64)
    sums = np.bincount(step, weights=_rises(series)[recent], minlength=SPARK_STEPS)
    return [int(risen) for risen in sums]


def today(completes: int | None, series: Readings, zone: ZoneInfo, *, now: datetime) -> int | None:
    """Completes since midnight in the group's zone; None where the series does not say."""
    if completes is None or not series.at.size:
        return None
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    past = int(np.searchsorted(series.at, midnight.timestamp(), side="right"))
    return max(completes - (int(series.count[past - 1]) if past else 0), 0)


def rhythm(
    series: Readings, pauses: Pauses, zone: ZoneInfo, *, now: datetime
) -> dict[str, Any] | None:
    """The usual completes an hour, and how hour of day and weekday (group's zone) weigh, mean 1.

    Learned from the last 14 days in the field; few completes lean on the usual shape of days.
    """
    start = now - LEARNED_FROM
    recent = series.at > start.timestamp()
    at, risen = series.at[recent], _rises(series)[recent]
    first = max(moment(float(series.at[0])), start) if series.at.size else now
    in_field = (now - first - _paused(pauses, first, now)) / _HOUR
    total = int(risen.sum())
    if in_field < 1 or not total:
        return None
    hour = np.floor((at - HOUR / 2) / HOUR).astype(np.int64)
    week = slots(zone, int(hour[0]), int(hour[-1] - hour[0]) + 1)[hour - hour[0]]
    hours = DAY_WORTH / 24 * _USUAL_HOURS + np.bincount(week % 24, weights=risen, minlength=24)
    days = WEEK_WORTH / 7 + np.bincount(week // 24, weights=risen, minlength=7)
    return {
        "rate": round(total / in_field, 4),
        "hours": np.round(24 * hours / hours.sum(), 3).tolist(),
        "days": np.round(7 * days / days.sum(), 3).tolist(),
    }


def pauses_of(
    status_changes: Iterable[tuple[datetime, Any]],
) -> list[tuple[datetime, datetime | None]]:
    """From when to when a group was not live, from its (time, new status) changes."""
    pauses: list[tuple[datetime, datetime | None]] = []
    since: datetime | None = None
    for at, status in sorted(status_changes, key=lambda change: change[0]):
        if status == "live" and since is not None:
            pauses.append((since, at))
            since = None
        elif status != "live" and since is None:
            since = at
    return [*pauses, (since, None)] if since else pauses


def _rises(series: Readings) -> Floats:
    """By how much the series rose at each point; a fall is no completes."""
    return np.maximum(np.diff(series.count, prepend=0.0), 0.0)


def _paused(pauses: Pauses, start: datetime, end: datetime) -> timedelta:
    spans = ((max(since, start), min(until or end, end)) for since, until in pauses)
    return sum((until - since for since, until in spans if until > since), timedelta())
