"""Send one POST: to a checked address of the host, through the proxy of the environment, following
no redirect, within a deadline; and say whether a request that failed may have arrived."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpcore
import httpx

from dashboard.alerts.certificates import describe_certificate_error
from dashboard.alerts.channels.allowed_addresses import AllowedAddresses
from dashboard.alerts.text import one_line
from dashboard.network.dns import NoAddress
from dashboard.network.proxies import Pools
from dashboard.network.streams import Deadline
from dashboard.network.tls import shared_tls

CONNECT_SECONDS, WHOLE_SECONDS = 5.0, 15.0  # of one POST; less than a lease
LONGEST_ANSWER = 16 * 1024  # bytes that are read of an answer
LONGEST_PAUSE = 3600.0  # seconds that a service may ask us to wait
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)


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
    if isinstance(exc.__cause__, NoAddress):
        return f"{host} could not be reached: {exc.__cause__}"
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
    tls = shared_tls()  # before the deadline counts
    deadline = Deadline(seconds=seconds)
    return Pools(tls=tls, deadline=deadline, check=allowed.check_resolved).open(url)
