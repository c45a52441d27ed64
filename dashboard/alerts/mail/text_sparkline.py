"""A day of completes as 24 characters, for mails."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from dashboard.fielding.models import CompletesDay
from dashboard.fielding.series.completes import StoredPoints, on_the_hour

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
HOUR = timedelta(hours=1)


def text_bars(counts: Sequence[int | None]) -> str:
    """Return cumulative hourly counts as one bar an hour; a gap or a decrease is a dot."""
    highest = highest_hour(counts)
    scale = (len(BARS) - 1) / highest if highest else 0
    return "".join(
        GAP if rise is None else BARS[round(rise * scale)] for rise in _hourly_rises(counts)
    )


def highest_hour(counts: Sequence[int | None]) -> int:
    """Return the most completes in an hour."""
    return max((rise for rise in _hourly_rises(counts) if rise), default=0)


def _hourly_rises(counts: Sequence[int | None]) -> list[int | None]:
    return [
        None if before is None or after is None or after < before else after - before
        for before, after in pairwise(counts)
    ]


def last_day(groups: Iterable[int], *, now: datetime) -> dict[int, tuple[str, int]]:
    """Return each group's bars of the last 24 full hours, and its most completes in an hour."""
    end = now.replace(minute=0, second=0, microsecond=0)
    rows = CompletesDay.objects.filter(
        group__in=list(groups), day__gte=(end - timedelta(hours=26)).date()
    )
    days: dict[int, list[tuple[date, bytes | memoryview, StoredPoints | None]]] = defaultdict(list)
    first_complete: dict[int, datetime | None] = {}
    columns = ("group_id", "day", "hours", "odd", "group__first_complete_at")
    for pk, day, hours, odd, first in rows.values_list(*columns):
        days[pk].append((day, hours, odd))
        first_complete[pk] = first
    counts = {
        pk: _from_zero(_counts_by_hour(on_the_hour(group_days)), first_complete[pk])
        for pk, group_days in days.items()
    }
    stamps = [end - back * HOUR for back in range(24, -1, -1)]
    series = {pk: [by_hour.get(stamp) for stamp in stamps] for pk, by_hour in counts.items()}
    return {pk: (text_bars(hourly), highest_hour(hourly)) for pk, hourly in series.items()}


def _from_zero(counts: dict[datetime, int], first_complete: datetime | None) -> dict[datetime, int]:
    """Add the count of 0 before the first hour, if the first complete came no earlier than that."""
    before = min(counts, default=None)
    if before is not None and first_complete and first_complete >= before - HOUR:
        counts[before - HOUR] = 0
    return counts


def _counts_by_hour(days: Iterable[tuple[date, bytes]]) -> dict[datetime, int]:
    counts: dict[datetime, int] = {}
    for day, hours in days:
        midnight = datetime.combine(day, time(), UTC)
        slots = enumerate(struct.unpack("<24i", hours), start=1)
        counts |= {midnight + hour * HOUR: count for hour, count in slots if count >= 0}
    return counts
