"""Credentials for the exchange: an API key, or a token that all threads share and renew once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from dashboard.exchange.clock import Clock
from dashboard.exchange.decode import decode_body
from dashboard.exchange.errors import BadAnswer, ExchangeError, Unauthorized

RENEW_EARLY_SECONDS = 60.0
LONGEST_LIFE_SECONDS = 86_400.0
RENEWAL_INTERVAL_SECONDS = 30.0


@dataclass(frozen=True)
class ApiKey:
    """A key that is sent unchanged, without adding `Bearer`."""

    key: str = field(repr=False)


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth client credentials, exchanged for a token at `token_url`."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    audience: str = ""
    scopes: str = "app:api"

    def body(self) -> bytes:
        """The JSON body of a token request."""
        request = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "client_credentials",
            "lucid_scopes": self.scopes,
        }
        return msgspec.json.encode(request | ({"audience": self.audience} if self.audience else {}))


Auth = ApiKey | ClientCredentials


class TokenAnswer(msgspec.Struct, frozen=True):
    """The answer of the token address: the token and its lifetime in seconds."""

    access_token: str
    expires_in: float | str = LONGEST_LIFE_SECONDS

    @property
    def life(self) -> float:
        """Seconds, 0 to 86,400; the maximum if unreadable: a refusal renews the token anyway."""
        try:
            return min(max(0.0, float(self.expires_in)), LONGEST_LIFE_SECONDS)
        except ValueError:
            return LONGEST_LIFE_SECONDS

    def __repr__(self) -> str:
        return "TokenAnswer(•••)"


class Secret:
    """A text that is never printed, not even in tracebacks that show variables."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret(•••)"


def _is_header_text(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()


class Credentials(Protocol):
    """The `Authorization` header, and what to do when it is refused."""

    def header(self) -> Secret:
        """The value to send; may request a token first."""

    def refused(self, header: Secret) -> None:
        """Renew `header` after the exchange refused it; Unauthorized if that was tried already."""

    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be in a message."""


class KeyHeader:
    """The credentials of an API key."""

    def __init__(self, auth: ApiKey) -> None:
        if not _is_header_text(auth.key):
            raise ValueError("An API key is printable ASCII without line breaks")
        self._key = Secret(auth.key)

    def header(self) -> Secret:
        """The key, unchanged."""
        return self._key

    def refused(self, header: Secret) -> None:  # noqa: ARG002
        """Raise Unauthorized: a key cannot be renewed."""
        raise Unauthorized("Cint does not accept the API key", status=401)

    def secrets(self) -> tuple[str, ...]:
        """The key, with and without its scheme."""
        return (self._key.value, self._key.value.removeprefix("Bearer "))


class TokenHeader:
    """The credentials of a token, shared by every thread of the process.

    One thread requests it, the others wait for its answer, a failure included. After a refusal the
    token is renewed at most once in half a minute, so that nothing loops.
    """

    def __init__(
        self, auth: ClientCredentials, ask: Callable[[ClientCredentials], bytes], clock: Clock
    ) -> None:
        self._auth = auth
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._header = Secret("")
        self._good_until = clock.monotonic()
        self._renewed_after_refusal_at: float | None = None
        self._failure: ExchangeError | None = None
        self._failure_until = 0.0

    def header(self) -> Secret:
        """`Bearer` and a token that is valid for another minute at least."""
        if self._clock.monotonic() < self._good_until:
            return self._header
        with self._lock:
            if self._clock.monotonic() >= self._good_until:
                self._renew()
            return self._header

    def refused(self, header: Secret) -> None:
        """Renew the token once for all who were refused with it."""
        with self._lock:
            if header is not self._header:
                return
            now = self._clock.monotonic()
            renewed = self._renewed_after_refusal_at
            if renewed is not None and now - renewed < RENEWAL_INTERVAL_SECONDS:
                raise Unauthorized(
                    "Cint does not accept the token that it has just issued", status=401
                )
            self._renew()
            self._renewed_after_refusal_at = now

    def secrets(self) -> tuple[str, ...]:
        """The secret and the token."""
        return (self._auth.client_secret, self._header.value.removeprefix("Bearer "))

    def _renew(self) -> None:
        now = self._clock.monotonic()
        if self._failure is not None and now < self._failure_until:
            raise _copy_error(self._failure)
        try:
            answer = decode_body(self._ask(self._auth), TokenAnswer)
        except ExchangeError as exc:
            self._failure, self._failure_until = _copy_error(exc), now + 1.0
            raise self._failure from None  # its frames hold the answer of the token address
        if not _is_header_text(answer.access_token):
            raise BadAnswer("The token address sent a token that cannot be used")
        life = answer.life
        self._failure = None
        self._header = Secret(f"Bearer {answer.access_token}")
        self._good_until = now + max(life - RENEW_EARLY_SECONDS, life / 2)


def _copy_error(error: ExchangeError) -> ExchangeError:
    return type(error)(str(error), status=error.status, retry_after=error.retry_after)


def credentials_for(
    auth: Auth, *, ask: Callable[[ClientCredentials], bytes], clock: Clock
) -> Credentials:
    """The credentials for `auth`; `ask` posts to the token address and returns its answer."""
    if isinstance(auth, ApiKey):
        return KeyHeader(auth)
    return TokenHeader(auth, ask, clock)
