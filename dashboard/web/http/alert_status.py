"""What the frame of a page tells of the alerts: the bell, and whether the machine stands still."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.http import HttpRequest

from dashboard.alerts import downtime, heartbeat
from dashboard.alerts.text import format_span
from dashboard.fielding.models import Project
from dashboard.web.auth.permissions import shown_in_frame


class Bell(NamedTuple):
    """Open incidents of all that a person sees."""

    open: int
    urgent: int

    @property
    def said(self) -> str:
        """For who does not see the bell."""
        if not self.open:
            return "Nothing is open"
        incidents = "1 open incident" if self.open == 1 else f"{self.open} open incidents"
        return f"{incidents}, {self.urgent} critical" if self.urgent else incidents


def bell_counts(request: HttpRequest) -> Bell:
    """What is open, over all accounts."""
    rows = shown_in_frame(request)
    return Bell(sum(row.firing for row in rows), sum(row.urgent for row in rows))


def account_health(request: HttpRequest) -> list[tuple[int, bool, str]]:
    """Of each account whether it is polled, and how well: pages say so."""
    return sorted((row.of, row.polled, row.health) for row in shown_in_frame(request))


class Off(NamedTuple):
    """A downtime of ours that numbers are old because of; no end: it goes on."""

    did: str
    span: str
    began: datetime
    ended: datetime | None


TOLD_FOR = timedelta(days=1)


def off(request: HttpRequest, *, now: datetime) -> Off | None:
    """The downtime because of which numbers that a person sees are old; None without one."""
    rows = shown_in_frame(request)
    row = rows[0] if rows else None
    if row is None:
        return None
    if row.worked_at and now - row.worked_at > downtime.GAP:
        return Off("has been off", format_span(now - row.worked_at), row.worked_at, None)
    if row.off_until is None or now - row.off_until > TOLD_FOR:
        return None
    mine = Project.objects.filter(account_id__in=[each.of for each in rows if each.polled])
    unread = mine.filter(read_at__lt=row.off_until, due_at__lte=now, missing_since=None)
    if not unread.exists():
        return None
    span = format_span(row.off_until - row.off_from)
    return Off(downtime.PREDICATES[row.off_why], span, row.off_from, row.off_until)


def stalled_alerts(request: HttpRequest, *, now: datetime) -> list[str]:
    """What of detecting and sending stands still; nothing in the first minutes of a connection."""
    rows = shown_in_frame(request)
    if not rows or now - min(row.connected_at for row in rows) < heartbeat.SILENT_AFTER:
        return []
    row = rows[0]
    beats = {"time": row.detected_at, "deliver": row.delivered_at}
    said = heartbeat.missed_heartbeats({name: at for name, at in beats.items() if at}, now=now)
    if row.worked_at and now - row.worked_at > downtime.GAP:
        said = []  # nothing works at all, which is told by itself
    if row.unsent_since and now - row.unsent_since > heartbeat.LONGEST_WAIT:
        said.append(heartbeat.describe_oldest_mail(row.unsent_since, now=now))
    return said
