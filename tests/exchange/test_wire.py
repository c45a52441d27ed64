"""HTTP/1.1 on real sockets: what an exchange may send, and what it cannot do to the next answer."""

import itertools
import ssl
import threading
import time

import httpx
import pytest

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import BadAnswer, Unreachable
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.http.connections import Wire
from tests.exchange.conftest import Begin
from tests.exchange.examples import CPI, IN
from tests.fakes.raw_http_exchange import Asked, Connection

PRICE = {"value": "2.50", "currency_code": "USD"}
HEAD = b"HTTP/1.1 200 OK\r\n"
NONE = b'{"industries": []}'
SIZED = HEAD + b"Content-Length: %d\r\n\r\n" % len(NONE) + NONE


def ask(client: ExchangeClient, times: int = 2) -> None:
    for _ in range(times):
        assert client.get_industries().items == []


def connections(begin: Begin, answer: bytes, *, hang_up: bool = False) -> int:
    """How many connections two requests take when both are answered so."""
    connections_seen = set()

    def reply(connection: Connection, _: Asked) -> None:
        connections_seen.add(connection.sock.getpeername())
        connection.send(answer)
        if hang_up:
            connection.hang_up()

    _, client = begin(reply)
    ask(client)
    return len(connections_seen)


def test_a_connection_is_kept_for_the_next_request(begin: Begin) -> None:
    assert connections(begin, SIZED) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n0\r\n\r\n",
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n11\r\n"
        + NONE[1:]
        + b"\r\n0\r\nTrailer: of no use\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SIZED,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + SIZED,
        SIZED.replace(b"200 OK", b"200"),
    ],
    ids=["chunks", "chunks with a trailer", "hints before it", "goes on before it", "no reason"],
)
def test_every_form_of_an_answer_is_read_and_its_connection_kept(
    begin: Begin, answer: bytes
) -> None:
    assert connections(begin, answer) == 1


@pytest.mark.parametrize(
    ("answer", "hang_up"),
    [
        (HEAD + b"\r\n" + NONE, True),
        (SIZED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), False),
        (SIZED.replace(b"1.1", b"1.0"), False),
        (SIZED, True),
    ],
    ids=["ended by closing", "to be closed", "an old server", "closed after it"],
)
def test_an_answer_that_ends_its_connection_counts_and_the_next_gets_another(
    begin: Begin, answer: bytes, hang_up: bool
) -> None:
    assert connections(begin, answer, hang_up=hang_up) == 2


@pytest.mark.parametrize(
    "answer",
    [
        SIZED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n0\r\nT: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + SIZED,
        SIZED.replace(b"\r\n", b"\n"),
    ],
    ids=["sized", "chunks", "chunks with a trailer", "hints before it", "bare newlines"],
)
@pytest.mark.parametrize(
    "beyond",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{"industries": [{"code":"xx"}]}',
        b"HTTP/1.1 200 OK\r\n",
        b"garbage",
    ],
    ids=["an answer", "half a head", "garbage"],
)
def test_what_comes_unasked_is_never_taken_for_the_next_answer(
    begin: Begin, answer: bytes, beyond: bytes
) -> None:
    assert connections(begin, answer + beyond) == 2


@pytest.mark.parametrize(
    "answer",
    [
        SIZED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n0\r\n\r\n",
    ],
    ids=["sized", "chunks"],
)
def test_an_answer_that_comes_byte_by_byte_keeps_its_connection(
    begin: Begin, answer: bytes
) -> None:
    peers = set()

    def reply(connection: Connection, _: Asked) -> None:
        peers.add(connection.sock.getpeername())
        for byte in answer:
            connection.send(bytes([byte]))

    _, client = begin(reply)
    ask(client)
    assert len(peers) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        HEAD + b"Content-Length: 50\r\n\r\n" + NONE,
        HEAD + b"Content-Length: 18\r\nContent-Length: 19\r\n\r\n" + NONE,
        HEAD + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n" + NONE,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + NONE,
        HEAD + b"Broken\x00Header: 1\r\nContent-Length: 18\r\n\r\n" + NONE,
    ],
)
def test_an_answer_that_is_broken_or_cut_off_is_none(begin: Begin, answer: bytes) -> None:
    def reply(connection: Connection, _: Asked) -> None:
        connection.send(answer)
        connection.hang_up()

    _, client = begin(reply)
    with pytest.raises(Unreachable):
        client.get_industries()


@pytest.mark.parametrize(
    "start",
    [HEAD, HEAD + b"Transfer-Encoding: chunked\r\n\r\n12\r\n" + NONE + b"\r\n0\r\n"],
    ids=["head", "trailers"],
)
def test_a_head_without_end_is_not_read_for_ever(begin: Begin, start: bytes) -> None:
    sent = itertools.count()

    def reply(connection: Connection, _: Asked) -> None:
        connection.send(start)
        for number in sent:
            connection.send(b"X-%d: " % number + b"y" * 8000 + b"\r\n")

    _, client = begin(reply)
    begun = time.monotonic()
    with pytest.raises((Unreachable, BadAnswer)):
        client.get_industries()
    assert time.monotonic() - begun < 4.0  # it ends by its size, not by the deadline of 5 s


def test_a_write_is_not_lost_on_a_connection_that_was_closed_while_idle(begin: Begin) -> None:
    closed = threading.Event()

    def reply(connection: Connection, _: Asked) -> None:
        connection.send(SIZED)
        connection.hang_up()
        closed.set()

    exchange, client = begin(reply)
    ask(client, 1)
    assert closed.wait(5)
    exchange.reply = lambda c, _: c.answer({"target_group_cpi": PRICE})
    client.update_cost_per_interview(**IN, cpi=CPI)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
def test_a_header_cannot_begin_another(begin: Begin, value: str) -> None:
    exchange, _ = begin(lambda c, _: c.send(SIZED))
    wire = Wire(
        hosts=AllowedHosts(["127.0.0.1:*"]), tls=ssl.create_default_context(), clock=time.monotonic
    )
    request = httpx.Request("GET", exchange.url, headers={"If-Match": value})
    request.extensions = {"timeout": {"read": 1.0}, "deadline": time.monotonic() + 5}
    with pytest.raises(httpx.LocalProtocolError):
        wire.handle_request(request)
    assert exchange.asked == []
