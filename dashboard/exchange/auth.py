"""Who we are to the exchange: an API key, or a token that is renewed once for everybody."""

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
    """A key that is sent as it is, without `Bearer` unless it begins with it."""

    key: str = field(repr=False)


@dataclass(frozen=True)
class ClientCredentials:
    """What a token is asked for with, at `token_url`."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    audience: str = ""
    scopes: str = "app:api"

    def body(self) -> bytes:
        """The JSON that the token address takes."""
        request = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "client_credentials",
            "lucid_scopes": self.scopes,
        }
        return msgspec.json.encode(request | ({"audience": self.audience} if self.audience else {}))


Auth = ApiKey | ClientCredentials


class TokenAnswer(msgspec.Struct, frozen=True):
    """What the token address answers: the token and its life in seconds."""

    access_token: str
    expires_in: float | str = LONGEST_LIFE_SECONDS

    @property
    def life(self) -> float:
        """0 to 86,400 s; the longest without a number, for a refusal renews it anyway."""
        try:
            return min(max(0.0, float(self.expires_in)), LONGEST_LIFE_SECONDS)
        except ValueError:
            return LONGEST_LIFE_SECONDS

    def __repr__(self) -> str:
        return "TokenAnswer(•••)"


class Secret:
    """A text that shows itself to nobody who prints it, tracebacks with variables included."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret(•••)"


def _usable(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()


class Credentials(Protocol):
    """What goes into `Authorization`, and what happens when it is refused."""

    def header(self) -> Secret:
        """The value to send; may ask for a token first."""

    def refused(self, header: Secret) -> None:
        """The exchange refused `header`: renew it, or Unauthorized if that was tried."""

    def secrets(self) -> tuple[str, ...]:
        """What must never be in a message."""


class KeyHeader:
    """The credentials of an API key."""

    def __init__(self, auth: ApiKey) -> None:
        if not _usable(auth.key):
            raise ValueError("An API key is printable ASCII without line breaks")
        self._key = Secret(auth.key)

    def header(self) -> Secret:
        """The key, as it is."""
        return self._key

    def refused(self, header: Secret) -> None:  # noqa: ARG002
        """A key cannot be renewed."""
        raise Unauthorized("The exchange does not accept the API key", status=401)

    def secrets(self) -> tuple[str, ...]:
        """The key, with and without its scheme."""
        return (self._key.value, self._key.value.removeprefix("Bearer "))


class TokenHeader:
    """The credentials of a token, shared by every thread of the process.

    One thread asks, the others wait for its answer, a failure included. After a refusal the token
    is renewed at most once in half a minute: asking in circles helps nobody.
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
        """`Bearer` and a token that lives for another minute at least."""
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
                    "The exchange does not accept a token that it has just given", status=401
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
            raise self._failure from None  # its frames hold what the token address sent
        if not _usable(answer.access_token):
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
    """What to send for `auth`; `ask` posts to the token address and returns its answer."""
    if isinstance(auth, ApiKey):
        return KeyHeader(auth)
    return TokenHeader(auth, ask, clock)
