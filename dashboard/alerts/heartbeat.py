"""A dead man's switch: each part says when it last did its round, and silence is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import httpx
from django.db.models import Max, Q

from dashboard.alerts.text import format_span
from dashboard.fielding.models import Heartbeat, Mail, Project

ROUNDS = {"time": "detecting", "deliver": "sending mail"}
SILENT_AFTER = timedelta(minutes=5)
WAITS_AT_MOST = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
PATIENCE = 10.0  # seconds for the operator's URL
_said: dict[str, datetime] = {}  # when this process last knew each part to have said so


def record_heartbeat(name: str, *, now: datetime) -> None:
    """Say that a round was done; written at most once a minute, looked up hardly more often."""
    if _said.get(name, now) < now < _said[name] + MINUTE:
        return
    recent = Heartbeat.objects.filter(name=name, at__gt=now - MINUTE)
    said = recent.values_list("at", flat=True).first()
    if said is None:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})
    _said[name] = said or now


def list_problems(*, now: datetime) -> list[str]:
    """What of the alert machine is not well, in sentences; empty while all is."""
    said = stalled_parts(now=now)
    tests = Q(account=None, digest_day=None, notices=None, purpose="")
    recent = Mail.objects.filter(state=Mail.State.DEAD, created_at__gt=now - timedelta(days=2))
    dead = recent.exclude(pk__in=recent.filter(tests).values("pk")).count()
    if dead:
        mails = "1 mail" if dead == 1 else f"{dead} mails"
        said.append(f"{mails} of the last two days could not be delivered")
    return said


def stalled_parts(*, now: datetime) -> list[str]:
    """What stands still: detecting, judging or sending."""
    at = dict(Heartbeat.objects.values_list("name", "at"))
    said = missed_heartbeats(at, now=now)
    read = Project.objects.filter(read_at__lte=now).aggregate(at=Max("read_at"))["at"]
    if read and read - at.get("judge", read - WAITS_AT_MOST) >= WAITS_AT_MOST:
        said.append("cycles are read but not judged")
    oldest = Mail.objects.filter(state=Mail.State.WAITING).order_by("created_at").first()
    if oldest and now - oldest.created_at > WAITS_AT_MOST:
        said.append(f"{oldest_unsent_mail(oldest.created_at, now=now)}: {oldest.error}")
    return said


def missed_heartbeats(at: Mapping[str, datetime], *, now: datetime) -> list[str]:
    """The rounds that were not done for too long, by when each was done last."""
    return [
        f"{what} has {'stopped' if name in at else 'not begun yet'}"
        for name, what in ROUNDS.items()
        if name not in at or now - at[name] > SILENT_AFTER
    ]


def oldest_unsent_mail(since: datetime, *, now: datetime) -> str:
    """How long the oldest mail has waited."""
    return f"mail has waited for {format_span(now - since)}"


def ping_operator(
    url: str, *, now: datetime, get: Callable[..., httpx.Response] = httpx.get
) -> bool:
    """Call the operator's URL while detecting and sending are well; whether it answered."""
    if stalled_parts(now=now):
        return False
    try:
        return get(url, timeout=PATIENCE, follow_redirects=False).is_success
    except httpx.HTTPError:
        return False
