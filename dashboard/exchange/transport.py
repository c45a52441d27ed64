"""The way to the exchange: headers, token, gate, deadline, retries, and errors made ours.

A read, or a write with an idempotency key, is tried again while the deadline leaves room. Any
other write goes out once: when its answer is lost, nobody knows whether it was carried out, and
the error says so (`outcome_unknown`).
"""

import random
import ssl
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import httpx
from msgspec import Struct

from dashboard.exchange.answer import LARGEST_BODY, Answer, error_of, read_body, server_time
from dashboard.exchange.auth import Auth, ClientCredentials, Secret, credentials
from dashboard.exchange.clock import Chance, Clock, SystemClock
from dashboard.exchange.errors import (
    ExchangeError,
    HostRefused,
    NoAnswer,
    RateLimited,
    Rejected,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from dashboard.exchange.gate import Gate
from dashboard.exchange.hosts import AllowedHosts
from dashboard.exchange.retry import Retries
from dashboard.exchange.wire import CONNECT_TIMEOUT, Wire

TOKEN_TIMEOUT = 10.0

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@lru_cache(maxsize=1)
def shared_tls() -> ssl.SSLContext:
    """The TLS settings of every connection; made once, because reading the CA store is slow."""
    return httpx.create_ssl_context(trust_env=False)


class Call(Struct, kw_only=True):
    """One call under way, over all its tries. `maybe_done`: a write that may have succeeded."""

    operation: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None
    deadline: float
    write: bool
    repeatable: bool
    maybe_done: bool = False


class _Local(threading.local):
    client: httpx.Client | None = None
    until: float = float("inf")
    requests: int = 0


class Transport:
    """Sends calls of one connection; threads share it, each with sockets of its own."""

    def __init__(
        self,
        *,
        base_url: str,
        auth: Auth,
        api_version: str,
        gate: Gate,
        allowed_hosts: Iterable[str],
        timeout: float,
        clock: Clock | None = None,
        chance: Chance | None = None,
        http: httpx.BaseTransport | None = None,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._hosts = AllowedHosts(allowed_hosts)
        self._base = str(self._hosts.check(base_url)).rstrip("/")
        if isinstance(auth, ClientCredentials):
            self._hosts.check(auth.token_url)
        self._clock = clock or SystemClock()
        self._credentials = credentials(auth, ask=self._ask_for_token, clock=self._clock)
        self._headers = [
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("User-Agent", "Fieldwatch"),
            ("Cint-API-Version", api_version),
        ]
        self._gate = gate
        self._timeout = timeout
        self._retries = Retries(clock=self._clock, chance=chance or random.Random())  # noqa: S311
        self._http = http
        self._largest_body = largest_body
        self._local = _Local()
        self._clients: weakref.WeakSet[httpx.Client] = weakref.WeakSet()
        self._counting = threading.Lock()
        self._last_date = ""
        self.requests = 0
        self.clock_skew: float | None = None

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Everything that this thread asks inside may take `seconds` in all."""
        before = self._local.until
        self._local.until = min(before, self._clock.monotonic() + seconds)
        try:
            yield
        finally:
            self._local.until = before

    def send(
        self,
        operation: str,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        write: bool = False,
        repeatable: bool = True,
    ) -> Answer:
        """The 2xx answer to one call, or the error that it ended with.

        `target`: path and query below the base address. `write`: a lost answer leaves the outcome
        unknown. `repeatable`: another try does no harm.
        """
        call = Call(
            operation=operation,
            method=method,
            url=self._base + target,
            headers=[*self._headers, *(headers or {}).items()],
            content=content,
            deadline=min(self._clock.monotonic() + self._timeout, self._local.until),
            write=write,
            repeatable=repeatable,
        )
        if content is not None:
            call.headers.append(("Content-Type", "application/json"))
        try:
            return self._first_try(call)
        except ExchangeError as exc:
            exc.operation = operation
            exc.outcome_unknown = call.maybe_done
            raise

    @property
    def requests_here(self) -> int:
        """How many requests this thread sent so far, retries included."""
        return self._local.requests

    def close(self) -> None:
        """Close the connections of all threads."""
        for client in list(self._clients):
            client.close()

    def _first_try(self, call: Call) -> Answer:
        if not call.repeatable:
            return self._try(call)
        return self._retries.call(lambda: self._try(call), deadline=call.deadline)

    def _try(self, call: Call) -> Answer:
        """One try: two requests if the first one's token is refused."""
        header = self._header()
        answer = self._request(call, header)
        if answer.status == 401:
            self._credentials.refused(header)
            answer = self._request(call, self._header())
        if answer.status >= 500:
            self._gate.failed()
            call.maybe_done |= call.write
        else:
            self._gate.succeeded()
        if 200 <= answer.status < 300:
            return answer
        error = error_of(answer, now=self._clock.time(), hide=self._hide)
        if isinstance(error, RateLimited):
            self._gate.pause(error.retry_after or 0.0)
        raise error

    def _header(self) -> Secret:
        try:
            return self._credentials.header()
        except NoAnswer:
            self._gate.failed()
            raise

    def _request(self, call: Call, header: Secret) -> Answer:
        self._wait_at_the_gate(call.deadline)
        with self._counting:
            self.requests += 1
        self._local.requests += 1
        request = self._build(call, header)
        try:
            answer = self._exchange(request, call)
        except httpx.HTTPError as exc:
            self._gate.failed()
            call.maybe_done |= call.write and not isinstance(exc, _NEVER_SENT)
            kind = TimedOut if isinstance(exc, httpx.TimeoutException) else Unreachable
            raise kind from _bare(exc)
        except ExchangeError as exc:
            call.maybe_done |= call.write and not isinstance(exc, HostRefused)
            raise
        self._compare_clocks(answer)
        return answer

    def _wait_at_the_gate(self, deadline: float) -> None:
        while (wait := self._gate.admit()) > 0:
            if self._clock.monotonic() + wait >= deadline:
                raise RateLimited(
                    "No request is free at the moment: the exchange's limit is reached",
                    retry_after=wait,
                )
            self._clock.sleep(wait)
        if self._clock.monotonic() >= deadline:
            raise TimedOut

    def _build(self, call: Call, header: Secret) -> httpx.Request:
        patience = self._timeout / 2
        limits = {"connect": CONNECT_TIMEOUT, "read": patience, "write": patience, "pool": patience}
        return httpx.Request(
            call.method,
            call.url,
            headers=[("Authorization", header.value), *call.headers],
            content=call.content,
            extensions={"timeout": limits, "deadline": call.deadline},
        )

    def _exchange(self, request: httpx.Request, call: Call) -> Answer:
        response = self._client().send(request, stream=True)
        try:
            headers = response.headers
            parts = self._in_time(cast("Iterable[bytes]", response.stream), call.deadline)
            body = read_body(parts, headers.get("content-encoding"), cap=self._largest_body)
            return Answer(response.status_code, headers, body)
        finally:
            response.close()

    def _in_time(self, parts: Iterable[bytes], deadline: float) -> Iterator[bytes]:
        for part in parts:
            if self._clock.monotonic() >= deadline:
                raise TimedOut
            yield part

    def _client(self) -> httpx.Client:
        client = self._local.client
        if client is None:
            wire = self._http or Wire(
                hosts=self._hosts, tls=shared_tls(), clock=self._clock.monotonic
            )
            no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            client = httpx.Client(
                transport=wire, trust_env=False, follow_redirects=False, cookies=no_cookies
            )
            self._local.client = client
            self._clients.add(client)
        return client

    def _ask_for_token(self, auth: ClientCredentials) -> bytes:
        call = Call(
            operation="token",
            method="POST",
            url=auth.token_url,
            headers=[("Accept", "application/json"), ("Content-Type", "application/json")],
            content=None,
            deadline=min(self._clock.monotonic() + TOKEN_TIMEOUT, self._local.until),
            write=False,
            repeatable=True,
        )
        request = httpx.Request(
            call.method,
            call.url,
            headers=call.headers,
            content=auth.body(),
            extensions={"timeout": {}, "deadline": call.deadline},
        )
        try:
            answer = self._exchange(request, call)
        except httpx.HTTPError as exc:
            kind = TimedOut if isinstance(exc, httpx.TimeoutException) else Unreachable
            raise kind("The token address does not answer") from _bare(exc)
        if 200 <= answer.status < 300:
            return answer.body
        error = error_of(answer, now=self._clock.time(), hide=lambda _: "")
        if isinstance(error, Rejected):
            raise Unauthorized(
                "The token address does not accept the client id and secret", status=answer.status
            )
        raise error

    def _compare_clocks(self, answer: Answer) -> None:
        date = answer.headers.get("date", "")
        if date == self._last_date:
            return
        self._last_date = date
        theirs = server_time(answer.headers)
        if theirs is not None:
            self.clock_skew = theirs - self._clock.time()

    def _hide(self, text: str) -> str:
        for secret in self._credentials.secrets():
            if secret:
                text = text.replace(secret, "•••")
        return text


def _bare(exc: Exception) -> Exception:
    """`exc` without the frames that hold the request and its headers."""
    exc.__cause__ = exc.__context__ = None
    return exc.with_traceback(None)
