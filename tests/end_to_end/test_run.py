"""`manage.py run`: ready, moving, stopped without a trace, and nothing lost."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.product import ROOT, Product

pytestmark = pytest.mark.timeout(400)


def wait_for(what: Callable[[], object], seconds: float = 240) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.2)


def count(home: Path, sql: str) -> int:
    with sqlite3.connect(f"file:{home / 'fieldwatch.sqlite3'}?mode=ro", uri=True) as tables:
        return int(tables.execute(sql).fetchone()[0] or 0)


def counts(home: Path) -> list[tuple[int, ...]]:
    """What is counted of each group: at night minutes may pass between two completes of all."""
    with sqlite3.connect(f"file:{home / 'fieldwatch.sqlite3'}?mode=ro", uri=True) as tables:
        return tables.execute(
            "SELECT id, entrants, prescreens, completes FROM fielding_targetgroup ORDER BY id"
        ).fetchall()


@pytest.fixture(scope="module", autouse=True)
def stopped(embedded: Product) -> Iterator[None]:
    """Stop the demo after its last test: it would poll 400 groups until the end of the run."""
    yield
    if embedded.process and embedded.process.poll() is None:
        embedded.stop()


def test_the_groups_of_the_demo_are_read_and_their_numbers_move(embedded: Product) -> None:
    wait_for(lambda: count(embedded.home, "SELECT count(*) FROM fielding_targetgroup") == 400)
    first = counts(embedded.home)
    wait_for(lambda: counts(embedded.home) != first)


MAIL_AT_ANY_HOUR = """
from datetime import time, timedelta
from django.db.models import F
from dashboard.fielding.models import ExchangeAccount, MailPreferences, Notice, User
for user in User.objects.all():
    always = {"quiet_from": time(), "quiet_until": time(), "quiet_days": ""}
    MailPreferences.objects.update_or_create(user=user, defaults=always)
earlier = timedelta(minutes=15)
Notice.objects.update(created_at=F("created_at") - earlier)
ExchangeAccount.objects.update(first_pull_completed_at=F("first_pull_completed_at") - earlier)
"""


def test_the_way_out_of_the_demo_is_printed_before_the_ready_line(embedded: Product) -> None:
    lines = embedded.said.splitlines()
    ready = next(place for place, line in enumerate(lines) if "is ready" in line)
    assert f"{embedded.url}setup/  one-time code: " in lines[ready - 1]


def test_somebody_is_told_of_a_paused_group_by_mail(embedded: Product) -> None:
    items = "SELECT count(*) FROM fielding_item"
    wait_for(lambda: count(embedded.home, items) > 0)
    embedded.manage("shell", "--command", MAIL_AT_ANY_HOUR)
    sent = "SELECT count(*) FROM fielding_mail WHERE state = 'sent'"
    wait_for(lambda: count(embedded.home, sent) > 0)
    mails = list((embedded.home / "mail").glob("*"))
    assert any("Subject:" in mail.read_text() for mail in mails)


def test_a_process_that_falls_is_started_again(embedded: Product) -> None:
    worker = min(embedded.running("management.worker"))
    subprocess.run(["kill", "-9", str(worker)], check=True)
    wait_for(
        lambda: (
            embedded.running("management.worker")
            and worker not in embedded.running("management.worker")
        )
    )


def test_what_is_stored_is_its_owners_alone(embedded: Product) -> None:
    kept = [embedded.home / name for name in ("fieldwatch.sqlite3", "secret_key", "log", "mail")]
    wait_for(lambda: all(path.exists() for path in kept), seconds=300)
    assert [path.name for path in kept if path.stat().st_mode & 0o077] == []


def test_a_second_run_in_the_same_folder_says_so(embedded: Product) -> None:
    again = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env={"FIELDWATCH_HOME": str(embedded.home), "PORT": "1024", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode != 0
    assert "already running" in again.stderr


def test_stopping_leaves_no_process_and_starting_again_loses_nothing(embedded: Product) -> None:
    before = count(embedded.home, "SELECT count(*) FROM fielding_change")
    assert embedded.stop(signal.SIGINT) == 0
    assert embedded.processes() == []
    embedded.start()
    assert count(embedded.home, "SELECT count(*) FROM fielding_change") >= before
    cycles = "SELECT count(*) FROM fielding_cycle WHERE complete"
    then = count(embedded.home, cycles)
    wait_for(lambda: count(embedded.home, cycles) > then)


def test_a_run_that_is_terminated_leaves_no_process_either(embedded: Product) -> None:
    """One that is killed: `test_random_kills.py`, which kills the run itself first."""
    assert embedded.stop(signal.SIGTERM) == 0
    assert embedded.processes() == []
