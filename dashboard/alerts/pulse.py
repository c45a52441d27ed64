"""A dead man's switch: each part says when it last did its round, and silence is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
from django.db.models import Max, Q

from dashboard.alerts.words import lasting
from dashboard.fielding.models import Cycle, Mail, Pulse

ROUNDS = {"time": "detecting", "deliver": "sending mail"}
SILENT_AFTER = timedelta(minutes=5)
WAITS_AT_MOST = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def beat(name: str, *, now: datetime) -> None:
    """Say that a round was done; written at most once a minute."""
    if not Pulse.objects.filter(name=name, at__gt=now - MINUTE).exists():
        Pulse.objects.update_or_create(name=name, defaults={"at": now})


def complaints(*, now: datetime) -> list[str]:
    """What of the alert machine stands still, in sentences; empty while all is well."""
    at = dict(Pulse.objects.values_list("name", "at"))
    said = [
        f"{what} has stopped"
        for name, what in ROUNDS.items()
        if name not in at or now - at[name] > SILENT_AFTER
    ]
    read = Cycle.objects.filter(complete=True, project__isnull=False).aggregate(
        at=Max("finished_at", filter=Q(finished_at__lte=now))
    )["at"]
    if read and read - at.get("judge", read - WAITS_AT_MOST) >= WAITS_AT_MOST:
        said.append("cycles are read but not judged")
    oldest = Mail.objects.filter(state=Mail.State.WAITING).order_by("created_at").first()
    if oldest and now - oldest.created_at > WAITS_AT_MOST:
        said.append(f"mail has waited for {lasting(now - oldest.created_at)}: {oldest.error}")
    dead = Mail.objects.filter(
        state=Mail.State.DEAD, created_at__gt=now - timedelta(days=2)
    ).count()
    if dead:
        mails = "1 mail" if dead == 1 else f"{dead} mails"
        said.append(f"{mails} of the last two days could not be delivered")
    return said


def ping(url: str, *, now: datetime, get: Callable[..., httpx.Response] = httpx.get) -> bool:
    """Call the operator's URL while detecting and sending do their rounds; whether it answered."""
    at = dict(Pulse.objects.values_list("name", "at"))
    if any(name not in at or now - at[name] > SILENT_AFTER for name in ROUNDS):
        return False
    try:
        return get(url, timeout=10).is_success
    except httpx.HTTPError:
        return False
