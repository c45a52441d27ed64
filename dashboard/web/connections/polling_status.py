"""How a connection is polled: its request budget, what is due, and its initial sync."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, Sum
from django.http import HttpRequest

from dashboard.fielding.models import Cycle, ExchangeAccount, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.pull import first_pull
from dashboard.web.auth.permissions import memberships_of

HOUR = timedelta(hours=1)
RECENTLY = timedelta(minutes=10)
LONGEST_ROUND = timedelta(hours=1)


@dataclass(frozen=True)
class PollingFigures:
    """How a connection is polled; requests are those of rounds that ended in the last minutes."""

    budget: int | None  # requests a minute; None without one
    a_minute: float
    an_hour: int
    waiting: int
    overdue_since: datetime | None
    oldest_live: datetime | None
    every_minutes: float
    first_pull: first_pull.FirstPullProgress | None

    @property
    def used(self) -> int | None:
        """Per cent of the budget that is used; None without a budget."""
        return round(100 * self.a_minute / self.budget) if self.budget else None


def accounts_of(request: HttpRequest) -> list[ExchangeAccount]:
    """Return the person's accounts; `first_pull` is the progress of an account's initial sync."""
    accounts = [membership.account for membership in memberships_of(request).values()]
    for account in accounts:
        account.first_pull = first_pull.first_pull_progress(account)  # type: ignore[attr-defined]
    return accounts


def polling_figures(account: ExchangeAccount, *, now: datetime) -> PollingFigures:
    """Return how a connection is polled, for its page."""
    recent = Cycle.objects.filter(account=account, started_at__gt=now - HOUR - LONGEST_ROUND)
    spent = recent.aggregate(
        lately=Sum("requests", filter=Q(finished_at__gt=now - RECENTLY)),
        hour=Sum("requests", filter=Q(finished_at__gt=now - HOUR)),
    )
    late = account.projects.filter(due_at__lt=now).aggregate(since=Min("due_at"), all=Count("pk"))
    live = TargetGroup.objects.filter(project=OuterRef("pk"), status="live")
    oldest = account.projects.filter(Exists(live), missing_since=None).aggregate(at=Min("read_at"))
    return PollingFigures(
        budget=scheduling.request_budget(account),
        a_minute=(spent["lately"] or 0) / (RECENTLY / timedelta(minutes=1)),
        an_hour=spent["hour"] or 0,
        waiting=late["all"],
        overdue_since=late["since"],
        oldest_live=oldest["at"],
        every_minutes=scheduling.poll_every(account) / timedelta(minutes=1),
        first_pull=first_pull.first_pull_progress(account),
    )
