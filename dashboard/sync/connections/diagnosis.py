"""Why a connection does not work, and what to do about it, in sentences for administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from dashboard.exchange.errors import (
    TOKEN_ADDRESS,
    BadAnswer,
    CircuitOpen,
    ExchangeError,
    Forbidden,
    HostRefused,
    HostUnknown,
    NotFound,
    NotSecure,
    ProxyFailed,
    RateLimited,
    Redirected,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from dashboard.fielding.models import ExchangeAccount

LARGEST_SKEW = 120.0  # seconds between the clocks of Cint and of this machine


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a connection, what helps, and the field of its form that causes it."""

    problem: str
    remedy: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


def diagnose_error(
    exc: ExchangeError, account: ExchangeAccount, *, opened: Iterable[str] | None = None
) -> Diagnosis:
    """Return what the error of a first request says about this connection.

    `opened`: ids of the accounts that the credentials open, if Cint has listed them.
    """
    if isinstance(exc, Forbidden | NotFound) and opened is not None:
        return _wrong_account(account, list(opened))
    at_token = str(exc).startswith(TOKEN_ADDRESS)
    url, field = (account.token_url, "token_url") if at_token else (account.base_url, "base_url")
    for kind, describe in _BY_KIND:
        if isinstance(exc, kind):
            return describe(exc, account, url, field)
    return Diagnosis(f"{exc}.", "Check the address and the credentials, then test again.")


def diagnose_clock(skew: float | None) -> Diagnosis | None:
    """Return what is wrong if the clocks differ too much; `skew`: seconds, Cint's minus ours."""
    if skew is None or abs(skew) <= LARGEST_SKEW:
        return None
    ahead = "behind" if skew > 0 else "ahead of"
    return Diagnosis(
        f"The clock of this machine is {_duration(abs(skew))} {ahead} Cint's.",
        "Set it automatically (NTP), then test again: with a wrong clock, times on pages, "
        "forecasts and the signatures of webhooks are wrong.",
    )


