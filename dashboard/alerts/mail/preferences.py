"""What a person wants by mail and when: at once or in the digest, and never in quiet hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from dashboard.alerts.rules.verdict import CRITICAL
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import MailPreferences, Notice, User


def preferences_of(user: User) -> MailPreferences:
    """What the person chose, or the defaults."""
    try:
        return user.mail_preferences
    except MailPreferences.DoesNotExist:
        return MailPreferences(user=user)


def at_once(choice: MailPreferences, notice: Notice) -> bool:
    """Whether a notice is mailed without waiting for the digest."""
    if notice.in_digest:
        return False
    if notice.kind == Notice.Kind.RECOVER and not choice.recoveries_now:
        return False
    return notice.incident.severity <= choice.now


def in_quiet_hours(choice: MailPreferences, severity: int, *, user: User, now: datetime) -> bool:
    """Whether it is a bad hour to mail this; what is critical is mailed at any."""
    if severity == CRITICAL:
        return False
    there = now.astimezone(zone_named(user.time_zone))
    if choice.quiet_weekends and there.isoweekday() > 5:
        return True
    days = (there.date(), there.date() - timedelta(days=1))
    return any(begins <= now < ends for begins, ends in (_night(choice, user, d) for d in days))


def _night(choice: MailPreferences, user: User, day: date) -> tuple[datetime, datetime]:
    """The quiet hours that begin on a day, in UTC: one stretch, whatever the clocks do in it."""
    over = choice.quiet_until < choice.quiet_from
    begins = datetime.combine(day, choice.quiet_from, zone_named(user.time_zone))
    ends = datetime.combine(
        day + timedelta(days=over), choice.quiet_until, zone_named(user.time_zone)
    )
    return begins.astimezone(UTC), ends.astimezone(UTC)


def digest_day(choice: MailPreferences, *, user: User, now: datetime) -> date | None:
    """The person's own day whose digest hour has come; None while it has not.

    An hour that the clocks skip comes when they have skipped it; one that they repeat comes the
    first time. The day is what makes a digest unique, so neither is sent twice.
    """
    there = now.astimezone(zone_named(user.time_zone))
    if not choice.digest or str(there.isoweekday()) not in choice.digest_days:
        return None
    due = datetime.combine(there.date(), choice.digest_at, zone_named(user.time_zone)).astimezone(
        UTC
    )
    return there.date() if user.date_joined <= due <= now else None
