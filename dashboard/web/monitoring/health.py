"""The health of all parts: for load balancers, Prometheus and operators."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min

from dashboard.alerts import heartbeat
from dashboard.fielding.models import ExchangeAccount, Project

REDIS_SECONDS = 1.0
LATE = timedelta(minutes=10)
MIGRATIONS_FOR_SECONDS = 30.0
_checked_at: dict[str, float] = {}


@dataclass
class HealthReport:
    """The result of each check, and the problems found."""

    checks: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Return `broken` (nothing can be served), `degraded` (pages work) or `ok`."""
        return "broken" if self.broken else "degraded" if self.degraded else "ok"

    def note(self, part: str, *, wrong: str = "", fatal: bool = False, well: str = "ok") -> None:
        """Record the result of one check."""
        self.checks[part] = wrong or well
        if wrong:
            (self.broken if fatal else self.degraded).append(f"{part}: {wrong}")

    def shown(self) -> dict[str, object]:
        """Return the report as JSON."""
        why = self.broken + self.degraded
        return {"status": self.state, "why": why, "checks": self.checks}


def check_health(*, now: datetime, named: bool) -> HealthReport:
    """Check every part; never raises, and waits a second at most for Redis.

    `named`: name the connections that have problems; else only count them.
    """
    health = HealthReport()
    try:
        missing = count_unapplied_migrations()
    except DatabaseError as exc:
        health.note("database", wrong=f"does not answer ({type(exc).__name__})", fatal=True)
        _check_redis(health)
        return health
    health.note("database")
    health.note("migrations", wrong=f"{missing} to apply" if missing else "", fatal=True)
    _check_redis(health)
    if not missing:
        _check_workers(health, now)
        _check_connections(health, now, named=named)
    return health


def count_unapplied_migrations() -> int:
    """Count the migrations that the database lacks; a result of 0 is cached for 30 seconds."""
    name = str(connection.settings_dict["NAME"])
    if time.monotonic() - _checked_at.get(name, -MIGRATIONS_FOR_SECONDS) < MIGRATIONS_FOR_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return 0
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not missing:
        _checked_at[name] = time.monotonic()
    return missing


def waiting_tasks() -> int | None:
    """Count the queued tasks; None while Redis is down."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        ) as server:
            first = settings.CELERY_TASK_DEFAULT_QUEUE
            later = f"{first}\x06\x16{settings.PULL_PRIORITY}"  # as Celery names it
            return int(server.llen(first)) + int(server.llen(later))
    except redis.RedisError:
        return None


def _check_redis(health: HealthReport) -> None:
    is_down = waiting_tasks() is None
    health.note("redis", wrong="does not answer; work waits for the next round" if is_down else "")


def _check_workers(health: HealthReport, now: datetime) -> None:
    """Check workers and mail by the heartbeats in the tables."""
    problems = heartbeat.list_problems(now=now)
    mail = [problem for problem in problems if "mail" in problem]
    others = [problem for problem in problems if problem not in mail]
    health.note("workers", wrong="; ".join(others))
    health.note("mail", wrong="; ".join(mail))


def _check_connections(health: HealthReport, now: datetime, *, named: bool) -> None:
    stale = [
        f"{account.name} is {lag.total_seconds() / 60:.0f} min behind"
        if lag > LATE
        else account.name
        for account, lag in account_lags(now)
        if lag > LATE or account.health in (account.Health.STALE, account.Health.ERROR)
    ]
    count = (
        f"{len(stale)} connection{'s' if len(stale) > 1 else ''} not up to date" if stale else ""
    )
    health.note("freshness", wrong=", ".join(stale) if named else count)


def account_lags(now: datetime) -> Iterator[tuple[ExchangeAccount, timedelta]]:
    """Return each polled account, and how long its most overdue project has waited."""
    overdue = Project.objects.filter(due_at__lt=now, account__polling=True)
    waits = dict(overdue.values_list("account_id").annotate(Min("due_at")))
    for account in ExchangeAccount.objects.filter(polling=True):
        yield account, now - waits.get(account.pk, now)
