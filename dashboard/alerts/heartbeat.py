"""A dead man's switch: each part records its last round, and missing rounds are reported."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
from django.db.models import Max, Q

from dashboard.alerts import downtime
from dashboard.alerts.certificates import describe_certificate_error
from dashboard.alerts.text import format_count, format_span
from dashboard.fielding.models import Heartbeat, Mail, Project

logger = logging.getLogger(__name__)
ROUNDS = {"time": "alert detection", "deliver": "email delivery"}
SILENT_AFTER = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
PING_TIMEOUT = 10.0  # seconds
START = "start-"  # the heartbeats of a machine's last starts of workers
FLAPPING_STARTS = 6
FLAPPING_WITHIN = timedelta(minutes=10)
_recorded: dict[str, datetime] = {}  # the last heartbeat of each part known to this process


def record_heartbeat(name: str, *, now: datetime) -> None:
    """Record that a round was done; at most one write and about one read a minute."""
    if _recorded.get(name, now) < now < _recorded[name] + MINUTE:
        return
    recent = Heartbeat.objects.filter(name=name, at__gt=now - MINUTE)
    recorded_at = recent.values_list("at", flat=True).first()
    if recorded_at is None:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
    _recorded[name] = recorded_at or now


def list_problems(*, now: datetime) -> list[str]:
    """Return the problems of alert detection and mail delivery as phrases; empty without any."""
    problems = stalled_parts(now=now)
    tests = Q(account=None, digest_day=None, notices=None, purpose="")
    emails = Mail.objects.filter(channel=None)  # the page of a channel says when it fails
    recent = emails.filter(state=Mail.State.DEAD, created_at__gt=now - timedelta(days=2))
    dead = recent.exclude(pk__in=recent.filter(tests).values("pk")).count()
    if dead:
        problems.append(
            f"{format_count(dead, 'email')} from the last two days could not be delivered"
        )
    return problems


def stalled_parts(*, now: datetime) -> list[str]:
    """Return which parts do not run: detection, evaluation or delivery."""
    at = dict(Heartbeat.objects.values_list("name", "at"))
    problems = missed_heartbeats(at, now=now)
    read = Project.objects.filter(read_at__lte=now).aggregate(at=Max("read_at"))["at"]
    if read and read - at.get("judge", read - LONGEST_WAIT) >= LONGEST_WAIT:
        problems.append("polled data is not being evaluated")
    waiting = Mail.objects.filter(state=Mail.State.WAITING, channel=None)
    oldest = waiting.order_by("created_at").first()
    if oldest and now - oldest.created_at > LONGEST_WAIT:
        error = f": {oldest.error.rstrip('.')}" if oldest.error else ""
        problems.append(describe_oldest_mail(oldest.created_at, now=now) + error)
    return problems


def record_start(machine: str, *, now: datetime) -> None:
    """Record that a worker started on this machine; the last few starts are kept for a day."""
    starts = Heartbeat.objects.filter(name__startswith=START)
    starts.filter(at__lt=now - timedelta(days=1)).delete()
    names = [f"{START}{number} {machine}"[:32] for number in range(FLAPPING_STARTS)]
    at = dict(starts.filter(name__in=names).values_list("name", "at"))
    oldest = min(names, key=lambda name: (name in at, at.get(name, now)))
    Heartbeat.objects.update_or_create(name=oldest, defaults={"at": now})


def dead_workers(*, now: datetime) -> list[str]:
    """Return whether no worker does anything, and where workers end again and again."""
    worked = Heartbeat.objects.filter(name=downtime.WORK).values_list("at", flat=True).first()
    silent = []
    if worked and now - worked > downtime.SILENT:
        silent = [f"no worker has done anything for {format_span(now - worked)}"]
    return silent + restarting_workers(now=now)


def restarting_workers(*, now: datetime) -> list[str]:
    """Return on which machines workers end again and again."""
    recent = Heartbeat.objects.filter(name__startswith=START, at__gt=now - FLAPPING_WITHIN)
    starts = Counter(name.partition(" ")[2] for name in recent.values_list("name", flat=True))
    return [
        f"workers on {machine} keep ending: {FLAPPING_STARTS} starts in 10 minutes"
        for machine, number in starts.items()
        if number >= FLAPPING_STARTS
    ]


def missed_heartbeats(at: Mapping[str, datetime], *, now: datetime) -> list[str]:
    """Return the parts whose last heartbeat is too old."""
    return [
        f"{part} has {'stopped' if name in at else 'not started yet'}"
        for name, part in ROUNDS.items()
        if name not in at or now - at[name] > SILENT_AFTER
    ]


def describe_oldest_mail(since: datetime, *, now: datetime) -> str:
    """Return for how long the oldest unsent mail has waited."""
    return f"an email has been waiting for {format_span(now - since)}"


def ping_operator(
    url: str, *, now: datetime, get: Callable[..., httpx.Response] = httpx.get
) -> bool:
    """Call the operator's URL if detection and delivery run; return whether it answered."""
    if stalled_parts(now=now):
        return False
    try:
        return get(url, timeout=PING_TIMEOUT, follow_redirects=False).is_success
    except httpx.HTTPError as exc:
        reason = describe_certificate_error(exc, urlsplit(url).hostname or "")
        reason = reason or f"{type(exc).__name__} {exc}"
        logger.warning("HEARTBEAT_URL could not be called: %s", reason)
        return False
