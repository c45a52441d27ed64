"""How a connection is read: its budget, what waits, and how far a first pull is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, Sum
from django.http import HttpRequest

from dashboard.fielding.models import Cycle, ExchangeAccount, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.connections import check, clients
from dashboard.sync.pull import first_pull as first
from dashboard.web.auth.permissions import memberships_of

HOUR = timedelta(hours=1)
LATELY = timedelta(minutes=10)
LONGEST_ROUND = timedelta(hours=1)
TEST_SECONDS = 20.0


@dataclass(frozen=True)
class PollingFigures:
    """How a connection does; requests are those of rounds that ended lately."""

    budget: int | None  # requests a minute; None without one
    a_minute: float
    an_hour: int
    waiting: int
    overdue_since: datetime | None
    oldest_live: datetime | None
    every_minutes: float
    first_pull: first.FirstPullProgress | None

    @property
    def used(self) -> int | None:
        """Per cent of the budget; None without one."""
        return round(100 * self.a_minute / self.budget) if self.budget else None


def accounts_of(request: HttpRequest) -> list[ExchangeAccount]:
    """The person's accounts; each says how far its first pull is."""
    found = [one.account for one in memberships_of(request).values()]
    for account in found:
        account.first_pull = first.first_pull_progress(account)  # type: ignore[attr-defined]
    return found


def polling_figures(of: ExchangeAccount, *, now: datetime) -> PollingFigures:
    """What the page of a connection says of its polling."""
    recent = Cycle.objects.filter(account=of, started_at__gt=now - HOUR - LONGEST_ROUND)
    spent = recent.aggregate(
        lately=Sum("requests", filter=Q(finished_at__gt=now - LATELY)),
        hour=Sum("requests", filter=Q(finished_at__gt=now - HOUR)),
    )
    late = of.projects.filter(due_at__lt=now).aggregate(since=Min("due_at"), all=Count("pk"))
    live = TargetGroup.objects.filter(project=OuterRef("pk"), status="live")
    oldest = of.projects.filter(Exists(live), missing_since=None).aggregate(at=Min("read_at"))
    return PollingFigures(
        budget=scheduling.request_budget(of),
        a_minute=(spent["lately"] or 0) / (LATELY / timedelta(minutes=1)),
        an_hour=spent["hour"] or 0,
        waiting=late["all"],
        overdue_since=late["since"],
        oldest_live=oldest["at"],
        every_minutes=scheduling.poll_every(of) / timedelta(minutes=1),
        first_pull=first.first_pull_progress(of),
    )


def test_connection(of: ExchangeAccount) -> tuple[list[check.CheckLine], bool]:
    """What the connection is offered and refused, and whether all could be asked in time."""
    if why := clients.reason_to_refuse_url(of.base_url):
        return [check.CheckLine("list_account_projects", check.REFUSED, why)], True
    until, lines = time.monotonic() + TEST_SECONDS, []
    for line in check.ConnectionCheck(clients.client_for(of), of.exchange_id).lines():
        lines.append(line)
        if time.monotonic() > until:
            return lines, False
    return lines, True
