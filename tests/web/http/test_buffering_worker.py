"""The web server itself: slow clients hold sockets and no thread; requests in every shape arrive.

A real gunicorn serves the product on an SQLite file; every client is a plain socket.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waitress.adjustments import Adjustments

from dashboard.web.http import buffering_worker as worker
from dashboard.web.http import strict_requests
from dashboard.web.http.strict_requests import StrictRequest
from tests.prepared import ROOT, prepare_static_files, prepare_tables

HEAD = b"Host: 127.0.0.1\r\n"
SLOW = {
    "nothing sent": b"",
    "a request line": b"GET / HTT",
    "half a head": b"POST /sign-in/ HTTP/1.1\r\n" + HEAD,
    "half a body": b"POST /sign-in/ HTTP/1.1\r\n" + HEAD + b"Content-Length: 5000\r\n\r\nusername=",
    "a chunk": b"POST /sign-in/ HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "an end that is none": b"POST /sign-in/ HTTP/1.1\r\n"
    + HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nff\r\n0\r\n\r\n",
    "waits for continue": b"POST /sign-in/ HTTP/1.1\r\n"
    + HEAD
    + b"Expect: 100-continue\r\nContent-Length: 900\r\n\r\n",
    "no reader": b"GET /static/plotly/plotly-basic.min.js HTTP/1.1\r\n" + HEAD + b"\r\n",
}
SLOW_CLIENTS = 200


class Web:
    """A gunicorn with one process of four threads, as the image starts two."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        prepare_static_files(home)
        prepare_tables(home)
        command = [sys.executable, "-m", "gunicorn", "dashboard.wsgi", "--workers", "1"]
        command += ["--threads", "4", "--bind", f"127.0.0.1:{self.port}"]
        environment = os.environ | {"FIELDWATCH_HOME": str(home), "DATABASE_URL": ""}
        self.home, self.log = home, (home / "web.log").open("wb")
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self.log, stderr=self.log
        )
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                self.answer(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n")
                return
            assert self.process.poll() is None, (home / "web.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)

    @property
    def largest_file(self) -> bytes:
        """The address of a file of more than 1 MB; files are served by their hashed name alone."""
        (file,) = (self.home / "static" / "plotly").glob("plotly-basic.min.*.js")
        return b"/static/plotly/" + file.name.encode()

    def open(self, *, window: int = 0) -> socket.socket:
        """A new connection; `window`: bytes that the client takes without reading them."""
        client = socket.socket()
        if window:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        return client

    def answer(self, *parts: bytes) -> bytes:
        """All that comes back until the server closes the connection."""
        with self.open() as client:
            for part in parts:
                client.sendall(part)
            return read_to_end(client)


def read_to_end(client: socket.socket) -> bytes:
    """Everything until the other side closes."""
    received = b""
    while part := client.recv(65536):
        received += part
    return received


def read_answer(client: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of one answer with a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(65536)
        assert part, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += client.recv(65536)
    return head, body


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    server = Web(tmp_path_factory.mktemp("web"))
    yield server
    server.process.terminate()
    assert server.process.wait(20) == 0
    server.log.close()


CLOSE = HEAD + b"Connection: close\r\n\r\n"


def test_slow_clients_keep_nobody_else_waiting(web: Web) -> None:
    """200 slow clients of every kind, not signed in: a probe is answered within a second."""
    kinds = list(SLOW.items())
    with contextlib.ExitStack() as stack:
        for number in range(SLOW_CLIENTS):
            name, sent = kinds[number % len(kinds)]
            client = stack.enter_context(web.open(window=4096 if name == "no reader" else 0))
            client.sendall(sent)
        waits = []
        for _ in range(10):
            started = time.monotonic()
            assert web.answer(b"GET /healthz HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")
            waits.append(time.monotonic() - started)
        assert web.answer(b"GET /sign-in/ HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")
    assert max(waits) < 1


IN_A_ROW = {
    "files": b"GET %s HTTP/1.1\r\n" + HEAD + b"\r\n",
    "files in HTTP/1.0": b"GET %s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "pages": b"GET /sign-in/?%s HTTP/1.1\r\n" + HEAD + b"\r\n",
    "errors": b"GET /nowhere%s HTTP/1.1\r\n" + HEAD + b"\r\n",
}


def test_who_asks_many_times_and_reads_nothing_holds_no_thread(web: Web) -> None:
    """Four of each kind, as many as threads: the answers would fill the buffers of the server."""
    with contextlib.ExitStack() as stack:
        for kind in IN_A_ROW.values():
            request = kind % web.largest_file
            for _ in range(4):
                client = stack.enter_context(web.open(window=4096))
                client.sendall(request * worker.MOST_IN_A_ROW)
        waits = []
        for _ in range(8):  # the buffers fill one answer after another
            time.sleep(0.5)
            started = time.monotonic()
            assert web.answer(b"GET /healthz HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")
            waits.append(time.monotonic() - started)
    assert max(waits) < 5


def test_a_connection_with_hundreds_of_requests_in_a_row_is_closed(web: Web) -> None:
    """A thousand such connections would cost a process a gigabyte."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with web.open() as client:
        client.sendall(request * (worker.MOST_IN_A_ROW - 1) + HIDDEN)
        assert read_to_end(client).count(b"alive\n") == worker.MOST_IN_A_ROW
    with web.open() as client, contextlib.suppress(ConnectionError):
        client.sendall(request * (8000 // len(request)))  # one reading of the server
        assert read_to_end(client).count(b"alive\n") <= worker.MOST_IN_A_ROW


def test_who_asks_many_times_and_reads_late_gets_every_answer(web: Web) -> None:
    """In their order, and whole."""
    with web.open(window=65536) as client:
        client.sendall(IN_A_ROW["files"] % web.largest_file * 5 + HIDDEN)
        time.sleep(1)
        received = read_to_end(client)
    assert (received.count(b"HTTP/1.1 200 OK\r\n"), received.count(b"alive\n")) == (6, 1)
    assert received.endswith(b"alive\n")
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    assert body[int(length.split(b":")[1]) :].startswith(b"HTTP/1.1 200 OK\r\n")


def test_requests_arrive_whole_however_they_are_sent(web: Web) -> None:
    """Byte by byte, in chunks, after a 100, two on one connection, and one after another."""
    problems = []
    for name, parts in {
        "byte by byte": [bytes([byte]) for byte in b"GET /healthz HTTP/1.1\r\n" + CLOSE],
        "chunks": [
            b"POST /sign-in/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE,
            b"8\r\nusername\r\n",
            b"3\r\n=me\r\n0\r\n\r\n",
        ],
        "9 KB of cookies": [b"GET /healthz HTTP/1.1\r\nCookie: a=" + b"x" * 9000 + b"\r\n" + CLOSE],
        "a long address": [b"GET /healthz?group=" + b"g" * 9000 + b" HTTP/1.1\r\n" + CLOSE],
        "HTTP/1.0": [b"GET /healthz HTTP/1.0\r\n" + HEAD + b"\r\n"],
    }.items():
        status = web.answer(*parts).split(b" ")[1]
        if status != (b"403" if name == "chunks" else b"200"):  # 403: no CSRF token
            problems.append((name, status))
    assert not problems
    with web.open() as client:
        for _ in range(2):
            client.sendall(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert read_answer(client)[1] == b"alive\n"
        client.sendall(
            b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\nGET /healthz HTTP/1.1\r\n" + CLOSE
        )
        assert read_to_end(client).count(b"alive\n") == 2
    with web.open() as client:
        client.sendall(
            b"POST /sign-in/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n" + CLOSE
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 100")
        client.sendall(b"a=b")
        assert read_to_end(client).startswith(b"HTTP/1.1 403")


CHUNKED = b"POST /sign-in/ HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /healthz HTTP/1.1\r\n" + CLOSE  # what nobody may take for a second request
AMBIGUOUS = {
    "a length, then chunks": (
        b"HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "chunks, then a length": (
        b"HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n"
    ),
    "chunked twice": b"HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": (
        b"HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a folded coding": b"HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a folded length": b"HTTP/1.1\r\nContent-Length:\r\n 0\r\n\r\n",
    "a length folded by a tab": b"HTTP/1.1\r\nContent-Length:\r\n\t0\r\n\r\n",
    "another folded line": b"HTTP/1.1\r\nX: a\r\n Content-Length: 60\r\n\r\n",
    "chunks in HTTP/1.0": (
        b"HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "chunks in HTTP/1.2": (
        b"HTTP/1.2\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "another coding": b"HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\n",
    "a length with a sign": b"HTTP/1.1\r\nContent-Length: +0\r\n\r\n",
    "an endless length": b"HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a length with an expectation": (
        b"HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"
    ),
    "a size with a bare line feed": CHUNKED[15:] + b"1\n\r\na\r\n0\r\n\r\n",
    "an extension with one": CHUNKED[15:] + b"1;a\n\r\na\r\n0\r\n\r\n",
    "a negative size": CHUNKED[15:] + b"-1\r\na\r\n0\r\n\r\n",
    "a size that wraps around": CHUNKED[15:] + b"10000000000000000\r\n\r\n",
    "an endless size": CHUNKED[15:] + b"0" * 5000,
    "an endless line at the end": CHUNKED[15:] + b"0\r\nX: " + b"a" * 5000,
    "endless lines at the end": CHUNKED[15:] + b"0\r\n" + b"X: a\r\n" * 3000,
}


def test_a_request_with_two_readings_is_refused_and_ends_the_connection(web: Web) -> None:
    """Whatever follows such a request on its connection is never answered."""
    problems = []
    for name, rest in AMBIGUOUS.items():
        answer = web.answer(b"POST /sign-in/ " + rest + HIDDEN)
        refused = answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 501"))
        if not refused or b"alive" in answer:
            problems.append((name, answer[:60]))
    for address in (b"http://[", b"http://[::1/healthz"):
        answer = web.answer(b"GET " + address + b" HTTP/1.1\r\n" + CLOSE)
        if not answer.startswith(b"HTTP/1.1 400"):
            problems.append((address.decode(), answer[:60]))
    assert not problems
    assert web.answer(b"A" * 5000 + b" / HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 400")
    log = (web.home / "web.log").read_text()
    assert "uncaptured python exception" not in log
    assert "AAAAA" not in log


@pytest.mark.parametrize("address", [b"/sign-in/?next=-a", b"/healthz", b"/api/v1/projects"])
def test_no_codec_is_chosen_by_who_asks(web: Web, address: bytes) -> None:
    """Django looks them up before it handles errors; `punycode` takes the square of the length."""
    codecs = [b"punycode", b"idna", b"zlib", b"undefined", b"utf-16", b'"hex"', b"utf-8; charset=x"]
    types = [b"charset=" + codec for codec in codecs] + [b"CharSet = rot13", b"a=b;charset=bz2"]
    types += [b"charset*=utf-8''%00", b"a*=nonsense''%41", b"a*=punycode''-a%ff", b"a *=idna''%ff"]
    problems = []
    for each in types:
        kind = b"Content-Type: multipart/form-data; boundary=x; " + each + b"\r\n"
        answer = web.answer(b"GET " + address + b" HTTP/1.1\r\n" + kind + CLOSE)
        if not answer.startswith(b"HTTP/1.1 400"):
            problems.append((each, answer[:40]))
    assert not problems
    for fine in (b"utf-8", b"UTF8", b'"utf-8"', b"us-ascii ; a=b", b"ISO-8859-1"):
        kind = b"Content-Type: text/plain; charset=" + fine + b"\r\n"
        answer = web.answer(b"GET /healthz HTTP/1.1\r\n" + kind + CLOSE)
        assert answer.startswith(b"HTTP/1.1 200"), fine
    assert "Traceback" not in (web.home / "web.log").read_text()


@pytest.mark.parametrize("escape", [b"\\0", b'\\"', b"\\\\", b"\\333", b'\\";b="'])
def test_no_cookie_takes_longer_than_a_page(web: Web, escape: bytes) -> None:
    """The library of Python below 3.11.10 takes 9 s for 60 KB of escapes."""
    escapes = escape * (60_000 // len(escape))
    for name in (b"a", b"sessionid", b"csrftoken", b"device"):
        started = time.monotonic()
        cookie = b"Cookie: c=d; " + name + b'="' + escapes + b'"\r\n'
        answer = web.answer(b"GET /sign-in/ HTTP/1.1\r\n" + cookie + CLOSE)
        assert answer.startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started < 6  # on a busy machine


def test_cookies_beside_one_with_a_backslash_are_read() -> None:
    request = StrictRequest(Adjustments())
    request.received(b'GET / HTTP/1.1\r\nCookie: a=b; c="\\054";  d=e; f="g"\r\n\r\n')
    assert request.headers["COOKIE"] == 'a=b;  d=e; f="g"'


def test_spaces_around_the_value_of_a_header_keep_nobody_waiting(web: Web) -> None:
    """Waitress takes the square of those before it: 18 s for 58 KB, while all sockets wait."""
    problems = []
    for space in (b" ", b"\t", b" \t"):
        many = space * (58_000 // len(space))
        for value in (many + b"x", many + b"\1", b"x" + many, b"x" + many + b"y", many):
            for name in (b"X-Any", b"Accept-Language", b"Content-Type"):
                started = time.monotonic()
                answer = web.answer(
                    b"GET /healthz HTTP/1.1\r\n" + name + b":" + value + b"\r\n" + CLOSE
                )
                if answer[:12] not in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.0 400"):
                    problems.append((name, value[:9], answer[:40]))
                assert time.monotonic() - started < 2, (name, value[:9], value[-9:])
    assert not problems
    for few in (b"", b" ", b" \t ", b" " * 99):
        answer = web.answer(b"GET /healthz HTTP/1.1\r\nX-Any:" + few + b"x\r\n" + CLOSE)
        assert answer.startswith(b"HTTP/1.1 200")


def test_a_body_has_no_more_chunks_than_the_most() -> None:
    """A chunk of one byte costs as much time as one of 8 KB: 4 MB of them, 4 s."""
    for chunk in (b"1\r\na\r\n", b"1;b\r\na\r\n", b"0001\r\na\r\n"):
        for most, is_refused in ((strict_requests.MOST_CHUNKS - 1, False), (100_000, True)):
            request = StrictRequest(Adjustments(max_request_body_size=4 * 1024 * 1024))
            request.received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            body, taken = chunk * most + b"0\r\n\r\n", 0
            while not request.completed:
                taken += request.received(body[taken : taken + 8192])
            assert (request.error is not None) is is_refused
            assert taken < 400_000 or not is_refused


def test_who_expects_an_answer_before_a_body_gets_it(web: Web) -> None:
    """Without a body, or with one that is too large, nobody waits for a body that never comes."""
    expects = b"Expect: 100-continue\r\n"
    answer = web.answer(b"GET /healthz HTTP/1.1\r\n" + expects + CLOSE)
    assert answer.startswith(b"HTTP/1.1 200")
    large = b"POST /sign-in/ HTTP/1.1\r\nContent-Length: 99999999\r\n"
    assert web.answer(large + expects + CLOSE).startswith(b"HTTP/1.1 413")


def test_an_answer_to_head_has_no_body(web: Web) -> None:
    """On a connection that stays open, its body would be taken for the next answer."""
    file = web.largest_file
    pages = (b"/healthz", b"/readyz", b"/sign-in/", b"/nowhere/", b"/api/v1/openapi.json")
    for address in (*pages, file):
        with web.open() as client:
            client.sendall(b"HEAD " + address + b" HTTP/1.1\r\n" + HEAD + b"\r\n" + HIDDEN)
            first, _, rest = read_to_end(client).partition(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 "), address
        assert b"content-length: " in first.lower(), address
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n"), (address, rest[:60])


class _Wire:
    """A connection that keeps what is written to it, for an answer without a length."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts, self.written = parts, b""
        self.server = self
        self.adj = Adjustments(ident=None, clear_untrusted_proxy_headers=False)
        self.effective_port, self.server_name, self.addr = 80, "127.0.0.1", ("127.0.0.1", 1)

    def application(self, _environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self.parts

    def write_soon(self, data: bytes) -> None:
        self.written += data

    def check_client_disconnected(self) -> bool:
        return False


def test_nor_has_one_of_unknown_length() -> None:
    for parts in ([], [b"a"], [b"a", b"b"]):
        wire = _Wire(parts)
        request = StrictRequest(wire.adj)
        request.received(b"HEAD / HTTP/1.1\r\n" + HEAD + b"\r\n")
        worker.AnswerTask(wire, request).service()
        assert wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
        assert wire.written.endswith(b"\r\n\r\n")
        assert wire.written.count(b"\r\n\r\n") == 1, wire.written


def test_chunks_arrive_whole_however_they_are_cut(web: Web) -> None:
    """With extensions and lines at the end, byte by byte, and a request right behind."""
    body = b"5;a=b\r\nhello\r\n6\r\n\n\r\nabc\r\n0\r\nX: y\r\n\r\n"
    whole = CHUNKED + body + HIDDEN
    for parts in ([whole], [bytes([byte]) for byte in whole]):
        answer = web.answer(*parts)
        assert (answer.count(b"HTTP/1.1 "), answer.count(b"alive")) == (2, 1), answer


def test_what_is_too_large_is_refused_at_once(web: Web) -> None:
    """A body or a head beyond the limit is refused before it arrives; the server goes on."""
    with web.open() as client:
        client.sendall(b"POST /sign-in/ HTTP/1.1\r\nContent-Length: 99999999\r\n" + CLOSE)
        assert read_to_end(client).startswith(b"HTTP/1.1 413")
    head = b"GET / HTTP/1.1\r\nCookie: a="
    head += b"x" * (worker.LARGEST_HEAD - len(head))
    assert web.answer(head).split(b" ")[1] == b"431"
    assert web.answer(b"GET /healthz HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 200")


def test_a_request_that_takes_too_long_is_dropped() -> None:
    """Bytes that go on trickling do not keep a request alive beyond its deadline."""

    class Channel(worker.TimedChannel):
        def __init__(self) -> None:
            self.requests: list[object] = []
            self.total_outbufs_len, self.last_activity = 0, 1000.0

    channel = Channel()
    assert not channel.is_overdue(1000.0 + worker.IDLE_SECONDS)
    assert channel.is_overdue(1001.0 + worker.IDLE_SECONDS)
    channel.request_since = 1000.0
    channel.last_activity = 1000.0 + worker.REQUEST_SECONDS  # a byte just came
    assert not channel.is_overdue(1000.0 + worker.REQUEST_SECONDS)
    assert channel.is_overdue(1001.0 + worker.REQUEST_SECONDS)
    channel.request_since, channel.requests = None, [object()]
    assert not channel.is_overdue(9999.0), "the product is working on it"
    channel.total_outbufs_len, channel.last_activity = 5, 1000.0
    assert channel.is_overdue(1001.0 + worker.ANSWER_SECONDS)


def test_who_waits_for_their_own_reading_is_dropped_first() -> None:
    """Beyond the most connections: one whose next request is postponed counts as waiting."""

    class Channel(worker.TimedChannel):
        def __init__(self, created: float, *, is_postponed: bool, requests: list[object]) -> None:
            self.creation_time, self.connected, self.total_outbufs_len = created, True, 1
            self.is_postponed, self.requests, self.last_activity = is_postponed, requests, created

        def handle_close(self) -> None:
            self.connected = False

    answered = Channel(1.0, is_postponed=False, requests=[object()])
    postponed = Channel(2.0, is_postponed=True, requests=[object()])
    newer = [Channel(3.0, is_postponed=False, requests=[]) for _ in range(worker.MOST_CONNECTIONS)]
    worker.close_overdue([answered, postponed, *newer], now=4.0)
    dropped = [channel for channel in (answered, postponed, *newer) if not channel.connected]
    assert dropped == [postponed, newer[0]]


def test_the_end_of_a_process_finishes_what_arrives(tmp_path: Path) -> None:
    """After SIGTERM a request that is on its way is still answered; no new one is taken."""
    server = Web(tmp_path)
    with server.open() as client:
        request = b"POST /sign-in/ HTTP/1.1\r\nContent-Length: 3\r\n" + CLOSE
        client.sendall(request + b"a=")
        time.sleep(0.2)  # the first bytes are read
        os.kill(server.process.pid, signal.SIGTERM)
        time.sleep(1.5)
        client.sendall(b"b")
        assert read_to_end(client).startswith(b"HTTP/1.1 403")
    assert server.process.wait(20) == 0
    server.log.close()
