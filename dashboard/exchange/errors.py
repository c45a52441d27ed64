"""All errors of the exchange.

ExchangeError
├── NoAnswer                 no usable answer; waiting helps
│   ├── Unreachable          no connection, or it broke
│   │   ├── HostUnknown      the host name has no address
│   │   ├── NotSecure        no TLS connection, such as a certificate that is not trusted
│   │   └── ProxyFailed      the proxy does not answer, or does not connect
│   ├── TimedOut             the deadline passed
│   └── Unavailable          5xx
├── RetryLater               not sent or not accepted; waiting helps
│   ├── RateLimited          429, or our own budget is spent
│   └── CircuitOpen          the breaker is open
├── Rejected                 the exchange refuses; waiting does not help
│   ├── Unauthorized         401 after one renewal of the token
│   ├── Forbidden            403
│   ├── NotFound             404, 410
│   ├── MethodNotAllowed     405
│   ├── PreconditionFailed   412: someone else changed it
│   ├── Refused              400, 422 and the other 4xx, with the reason per field
│   ├── Redirected           3xx, which is never followed
│   │   └── AlreadyLaunched  301 for a draft: read its details instead
│   └── NotOffered           this exchange does not have the operation
├── BadAnswer                an answer that cannot be read
│   └── TooLarge             an answer above the cap
└── HostRefused              an address outside the allow-list

Messages are for people and never contain a secret.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

LONGEST_TEXT = 500
TOKEN_ADDRESS = "The token address"  # noqa: S105  begins the messages about it
_STEPS = re.compile(r"[^A-Za-z0-9_]+")
_NUMBER = re.compile(r"_\d+$")  # of a rule
_ENVELOPES = ("body", "value", "data")
_CODE = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+")


class InvalidParam(NamedTuple):
    """One field that the exchange refuses, and its reason."""

    name: str
    reason: str


def one_line(text: str) -> str:
    """`text` on one line without control characters, at most 500 characters."""
    printable = "".join(" " if unicodedata.category(c) in {"Cc", "Cf"} else c for c in text[:2000])
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def spoken(code: str) -> str:
    """A code such as `too_small` as words; a sentence stays unchanged."""
    return code.replace("_", " ") if _CODE.fullmatch(code) else code


def spoken_name(path: str) -> str:
    """The field that a path such as `body.profiles[0].live_url` names, as words: `live url`.

    The path itself if no step of it is a word.
    """
    steps = [step for step in _STEPS.split(path) if step and not step.isdigit()]
    names = [step for step in steps if step not in _ENVELOPES] or steps
    return spoken(_NUMBER.sub("", names[-1])) if names else path


class ExchangeError(Exception):
    """A request that did not succeed.

    `retry_after`: seconds until another try can help, None if unknown.
    `outcome_unknown`: a write may have been carried out; read back, never repeat blindly.
    `operation`: the operationId of the request.
    """

    waiting_helps: ClassVar[bool] = False
    words: ClassVar[str] = "The request to Cint failed"

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
        operation: str = "",
    ) -> None:
        super().__init__(one_line(message) or self.words)
        self.status = status
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        self.operation = operation

    @property
    def kind(self) -> str:
        """The class name, for counting errors by kind."""
        return type(self).__name__

    @property
    def retry_advice(self) -> str:
        """When a person should try again, without full stop; empty if waiting does not help."""
        if not self.waiting_helps:
            return ""
        if not self.retry_after:
            return "Try again in a moment"
        seconds = math.ceil(self.retry_after)
        return f"Try again in {seconds} s" if seconds < 120 else f"Try again in {seconds // 60} min"


class NoAnswer(ExchangeError):
    """No usable answer arrived."""

    waiting_helps = True


class Unreachable(NoAnswer):
    """No connection could be made, or it broke before the whole answer arrived."""

    words = "Cint cannot be reached"


class HostUnknown(Unreachable):
    """The host name of the address has no address in the network."""

    words = "The host name of Cint's address is not known"


class NotSecure(Unreachable):
    """No TLS connection could be made, for example because the certificate is not trusted."""

    words = "No secure connection to Cint is possible"


class ProxyFailed(Unreachable):
    """The proxy of the environment does not answer, or does not connect to the exchange."""

    words = "The proxy does not connect to Cint"


class TimedOut(NoAnswer):
    """The deadline passed before the whole answer arrived."""

    words = "Cint did not answer in time"


class Unavailable(NoAnswer):
    """The exchange reported an error of its own (5xx)."""

    words = "Cint had an internal error"


class RetryLater(ExchangeError):
    """The request was not carried out; the same request may succeed later."""

    waiting_helps = True


class RateLimited(RetryLater):
    """Too many requests; wait for `retry_after` seconds."""

    words = "Cint asks for fewer requests"


class CircuitOpen(RetryLater):
    """The exchange failed repeatedly, so no requests are sent for `retry_after` seconds."""

    words = "Cint failed repeatedly, so requests are paused"


class Rejected(ExchangeError):
    """The exchange refused the request."""


class Unauthorized(Rejected):
    """The credentials are not accepted, even with a new token."""

    words = "Cint does not accept the credentials"


class Forbidden(Rejected):
    """The credentials do not give access to this resource."""

    words = "Cint does not allow this"


class NotFound(Rejected):
    """The exchange does not know this resource."""

    words = "Cint cannot find this"


class MethodNotAllowed(Rejected):
    """The address exists, but not for this method."""

    words = "Cint does not offer this"


class PreconditionFailed(Rejected):
    """Someone else changed it since it was read: read again and show the difference."""

    words = "This was changed on Cint in the meantime"


class Refused(Rejected):
    """The request is invalid; `invalid_params` has the fields."""

    words = "Cint refused the request"

    def __init__(
        self,
        message: str = "",
        *,
        title: str = "",
        detail: str = "",
        invalid_params: Sequence[InvalidParam] = (),
        status: int | None = None,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
        operation: str = "",
    ) -> None:
        super().__init__(
            message,
            status=status,
            retry_after=retry_after,
            outcome_unknown=outcome_unknown,
            operation=operation,
        )
        self.title = one_line(title)
        self.detail = one_line(detail)
        self.invalid_params = list(invalid_params)


class Redirected(Rejected):
    """The exchange redirects; Fieldwatch never follows."""

    words = "Cint redirects to another address, which Fieldwatch does not follow"


class AlreadyLaunched(Redirected):
    """The draft has been launched: read its details instead."""

    words = "This target group has already been launched"


class NotOffered(Rejected):
    """This exchange does not have the operation."""

    words = "This exchange does not offer this"


class BadAnswer(ExchangeError):
    """The answer cannot be read: truncated, not JSON, or of another shape."""

    waiting_helps = True
    words = "Cint sent an answer that cannot be read"


class TooLarge(BadAnswer):
    """The answer is larger than the cap, before or after decompression."""

    words = "Cint sent an answer that is too large"


class HostRefused(ExchangeError):
    """The host is not on the list of allowed hosts, or is in a private network."""

    words = "This address is not allowed"
