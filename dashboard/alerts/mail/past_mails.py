"""How many emails a person would have had lately with given settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from dashboard.alerts.mail import preferences
from dashboard.alerts.mail.immediate import GATHER_FOR, MIN_SPACING
from dashboard.alerts.mail.overview import urgency_of
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import MailPreferences, Notice, User

DAYS = 14


class PastMails(NamedTuple):
    """The emails of the last days: immediate ones, and digests."""

    immediate: int
    digests: int


def count_past_mails(user: User, choice: MailPreferences, *, now: datetime) -> PastMails:
    """Count the emails that these settings would have sent for the alerts of the last 14 days."""
    today = now.astimezone(zone_named(user.time_zone)).date()
    days = (today - timedelta(days=back) for back in range(DAYS))
    digests = sum(choice.digest and str(day.isoweekday()) in choice.digest_days for day in days)
    return PastMails(_count_immediate(user, choice, now), digests)


def _count_immediate(user: User, choice: MailPreferences, now: datetime) -> int:
    """Count immediate emails: alerts of one project within minutes share one.

    What comes in quiet hours is in the digest; what a first read finds is one email an account.
    """
    rows = Notice.objects.filter(recipient=user, created_at__gt=now - timedelta(days=DAYS))
    last: dict[int | None, datetime] = {}
    baselines: set[tuple[int, object]] = set()
    count = 0
    for notice in rows.select_related("incident__item").order_by("created_at", "pk"):
        incident, at = notice.incident, notice.created_at
        if incident.since_before and choice.now != MailPreferences.Now.NOTHING:
            baselines.add((incident.account_id, at.date()))
        if not preferences.is_immediate(choice, notice) or preferences.in_quiet_hours(
            choice, urgency_of(incident), user=user, now=at
        ):
            continue
        previous = last.get(incident.project_id)
        if previous is None or at - previous > MIN_SPACING + GATHER_FOR:
            last[incident.project_id] = at
            count += 1
    return count + len(baselines)
