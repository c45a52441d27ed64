"""The connections of every thread, and the only place where httpx's errors become ours."""

import ssl
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import cast

import httpx

from dashboard.exchange.clock import Clock
from dashboard.exchange.errors import (
    BadAnswer,
    HostUnknown,
    NoAnswer,
    NotSecure,
    ProxyFailed,
    TimedOut,
    Unreachable,
)
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.http.answer import HttpAnswer, read_body
from dashboard.exchange.http.connections import CONNECT_TIMEOUT, Wire
from dashboard.exchange.repair import as_utf8
from dashboard.network.dns import NoAddress
from dashboard.network.tls import shared_tls

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class _ThreadConnections(threading.local):
    wire: httpx.BaseTransport | None = None


class Sockets:
    """One transport per thread: no cookies, no redirects.

    Nothing that `httpx.Client` adds to its transport is wanted here.
    """

    def __init__(
        self,
        *,
        hosts: AllowedHosts,
        clock: Clock,
        largest_body: int,
        http: httpx.BaseTransport | None,
        ca_file: str = "",
    ) -> None:
        self._hosts = hosts
        self._ca_file = ca_file
        self._clock = clock
        self._largest_body = largest_body
        self._http = http
        self._local = _ThreadConnections()
        self._wires: weakref.WeakSet[httpx.BaseTransport] = weakref.WeakSet()

    def fetch(self, request: httpx.Request, *, deadline: float, patience: float) -> HttpAnswer:
        """The answer to `request`, whatever its status.

        `deadline`: when it must have arrived, by the clock; `patience`: seconds without a byte.
        `outcome_unknown` of an error: whether the request may have arrived.
        """
        request.extensions = {
            "timeout": {
                "connect": CONNECT_TIMEOUT,
                "read": patience,
                "write": patience,
                "pool": patience,
            },
            "deadline": deadline,
        }
        try:
            return self._fetch(request, deadline)
        except BadAnswer as exc:
            exc.outcome_unknown = True
            raise
        except httpx.HTTPError as exc:
            error = _error_of(exc, outcome_unknown=not isinstance(exc, _NEVER_SENT))
            raise error from _without_frames(exc)

    def close(self) -> None:
        """Close the connections of all threads."""
        for wire in list(self._wires):
            wire.close()

    def _fetch(self, request: httpx.Request, deadline: float) -> HttpAnswer:
        response = self._wire().handle_request(request)
        try:
            headers = response.headers
            parts = self._within_deadline(cast("Iterable[bytes]", response.stream), deadline)
            body = read_body(parts, headers.get("content-encoding"), cap=self._largest_body)
            body = as_utf8(body, headers.get("content-type"))
            return HttpAnswer(response.status_code, headers, body)
        finally:
            response.close()

    def _within_deadline(self, parts: Iterable[bytes], deadline: float) -> Iterator[bytes]:
        for part in parts:
            if self._clock.monotonic() >= deadline:
                raise TimedOut(outcome_unknown=True)
            yield part

    def _wire(self) -> httpx.BaseTransport:
        wire = self._local.wire
        if wire is None:
            wire = self._http or Wire(
                hosts=self._hosts, tls=shared_tls(self._ca_file), clock=self._clock.monotonic
            )
            self._local.wire = wire
            self._wires.add(wire)
        return wire


def _error_of(exc: httpx.HTTPError, *, outcome_unknown: bool) -> NoAnswer:
    """Our error for one of httpx, by what lies below it."""
    if isinstance(exc, httpx.TimeoutException):
        return TimedOut(outcome_unknown=outcome_unknown)
    if isinstance(exc, httpx.ProxyError):
        return ProxyFailed(f"{ProxyFailed.words}: {exc}", outcome_unknown=outcome_unknown)
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"{NotSecure.words}: {cause.verify_message}"
            return NotSecure(why, outcome_unknown=outcome_unknown)
        if isinstance(cause, ssl.SSLError):
            return NotSecure(outcome_unknown=outcome_unknown)
        if isinstance(cause, NoAddress):
            return HostUnknown(outcome_unknown=outcome_unknown)
    return Unreachable(outcome_unknown=outcome_unknown)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield what an exception was raised from, the nearest first.

    httpcore raises its errors again `from None`, which leaves only their context.
    """
    below = exc.__cause__ or exc.__context__
    while below is not None:
        yield below
        below = below.__cause__ or below.__context__


def _without_frames(exc: Exception) -> Exception:
    """`exc` without the frames that have the request and its headers."""
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)
