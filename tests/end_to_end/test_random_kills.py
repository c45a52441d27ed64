"""`make run` is killed at random, again and again, and goes on where it was."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.end_to_end.product import Product

KILLS = int(os.environ.get("RANDOM_KILLS", "2"))  # 20 in `make soak`
pytestmark = pytest.mark.timeout(600 + 60 * KILLS)
READ_AGAIN = "SELECT count(*) FROM fielding_project WHERE read_at IS NOT NULL AND read_at > ?"


def ask(product: Product, sql: str, *values: object) -> object:
    with sqlite3.connect(f"file:{product.home}/fieldwatch.sqlite3?mode=ro", uri=True) as tables:
        return tables.execute(sql, values).fetchone()[0]


def by_and_by(what: Callable[[], object], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.2)


def test_whatever_is_killed_the_run_goes_on_and_the_tables_stay_whole(embedded: Product) -> None:
    product = embedded
    chance = random.Random(1)  # noqa: S311
    by_and_by(lambda: ask(product, "SELECT count(*) FROM fielding_targetgroup") == 400)
    changes = ask(product, "SELECT count(*) FROM fielding_change")
    assert product.process
    for turn in range(KILLS):
        victim = chance.choice(product.processes()) if turn else product.process.pid
        with suppress(ProcessLookupError):  # it ended by itself meanwhile
            os.kill(victim, signal.SIGKILL)
        if victim == product.process.pid:
            product.process.wait()
        time.sleep(chance.uniform(0, 2))  # anywhere in what the others do then
        if product.process.poll() is not None:
            by_and_by(lambda: product.processes() == [])
            product.start()
    then = ask(product, "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
    projects = ask(product, "SELECT count(*) FROM fielding_project")
    by_and_by(lambda: ask(product, READ_AGAIN, then) == projects)
    assert ask(product, "PRAGMA integrity_check") == "ok"
    assert ask(product, "SELECT count(*) FROM fielding_targetgroup") == 400
    assert ask(product, "SELECT count(*) FROM fielding_change") >= changes  # type: ignore[operator]
