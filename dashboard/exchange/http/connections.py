"""An httpx transport on whose connections no call outlasts its deadline.

httpx's time-outs restart with every byte, so a server that trickles can hold a thread for hours.
Here every read and write of a call has only the time left until the call's deadline.
"""

import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import httpcore
import httpx

from dashboard.exchange.http import dns
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.http.proxies import find_proxy, open_proxy_pool

CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0

_BLANK_LINE = re.compile(rb"\n\r?\n")
_HTTPCORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)
SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


def _as_httpx(exc: Exception) -> httpx.TransportError:
    """The httpx error with the same name."""
    kind: type[httpx.TransportError] = getattr(httpx, type(exc).__name__, httpx.TransportError)
    return kind(str(exc))


class _Deadline:
    """The deadline of the present call; a wire belongs to one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.at = clock()

    def left(self, error: type[httpcore.TimeoutException]) -> float:
        left = self.at - self._clock()
        if left <= 0:
            raise error("the deadline of the call has passed")
        return left


class _Stream(httpcore.NetworkStream):
    """A socket whose reads end where an answer may end: at a blank line, or by its length.

    httpcore reuses a connection with bytes that it read beyond an answer, and would take them for
    the answer to the next request. Bytes held back here make the connection readable, so that
    httpcore closes it instead.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline
        self._held_back = b""
        self._last_bytes = b""  # of what was returned: a blank line may span two reads
        self._body_left: int | None = None

    def expect_body(self, length: int | None) -> None:
        """Return no more than `length` bytes until the next request."""
        self._body_left = length

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.left(httpcore.ReadTimeout)
        received = self._held_back or self._inner.read(
            max_bytes, left if timeout is None else min(timeout, left)
        )
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
        left = self._deadline.left(httpcore.WriteTimeout)
        self._inner.write(buffer, left if timeout is None else min(timeout, left))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(httpcore.ConnectTimeout)
        timeout = left if timeout is None else min(timeout, left)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable" and self._held_back:
            return True
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, hosts: AllowedHosts | None, deadline: _Deadline) -> None:
        self._hosts = hosts  # None: an operator named the host, so it needs no check
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the checked addresses, so that the name is not resolved again in between."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            left = self._deadline.left(httpcore.ConnectTimeout)
            seconds = left if timeout is None else min(timeout, left)
            try:
                inner = self._inner.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _Stream(inner, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        left = self._deadline.left(httpcore.ConnectTimeout)
        try:
            addresses = dns.resolve_addresses(host, port, seconds=left)
        except dns.NoAddress as exc:
            failure = httpcore.ConnectTimeout if exc.late else httpcore.ConnectError
            raise failure(str(exc)) from exc
        for address in addresses:
            if self._hosts:
                self._hosts.check_address(host, port, address)
        return addresses


class _ProxiedBackend(_Backend):
    """Connects to a proxy, which resolves the name of the exchange itself."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; ProxyError if the proxy, and not the exchange, is out of reach."""
        try:
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            raise httpcore.ProxyError(f"{host}:{port} cannot be reached") from exc


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
        self._deadline = _Deadline(clock)
        self._hosts, self._tls = hosts, tls
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
            proxy = find_proxy(url)
            if proxy is None:
                self._pools[place] = httpcore.ConnectionPool(
                    ssl_context=self._tls,
                    keepalive_expiry=KEEP_ALIVE,
                    network_backend=_Backend(self._hosts, self._deadline),
                )
            else:
                self._pools[place] = open_proxy_pool(
                    proxy,
                    tls=self._tls,
                    keep_alive=KEEP_ALIVE,
                    backend=_ProxiedBackend(None, self._deadline),
                )
        return self._pools[place]
