"""What a person gets by mail and when: immediately or in the digest, and not in quiet hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from dashboard.alerts.mail.overview import urgency_of
from dashboard.alerts.rules.verdict import CRITICAL
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import MailPreferences, Notice, User


class QuietHours(Protocol):
    """Quiet hours and days, of a person or of a channel."""

    quiet_from: time
    quiet_until: time
    quiet_days: str
    quiet_critical: bool


LONGEST_QUIET = 20  # quiet days and nights in a row; a week without a gap never ends


def preferences_of(user: User) -> MailPreferences:
    """Return the person's preferences, or the defaults."""
    try:
        return user.mail_preferences
    except MailPreferences.DoesNotExist:
        return MailPreferences(user=user)


def is_immediate(choice: MailPreferences, notice: Notice) -> bool:
    """Return whether a notice is mailed without waiting for the digest."""
    if notice.in_digest or notice.incident.since_before:
        return False
    if notice.kind == Notice.Kind.RECOVER and not choice.recoveries_now:
        return False
    return urgency_of(notice.incident) <= choice.now


def in_quiet_hours(choice: MailPreferences, severity: int, *, user: User, now: datetime) -> bool:
    """Return whether quiet hours or a quiet day hold this back."""
    return holds_back(choice, severity, zone=zone_named(user.time_zone), now=now)


def holds_back(choice: QuietHours, severity: int, *, zone: ZoneInfo, now: datetime) -> bool:
    """Return whether quiet hours or a quiet day in a time zone hold this back."""
    return not _ignores_quiet(choice, severity) and _quiet_until(choice, zone, now) is not None


def end_of_quiet(
    choice: MailPreferences, severity: int, *, user: User, now: datetime
) -> datetime | None:
    """Return when this may be mailed: now, or once quiet hours and days are over; None if never."""
    if _ignores_quiet(choice, severity):
        return now
    for _ in range(LONGEST_QUIET):
        until = _quiet_until(choice, zone_named(user.time_zone), now)
        if until is None:
            return now
        now = until
    return None


def _ignores_quiet(choice: QuietHours, severity: int) -> bool:
    """Return whether quiet hours and days do not apply: to critical alerts, unless chosen so."""
    return severity == CRITICAL and not choice.quiet_critical


def _quiet_until(choice: QuietHours, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when the quiet day or the quiet hours that hold at a moment end; None outside both."""
    today = now.astimezone(zone).date()
    if str(today.isoweekday()) in choice.quiet_days:
        return datetime.combine(today + timedelta(days=1), time(0), zone).astimezone(UTC)
    for day in (today, today - timedelta(days=1)):
        begins, ends = _quiet_window(choice, zone, day)
        if begins <= now < ends:
            return ends
    return None


def _quiet_window(choice: QuietHours, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """Return the quiet hours that begin on a day, in UTC: one span, also across clock changes."""
    crosses_midnight = choice.quiet_until < choice.quiet_from
    begins = datetime.combine(day, choice.quiet_from, zone)
    ends = datetime.combine(day + timedelta(days=crosses_midnight), choice.quiet_until, zone)
    return begins.astimezone(UTC), ends.astimezone(UTC)


def digest_day(choice: MailPreferences, *, user: User, now: datetime) -> date | None:
    """Return the person's local day if its digest is due by now; else None.

    The day makes a digest unique, so it is sent once, also when the clocks change.
    """
    if not choice.digest:
        return None
    zone, since = zone_named(user.time_zone), user.date_joined
    return due_day(choice.digest_days, choice.digest_at, zone=zone, since=since, now=now)


def due_day(days: str, at: time, *, zone: ZoneInfo, since: datetime, now: datetime) -> date | None:
    """Return the local day if it is one of the ISO weekdays and its time has come; else None.

    A time that the clocks skip comes right after the skip; a repeated one comes the first time. A
    time before `since` is not made up for.
    """
    local = now.astimezone(zone)
    if str(local.isoweekday()) not in days:
        return None
    due = datetime.combine(local.date(), at, zone).astimezone(UTC)
    return local.date() if since <= due <= now else None
