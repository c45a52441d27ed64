"""An httpx transport that keeps its connections, and drops those with bytes beyond an answer."""

import re
import ssl
from collections.abc import Callable, Iterator
from typing import cast

import httpcore
import httpx

from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.network.proxies import Pools
from dashboard.network.streams import Deadline, DeadlineStream

CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0

_BLANK_LINE = re.compile(rb"\n\r?\n")
_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)


def _as_httpx(exc: Exception) -> httpx.TransportError:
    """The httpx error with the same name."""
    kind: type[httpx.TransportError] = getattr(httpx, type(exc).__name__, httpx.TransportError)
    return kind(str(exc))


class _Stream(DeadlineStream):
    """A socket whose reads end where an answer may end: at a blank line, or by its length.

    httpcore reuses a connection with bytes that it read beyond an answer, and would take them for
    the answer to the next request. Bytes held back here make the connection readable, so that
    httpcore closes it instead.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        super().__init__(inner, deadline)
        self._held_back = b""
        self._last_bytes = b""  # of what was returned: a blank line may span two reads
        self._body_left: int | None = None

    def expect_body(self, length: int | None) -> None:
        """Return no more than `length` bytes until the next request."""
        self._body_left = length

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.left(httpcore.ReadTimeout, timeout)
        received = self._held_back or self._inner.read(max_bytes, left)
        if self._body_left is None:
            end = self._end_of_block(received)
        else:
            end = self._body_left
            self._body_left -= min(end, len(received))
        self._held_back = received[end:]
        return received[:end]

    def _end_of_block(self, received: bytes) -> int:
        """Where the first blank line ends: the end of a head or of a chunked body."""
        before = self._last_bytes
        blank_line = _BLANK_LINE.search(before + received)
        if blank_line is None:
            self._last_bytes = (before + received)[-2:]
            return len(received)
        self._last_bytes = b""
        return blank_line.end() - len(before)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._body_left, self._last_bytes = None, b""
        super().write(buffer, timeout)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable" and self._held_back:
            return True
        return super().get_extra_info(info)


class _Body(httpx.SyncByteStream):
    """The incoming body; closing it early closes its connection."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.iter_stream()
        except _HTTPCORE_ERRORS as exc:
            raise _as_httpx(exc) from exc

    def close(self) -> None:
        self._answer.close()


class Wire(httpx.BaseTransport):
    """The connections of one thread; each request has its `deadline` among its extensions."""

    def __init__(
        self, *, hosts: AllowedHosts, tls: ssl.SSLContext, clock: Callable[[], float]
    ) -> None:
        self._deadline = Deadline(clock)
        self._open_pools = Pools(
            tls=tls,
            deadline=self._deadline,
            check=hosts.check_address,
            keep_alive=KEEP_ALIVE,
            stream=_Stream,
        )
        self._pools: dict[tuple[str, bytes], httpcore.ConnectionPool] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the head of the answer; raises httpx's errors."""
        self._deadline.at = request.extensions["deadline"]
        url = request.url
        try:
            answer = self._pool_for(url).handle_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(
                        scheme=url.raw_scheme,
                        host=url.raw_host,
                        port=url.port,
                        target=url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.content,
                    extensions=request.extensions,
                )
            )
        except _HTTPCORE_ERRORS as exc:
            raise _as_httpx(exc) from exc
        if answer.status == 407:  # of a proxy that forwards plain http
            answer.close()
            raise httpx.ProxyError("407 Proxy Authentication Required")
        response = httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))
        if "transfer-encoding" not in response.headers:
            length = response.headers.get("content-length")
            stream = cast("_Stream", answer.extensions["network_stream"])
            stream.expect_body(None if length is None else int(length))
        return response

    def close(self) -> None:
        """Close every connection."""
        for pool in list(self._pools.values()):
            pool.close()

    def _pool_for(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """The connections to this host, directly or through the proxy of the environment."""
        place = (url.scheme, url.netloc)
        if place not in self._pools:
            self._pools[place] = self._open_pools.open(url)
        return self._pools[place]
