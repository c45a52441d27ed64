"""Send calls to the exchange: headers, token, gate, deadline, retries and errors.

A read, or a write with an idempotency key, is retried while the deadline leaves time. Any other
write is sent once: if its answer is lost, it is not known whether it was carried out, and the error
says so (`outcome_unknown`).
"""

import random
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
from msgspec import Struct

from dashboard.exchange.auth import Auth, ClientCredentials, Secret, credentials_for
from dashboard.exchange.clock import Chance, Clock, SystemClock
from dashboard.exchange.decode import BadItem
from dashboard.exchange.errors import (
    TOKEN_ADDRESS,
    ExchangeError,
    HostUnknown,
    NoAnswer,
    NotSecure,
    ProxyFailed,
    RateLimited,
    Rejected,
    TimedOut,
    Unauthorized,
)
from dashboard.exchange.http.allowed_hosts import AllowedHosts
from dashboard.exchange.http.answer import LARGEST_BODY, HttpAnswer, error_of, server_time
from dashboard.exchange.http.fetch import Sockets
from dashboard.exchange.http.retry import Retries
from dashboard.exchange.limits.gate import Gate

TOKEN_TIMEOUT = 10.0
NO_REQUEST_FREE = "The request limit has been reached"
MAX_NOTES = 1_000  # per thread, if nobody takes them


class Call(Struct, kw_only=True):
    """One call with all its tries. `maybe_done`: a write that may have been carried out."""

    operation: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | None
    deadline: float
    write: bool
    repeatable: bool
    maybe_done: bool = False


class _PerThread(threading.local):
    until: float = float("inf")
    requests: int = 0

    def __init__(self) -> None:
        self.notes: deque[tuple[str, BadItem]] = deque(maxlen=MAX_NOTES)


