"""When Fieldwatch itself did no work: told as ours, and no evidence of anything on the exchange.

Whatever a worker does says so once a minute, in the database: Redis may be what is away. A gap of
more than five minutes is a downtime. Its end is the first work after it.
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

WORK = "work"  # the heartbeat of any work at all
MINUTE = timedelta(minutes=1)
GAP = timedelta(minutes=5)  # a shorter one is not told
# Saves 0.3 to 0.6 ms of a round.
_WITHIN = CompiledQuery(
    lambda: Downtime.objects.filter(
        ended_at__gt=Param("since"), began_at__lt=Param("until")
    ).order_by("began_at")
)


class _Alive(NamedTuple):
    """When this process last did work, by the clock on the wall and by one that never jumps."""

    at: datetime
    seconds: float


_alive: dict[str, _Alive] = {}


def note_work(*, now: datetime, seconds: Callable[[], float] = time.monotonic) -> None:
    """Say that work is done; a downtime is noted where none was for more than five minutes.

    However many workers begin again at once, one of them notes it.
    """
    before = _alive.get(WORK)
    if before and before.at <= now < before.at + MINUTE:
        return
    last = Heartbeat.objects.filter(name=WORK).values_list("at", flat=True).first()
    if last is None:
        Heartbeat.objects.get_or_create(name=WORK, defaults={"at": now})
    elif not timedelta(0) <= now - last < MINUTE:  # a clock that was set back begins anew
        with transaction.atomic():
            won = Heartbeat.objects.filter(name=WORK, at=last).update(at=now)
            if won and now - last > GAP:
                cause = _cause(before, now, seconds())
                Downtime.objects.get_or_create(
                    began_at=last, defaults={"ended_at": now, "cause": cause}
                )
    _alive[WORK] = _Alive(now, seconds())


def _cause(before: _Alive | None, now: datetime, seconds: float) -> Downtime.Cause:
    """Why no work was done, as far as a process can know that lived through it."""
    if before is None:
        return Downtime.Cause.OFF
    by_the_wall = now - before.at
    if by_the_wall - timedelta(seconds=seconds - before.seconds) > by_the_wall / 2:
        return Downtime.Cause.CLOCK
    return Downtime.Cause.CUT_OFF


def within(since: datetime, until: datetime) -> list[Downtime]:
    """The downtimes that overlap a span, the oldest first."""
    return _WITHIN(since=since, until=until)


def lost(since: datetime, until: datetime) -> timedelta:
    """For how long of a span Fieldwatch did no work."""
    spans = (min(each.ended_at, until) - max(each.began_at, since) for each in within(since, until))
    return sum(spans, timedelta(0))


def last_end(*, now: datetime, days: float = 2) -> datetime | None:
    """When work went on after the newest downtime of the last days."""
    recent = within(now - timedelta(days=days), now)
    return max((each.ended_at for each in recent), default=None)


def sentence(downtimes: Sequence[Downtime], zone: ZoneInfo, *, now: datetime) -> str:
    """What is told of downtimes, on a reader's clocks; empty for none."""
    if not downtimes:
        return ""
    last = downtimes[-1]
    began, ended = (
        format_local_time(last.began_at, zone, now=now),
        format_local_time(last.ended_at, zone, now=now),
    )
    if len(downtimes) > 1:
        whole = sum((each.ended_at - each.began_at for each in downtimes), timedelta(0))
        what = f"Fieldwatch was off {len(downtimes)} times, {format_span(whole)} in all"
        return f"{what}, last from {began} to {ended}. What changed then was seen late."
    span = format_span(last.ended_at - last.began_at)
    return f"Fieldwatch {DID[last.cause]} for {span}, from {began} to {ended}{WHY[last.cause]}."


DID: dict[str, str] = {
    Downtime.Cause.OFF: "was off",
    Downtime.Cause.CUT_OFF: "could not work",
    Downtime.Cause.CLOCK: "slept, or its clock jumped ahead,",
}
WHY: dict[str, str] = {
    Downtime.Cause.OFF: ". What changed then was seen late",
    Downtime.Cause.CUT_OFF: ": its database or its queue could not be reached. "
    "What changed then was seen late",
    Downtime.Cause.CLOCK: ". What changed then was seen late",
}
