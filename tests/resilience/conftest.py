"""The product's processes on SQLite, and on a PostgreSQL of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.prepared import fill_postgresql, prepare_tables
from tests.resilience.environment import Stand
from tests.resilience.servers import PostgreSQL

DATABASES = ("sqlite", "postgresql")


def stand_on(database: str, home: Path) -> Stand:
    """An open stand on a database of this kind."""
    if not shutil.which("redis-server"):
        missing("redis-server is not installed")
    if database == "postgresql" and (not PostgreSQL.programs() or os.name != "posix"):
        missing("PostgreSQL's programs are not installed")
    if database == "sqlite":
        home.mkdir(parents=True, exist_ok=True)
        prepare_tables(home)
    stand = Stand(home, PostgreSQL() if database == "postgresql" else None)
    if server := os.environ.get("TEST_DATABASE_URL"):
        stand.fill = partial(fill_postgresql, server)
    try:
        stand.open()
    except BaseException:
        stand.close()
        raise
    return stand


@pytest.fixture(scope="module", params=DATABASES)
def stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    """A stand whose exchange was read once; a test leaves no process behind."""
    one = stand_on(request.param, tmp_path_factory.mktemp(request.param))
    try:
        worker = one.worker()
        one.drain()
        one.kill(worker)
        yield one
    finally:
        one.close()


@pytest.fixture(autouse=True)
def _no_process_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "stand" in request.fixturenames:
        one: Stand = request.getfixturevalue("stand")
        one.kill_all()
        one.control()
        for what in ("worker", "beat", "web"):
            print(f"--- {what}\n{one.said(what)}")  # shown where a test fails