class Transport:
    """Sends the calls of one connection; threads share it, each with its own sockets."""

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
        ca_file: str = "",
    ) -> None:
        self._hosts = AllowedHosts(allowed_hosts)
        self._base = str(self._hosts.check(base_url)).rstrip("/")
        if isinstance(auth, ClientCredentials):
            self._hosts.check(auth.token_url)
        self._clock = clock or SystemClock()
        self._credentials = credentials_for(auth, ask=self._ask_for_token, clock=self._clock)
        self._headers = [
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("User-Agent", "Fieldwatch"),
            ("Cint-API-Version", api_version),
        ]
        self._gate = gate
        self._timeout = timeout
        self._retries = Retries(clock=self._clock, chance=chance or random.Random())  # noqa: S311
        self._sockets = Sockets(
            hosts=self._hosts,
            clock=self._clock,
            largest_body=largest_body,
            http=http,
            ca_file=ca_file,
        )
        self._local = _PerThread()
        self._counting = threading.Lock()
        self._last_date = ""
        self.requests = 0
        self.clock_skew: float | None = None

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """All calls of this thread inside may take `seconds` together."""
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
    ) -> HttpAnswer:
        """Send one call; return its 2xx answer or raise its ExchangeError.

        `target`: path and query below the base address. `write`: a lost answer leaves the outcome
        unknown. `repeatable`: a retry does no harm.
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
            return self._send_with_retries(call)
        except ExchangeError as exc:
            exc.operation = operation
            exc.outcome_unknown = call.maybe_done
            raise

    @property
    def requests_here(self) -> int:
        """The number of requests that this thread sent so far, retries included."""
        return self._local.requests

    def note(self, operation: str, item: BadItem) -> None:
        """Store an item that this thread read with unreadable characters."""
        self._local.notes.append((operation, item))

    def take_notes(self) -> list[tuple[str, BadItem]]:
        """The items noted since this thread took its notes last; at most the newest 1,000."""
        notes = list(self._local.notes)
        self._local.notes.clear()
        return notes

    def close(self) -> None:
        """Close the connections of all threads."""
        self._sockets.close()

    def _send_with_retries(self, call: Call) -> HttpAnswer:
        if not call.repeatable:
            return self._try(call)
        return self._retries.call(lambda: self._try(call), deadline=call.deadline)

    def _try(self, call: Call) -> HttpAnswer:
        """One try: two requests if the token of the first is refused."""
        answer, header = self._request(call)
        if answer.status == 401:
            with self._counting_token_failures():
                self._credentials.refused(header)
            answer, _ = self._request(call)
        if answer.status >= 500:
            self._gate.failed()
            call.maybe_done |= call.write
        else:
            self._gate.succeeded()
        if 200 <= answer.status < 300:
            return answer
        error = error_of(answer, now=self._clock.time(), hide=self._hide)
        raise self._pause_account(error) if isinstance(error, RateLimited) else error

    def _pause_account(self, error: ExchangeError) -> ExchangeError:
        """Make all workers of the account wait as `error` asks; the new error says until when."""
        seconds = error.retry_after or 0.0
        until = datetime.fromtimestamp(self._clock.time() + seconds, UTC)
        why = f"{error}: no requests before {until:%H:%M:%S} UTC"
        self._gate.pause(seconds, why=why)
        return type(error)(why, status=error.status, retry_after=seconds)

    @contextmanager
    def _counting_token_failures(self) -> Iterator[None]:
        """Count failures of the token address for every request of the account."""
        try:
            yield
        except (NoAnswer, RateLimited) as exc:
            if isinstance(exc, NoAnswer):
                self._gate.failed()
            if exc.retry_after:
                raise self._pause_account(
                    exc
                ) from None  # its frames hold the answer of the token address
            raise

    def _header(self) -> Secret:
        with self._counting_token_failures():
            return self._credentials.header()

    def _request(self, call: Call) -> tuple[HttpAnswer, Secret]:
        self._wait_at_the_gate(call.deadline)
        header = self._header()
        with self._counting:
            self.requests += 1
        self._local.requests += 1
        request = httpx.Request(
            call.method,
            call.url,
            headers=[("Authorization", header.value), *call.headers],
            content=call.content,
        )
        try:
            answer = self._sockets.fetch(
                request, deadline=call.deadline, patience=self._timeout / 2
            )
        except ExchangeError as exc:
            call.maybe_done |= call.write and exc.outcome_unknown
            if isinstance(exc, NoAnswer):
                self._gate.failed()
            raise
        self._compare_clocks(answer)
        return answer, header

    def _wait_at_the_gate(self, deadline: float) -> None:
        while (wait := self._gate.admit()) > 0:
            if self._clock.monotonic() + wait >= deadline:
                raise RateLimited(self._gate.why or NO_REQUEST_FREE, retry_after=wait)
            self._clock.sleep(wait)
        if self._clock.monotonic() >= deadline:
            raise TimedOut

    def _ask_for_token(self, auth: ClientCredentials) -> bytes:
        deadline = min(self._clock.monotonic() + TOKEN_TIMEOUT, self._local.until)
        request = httpx.Request(
            "POST",
            auth.token_url,
            headers={"Accept": "application/json", "Content-Type": "application/json"},
            content=auth.body(),
        )
        try:
            answer = self._sockets.fetch(request, deadline=deadline, patience=TOKEN_TIMEOUT / 2)
        except NoAnswer as exc:  # its frames hold the request with the secret
            raise _of_token_address(exc) from None
        if 200 <= answer.status < 300:
            return answer.body
        error = error_of(answer, now=self._clock.time(), hide=lambda _: "")
        if isinstance(error, Rejected):
            is_refused = answer.status in (400, 401, 403)
            clause = "does not accept the client id and secret" if is_refused else "issued no token"
            message = f"{TOKEN_ADDRESS} {clause} ({answer.status})"
            raise Unauthorized(message, status=answer.status)
        message = "asks for fewer requests" if answer.status == 429 else "had an internal error"
        raise type(error)(
            f"{TOKEN_ADDRESS} {message} ({answer.status})",
            status=answer.status,
            retry_after=error.retry_after,
        )

    def _compare_clocks(self, answer: HttpAnswer) -> None:
        date = answer.headers.get("date", "")
        if date == self._last_date:
            return
        self._last_date = date
        server_clock = server_time(answer.headers)
        if server_clock is not None:
            self.clock_skew = server_clock - self._clock.time()

    def _hide(self, text: str) -> str:
        for secret in self._credentials.secrets():
            if secret:
                text = text.replace(secret, "•••")
        return text


def _of_token_address(error: NoAnswer) -> NoAnswer:
    """The same failure, with a message that names the token address instead of Cint."""
    reason = str(error).removeprefix(error.words).removeprefix(": ")
    clause = {
        TimedOut: "did not answer in time",
        HostUnknown: "has a host name that is not known",
        NotSecure: f"offers no secure connection{f': {reason}' if reason else ''}",
        ProxyFailed: f"cannot be reached through the proxy: {reason}",
    }.get(type(error), "cannot be reached")
    return type(error)(f"{TOKEN_ADDRESS} {clause}", outcome_unknown=error.outcome_unknown)
