"""The sockets: an httpx transport on whose connections no call outlasts its deadline.

httpx's time-outs start again with every byte, so a server that trickles can hold a thread for
hours. Here every read and write of a call gets what is left until the call's deadline.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator

import httpcore
import httpx

from dashboard.exchange.http import dns
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.http.http1 import Line, head

CONNECT_TIMEOUT = 5.0
KEEP_ALIVE = 30.0

_KNOWN = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


def _as_httpx(exc: Exception) -> httpx.TransportError:
    """The error of httpx that has the same name."""
    kind = getattr(httpx, type(exc).__name__, httpx.TransportError)
    made: httpx.TransportError = kind(str(exc))
    return made


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
            addresses = dns.resolve_addresses(host, port, seconds=left)
        except dns.NoAddress as exc:
            failure = httpcore.ConnectTimeout if exc.late else httpcore.ConnectError
            raise failure(str(exc)) from exc
        for address in addresses:
            self._hosts.check_address(host, port, address)
        return addresses


class _Body(httpx.SyncByteStream):
    """The body that is coming in on a line; closing it early closes the line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._line.body()
        except _KNOWN as exc:
            raise _as_httpx(exc) from exc

    def close(self) -> None:
        if not self._line.free:
            self._line.close()


class Wire(httpx.BaseTransport):
    """The connections of one thread, one to a host; each request has its `deadline` among its
    extensions.

    What httpx's own transport does for a request costs ten times as much CPU as the sockets do:
    its framing in Python, and a pool for many threads.
    """

    def __init__(
        self, *, hosts: AllowedHosts, tls: ssl.SSLContext, clock: Callable[[], float]
    ) -> None:
        self._deadline = _Deadline(clock)
        self._clock = clock
        self._tls = tls
        self._tls.set_alpn_protocols(["http/1.1"])
        self._backend = _Backend(hosts, self._deadline)
        self._lines: dict[tuple[bytes, bytes, int | None], tuple[Line, float]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the head of the answer; httpx's errors, as documented."""
        patience: float = request.extensions["timeout"]["read"]
        self._deadline.at = request.extensions["deadline"]
        url = request.url
        origin = (url.raw_scheme, url.raw_host, url.port)
        try:
            written = head(request.method.encode(), url.raw_path, request.headers.raw)
            line = self._free_line(origin) or self._connected(origin)
            self._lines[origin] = line, self._clock()
            try:
                line.ask(written + request.content, patience=patience)
            except BaseException:
                line.close()
                raise
        except _KNOWN as exc:
            raise _as_httpx(exc) from exc
        return httpx.Response(line.status, headers=line.headers, stream=_Body(line))

    def close(self) -> None:
        """Close every connection."""
        for line, _ in list(self._lines.values()):
            line.close()

    def _free_line(self, origin: tuple[bytes, bytes, int | None]) -> Line | None:
        """The connection of a request before; None where it may not be good any more."""
        line, used_at = self._lines.pop(origin, (None, 0.0))
        if line is None:
            return None
        if line.free and self._clock() - used_at < KEEP_ALIVE and line.is_quiet:
            return line
        line.close()
        return None

    def _connected(self, origin: tuple[bytes, bytes, int | None]) -> Line:
        scheme, name, port = origin
        host, is_secret = name.decode("ascii"), scheme == b"https"
        stream = self._backend.connect_tcp(
            host, port or (443 if is_secret else 80), CONNECT_TIMEOUT
        )
        if is_secret:
            stream = stream.start_tls(self._tls, host, CONNECT_TIMEOUT)
        return Line(stream)
