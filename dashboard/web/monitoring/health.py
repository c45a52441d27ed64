"""How the whole product does: for load balancers, for Prometheus, and for who runs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

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
_migrated: dict[str, float] = {}


@dataclass
class HealthReport:
    """What was looked at, in words, and what of it is not well."""

    checks: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`broken`: nothing can be served; `degraded`: pages work, something stands still."""
        return "broken" if self.broken else "degraded" if self.degraded else "ok"

    def note(self, part: str, *, wrong: str = "", fatal: bool = False, well: str = "ok") -> None:
        """Put one part on record."""
        self.checks[part] = wrong or well
        if wrong:
            (self.broken if fatal else self.degraded).append(f"{part}: {wrong}")

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        why = self.broken + self.degraded
        return {"status": self.state, "why": why, "checks": self.checks}


def check_health(*, now: datetime, named: bool) -> HealthReport:
    """Ask every part how it does; never raises, and takes a second at most for Redis.

    named: whether connections are told by their names, or only how many.
    """
    health = HealthReport()
    try:
        missing = count_unapplied_migrations()
    except DatabaseError as exc:
        health.note("database", wrong=f"does not answer ({type(exc).__name__})", fatal=True)
        _ask_redis(health)
        return health
    health.note("database")
    health.note("migrations", wrong=f"{missing} to apply" if missing else "", fatal=True)
    _ask_redis(health)
    if not missing:
        _ask_workers(health, now)
        _ask_exchange(health, now, named=named)
    return health


def count_unapplied_migrations() -> int:
    """Migrations that this code has and the database lacks; none is believed for 30 seconds."""
    name = str(connection.settings_dict["NAME"])
    if time.monotonic() - _migrated.get(name, -MIGRATIONS_FOR_SECONDS) < MIGRATIONS_FOR_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return 0
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not missing:
        _migrated[name] = time.monotonic()
    return missing


def waiting_tasks() -> int | None:
    """Hints that no worker took yet; None while Redis is away."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        ) as server:
            first = settings.CELERY_TASK_DEFAULT_QUEUE
            later = f"{first}\x06\x16{settings.PULL_PRIORITY}"  # as Celery names it
            return int(server.llen(first)) + int(server.llen(later))
    except redis.RedisError:
        return None


def _ask_redis(health: HealthReport) -> None:
    away = waiting_tasks() is None
    health.note("redis", wrong="does not answer; work waits for the next round" if away else "")


def _ask_workers(health: HealthReport, now: datetime) -> None:
    """Workers and mail, by the marks that their rounds leave in the tables."""
    said = heartbeat.list_problems(now=now)
    mail = [one for one in said if "mail" in one]
    others = [one for one in said if one not in mail]
    health.note("workers", wrong="; ".join(others))
    health.note("mail", wrong="; ".join(mail))


def _ask_exchange(health: HealthReport, now: datetime, *, named: bool) -> None:
    wrong = [
        f"{account.name} waits {lag.total_seconds() / 60:.0f} min" if lag > LATE else account.name
        for account, lag in account_lags(now)
        if lag > LATE or account.health in (account.Health.STALE, account.Health.ERROR)
    ]
    count = f"{len(wrong)} connection{'s' if len(wrong) > 1 else ''} not fresh" if wrong else ""
    health.note("freshness", wrong=", ".join(wrong) if named else count)


def account_lags(now: datetime) -> Iterator[tuple[ExchangeAccount, timedelta]]:
    """Each polled account, and how long its most overdue project waits."""
    late = Project.objects.filter(due_at__lt=now, account__polling=True)
    waits = dict(late.values_list("account_id").annotate(Min("due_at")))
    for account in ExchangeAccount.objects.filter(polling=True):
        yield account, now - waits.get(account.pk, now)
