"""Figures of a group's completes series: sparkline, today, rhythm, pauses. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.series.readings import HOUR, Floats, Readings

Pauses = Sequence[tuple[datetime, datetime | None]]
SPARK_STEP = 6 * HOUR
SPARK_STEPS = 28
MIDNIGHT_GAP = 3 * HOUR  # Cint's counts are hourly, and read every hour


def sparkline_counts(series: Readings, *, now: datetime) -> list[int]:
    """Return the completes of each 6 h of the last 7 days, oldest first; a fall counts as 0.

    The first reading counts from zero an hour before it; what came in a gap is spread evenly.
    """
    if not series.at.size:
        return [0] * SPARK_STEPS
    edges = now.timestamp() - SPARK_STEP * np.arange(SPARK_STEPS, -1, -1)
    at = np.append(series.at[0] - HOUR, series.at)
    gross = np.append(0.0, np.cumsum(_rises(series)))
    counts = np.round(np.interp(edges, at, gross)).astype(np.int64)
    return [int(count) for count in np.diff(counts)]


def completes_today(
    completes: int | None, series: Readings, zone: ZoneInfo, *, now: datetime
) -> int | None:
    """Return the completes since midnight in the group's zone.

    The count at midnight is interpolated between the readings around it. None without a series, or
    if these readings differ and are more than three hours apart.
    """
    if not completes:
        return completes
    if not series.at.size:
        return None
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    midnight = local.timestamp()
    past = series.at < now.timestamp()
    at = np.concatenate(([series.at[0] - HOUR], series.at[past], [now.timestamp()]))
    count = np.concatenate(([0.0], series.count[past], [float(completes)]))
    after = int(np.searchsorted(at, midnight))
    before = int(np.searchsorted(at, midnight, side="right")) - 1
    if before < 0:  # the first complete came today
        return completes
    differs = count[after] != count[before]
    if differs and at[after] - at[before] > MIDNIGHT_GAP:
        return None
    return max(completes - round(float(np.interp(midnight, at, count))), 0)


def rhythm_weights(shape: Floats) -> tuple[list[float], list[float]]:
    """Return the weights of the 24 hours of the day and the 7 weekdays, mean 1 each.

    shape: 168 weights by local hour of the week; their product is accurate enough for rules.
    """
    week = shape.reshape(7, 24)
    hours: list[float] = np.round(week.mean(axis=0), 3).tolist()
    days: list[float] = np.round(week.mean(axis=1), 3).tolist()
    return hours, days


def weekly_weights(hours: Sequence[float], days: Sequence[float]) -> Floats | None:
    """Return 168 weights (mean 1) from those of hours and weekdays; None if all are 0."""
    flat = np.outer(np.array(days, float), np.array(hours, float)).ravel()
    return flat / flat.mean() if flat.mean() > 0 else None


def pauses_of(
    status_changes: Iterable[tuple[datetime, object]],
) -> list[tuple[datetime, datetime | None]]:
    """Return the spans in which a group was not live, from its (time, new status) changes."""
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
    """Return the rise of the series at each point; a fall counts as 0."""
    return np.maximum(np.diff(series.count, prepend=0.0), 0.0)
