"""How many emails a person would have had lately with given settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import QuerySet

from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.mail import preferences
from dashboard.alerts.mail.about import AboutFilter
from dashboard.alerts.mail.immediate import GATHER_FOR, MAX_PROJECT_MAILS, MIN_SPACING
from dashboard.alerts.mail.outbox import ROUND
from dashboard.alerts.mail.overview import urgency_of
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import MailPreferences, Notice, User

DAYS = 14


class PastMails(NamedTuple):
    """The emails of the last days: immediate ones, and digests."""

    immediate: int
    digests: int

    @property
    def total(self) -> int:
        """Return how many emails these are together."""
        return self.immediate + self.digests


class _Waiting(NamedTuple):
    """A notice that is mailed immediately: when it was made, and when it may be mailed."""

    project_id: int | None
    created_at: datetime
    ready_at: datetime


def count_past_mails(user: User, choice: MailPreferences, *, now: datetime) -> PastMails:
    """Count the emails that these settings would have sent for the alerts of the last 14 days.

    choice: may be unsaved, as somebody is about to choose it.
    """
    today = now.astimezone(zone_named(user.time_zone)).date()
    days = (today - timedelta(days=back) for back in range(DAYS))
    digests = sum(choice.digest and str(day.isoweekday()) in choice.digest_days for day in days)
    return PastMails(_count_immediate(user, choice, now), digests)


def _count_immediate(user: User, choice: MailPreferences, now: datetime) -> int:
    """Count immediate emails; what a first read finds is one email an account and day."""
    chosen = AboutFilter()
    baselines: dict[int, list[datetime]] = defaultdict(list)
    waiting: list[_Waiting] = []
    if choice.now == MailPreferences.Now.NOTHING:
        return 0
    for notice in _recent_notices(user, now - timedelta(days=DAYS)).iterator():
        incident, at = notice.incident, notice.created_at
        if not chosen.covers_incident(choice, incident):
            continue
        if incident.since_before and notice.kind in (Notice.Kind.FIRE, Notice.Kind.NO_DATA):
            earlier = baselines[incident.account_id]
            if not earlier or at >= earlier[-1] + DAY:
                earlier.append(at)
        if not preferences.is_immediate(choice, notice):
            continue
        ready = preferences.end_of_quiet(choice, urgency_of(incident), user=user, now=at)
        if ready and ready <= now:
            waiting.append(_Waiting(incident.project_id, at, ready))
    return sum(map(len, baselines.values())) + _count_bundles(waiting)


def _recent_notices(user: User, since: datetime) -> QuerySet[Notice]:
    """Return the notices to a person since a moment, with the few columns that decide."""
    rows = Notice.objects.filter(
        recipient=user, created_at__gt=since, incident__account__memberships__user=user
    )
    related = ("incident__item", "incident__group", "incident__project")
    return (
        rows.select_related(*related)
        .order_by("created_at", "pk")
        .only(
            "kind",
            "created_at",
            "in_digest",
            *(
                f"incident__{column}"
                for column in ("account_id", "rule", "severity", "since_before")
            ),
            "incident__item__critical",
            "incident__item__assigned_to_id",
            "incident__group__project_manager_id",
            "incident__project__project_manager_id",
        )
    )


def _count_bundles(waiting: Iterable[_Waiting]) -> int:
    """Count the emails of notices as rounds of delivery bundle them.

    Those of one project share an email until it is sent, and the next one keeps its distance.
    """
    sent: dict[int | None, datetime] = {}
    of_round: defaultdict[int, int] = defaultdict(int)  # projects with an email, by round
    for notice in sorted(waiting, key=lambda each: each.ready_at):
        last = sent.get(notice.project_id)
        if last and notice.ready_at <= last:
            continue
        at = max(notice.created_at + GATHER_FOR, notice.ready_at)
        sent[notice.project_id] = at = max(at, last + MIN_SPACING) if last else at
        of_round[int(at.timestamp() // ROUND.total_seconds())] += 1
    return sum(1 if count > MAX_PROJECT_MAILS else count for count in of_round.values())
