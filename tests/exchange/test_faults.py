"""Faults of the exchange over a real socket: none of them costs more than its time."""

import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest

from dashboard.exchange.decode import Page
from dashboard.exchange.errors import (
    CircuitOpen,
    Forbidden,
    NotFound,
    RateLimited,
    TimedOut,
)
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from tests.exchange.conftest import Begin
from tests.exchange.examples import IN
from tests.fakes.clock import QuickClock
from tests.fakes.raw_http_exchange import Asked, Connection


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
        ("45.5", 45.5, 45.5),
        ("date 60 s ahead", 50, 60),
        ("date 60 s ago", 10, 10),
        ("soon", 10, 10),
        ("-5", 10, 10),
        ("1800", 1800, 1800),
        ("99999999", 3600, 3600),
        ("", 10, 10),
    ],
)
def test_all_workers_wait_after_429(begin: Begin, header: str, least: int, most: int) -> None:
    dates = {"date 60 s ahead": time.time() + 60, "date 60 s ago": time.time() - 60}
    value = formatdate(dates[header], usegmt=True) if header in dates else header
    exchange, client = begin(lambda c, _: c.answer({}, status=429, headers={"Retry-After": value}))
    with pytest.raises(RateLimited) as caught:
        client.get_industries()
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most
    with ThreadPoolExecutor(4) as threads:
        errors = [threads.submit(client.get_industries).exception() for _ in range(4)]
    assert all(isinstance(error, RateLimited) for error in errors)
    assert len(exchange.asked) == 1


def test_a_burst_of_500_is_retried_with_growing_waits(begin: Begin) -> None:
    clock = QuickClock()
    statuses = iter([500, 502, 503])

    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"industries": []}, status=next(statuses, 200))

    exchange, client = begin(reply, clock=clock, timeout=60.0)
    assert client.get_industries() == Page(items=[])
    assert len(exchange.asked) == 4
    assert clock.slept == [0.75, 1.5, 3.0]


def test_after_repeated_failures_the_account_rests_and_one_probe_reopens_it(begin: Begin) -> None:
    broken = True
    gate = LocalGate(GatePolicy(failures_to_open=3, first_rest=0.2))

    def reply(connection: Connection, _: Asked) -> None:
        connection.answer({"industries": []}, status=500 if broken else 200)

    exchange, client = begin(reply, gate=gate)
    with pytest.raises(CircuitOpen):
        client.get_industries()
    assert len(exchange.asked) == 3
    broken = False
    time.sleep(0.25)
    client.get_industries()
    client.get_industries()
    assert len(exchange.asked) == 5


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n"


@pytest.mark.parametrize("trickled", [HEAD + b"\r\n" + b" " * 400, HEAD], ids=["body", "head"])
def test_an_answer_that_trickles_does_not_outlast_the_deadline(
    begin: Begin, trickled: bytes
) -> None:
    _, client = begin(lambda c, _: c.trickle(trickled, every=0.05))
    started = time.monotonic()
    with client.deadline(0.6), pytest.raises(TimedOut):
        client.get_industries()
    assert time.monotonic() - started < 1.0


def test_an_answer_that_never_comes_ends_with_the_deadline(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.stopped.wait(5), timeout=0.5)
    started = time.monotonic()
    with pytest.raises(TimedOut):
        client.get_industries()
    assert time.monotonic() - started < 1.0


def test_a_silent_exchange_gets_no_more_than_what_is_left(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.stopped.wait(5), timeout=20.0)
    started = time.monotonic()
    with client.deadline(0.4), pytest.raises(TimedOut):
        client.get_industries()
    assert time.monotonic() - started < 1.0


def test_the_clocks_are_compared(begin: Begin) -> None:
    date = formatdate(time.time() + 600, usegmt=True)
    _, client = begin(lambda c, _: c.answer({"industries": []}, headers={"Date": date}))
    client.get_industries()
    assert 590 < (client.clock_skew or 0) <= 601
