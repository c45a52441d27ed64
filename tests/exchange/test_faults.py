"""Faults of the exchange over a real socket: none of them loses data, time or the token."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from dashboard.exchange.auth import ApiKey, Auth, ClientCredentials
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Page
from dashboard.exchange.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    RateLimited,
    Redirected,
    Resting,
    TimedOut,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from dashboard.exchange.gate import GatePolicy, LocalGate
from dashboard.exchange.walk import walk
from tests.exchange.calls import CPI, IN, PROJECT
from tests.exchange.clock import NoChance
from tests.exchange.fake_exchange import Asked, Connection, FakeExchange

Begin = Callable[..., tuple[FakeExchange, ExchangeClient]]


class QuickClock:
    """The real time, in which waiting for another try takes none."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A plain row of a list of target groups."""
    progress = {"current_completes": number, "current_prescreens": 0, "filling_goal": 100}
    plain = {
        "id": f"{number:026d}",
        "name": f"Group {number}",
        "status": "live",
        "statistics": {"progress": {"value": progress, "issues": []}},
    }
    return plain | changes


@pytest.fixture
def begin() -> Iterator[Begin]:
    """`begin(reply)`: a fake exchange that answers by `reply`, and a client that asks it."""
    running: list[FakeExchange] = []

    def start(
        reply: Callable[[Connection, Asked], None], *, token: bool = False, **settings: Any
    ) -> tuple[FakeExchange, ExchangeClient]:
        exchange = FakeExchange(reply)
        running.append(exchange)
        secret = ClientCredentials(f"{exchange.url}/oauth/token", "our-id", "our-secret")
        auth: Auth = secret if token else ApiKey("our-key")
        settings = {"clock": QuickClock(), "chance": NoChance(), "timeout": 5.0} | settings
        client = ExchangeClient(
            account_id="101",
            auth=auth,
            base_url=exchange.url,
            allowed_hosts=["127.0.0.1"],
            **settings,
        )
        return exchange, client

    yield start
    for exchange in running:
        exchange.stop()


def test_a_token_that_expires_in_mid_cycle_is_renewed_once_for_all_threads(begin: Begin) -> None:
    tokens = iter(range(1, 9))
    valid = ["token-1"]

    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            valid[0] = f"token-{next(tokens)}"
            connection.answer({"access_token": valid[0], "expires_in": 86400})
        elif asked.headers["authorization"] == f"Bearer {valid[0]}":
            connection.answer({"countries": []})
        else:
            connection.answer({"detail": "expired"}, status=401)

    exchange, client = begin(reply, token=True)
    client.get_countries()
    valid[0] = "gone"
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: client.get_countries(), range(32)))
    assert len(pages) == 32
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_token_is_renewed_before_it_expires(begin: Begin) -> None:
    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            connection.answer({"access_token": "short", "expires_in": 0})
        else:
            connection.answer({"countries": []})

    exchange, client = begin(reply, token=True)
    client.get_countries()
    client.get_countries()
    assert len(exchange.targets("/oauth/token")) == 2


def test_401_in_a_loop_is_one_renewal_and_then_said(begin: Begin) -> None:
    def reply(connection: Connection, asked: Asked) -> None:
        if asked.target.endswith("/oauth/token"):
            connection.answer({"access_token": "never-good"})
        else:
            connection.answer({"detail": "no"}, status=401)

    exchange, client = begin(reply, token=True)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            client.get_countries()
    assert len(exchange.targets("/oauth/token")) == 2


def test_a_refused_api_key_is_asked_with_once(begin: Begin) -> None:
    exchange, client = begin(lambda c, _: c.answer({}, status=401))
    with pytest.raises(Unauthorized, match="API key"):
        client.get_countries()
    assert [each.headers["authorization"] for each in exchange.asked] == ["our-key"]


def test_a_refused_client_secret_is_said_without_the_secret(begin: Begin) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"detail": "bad our-secret"}, status=403)

    _, client = begin(reply, token=True)
    with pytest.raises(Unauthorized, match="client id and secret") as caught:
        client.get_countries()
    assert "our-secret" not in str(caught.value)


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound)])
def test_one_group_that_is_refused_says_why_and_is_not_asked_again(
    begin: Begin, status: int, error: type[Exception]
) -> None:
    exchange, client = begin(lambda c, _: c.answer({"detail": "not yours"}, status=status))
    with pytest.raises(error, match="not yours"):
        client.get_target_group_overview(**IN)
    assert len(exchange.asked) == 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        (formatdate(time.time() + 60, usegmt=True), 50, 60),
        (formatdate(time.time() - 60, usegmt=True), 10, 10),
        ("soon", 10, 10),
        ("-5", 10, 10),
        ("99999999", 300, 300),
        ("", 10, 10),
    ],
)
def test_all_workers_wait_after_429(begin: Begin, header: str, least: int, most: int) -> None:
    exchange, client = begin(lambda c, _: c.answer({}, status=429, headers={"Retry-After": header}))
    with pytest.raises(RateLimited) as caught:
        client.get_countries()
    assert least <= caught.value.retry_after <= most
    with ThreadPoolExecutor(4) as threads:
        errors = [threads.submit(client.get_countries).exception() for _ in range(4)]
    assert all(isinstance(error, RateLimited) for error in errors)
    assert len(exchange.asked) == 1


