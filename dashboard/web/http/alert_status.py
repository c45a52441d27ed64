"""The alert status in the page frame: items to do, downtime, and stalled alerting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.http import HttpRequest

from dashboard.alerts import downtime, heartbeat
from dashboard.alerts.text import format_span
from dashboard.fielding.models import Project
from dashboard.web.auth.permissions import shown_in_frame


class Bell(NamedTuple):
    """A person's own items to do."""

    open: int
    urgent: int

    @property
    def said(self) -> str:
        """Return the text for screen readers."""
        if not self.open:
            return "Nothing to do"
        return (
            f"{self.open:,} to do, {self.urgent} critical"
            if self.urgent
            else f"{self.open:,} to do"
        )


def bell_counts(request: HttpRequest) -> Bell:
    """Count a person's items over all accounts."""
    rows = shown_in_frame(request)
    return Bell(sum(row.to_do for row in rows), sum(row.critical for row in rows))


def account_health(request: HttpRequest) -> list[tuple[int, bool, str]]:
    """Return each account's id, whether it is polled, and its health."""
    return sorted((row.of, row.polled, row.health) for row in shown_in_frame(request))


class DowntimeNotice(NamedTuple):
    """A downtime of Fieldwatch that explains old numbers; `ended` is None while it lasts."""

    did: str
    span: str
    began: datetime
    ended: datetime | None


SHOWN_FOR = timedelta(days=1)


def downtime_notice(request: HttpRequest, *, now: datetime) -> DowntimeNotice | None:
    """Return the downtime that explains the person's old numbers; None without one."""
    rows = shown_in_frame(request)
    row = rows[0] if rows else None
    if row is None:
        return None
    if row.worked_at and now - row.worked_at > downtime.SILENT:
        return DowntimeNotice("has been off", format_span(now - row.worked_at), row.worked_at, None)
    if row.off_until is None or now - row.off_until > SHOWN_FOR:
        return None
    projects = Project.objects.filter(
        account_id__in=[account.of for account in rows if account.polled]
    )
    unread = projects.filter(read_at__lt=row.off_until, due_at__lte=now, missing_since=None)
    if not unread.exists():
        return None
    span = format_span(row.off_until - row.off_from)
    return DowntimeNotice(downtime.PREDICATES[row.off_why], span, row.off_from, row.off_until)


def stalled_alerts(request: HttpRequest, *, now: datetime) -> list[str]:
    """Name the stalled parts of alerting; none in the first minutes of a connection."""
    rows = shown_in_frame(request)
    if not rows or now - min(row.connected_at for row in rows) < heartbeat.SILENT_AFTER:
        return []
    row = rows[0]
    heartbeats = {"time": row.detected_at, "deliver": row.delivered_at}
    sentences = heartbeat.missed_heartbeats(
        {name: at for name, at in heartbeats.items() if at}, now=now
    )
    if row.worked_at and now - row.worked_at > downtime.SILENT:
        sentences = []  # Fieldwatch is down, which has its own notice
    if row.unsent_since and now - row.unsent_since > heartbeat.LONGEST_WAIT:
        sentences.append(heartbeat.describe_oldest_mail(row.unsent_since, now=now))
    return sentences
