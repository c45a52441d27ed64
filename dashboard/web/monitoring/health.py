"""The health of all parts: for load balancers, Prometheus and operators."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import redis
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min

from dashboard.alerts import heartbeat
from dashboard.fielding.models import ExchangeAccount, Project
from dashboard.fielding.models.fields import EncryptedTextField

REDIS_SECONDS = 1.0
LATE = timedelta(minutes=10)
READ_ONLY = "is read-only: nobody can sign in, and no change or alert is stored"
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
    health.note("database", wrong=READ_ONLY if is_read_only() else "")
    health.note("migrations", wrong=f"{missing} to apply" if missing else "", fatal=True)
    _check_redis(health)
    if not missing:
        health.note("keys", wrong=_undecryptable())
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


def _open_redis() -> redis.Redis:
    """Return a client that waits a second at most; close it after use."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )


def waiting_tasks() -> int | None:
    """Count the queued tasks; None while Redis is down."""
    try:
        with _open_redis() as server:
            first = settings.CELERY_TASK_DEFAULT_QUEUE
            later = f"{first}\x06\x16{settings.PULL_PRIORITY}"  # as Celery names it
            return int(server.llen(first)) + int(server.llen(later))
    except redis.RedisError:
        return None


def is_read_only() -> bool:
    """Whether the database refuses writes: a standby, a full or a read-only disk."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            return bool(cursor.fetchone()[0] == "on")
    path = Path(str(connection.settings_dict["NAME"]))
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _undecryptable() -> str:
    """Return what is wrong with ENCRYPTION_KEYS, by one stored secret of each kind."""
    for model in apps.get_models():
        for column in model._meta.fields:
            if isinstance(column, EncryptedTextField):
                secrets = model._default_manager.exclude(**{column.name: ""})
                try:
                    secrets.values_list(column.name, flat=True).first()
                except ImproperlyConfigured as exc:
                    return str(exc)
    return ""


def _check_redis(health: HealthReport) -> None:
    try:
        with _open_redis() as server:
            server.set(f"{settings.CELERY_TASK_DEFAULT_QUEUE}-probe", 1, ex=10)
    except redis.ResponseError as exc:  # full, a replica, or without the right to write
        health.note("redis", wrong=f"refuses writes ({exc}); work waits for the next round")
    except redis.RedisError:
        health.note("redis", wrong="does not answer; work waits for the next round")
    else:
        health.note("redis")


def _check_workers(health: HealthReport, now: datetime) -> None:
    """Check workers and mail by the heartbeats in the tables."""
    problems = heartbeat.list_problems(now=now)
    mail = [problem for problem in problems if "mail" in problem]
    others = [problem for problem in problems if problem not in mail]
    others += heartbeat.dead_workers(now=now)
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
    for account in ExchangeAccount.objects.filter(polling=True).defer("secret"):
        yield account, now - waits.get(account.pk, now)