def test_a_burst_of_500_is_retried_with_growing_waits(begin: Begin) -> None:
    clock = QuickClock()
    statuses = iter([500, 502, 503])

    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"countries": []}, status=next(statuses, 200))

    exchange, client = begin(reply, clock=clock, timeout=60.0)
    assert client.get_countries() == Page(items=[])
    assert len(exchange.asked) == 4
    assert clock.slept == [0.75, 1.5, 3.0]


def test_after_repeated_failures_the_account_rests_and_one_probe_reopens_it(begin: Begin) -> None:
    broken = True
    gate = LocalGate(GatePolicy(failures_to_open=3, first_rest=0.2))

    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"countries": []}, status=500 if broken else 200)

    exchange, client = begin(reply, gate=gate)
    with pytest.raises(Resting):
        client.get_countries()
    assert len(exchange.asked) == 3
    broken = False
    time.sleep(0.25)
    client.get_countries()
    client.get_countries()
    assert len(exchange.asked) == 5


def test_a_refused_connection_is_unreachable_and_a_write_was_not_sent(begin: Begin) -> None:
    exchange, client = begin(lambda c, _: c.answer({}))
    exchange.stop()
    with pytest.raises(Unreachable) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
    assert caught.value.waiting_helps


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n"


@pytest.mark.parametrize("trickled", [HEAD + b"\r\n" + b" " * 400, HEAD], ids=["body", "head"])
def test_an_answer_that_trickles_does_not_outlast_the_deadline(
    begin: Begin, trickled: bytes
) -> None:
    _, client = begin(lambda c, _: c.trickle(trickled, every=0.05))
    started = time.monotonic()
    with client.deadline(0.6), pytest.raises(TimedOut):
        client.get_countries()
    assert time.monotonic() - started < 1.0


def test_an_answer_that_never_comes_ends_with_the_deadline(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.stopped.wait(5), timeout=0.5)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        client.get_countries()
    assert time.monotonic() - started < 1.0