def _duration(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{round(seconds / 60)} minutes"
    return (
        f"{round(seconds / 3600)} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
    )


def diagnose_address(refusal: str, field: str) -> Diagnosis:
    """Return what is wrong with an address that no request may go to; `refusal`: why, a clause."""
    if "valid web address" in refusal or "http or https" in refusal:
        return Diagnosis(f"{refusal}.", "Copy it again, such as https://api.cint.com/v1.", field)
    if "only allowed over https" in refusal:
        return Diagnosis(f"{refusal}.", "Begin the address with https://.", field)
    return Diagnosis(
        f"{refusal}.",
        "Whoever runs Fieldwatch can allow it: add the host (with its port, unless that is 443) to "
        "EXCHANGE_ALLOWED_HOSTS and start Fieldwatch again.",
        field,
    )


def diagnose_key(key: str) -> Diagnosis | None:
    """Return what is wrong with a key or secret that no request can carry; None if it can."""
    if key.isascii() and key.isprintable():
        return None
    return Diagnosis(
        "The key contains a line break or a character that no key has.",
        "Copy it again, without quotation marks or other text around it.",
        "secret",
    )


def _wrong_account(account: ExchangeAccount, opened: list[str]) -> Diagnosis:
    if account.exchange_id in opened:
        return Diagnosis(
            f"The credentials may not read the projects of account {account.exchange_id}.",
            "Ask Cint to allow the Demand API for them.",
            "account_id",
        )
    listed = ", ".join(opened[:5]) + (" and others" if len(opened) > 5 else "")
    return Diagnosis(
        f"The credentials work, but they do not open account {account.exchange_id}.",
        f"They open {listed}: use one of these ids."
        if opened
        else "They open no account: ask Cint to give them access to yours.",
        "account_id",
    )


_Describe = Callable[[ExchangeError, ExchangeAccount, str, str], Diagnosis]


def _host_refused(exc: ExchangeError, account: ExchangeAccount, *_: str) -> Diagnosis:
    is_base = (urlsplit(account.base_url).hostname or "\0") in str(exc)
    return diagnose_address(str(exc), "base_url" if is_base else "token_url")


def _unauthorized(exc: ExchangeError, account: ExchangeAccount, *_: str) -> Diagnosis:
    if account.auth == ExchangeAccount.Auth.API_KEY:
        return Diagnosis(
            "Cint does not accept the API key.",
            "Copy the whole key again, without spaces. A key that was replaced or revoked at Cint "
            "no longer works.",
            "secret",
        )
    if "issued no token" in str(exc):
        return Diagnosis(
            f"{exc}.",
            "Check the token address; for Cint it is https://auth.lucidhq.com/oauth/token.",
            "token_url",
        )
    if str(exc).startswith(TOKEN_ADDRESS):
        return Diagnosis(
            "The token address does not accept the client id and secret.",
            "Check that both belong together, and copy the secret again.",
            "secret",
        )
    return Diagnosis(
        "Cint does not accept the token that the token address issued.",
        "Check the token address and the audience: they must be those of this exchange.",
        "token_url",
    )


def _host_unknown(
    _exc: ExchangeError, _account: ExchangeAccount, url: str, field: str
) -> Diagnosis:
    return Diagnosis(
        f"No machine is known by the name {urlsplit(url).hostname}.",
        "Check the spelling of the address, and that this machine can resolve names (DNS).",
        field,
    )


def _not_secure(exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    host, reason = urlsplit(url).netloc, str(exc).rpartition(": ")[2]
    if "expired" in reason or "not yet valid" in reason:
        return Diagnosis(
            f"The certificate of {host} is not valid today ({reason}).",
            "Check the date and clock of this machine first; if they are right, the certificate "
            "has to be renewed there.",
            field,
        )
    if "mismatch" in reason:
        return Diagnosis(
            f"The certificate of {host} belongs to another host ({reason.rstrip('.')}).",
            "Check the host name of the address; if it is right, the certificate has to be "
            "replaced there.",
            field,
        )
    if ": " in str(exc):
        return Diagnosis(
            f"The certificate of {host} cannot be trusted ({reason}).",
            "A proxy between Fieldwatch and Cint may have replaced it: set EXCHANGE_CA_FILE to a "
            "file with your company's certificate authority, or ask your network's administrators "
            "to let Fieldwatch connect directly.",
            field,
        )
    return Diagnosis(
        f"{host} does not answer over https.",
        "Check the port of the address, and whether it begins with https:// or http://.",
        field,
    )


def _proxy_failed(
    exc: ExchangeError, _account: ExchangeAccount, url: str, _field: str
) -> Diagnosis:
    host, reason = urlsplit(url).netloc, str(exc).partition(": ")[2]
    if "407" in reason:
        remedy = (
            "Put the user name and password of the proxy into HTTPS_PROXY, such as "
            "http://user:password@proxy.example.com:3128, and start Fieldwatch again."
        )
    elif "cannot be reached" in reason:
        remedy = "Check HTTPS_PROXY, or name the host in NO_PROXY, and start Fieldwatch again."
    else:
        remedy = f"Ask your network's administrators to let the proxy connect to {host}."
    return Diagnosis(f"The proxy does not connect to {host} ({reason}).", remedy)


def _unreachable(_exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    return Diagnosis(
        f"Nothing answers at {urlsplit(url).netloc}.",
        "Check the address and its port, and that a firewall lets this machine connect to it.",
        field,
    )


def _timed_out(_exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    return Diagnosis(
        f"{urlsplit(url).netloc} did not answer in time.",
        "A firewall may drop the connection; if the address is right, test again in a minute.",
        field,
    )


def _redirected(_exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    return Diagnosis(
        f"{urlsplit(url).netloc} redirects to another address, and Fieldwatch never follows.",
        "Enter the address to which it redirects.",
        field,
    )


def _not_found(_exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    return Diagnosis(
        f"{url} is not the address of Cint's API.",
        "Check its path, which usually ends in /v1.",
        field,
    )


def _forbidden(_exc: ExchangeError, account: ExchangeAccount, *_: str) -> Diagnosis:
    return Diagnosis(
        f"The credentials may not read account {account.exchange_id}.",
        "Check the account id, and ask Cint to allow the Demand API for these credentials.",
        "account_id",
    )


def _unreadable(_exc: ExchangeError, _account: ExchangeAccount, url: str, field: str) -> Diagnosis:
    return Diagnosis(
        f"{urlsplit(url).netloc} answers, but not as Cint's API does.",
        "Check the address; it may belong to a web page or a proxy's sign-in.",
        field,
    )


def _unavailable(exc: ExchangeError, _account: ExchangeAccount, url: str, _field: str) -> Diagnosis:
    status = f" ({exc.status})" if exc.status else ""
    return Diagnosis(
        f"{urlsplit(url).netloc} reports an internal error{status}.",
        "This is not caused by what you entered: test again in a few minutes.",
    )


def _paused(_exc: ExchangeError, _account: ExchangeAccount, url: str, _field: str) -> Diagnosis:
    return Diagnosis(
        f"{urlsplit(url).netloc} failed repeatedly, so Fieldwatch pauses its requests.",
        "Test again in a minute.",
    )


def _too_many(_exc: ExchangeError, _account: ExchangeAccount, url: str, _field: str) -> Diagnosis:
    return Diagnosis(
        f"{urlsplit(url).netloc} asks for fewer requests.",
        "Other software may be using the same account: test again in a minute.",
    )


_BY_KIND: tuple[tuple[type[ExchangeError], _Describe], ...] = (
    (HostRefused, _host_refused),
    (Unauthorized, _unauthorized),
    (HostUnknown, _host_unknown),
    (NotSecure, _not_secure),
    (ProxyFailed, _proxy_failed),
    (TimedOut, _timed_out),
    (Unavailable, _unavailable),
    (Unreachable, _unreachable),
    (CircuitOpen, _paused),
    (RateLimited, _too_many),
    (Redirected, _redirected),
    (NotFound, _not_found),
    (Forbidden, _forbidden),
    (BadAnswer, _unreadable),
)
