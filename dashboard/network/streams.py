"""Sockets of httpcore on which no call outlasts its deadline.

Time-outs of httpcore begin again with every byte, so a server that trickles can hold a thread for
hours. Here every read and write has only the time left until the deadline of the whole call.
"""

import ssl
import time
from collections.abc import Callable

import httpcore


class Deadline:
    """The deadline of the present call, which belongs to one thread: `at`, by `clock`."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, seconds: float = 0.0
    ) -> None:
        self._clock = clock
        self.at = clock() + seconds

    def left(self, error: type[httpcore.TimeoutException], timeout: float | None = None) -> float:
        """The seconds left, `timeout` at most; raises `error` if there are none."""
        left = self.at - self._clock()
        if left <= 0:
            raise error("the deadline of the call has passed")
        return left if timeout is None else min(timeout, left)


class DeadlineStream(httpcore.NetworkStream):
    """A socket whose reads and writes end with the deadline of the call."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has arrived, up to `max_bytes`."""
        return self._inner.read(max_bytes, self._deadline.left(httpcore.ReadTimeout, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        self._inner.write(buffer, self._deadline.left(httpcore.WriteTimeout, timeout))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on with TLS, within the deadline."""
        left = self._deadline.left(httpcore.ConnectTimeout, timeout)
        inner = self._inner.start_tls(ssl_context, server_hostname, left)
        return type(self)(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        """What httpcore asks of a socket."""
        return self._inner.get_extra_info(info)
