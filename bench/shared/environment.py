"""What the product runs on while it is measured: a database, a Redis and a state folder, all new.

Whatever touches the tables runs in a child process, because Django reads its settings once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
ENGINES = (SQLITE, POSTGRESQL)
SERVER = os.environ.get("TEST_DATABASE_URL") or "postgres://root@127.0.0.1:5432/test"
ROOT = Path(__file__).resolve().parents[2]
Environment = dict[str, str]
Tables = Callable[[Environment], object]  # makes them in the database of an environment


def missing(engine: str) -> str:
    """Why this database cannot be measured here; empty where it can."""
    if engine == SQLITE:
        return ""
    try:
        with psycopg.connect(SERVER, connect_timeout=3) as connection:
            pid = connection.info.backend_pid
            return "" if Path(f"/proc/{pid}").exists() else "PostgreSQL is on another machine"
    except psycopg.Error:
        return "TEST_DATABASE_URL names no PostgreSQL"


@contextmanager
def stage(engine: str, tables: Tables | None = None, /, **settings: str) -> Iterator[Environment]:
    """The environment of a product with empty tables; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-bench-") as home:
        name = f"bench_{Path(home).name[-8:].lower()}"
        kept = {key: value for key, value in os.environ.items() if key != "REDIS_URL"}
        given = kept | {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "FIELDWATCH_HOME": home,
            "EXCHANGE_ALLOWED_HOSTS": "127.0.0.1:*",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": f"sqlite:///{home}/fieldwatch.sqlite3",
        }
        if engine == POSTGRESQL:
            given["DATABASE_URL"] = f"{SERVER.rpartition('/')[0]}/{name}"
            _on_the_server("CREATE DATABASE {}", name)
        redis = None
        try:
            command = run("bench.shared.environment:redis_server", given)
            redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            (tables or _migrate)(given)
            yield given | settings
        finally:
            if redis:
                redis.kill()
                redis.wait()
            if engine == POSTGRESQL:
                _on_the_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _migrate(given: Environment) -> None:
    run("bench.shared.environment:migrate", given)


def _on_the_server(statement: str, name: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def run(function: str, given: Environment, *arguments: Any) -> Any:
    """What `module:function` returns in a new process with this environment and Django."""
    code = (
        "import django, importlib, json, sys; django.setup(); arguments = json.load(sys.stdin);"
        f"module, name = {function!r}.split(':');"
        "print(json.dumps(getattr(importlib.import_module(module), name)(*arguments)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=given,
        input=json.dumps(arguments),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(ended.stdout.splitlines()[-1])


def redis_server() -> list[str]:
    """How the product starts its own Redis."""
    from dashboard.management.embedded_redis import redis_command  # noqa: PLC0415

    command = redis_command()
    assert command
    return command


def migrate() -> None:
    """Make the tables."""
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


class Meter:
    """CPU seconds of this process and of the database's processes that serve it."""

    def __init__(self) -> None:
        self._gone: dict[int, float] = {}

    def read(self) -> float:
        """CPU seconds so far."""
        for pid in backends():
            with suppress(OSError):
                self._gone[pid] = on_cpu(pid)
        return time.process_time() + sum(self._gone.values())

    def of(self, work: Callable[[], object]) -> float:
        """CPU seconds that some work takes."""
        before = self.read()
        work()
        return self.read() - before


def on_cpu(pid: int) -> float:
    """CPU seconds of a process with one thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def backends() -> list[int]:
    """The processes of PostgreSQL that serve the connections to this database."""
    from django.db import connection  # noqa: PLC0415

    if connection.vendor != POSTGRESQL:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        return [pid for (pid,) in cursor.fetchall()]
