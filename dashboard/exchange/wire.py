"""The sockets: httpcore connections on which no call outlasts its deadline.

httpx's time-outs start again with every byte, so a server that trickles can hold a thread for
hours. Here every read and write of a call gets what is left until the call's deadline.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from dashboard.exchange import names
from dashboard.exchange.hosts import AllowedHosts

CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0

_KNOWN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except _KNOWN as exc:
        raise getattr(httpx, type(exc).__name__, httpx.TransportError)(str(exc)) from exc


class _Deadline:
    """Until when the call under way may last; a wire belongs to one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.at = clock()

    def left(self, late: type[httpcore.TimeoutException]) -> float:
        left = self.at - self._clock()
        if left <= 0:
            raise late("the deadline of the call has passed")
        return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.left(httpcore.ReadTimeout)
        return self._inner.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
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
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, hosts: AllowedHosts, deadline: _Deadline) -> None:
        self._hosts = hosts
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
        """Connect to the addresses that were checked, so that a name cannot change in between."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            left = self._deadline.left(httpcore.ConnectTimeout)
            patience = left if timeout is None else min(timeout, left)
            try:
                inner = self._inner.connect_tcp(
                    address, port, patience, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _Stream(inner, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        left = self._deadline.left(httpcore.ConnectTimeout)
        try:
            addresses = names.addresses(host, port, seconds=left)
        except names.NoAddress as exc:
            failure = httpcore.ConnectTimeout if exc.late else httpcore.ConnectError
            raise failure(str(exc)) from exc
        for address in addresses:
            self._hosts.check_address(host, port, address)
        return addresses


class _Body(httpx.SyncByteStream):
    def __init__(self, parts: Iterable[bytes], close: Callable[[], None]) -> None:
        self._parts = parts
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._parts

    def close(self) -> None:
        with _as_httpx_errors():
            self._close()


class Wire(httpx.BaseTransport):
    """Pooled connections of one thread; each request carries `deadline` in its extensions."""

    def __init__(
        self, *, hosts: AllowedHosts, tls: ssl.SSLContext, clock: Callable[[], float]
    ) -> None:
        self._deadline = _Deadline(clock)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=4,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=_Backend(hosts, self._deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the head of the answer; httpx's errors, as documented."""
        self._deadline.at = request.extensions["deadline"]
        url = request.url
        with _as_httpx_errors():
            answer = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer.iter_stream(), answer.close),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