BROKEN = {
    "cut off": (b'{"countries": [{"id": 1}', {}),
    "a web page": (b"<html>maintenance</html>", {}),
    "empty": (b"", {}),
    "not utf-8": (b'{"countries": [{"name": "\xff"}]}', {}),
    "NaN": (b'{"countries": [NaN]}', {}),
    "a list": (b"[1, 2]", {}),
    "deep": (b"[" * 200_000, {}),
    "broken gzip": (b"\x1f\x8b broken", {"Content-Encoding": "gzip"}),
    "half gzip": (gzip.compress(b"{}" * 999)[:-9], {"Content-Encoding": "gzip"}),
    "strange compression": (b"{}", {"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_garbled_page_is_rejected_whole(begin: Begin, name: str) -> None:
    body, headers = BROKEN[name]
    _, client = begin(lambda c, _: c.answer(body, headers=headers))
    with pytest.raises(BadAnswer) as caught:
        client.get_countries()
    assert caught.value.operation == "get_countries"


def test_a_gzip_bomb_is_rejected_without_unpacking_it(begin: Begin) -> None:
    bomb = gzip.compress(b" " * 300_000_000, compresslevel=1)
    _, client = begin(lambda c, _: c.answer(bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(TooLarge):
        client.get_countries()


def test_a_body_above_the_cap_is_rejected_before_it_is_here(begin: Begin) -> None:
    sent = 0

    def reply(connection: Connection, _: Asked) -> None:
        nonlocal sent
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _piece in range(100):
            connection.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
            sent += 1

    _, client = begin(reply)
    with pytest.raises(TooLarge):
        client.get_countries()
    assert sent < 40


def test_a_gzipped_answer_is_read(begin: Begin) -> None:
    body = gzip.compress(b'{"countries": [{"id": 1, "code": "us"}]}')
    _, client = begin(lambda c, _: c.answer(body, headers={"Content-Encoding": "gzip"}))
    assert [each.code for each in client.get_countries().items] == ["us"]


def test_one_wrong_item_of_a_hundred_costs_itself_only(begin: Begin) -> None:
    rows = [row(number) for number in range(100)]
    rows[42] = row(42, statistics=None)
    page = {"target_groups": rows, "has_more": False, "url": ""}
    _, client = begin(lambda c, _: c.answer(page))
    listed = client.get_list_target_groups(project_id=PROJECT)
    assert len(listed.items) == 99
    assert [bad.id for bad in listed.quarantined] == [f"{42:026d}"]
    assert "statistics" in listed.quarantined[0].reason


def test_unknown_values_and_members_are_kept_as_they_are(begin: Begin) -> None:
    page = {"target_groups": [row(1, status="hibernating", moon="full")], "has_more": False}
    _, client = begin(lambda c, _: c.answer(page))
    assert client.get_list_target_groups(project_id=PROJECT).items[0].status == "hibernating"


def test_a_repeating_cursor_ends_the_walk_as_incomplete(begin: Begin) -> None:
    page = {"target_groups": [row(1)], "has_more": True, "next_cursor": "again"}
    exchange, client = begin(lambda c, _: c.answer(page))
    groups = walk(lambda cursor: client.get_list_target_groups(project_id="p", start_after=cursor))
    assert len(list(groups)) == 2
    assert not groups.complete
    assert "circle" in groups.reason
    assert len(exchange.asked) == 2


def test_the_clocks_are_compared(begin: Begin) -> None:
    date = formatdate(time.time() + 600, usegmt=True)
    _, client = begin(lambda c, _: c.answer({"countries": []}, headers={"Date": date}))
    client.get_countries()
    assert 590 < (client.clock_skew or 0) <= 601


@pytest.mark.parametrize("ending", ["hang up", "half an answer", "500", "garbled"])
def test_a_write_whose_answer_is_lost_is_sent_once_and_unknown(begin: Begin, ending: str) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        if ending == "half an answer":
            connection.send(HEAD + b"\r\n{")
        if ending == "500":
            connection.answer({}, status=500)
        elif ending == "garbled":
            connection.answer(b"<html>")
        else:
            connection.hang_up()

    exchange, client = begin(reply)
    with pytest.raises((Unreachable, Unavailable, BadAnswer)) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert caught.value.outcome_unknown
    assert caught.value.operation == "update_cost_per_interview"
    assert len(exchange.asked) == 1


def test_a_write_with_a_key_is_repeated_with_the_same_key(begin: Begin) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        if len(exchange.asked) < 3:
            connection.hang_up()
        else:
            connection.answer(b"", status=201, headers={"Location": "/jobs/j-7?x=1"})

    exchange, client = begin(reply, timeout=60.0)
    job = client.create_bulk_pause_target_groups_job(
        project_id=PROJECT, target_group_ids=["g"], idempotency_key="key-1"
    )
    assert job.id == "j-7"
    assert [each.headers["idempotency-key"] for each in exchange.asked] == ["key-1"] * 3


def test_a_keyed_write_that_may_have_arrived_stays_unknown_while_the_account_rests(
    begin: Begin,
) -> None:
    gate = LocalGate(GatePolicy(failures_to_open=2))
    _, client = begin(lambda c, _: c.hang_up(), gate=gate)
    with pytest.raises(Resting) as caught:
        client.create_bulk_pause_target_groups_job(
            project_id=PROJECT, target_group_ids=["g"], idempotency_key="key-1"
        )
    assert caught.value.outcome_unknown


def test_a_redirect_is_never_followed_and_the_token_stays_here(begin: Begin) -> None:
    elsewhere, _ = begin(lambda c, _: c.answer({"countries": []}))
    _, client = begin(lambda c, _: c.answer({}, status=302, headers={"Location": elsewhere.url}))
    with pytest.raises(Redirected):
        client.get_countries()
    with pytest.raises(Redirected) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
    assert elsewhere.asked == []


def test_cookies_are_not_kept(begin: Begin) -> None:
    exchange, client = begin(
        lambda c, _: c.answer({"countries": []}, headers={"Set-Cookie": "a=b; Path=/"})
    )
    client.get_countries()
    client.get_countries()
    assert all("cookie" not in each.headers for each in exchange.asked)


def test_threads_have_connections_of_their_own_and_keep_them(begin: Begin) -> None:
    ports: set[int] = set()

    def reply(connection: Connection, _: Asked) -> None:
        ports.add(connection.sock.getpeername()[1])
        connection.answer({"countries": []})

    exchange, client = begin(reply)
    ready = threading.Barrier(3)

    def ask() -> None:
        ready.wait()
        for _ in range(5):
            client.get_countries()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(exchange.asked) == 15
    assert len(ports) == 3
