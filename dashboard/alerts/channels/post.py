"""Send one POST: to a checked address of the host, through the proxy of the environment, following
no redirect, within a deadline; and say whether a request that failed may have arrived."""

from __future__ import annotations

import socket
import ssl
import time
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NamedTuple

import httpcore
import httpx

from dashboard.alerts.certificates import describe_certificate_error
from dashboard.alerts.channels.allowed_addresses import AllowedAddresses
from dashboard.alerts.text import one_line

CONNECT_SECONDS, WHOLE_SECONDS = 5.0, 15.0  # of one POST; less than a lease
LONGEST_ANSWER = 16 * 1024  # bytes that are read of an answer
LONGEST_PAUSE = 3600.0  # seconds that a service may ask us to wait
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)
SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


class PostAnswer(NamedTuple):
    """The answer to a POST: its status, the beginning of its text, and the seconds to wait."""

    status: int
    text: str
    retry_after: float | None


class PostUnanswered(Exception):
    """No whole answer came; `may_have_arrived` unless the request surely was not received."""

    def __init__(self, reason: str, *, may_have_arrived: bool) -> None:
        super().__init__(reason)
        self.may_have_arrived = may_have_arrived


def send_post(
    url: httpx.URL,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: AllowedAddresses,
    now: datetime,
    seconds: float = WHOLE_SECONDS,
) -> PostAnswer:
    """Send a JSON body; PostUnanswered without an answer, AddressRefused for a private network."""
    trace = _Trace()
    try:
        with (
            _open_pool(url, allowed, seconds) as pool,
            pool.stream(
                "POST",
                httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=_headers_of(url, body, headers),
                content=body,
                extensions={
                    "timeout": dict.fromkeys(("read", "write", "pool"), seconds)
                    | {"connect": CONNECT_SECONDS},
                    "trace": trace,
                },
            ) as answer,
        ):
            return PostAnswer(
                answer.status, _read_text(answer), _pause_of(dict(answer.headers), now)
            )
    except _FAILURES as exc:
        raise PostUnanswered(_describe(exc, url.host), may_have_arrived=trace.body_sent) from exc


def _headers_of(
    url: httpx.URL, body: bytes, headers: Mapping[str, str]
) -> list[tuple[bytes | str, bytes | str]]:
    """Return the headers of a request, those of a caller first."""
    return [
        *headers.items(),
        ("Host", url.netloc.decode()),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("User-Agent", "Fieldwatch"),
        ("Accept-Encoding", "identity"),
    ]


class _Trace:
    """Notes when httpcore begins to send our body (and not the CONNECT to a proxy)."""

    def __init__(self) -> None:
        self.body_sent = False

    def __call__(self, event: str, info: Mapping[str, object]) -> None:
        request = info.get("request")
        if event == "http11.send_request_body.started" and isinstance(request, httpcore.Request):
            self.body_sent = self.body_sent or request.method == b"POST"


def _read_text(answer: httpcore.Response) -> str:
    """Return the beginning of an answer on one line; its status counts also if this breaks off."""
    received = b""
    with suppress(*_FAILURES):
        for chunk in answer.iter_stream():
            received += chunk
            if len(received) >= LONGEST_ANSWER:
                break
    return one_line(received[:LONGEST_ANSWER].decode(errors="replace"), 200)


def _pause_of(headers: Mapping[bytes, bytes], now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None without one."""
    values = [value for name, value in headers.items() if name.lower() == b"retry-after"]
    text = values[0].decode("ascii", "replace").strip() if values else ""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_PAUSE) if seconds == seconds else None  # noqa: PLR0124


def _describe(exc: Exception, host: str) -> str:
    """Return a failure in words, without the address."""
    if words := describe_certificate_error(exc, host):
        return words
    if isinstance(exc, httpcore.ConnectTimeout | httpcore.ConnectError):
        return f"{host} could not be reached ({type(exc.__cause__ or exc).__name__})"
    if isinstance(exc, httpcore.ProxyError):
        return f"the proxy does not connect to {host} ({one_line(str(exc), 100)})"
    if isinstance(exc, httpcore.TimeoutException):
        return f"{host} did not answer in time"
    return f"{host} closed the connection without an answer"


def _open_pool(
    url: httpx.URL, allowed: AllowedAddresses, seconds: float
) -> httpcore.ConnectionPool:
    """Return a pool for one request: straight to the host, or through the environment's proxy."""
    proxy = _proxy_for(url)
    tls = _tls()  # before the deadline counts
    until = time.monotonic() + seconds
    if proxy is None:
        backend = _CheckedBackend(allowed, until)
        return httpcore.ConnectionPool(ssl_context=tls, network_backend=backend)
    auth = (proxy.username.encode(), proxy.password.encode()) if proxy.username else None
    return httpcore.HTTPProxy(
        proxy_url=str(proxy.copy_with(username=None, password=None)),
        proxy_auth=auth,
        ssl_context=tls,
        proxy_ssl_context=tls if proxy.scheme == "https" else None,
        network_backend=_ProxyBackend(None, until),
    )


def _proxy_for(url: httpx.URL) -> httpx.URL | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name for an address."""
    proxies = urllib.request.getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or urllib.request.proxy_bypass(url.host):
        return None
    return httpx.URL(named if "://" in named else f"http://{named}")


@cache
def _tls() -> ssl.SSLContext:
    """Return the context for TLS, which honours SSL_CERT_FILE; making one takes 20 ms."""
    return httpx.create_ssl_context()


class _DeadlineStream(httpcore.NetworkStream):
    """A socket on which no read or write outlasts the deadline of the whole call.

    Time-outs of httpcore begin again with every byte, so a receiver that trickles could hold a
    thread.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def _left(self, timeout: float | None, error: type[httpcore.TimeoutException]) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise error("the deadline of the call has passed")
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        inner = self._inner.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to the very addresses that it has checked."""

    def __init__(self, allowed: AllowedAddresses | None, deadline: float) -> None:
        self._allowed, self._deadline = allowed, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._resolve(host, port):
            left = self._deadline - time.monotonic()
            seconds = left if timeout is None else min(timeout, left)
            if left <= 0:
                break
            try:
                inner = self._inner.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _DeadlineStream(inner, self._deadline)
        raise failure

    def _resolve(self, host: str, port: int) -> list[str]:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise httpcore.ConnectError("the name could not be resolved") from exc
        addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
        for address in addresses:
            if self._allowed:
                self._allowed.check_resolved(host, port, address)
        return addresses


class _ProxyBackend(_CheckedBackend):
    """Connects to a proxy, which an operator named, and which resolves the receiver's name."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        try:
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            raise httpcore.ProxyError(f"{host}:{port} cannot be reached") from exc
