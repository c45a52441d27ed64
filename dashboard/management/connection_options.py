"""The flags of a connection for `manage.py exchange add` and `change`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.core.management.base import CommandError

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients

LEAST_POLL_SECONDS, MOST_POLL_SECONDS = 1, 86_400
MOST_REQUESTS = 100_000


class ConnectionFlags(msgspec.Struct):
    """What was typed after `exchange`; each verb reads its own flags."""

    verb: str
    name: str = ""
    account_id: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    token_url: str | None = None
    client_id: str = ""
    client_secret_env: str | None = None
    audience: str = ""
    api_version: str | None = None
    webhook: str | None = None
    poll_seconds: int | None = None
    requests_per_minute: int | None = None
    action: str = ""
    url: str | None = None
    yes: bool = False

    @property
    def name_credentials(self) -> bool:
        """Whether any flag is about the secret or what belongs to it."""
        return any(
            (
                self.api_key_env,
                self.token_url,
                self.client_id,
                self.client_secret_env,
                self.audience,
            )
        )


def add_options(parser: ArgumentParser, *, required: bool) -> None:
    """Add the flags that `add` and `change` both take."""
    parser.add_argument("name")
    parser.add_argument("--account-id", required=required)
    parser.add_argument("--base-url", required=required)
    _add_credential_options(parser, required=required)
    parser.add_argument("--api-version", default="2025-12-18" if required else None)
    parser.add_argument("--webhook", metavar="URL", help="where Cint reaches Fieldwatch")


def _add_credential_options(parser: ArgumentParser, *, required: bool) -> None:
    kinds = parser.add_mutually_exclusive_group(required=required)
    kinds.add_argument("--api-key-env", metavar="VAR")
    kinds.add_argument("--token-url", metavar="URL")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret-env", metavar="VAR")
    parser.add_argument("--audience", default="")


def changed_columns(flags: ConnectionFlags, *, before: ExchangeAccount) -> dict[str, object]:
    """Return the columns that the flags set, by name."""
    columns: dict[str, object] = {}
    if flags.base_url is not None:
        columns["base_url"] = flags.base_url.rstrip("/")
    if flags.api_version is not None:
        columns["api_version"] = flags.api_version
    if flags.requests_per_minute is not None:
        columns["requests_per_minute"] = flags.requests_per_minute
    if flags.account_id is not None:
        columns["exchange_id"] = flags.account_id
    _check_numbers(flags)
    if flags.poll_seconds is not None:
        columns["poll_seconds"] = flags.poll_seconds or None
    if flags.name_credentials:
        columns |= credential_columns(flags, before=before)
    return columns


def _check_numbers(flags: ConnectionFlags) -> None:
    """Refuse numbers that the form of a connection refuses, too."""
    seconds, requests = flags.poll_seconds or 0, flags.requests_per_minute or 0
    if seconds and not LEAST_POLL_SECONDS <= seconds <= MOST_POLL_SECONDS:
        raise CommandError(
            f"--poll-seconds takes {LEAST_POLL_SECONDS} to {MOST_POLL_SECONDS}, or 0 for the "
            f"default, not {seconds}"
        )
    if not 0 <= requests <= MOST_REQUESTS:
        raise CommandError(f"--requests-per-minute takes 0 to {MOST_REQUESTS}, not {requests}")


def credential_columns(
    flags: ConnectionFlags, *, before: ExchangeAccount | None = None
) -> dict[str, str]:
    """Return the columns of the credentials; for client credentials only those that are given.

    Raises CommandError where they are not complete.
    """
    if flags.api_key_env:
        key = _read_secret("--api-key-env", flags.api_key_env)
        return {"auth": ExchangeAccount.Auth.API_KEY, "secret": key}
    values = {
        "token_url": flags.token_url,
        "client_id": flags.client_id,
        "audience": flags.audience,
    }
    columns = {name: value for name, value in values.items() if value}
    if flags.client_secret_env:
        columns["secret"] = _read_secret("--client-secret-env", flags.client_secret_env)
    if before is None or before.auth != ExchangeAccount.Auth.CLIENT_CREDENTIALS:
        if not {"token_url", "client_id", "secret"} <= columns.keys():
            raise CommandError(
                "client credentials need --token-url, --client-id and --client-secret-env together"
            )
        columns["auth"] = ExchangeAccount.Auth.CLIENT_CREDENTIALS
    return columns


def _read_secret(flag: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CommandError(f"{flag}: the environment variable {variable} is empty or not set")
    return value


def check_public(flag: str, url: str) -> None:
    """Refuse an address that the exchange cannot reach: https only, in development also http."""
    parts = urlsplit(url)
    schemes = ("https",) if settings.PRODUCTION else ("https", "http")
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise CommandError(
            f"{flag} {url}: give the address at which Cint reaches Fieldwatch, such as "
            "https://fieldwatch.example.com"
        )


def check_addresses(flags: ConnectionFlags) -> None:
    """Refuse hosts that connections may not talk to."""
    for flag, url in (("--base-url", flags.base_url), ("--token-url", flags.token_url)):
        if url and (problem := clients.reason_to_refuse_url(url)):
            allowed = ", ".join(settings.EXCHANGE_ALLOWED_HOSTS)
            raise CommandError(
                f"{flag} {url}: {problem} (EXCHANGE_ALLOWED_HOSTS is {allowed or 'empty'})"
            )
