"""Downtimes of Fieldwatch itself, which say nothing about the exchange.

Workers record every quarter of a minute that they work: in the database, because Redis may be what
is down.
A gap of more than five minutes is a downtime. It ends with the first work after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction

from dashboard.alerts.text import format_local_time, format_span
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Downtime, Heartbeat

WORK = "work"  # the heartbeat of any task
OFTEN = timedelta(seconds=15)
SILENT = timedelta(seconds=45)  # so that dead workers are named within a minute
GAP = timedelta(minutes=5)  # a shorter gap is no downtime
# Saves 0.3 to 0.6 ms of a round.
_OVERLAPPING = CompiledQuery(
    lambda: Downtime.objects.filter(
        ended_at__gt=Param("since"), began_at__lt=Param("until")
    ).order_by("began_at")
)


class _Alive(NamedTuple):
    """When this process last did work, by the system clock and by the monotonic clock."""

    at: datetime
    seconds: float


_alive: dict[str, _Alive] = {}


def note_work(*, now: datetime, seconds: Callable[[], float] = time.monotonic) -> None:
    """Record that work is done; record a downtime after a gap of more than five minutes.

    Of several workers that restart together, one records it.
    """
    before = _alive.get(WORK)
    if before and before.at <= now < before.at + OFTEN:
        return
    last = Heartbeat.objects.filter(name=WORK).values_list("at", flat=True).first()
    if last is None:
        Heartbeat.objects.get_or_create(name=WORK, defaults={"at": now})
    elif not timedelta(0) <= now - last < OFTEN:  # a clock that was set back starts over
        with transaction.atomic():
            won = Heartbeat.objects.filter(name=WORK, at=last).update(at=now)
            if won and now - last > GAP:
                cause = _cause_of_gap(before, now, seconds())
                Downtime.objects.get_or_create(
                    began_at=last, defaults={"ended_at": now, "cause": cause}
                )
    _alive[WORK] = _Alive(now, seconds())


def _cause_of_gap(before: _Alive | None, now: datetime, seconds: float) -> Downtime.Cause:
    """Return why no work was done, as far as a process that ran through it can know."""
    if before is None:
        return Downtime.Cause.OFF
    by_system_clock = now - before.at
    if by_system_clock - timedelta(seconds=seconds - before.seconds) > by_system_clock / 2:
        return Downtime.Cause.CLOCK
    return Downtime.Cause.CUT_OFF


def list_downtimes(since: datetime, until: datetime) -> list[Downtime]:
    """Return the downtimes that overlap a span, the oldest first."""
    return _OVERLAPPING(since=since, until=until)


def time_lost(since: datetime, until: datetime) -> timedelta:
    """Return for how long of a span Fieldwatch did no work."""
    spans = (
        min(row.ended_at, until) - max(row.began_at, since) for row in list_downtimes(since, until)
    )
    return sum(spans, timedelta(0))


def last_end(*, now: datetime, days: float = 2) -> datetime | None:
    """Return when the newest downtime of the last days ended; None without one."""
    recent = list_downtimes(now - timedelta(days=days), now)
    return max((row.ended_at for row in recent), default=None)


def describe_downtimes(downtimes: Sequence[Downtime], zone: ZoneInfo, *, now: datetime) -> str:
    """Return a sentence on downtimes in a reader's time zone; empty for none."""
    if not downtimes:
        return ""
    last = downtimes[-1]
    began, ended = (
        format_local_time(last.began_at, zone, now=now),
        format_local_time(last.ended_at, zone, now=now),
    )
    if len(downtimes) > 1:
        total = format_span(sum((row.ended_at - row.began_at for row in downtimes), timedelta(0)))
        return (
            f"Fieldwatch was off {len(downtimes)} times, {total} in total, last from {began} to "
            f"{ended}. {SEEN_LATE}"
        )
    span = format_span(last.ended_at - last.began_at)
    reason = REASONS.get(last.cause, "")
    predicate = f"{PREDICATES[last.cause]} for {span}, from {began} to {ended}"
    return f"Fieldwatch {predicate}{reason}. {SEEN_LATE}"


SEEN_LATE = "Changes in that time were read late."
PREDICATES: dict[str, str] = {
    Downtime.Cause.OFF: "was off",
    Downtime.Cause.CUT_OFF: "could not work",
    Downtime.Cause.CLOCK: "was suspended, or its clock jumped ahead,",
}
REASONS: dict[str, str] = {
    Downtime.Cause.CUT_OFF: " (its database or queue could not be reached)",
}
