"""The simulated exchange lived through day after day by the product's own reading and judging.

In one process and one thread: the exchange answers without a socket, and its clock, which is also
the product's, goes on by a round at a time. The same seed is the same life.
"""

from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import httpx
from django.core.mail import get_connection

from bench.shared.simulated_request import simulated_request
from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.fielding.insight import baselines
from dashboard.fielding.models import (
    Cycle,
    ExchangeAccount,
    Incident,
    Mail,
    Project,
    TargetGroup,
    User,
)
from dashboard.management.demo import ensure_demo
from dashboard.simulator.server.exchange import SimulatedExchange
from dashboard.simulator.server.run import Options, make_exchange
from dashboard.sync import scheduling
from dashboard.sync.pull import account as accounts
from dashboard.sync.pull import project as pull

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
ROUND = timedelta(minutes=30)
LEARNS_EVERY = 12  # rounds
ADDRESS = "http://127.0.0.1:1/v1"
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"


class Inside(httpx.BaseTransport):
    """The way to an exchange in this very process."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange, self._one = exchange, Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask it; one at a time."""
        with self._one:
            ask = simulated_request(request, now=self._exchange.world.clock.now())
            answer = self._exchange.respond(ask).answer
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


class Life:
    """A demo connection and the exchange behind it, from a first pull on."""

    def __init__(self, *, seed: int, projects: int, groups: int) -> None:
        self.now, self.live_hours = START, 0.0

        def wall() -> float:
            return self.now.timestamp()

        options = Options(seed=seed, projects=projects, groups=groups)
        self.exchange = make_exchange(options, wall=wall)
        self.account = ensure_demo(base_url=ADDRESS)
        every = int(ROUND.total_seconds())
        ExchangeAccount.objects.update(
            poll_seconds=every, created_at=START, first_pull_completed_at=START
        )
        User.objects.update(date_joined=START)
        self.account.refresh_from_db()
        self.client = ExchangeClient(
            account_id=self.account.exchange_id,
            auth=ApiKey("demo-key"),
            base_url=ADDRESS,
            allowed_hosts=["127.0.0.1:*"],
            http=Inside(self.exchange),
        )

    def live(self, rounds: int) -> None:
        """So many rounds: read everything, judge it, write and send what is to be told."""
        for number in range(rounds):
            self.exchange.world.settle(self.exchange.world.clock.now())
            self._read()
            if number % LEARNS_EVERY == 0:
                baselines.learn_baselines(now=self.now)
            detect.evaluate_by_time(now=self.now)
            detect.check_accounts(now=self.now)
            for later in (timedelta(0), timedelta(minutes=2)):
                outbox.compose_due_mails(now=self.now + later)
            outbox.send_due(now=self.now, limit=1000, connect=lambda: get_connection(NOWHERE))
            live = TargetGroup.objects.filter(status="live", missing_since=None).count()
            self.live_hours += live * (ROUND / timedelta(hours=1))
            self.now += ROUND

    def _read(self) -> None:
        token = scheduling.claim_row(ExchangeAccount, self.account.pk, now=self.now, force=True)
        account = ExchangeAccount.objects.get(pk=self.account.pk)
        given: Any = {"client": self.client, "token": token, "clock": lambda: self.now}
        accounts.pull_account(account=account, **given)
        for pk in list(Project.objects.order_by("pk").values_list("pk", flat=True)):
            given["token"] = scheduling.claim_row(Project, pk, now=self.now, force=True)
            project = Project.objects.select_related("account").get(pk=pk)
            cycle: Cycle = pull.pull_project(project=project, **given)
            detect.after_cycle(cycle=cycle, now=self.now)


def incidents() -> list[list[Any]]:
    """Every incident with its whole course, in an order of their own."""
    rows = Incident.objects.order_by("breached_at", "rule", "group__exchange_id", "key")
    columns = (
        "rule",
        "group__exchange_id",
        "state",
        "severity",
        "headline",
        "sequence",
        "flapping",
    )
    moments = ("breached_at", "fired_at", "closed_at")
    return [
        [*row[: len(columns)], *(at.isoformat() if at else None for at in row[len(columns) :])]
        for row in rows.values_list(*columns, *moments)
    ]


def life(seed: int, projects: int, groups: int, days: float) -> dict[str, Any]:
    """What came of some days: incidents, mails, and how long groups were live."""
    lived = Life(seed=seed, projects=projects, groups=groups)
    lived.live(round(timedelta(days=days) / ROUND))
    mails = Mail.objects.values_list("recipient__username", "digest_day", "created_at")
    return {
        "began": START.isoformat(),
        "incidents": incidents(),
        "live_hours": lived.live_hours,
        "groups": TargetGroup.objects.exclude(status__in=("draft", "archived")).count(),
        "mails": [[who, bool(day), at.isoformat()] for who, day, at in mails],
    }
