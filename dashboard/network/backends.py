"""Connect to checked addresses, or to a proxy, within the deadline of a call."""

from collections.abc import Callable, Iterable

import httpcore

from dashboard.network import dns
from dashboard.network.streams import Deadline, DeadlineStream

Check = Callable[[str, int, str], None]
"""Raises the caller's own error if `host`, `port` may not be reached at this address."""

SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the very addresses that it has checked: no name is resolved again in between.

    check: None where an operator named the host, so that it needs none.
    """

    def __init__(
        self,
        check: Check | None,
        deadline: Deadline,
        *,
        stream: type[DeadlineStream] = DeadlineStream,
    ) -> None:
        self._check = check
        self._deadline = deadline
        self._stream = stream
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            seconds = self._deadline.left(httpcore.ConnectTimeout, timeout)
            try:
                inner = self._inner.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return self._stream(inner, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        left = self._deadline.left(httpcore.ConnectTimeout)
        try:
            addresses = dns.resolve_addresses(host, port, seconds=left)
        except dns.NoAddress as exc:
            failure = httpcore.ConnectTimeout if exc.late else httpcore.ConnectError
            raise failure(str(exc)) from exc
        for address in addresses:
            if self._check:
                self._check(host, port, address)
        return addresses


class ProxyBackend(CheckedBackend):
    """Connects to a proxy, which an operator named, and which resolves the host's name itself."""

    def __init__(
        self, deadline: Deadline, *, stream: type[DeadlineStream] = DeadlineStream
    ) -> None:
        super().__init__(None, deadline, stream=stream)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect; ProxyError if the proxy, and not the host behind it, is out of reach."""
        try:
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            raise httpcore.ProxyError(f"{host}:{port} cannot be reached") from exc
