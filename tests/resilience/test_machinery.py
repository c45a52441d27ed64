"""Faults 17 to 19: Redis gone, the database restarted or locked, the disk full."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.product import free_port
from tests.resilience import invariants, kill_points
from tests.resilience.conftest import stand_on
from tests.resilience.environment import LEASE_SECONDS, Stand
from tests.resilience.servers import wait_for

pytestmark = pytest.mark.timeout(600)
OPEN_EDITS = "SELECT 1 FROM fielding_edit WHERE state IN ('sending', 'unknown')"


class Browser:
    """Somebody who is signed in to a web server of the stand."""

    def __init__(self, stand: Stand, of: Browser | None = None, **given: object) -> None:
        port = free_port()
        stand.start("web", bind=f"127.0.0.1:{port}", **given)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        wait_for(self.answers, of="the web server")
        if of:
            self.http.cookies = of.http.cookies
        else:
            self.post("/sign-in/", username="demo", password="demo")

    def answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return self.http.get("/healthz").status_code == 200
        return False

    def post(self, address: str, **fields: str) -> httpx.Response:
        """Fill a form in and send it, with what the form holds already."""
        page = self.http.get(address).text
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
        return self.http.post(address, data=dict(hidden) | fields)

    def health(self) -> dict[str, object]:
        return dict(json.loads(self.http.get("/readyz").text))


def priced(stand: Stand) -> tuple[int, str]:
    """A live group whose price can be changed: its key here and its id there."""
    return stand.query(
        "SELECT id, exchange_id FROM fielding_targetgroup WHERE status = 'live' "
        "AND pricing_model = 'dynamic' AND currency = 'USD' ORDER BY id LIMIT 1"
    )[0]


def edit(stand: Stand, browser: Browser, price: str) -> httpx.Response:
    """Change the price of a group through its form."""
    pk, _ = priced(stand)
    return browser.post(f"/groups/{pk}/edit/cpi/", cpi=price, cpi_again=price)


def test_hints_that_a_flush_took_are_given_again(stand: Stand) -> None:
    kill_points.change(stand, seed=3)
    beat = stand.beat()
    wait_for(lambda: stand.redis.client.llen(stand.queue), of="beat wakes")
    worker = stand.worker()
    wait_for(lambda: not stand.due(), of="the work is done")
    stand.kill(worker)
    kill_points.change(stand, seed=4)
    stand.redis.client.flushall()
    stand.query("UPDATE fielding_project SET lease = 'queued', leased_until = due_at")
    stand.pass_time(61)
    stand.worker()
    wait_for(lambda: not stand.due(), of="the work is found again")
    stand.kill(beat)
    assert invariants.losses(stand) == []


FOUND = {"delivery_tag": "t", "delivery_info": {"exchange": "", "routing_key": ""}}
UNREADABLE: list[object] = [
    {"body": "x", "properties": FOUND | {"body_encoding": "base64"}},  # cut off
    {"body": "x", "properties": FOUND | {"body_encoding": "rot13"}},
    {"body": "{", "content-type": "application/json", "properties": FOUND},
    {"body": "x", "content-type": "application/x-python-serialize", "properties": FOUND},
    {"body": None, "properties": FOUND},
    {"body": "x", "properties": {}},
    {"body": "x"},
    {},
    [],
    7,
    None,
]


def test_messages_that_nobody_can_read_end_no_worker(stand: Stand) -> None:
    kill_points.change(stand, seed=6)
    server = stand.redis.client
    before = server.hlen("unacked")  # of workers that were killed
    for message in UNREADABLE:
        server.lpush(stand.queue, json.dumps(message))
    worker = stand.worker()
    wait_for(lambda: not server.llen(stand.queue), of="all are taken")
    stand.drain()
    assert stand.wait(worker, seconds=0) is None, "it lives"
    wait_for(lambda: server.hlen("unacked") <= before, of="none is put back")
    stand.kill(worker)
    assert invariants.losses(stand) == []


def test_pages_and_edits_work_without_redis_and_work_goes_on_when_it_is_back(stand: Stand) -> None:
    stand.worker(supervised=True)
    stand.beat()
    browser = Browser(stand)
    stand.redis.stop()
    kill_points.change(stand, seed=5)
    started = time.monotonic()
    assert browser.http.get("/").status_code == 200
    assert browser.http.get(f"/groups/{priced(stand)[0]}/").status_code == 200
    assert edit(stand, browser, "3.33").status_code in (200, 302)
    assert time.monotonic() - started < 10
    assert stand.one("SELECT state FROM fielding_edit ORDER BY id DESC LIMIT 1") == "confirmed"
    assert "redis" in str(browser.health()["why"])
    assert browser.health()["status"] == "degraded"
    stand.redis.start()
    wait_for(lambda: not stand.due(), of="work goes on")
    assert invariants.losses(stand) == []


def test_a_database_that_restarts_in_mid_cycle_costs_a_lease_at_most(stand: Stand) -> None:
    if stand.postgresql is None:
        hold_the_lock(stand)
        return
    worker = stand.worker()
    kill_points.change(stand, seed=6)
    stand.drain()
    kill_points.change(stand, seed=7)
    stand.simulator.fault("slow", operation="get_target_group_performance", value="0.8")
    stand.wake()
    wait_for(lambda: stand.query("SELECT 1 FROM fielding_project WHERE attempts > 0"), of="a claim")
    stand.postgresql.stop()
    stand.postgresql.start()
    time.sleep(1)
    stand.simulator.clear_faults()
    stand.pass_time(LEASE_SECONDS)
    stand.drain()
    assert stand.wait(worker, 0) is None, "the same worker went on"
    assert invariants.halves(stand) + invariants.doubles(stand) + invariants.losses(stand) == []


def hold_the_lock(stand: Stand) -> None:
    """SQLite: another process writes for longer than a worker waits."""
    worker = stand.worker(database={"timeout": 0.5})
    kill_points.change(stand, seed=6)
    stand.drain()
    kill_points.change(stand, seed=7)
    other = sqlite3.connect(stand.home / "fieldwatch.sqlite3", isolation_level=None)
    stand.simulator.fault("slow", operation="get_target_group_performance", value="0.4")
    stand.wake()
    wait_for(lambda: stand.query("SELECT 1 FROM fielding_project WHERE attempts > 0"), of="a claim")
    other.execute("BEGIN IMMEDIATE")
    wait_for(lambda: "locked" in stand.said("worker"), of="the worker meets the lock")
    other.execute("ROLLBACK")
    other.close()
    stand.simulator.clear_faults()
    stand.pass_time(LEASE_SECONDS)
    stand.drain()
    assert stand.wait(worker, 0) is None, "the same worker went on"
    assert invariants.halves(stand) + invariants.doubles(stand) + invariants.losses(stand) == []


@pytest.fixture
def full(tmp_path: Path) -> Stand:
    """A stand of its own on SQLite, never read; closed by the test."""
    return stand_on("sqlite", tmp_path / "full")


def test_a_full_disk_is_no_success_and_is_seen(full: Stand) -> None:
    stand = full
    no_room = {"init_command": "PRAGMA journal_mode=WAL; PRAGMA max_page_count=1;"}
    try:
        stand.query("VACUUM")  # no page is left over
        stand.worker(database=no_room)
        stand.beat()
        wait_for(lambda: "is full" in stand.said("worker"), of="the disk is full")
        stand.pass_time(1200)
        time.sleep(2)
        assert stand.cycles("complete AND project_id IS NOT NULL") == 0
        assert stand.query("SELECT 1 FROM fielding_project WHERE read_at IS NOT NULL") == []
        assert invariants.halves(stand) == []
        health = Browser(stand).health()
        assert health["status"] == "degraded"
        assert "freshness" in str(health["why"])
        stand.kill_all()
        stand.pass_time(3700)
        stand.worker()
        stand.drain()
        assert invariants.halves(stand) + invariants.losses(stand) == []
        browser = Browser(stand)
        stand.query("VACUUM")
        cramped = Browser(stand, of=browser, database=no_room)
        for cents in range(100):
            answer = edit(stand, cramped, f"4.{cents:02}")
            if answer.status_code == 500:
                break
        assert answer.status_code == 500
        assert stand.one("SELECT count(*) FROM fielding_edit") == len(stand.simulator.edits())
        stand.pass_time(300)
        stand.wake("settle_edits")
        wait_for(lambda: not stand.query(OPEN_EDITS), of="what was sent is read back")
        stand.pass_time(3700)
        stand.drain()
        assert invariants.losses(stand) == []
    finally:
        stand.close()
