"""Small figures of a group's completes series: sparkline, today, rhythm, time paused. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Points = Sequence[tuple[datetime, int]]
Pauses = Sequence[tuple[datetime, datetime | None]]
SPARK_STEP = timedelta(hours=6)
SPARK_STEPS = 28
LEARNED_FROM = timedelta(days=14)
# How many completes of its own outweigh the usual shape of a day and of a week.
DAY_WORTH, WEEK_WORTH = 48.0, 28.0
_HOUR = timedelta(hours=1)
_USUAL_HOURS = (
    0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 0.8, 1.0, 1.2, 1.3, 1.3,
    1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.5, 1.5, 1.5, 1.5, 1.2, 0.9,
)  # fmt: skip


def spark(points: Points, *, now: datetime) -> list[int]:
    """Completes in each 6 h of the last 7 days, oldest first; falls count as none."""
    start = now - SPARK_STEP * SPARK_STEPS
    steps = [0] * SPARK_STEPS
    for at, risen in _rises(points):
        if start < at:
            steps[min(int((at - start) / SPARK_STEP), SPARK_STEPS - 1)] += risen
    return steps


def today(completes: int | None, points: Points, zone: ZoneInfo, *, now: datetime) -> int | None:
    """Completes since midnight in the group's zone; None where the series does not say."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    before = [count for at, count in points if at <= midnight]
    if completes is None or not points:
        return None
    return max(completes - (before[-1] if before else 0), 0)


def rhythm(
    points: Points, pauses: Pauses, zone: ZoneInfo, *, now: datetime
) -> dict[str, Any] | None:
    """The usual completes an hour, and how hour of day and weekday (group's zone) weigh, mean 1.

    Learned from the last 14 days in the field; few completes lean on the usual shape of days.
    """
    start = now - LEARNED_FROM
    recent = [(at, risen) for at, risen in _rises(points) if at > start]
    first = max(min((at for at, _ in points), default=now), start)
    in_field = (now - first - _paused(pauses, first, now)) / _HOUR
    total = sum(risen for _, risen in recent)
    if in_field < 1 or not total:
        return None
    hours, days = [DAY_WORTH / 24 * usual for usual in _USUAL_HOURS], [WEEK_WORTH / 7] * 7
    for at, risen in recent:
        local = (at - _HOUR / 2).astimezone(zone)
        hours[local.hour] += risen
        days[local.weekday()] += risen
    return {
        "rate": round(total / in_field, 4),
        "hours": [round(24 * share / sum(hours), 3) for share in hours],
        "days": [round(7 * share / sum(days), 3) for share in days],
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


def _rises(points: Points) -> Iterable[tuple[datetime, int]]:
    """By how much the series rose at each point; a fall is no completes."""
    last = 0
    for at, count in points:
        yield at, max(count - last, 0)
        last = count


def _paused(pauses: Pauses, start: datetime, end: datetime) -> timedelta:
    spans = ((max(since, start), min(until or end, end)) for since, until in pauses)
    return sum((until - since for since, until in spans if until > since), timedelta())
