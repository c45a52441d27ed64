"""Fieldwatch's processes around a database, a Redis and an exchange that a test may hurt."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery

from dashboard.simulator.harness import Simulator
from tests.end_to_end.product import ROOT
from tests.resilience.servers import WITHIN_SECONDS, PostgreSQL, Redis, wait_for

LEASE_SECONDS = 95.0  # a little more than the product's, of the test's clock
GROUPS = 12


@dataclass
class Stand:
    """One database with everything around it; its processes are forked from one that is warm."""

    home: Path
    postgresql: PostgreSQL | None = None
    fill: Callable[[str], object] = field(default=lambda _: None)  # that cluster, given its address
    redis: Redis = field(default_factory=Redis)
    simulator: Simulator = field(
        default_factory=lambda: Simulator(groups=GROUPS, history_days=2, speed=0)
    )
    ahead: float = 0.0
    running: list[int] = field(default_factory=list)
    queue: str = ""
    zygote: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Start servers and tables, with one connection and nothing read."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.postgresql:
            self.postgresql.make()
            self.fill(self.postgresql.url)
        self.redis.start()
        self.simulator.start()
        self.control()
        self._breed()
        self.queue = self._ask({"setting": "CELERY_TASK_DEFAULT_QUEUE"})
        assert self.wait(self.start("migrate", base_url=f"{self.simulator.base_url}/v1"), 240) == 0

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill_all()
        if self.zygote and self.zygote.stdin:
            self.zygote.stdin.close()
            self.zygote.wait(WITHIN_SECONDS)
        self.simulator.stop()
        self.redis.stop()
        if self.postgresql:
            self.postgresql.remove()

    def _breed(self) -> None:
        database = self.postgresql.url if self.postgresql else ""
        own = {
            "FIELDWATCH_HOME": str(self.home),
            "DATABASE_URL": database,
            "REDIS_URL": self.redis.url,
            "EXCHANGE_ALLOWED_HOSTS": "127.0.0.1:*",
            "BEAT_SECONDS": "1",
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        }
        self.zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.resilience.fork_server"],
            cwd=ROOT,
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self.zygote
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(json.dumps(command) + "\n")
        self.zygote.stdin.flush()
        return json.loads(self.zygote.stdout.readline())

    def start(self, what: str, **given: Any) -> int:
        """Start a worker, beat or web server; its process id."""
        pid = int(self._ask({"start": what, **given}))
        self.running.append(pid)
        return pid

    def worker(self, *args: str, **given: Any) -> int:
        """A worker."""
        return self.start("worker", args=list(args), **given)

    def beat(self, name: str = "beat") -> int:
        """A beat with a schedule of its own."""
        return self.start("beat", schedule=str(self.home / f"{name}-schedule"))

    def wait(self, pid: int, seconds: float = 120) -> int | None:
        """How a process ended, negative for a signal; None if it has not."""
        status = self._ask({"wait": pid, "seconds": seconds})
        if status is not None:
            self.running.remove(pid)
        return None if status is None else int(status)

    def kill(self, pid: int) -> None:
        """SIGKILL for a process and what it started."""
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:  # forked this very moment, and leads no group yet
            os.kill(pid, signal.SIGKILL)
        assert self.wait(pid) is not None

    def kill_all(self) -> None:
        """SIGKILL for all."""
        for pid in list(self.running):
            self.kill(pid)

    def control(self, die: dict[str, Any] | None = None) -> None:
        """Tell the processes the time and where to die."""
        fresh = self.home / "control.new"
        fresh.write_text(json.dumps({"ahead": self.ahead, "die": die}))
        fresh.rename(self.home / "control.json")

    def pass_time(self, seconds: float) -> None:
        """Let the product's clock jump ahead."""
        self.ahead += seconds
        self.control()

    @property
    def now(self) -> datetime:
        """The time as the product sees it."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def wake(self, task: str = "wake", *args: Any) -> None:
        """Publish a task as beat does."""
        with Celery(broker=self.redis.url) as app:
            app.send_task(f"dashboard.tasks.{task}", args=args, queue=self.queue)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the product's tables."""
        if self.postgresql:
            return self.postgresql.query(sql)
        with contextlib.closing(sqlite3.connect(self.home / "fieldwatch.sqlite3", 20)) as tables:
            tables.isolation_level = None
            return tables.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The only value of the only row."""
        return self.query(sql)[0][0]

    def cycles(self, where: str = "project_id IS NOT NULL") -> int:
        """How many rounds are on record."""
        return int(self.one(f"SELECT count(*) FROM fielding_cycle WHERE {where}"))

    def due(self) -> int:
        """How much is due or at work, by the product's clock."""
        free = f"(leased_until IS NULL OR leased_until < {self._now})"
        return self._count(f"due_at <= {self._now} AND {free} OR lease <> ''")

    def leases(self) -> int:
        """How much is held by a worker, by the product's clock."""
        return self._count(f"lease <> '' AND leased_until >= {self._now}")

    @property
    def _now(self) -> str:
        return f"'{self.now:%Y-%m-%d %H:%M:%S.%f}'"

    def _count(self, where: str) -> int:
        """How many projects and accounts are so."""
        return sum(
            int(self.one(f"SELECT count(*) FROM {table} WHERE {where}"))
            for table in ("fielding_project", "fielding_exchangeaccount")
        )

    def drain(self, seconds: float = 300) -> None:
        """Wake workers until nothing is due."""
        until = time.monotonic() + seconds
        while self.due() or not self.cycles():
            assert time.monotonic() < until, f"work stays undone: {self.said('worker')}"
            self.wake()
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not self.due(), seconds=1)

    def said(self, what: str) -> str:
        """The end of what processes of a kind printed."""
        log = self.home / f"{what}.log"
        return log.read_text()[-3000:] if log.exists() else ""
