"""Writes and connections over a real socket: nothing is repeated blindly or sent elsewhere."""

import threading
import traceback

import pytest

from dashboard.exchange.errors import (
    BadAnswer,
    CircuitOpen,
    Redirected,
    Unavailable,
    Unreachable,
)
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from tests.exchange.conftest import Begin
from tests.exchange.examples import CPI, IN, PROJECT
from tests.fakes.raw_http_exchange import Asked, Connection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n"


def test_a_refused_connection_is_unreachable_and_a_write_was_not_sent(begin: Begin) -> None:
    exchange, client = begin(lambda c, _: c.answer({}))
    exchange.stop()
    with pytest.raises(Unreachable) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
    assert caught.value.waiting_helps


def test_a_broken_connection_shows_the_key_in_no_traceback(begin: Begin) -> None:
    _, client = begin(lambda c, _: c.hang_up())
    with pytest.raises(Unreachable) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "our-key" not in "".join(shown.format())


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
    with pytest.raises(CircuitOpen) as caught:
        client.create_bulk_pause_target_groups_job(
            project_id=PROJECT, target_group_ids=["g"], idempotency_key="key-1"
        )
    assert caught.value.outcome_unknown


def test_a_redirect_is_never_followed_and_the_token_stays_here(begin: Begin) -> None:
    elsewhere, _ = begin(lambda c, _: c.answer({"industries": []}))
    _, client = begin(lambda c, _: c.answer({}, status=302, headers={"Location": elsewhere.url}))
    with pytest.raises(Redirected):
        client.get_industries()
    with pytest.raises(Redirected) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
    assert elsewhere.asked == []


def test_cookies_are_not_kept(begin: Begin) -> None:
    exchange, client = begin(
        lambda c, _: c.answer({"industries": []}, headers={"Set-Cookie": "a=b; Path=/"})
    )
    client.get_industries()
    client.get_industries()
    assert all("cookie" not in each.headers for each in exchange.asked)


def test_threads_have_connections_of_their_own_and_keep_them(begin: Begin) -> None:
    ports: set[int] = set()

    def reply(connection: Connection, _: Asked) -> None:
        ports.add(connection.sock.getpeername()[1])
        connection.answer({"industries": []})

    exchange, client = begin(reply)
    ready = threading.Barrier(3)

    def ask() -> None:
        ready.wait()
        for _ in range(5):
            client.get_industries()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(exchange.asked) == 15
    assert len(ports) == 3
