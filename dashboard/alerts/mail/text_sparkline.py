"""A day of completes in 24 characters, for a mail."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from dashboard.fielding.models import CompletesDay
from dashboard.fielding.series.completes import on_the_hour

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
HOUR = timedelta(hours=1)


def text_bars(counts: Sequence[int | None]) -> str:
    """Cumulative hourly counts as one bar an hour; a gap, or a fall, is a dot."""
    top = highest_hour(counts)
    scale = (len(BARS) - 1) / top if top else 0
    return "".join(GAP if rise is None else BARS[round(rise * scale)] for rise in _rises(counts))


def highest_hour(counts: Sequence[int | None]) -> int:
    """The most that came in an hour."""
    return max((rise for rise in _rises(counts) if rise), default=0)


def _rises(counts: Sequence[int | None]) -> list[int | None]:
    return [
        None if before is None or after is None or after < before else after - before
        for before, after in pairwise(counts)
    ]


def last_day(groups: Iterable[int], *, now: datetime) -> dict[int, tuple[str, int]]:
    """The bars of the last 24 whole hours of each group that has any, and the most in an hour."""
    end = now.replace(minute=0, second=0, microsecond=0)
    rows = CompletesDay.objects.filter(
        group__in=list(groups), day__gte=(end - timedelta(hours=26)).date()
    )
    days: dict[int, list[Any]] = defaultdict(list)
    for pk, *day in rows.values_list("group_id", "day", "hours", "odd"):
        days[pk].append(day)
    counts = {pk: _counts(on_the_hour(of_group)) for pk, of_group in days.items()}
    stamps = [end - back * HOUR for back in range(24, -1, -1)]
    series = {pk: [known.get(stamp) for stamp in stamps] for pk, known in counts.items()}
    return {pk: (text_bars(listed), highest_hour(listed)) for pk, listed in series.items()}


def _counts(days: Iterable[tuple[date, bytes]]) -> dict[datetime, int]:
    found: dict[datetime, int] = {}
    for day, hours in days:
        midnight = datetime.combine(day, time(), UTC)
        slots = enumerate(struct.unpack("<24i", hours), start=1)
        found |= {midnight + hour * HOUR: n for hour, n in slots if n >= 0}
    return found
