"""The flags of a connection for `manage.py exchange add` and `change`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients

_CREDENTIALS = ("api_key_env", "token_url", "client_id", "client_secret_env", "audience")


def add_options(parser: ArgumentParser, *, required: bool) -> None:
    """Add the flags that `add` and `change` both take."""
    parser.add_argument("name")
    parser.add_argument("--account-id", required=required)
    parser.add_argument("--base-url", required=required)
    _take_credentials(parser, required=required)
    parser.add_argument("--api-version", default="2025-12-18" if required else None)
    parser.add_argument("--webhook", metavar="URL", help="where Cint reaches Fieldwatch")


def _take_credentials(parser: ArgumentParser, *, required: bool) -> None:
    how = parser.add_mutually_exclusive_group(required=required)
    how.add_argument("--api-key-env", metavar="VAR")
    how.add_argument("--token-url", metavar="URL")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret-env", metavar="VAR")
    parser.add_argument("--audience", default="")


def changed_columns(options: dict[str, Any], *, before: ExchangeAccount) -> dict[str, Any]:
    """The columns that the flags set, by name."""
    columns = {
        name: options[name]
        for name in ("base_url", "api_version", "requests_per_minute")
        if options[name] is not None
    }
    if "base_url" in columns:
        columns["base_url"] = columns["base_url"].rstrip("/")
    if options["account_id"] is not None:
        columns["exchange_id"] = options["account_id"]
    if options["poll_seconds"] is not None:
        columns["poll_seconds"] = options["poll_seconds"] or None
    if any(options[name] for name in _CREDENTIALS):
        columns |= credential_columns(options, before=before)
    return columns


def credential_columns(
    options: dict[str, Any], *, before: ExchangeAccount | None = None
) -> dict[str, str]:
    """The columns of the secret and what belongs to it; of client credentials only the new ones."""
    if options["api_key_env"]:
        key = _from_environment("--api-key-env", options["api_key_env"])
        return {"auth": ExchangeAccount.Auth.API_KEY, "secret": key}
    columns = {
        name: options[name] for name in ("token_url", "client_id", "audience") if options[name]
    }
    if options["client_secret_env"]:
        variable = options["client_secret_env"]
        columns["secret"] = _from_environment("--client-secret-env", variable)
    if before is None or before.auth != ExchangeAccount.Auth.CLIENT_CREDENTIALS:
        if not {"token_url", "client_id", "secret"} <= columns.keys():
            raise CommandError(
                "client credentials are --token-url, --client-id and --client-secret-env together"
            )
        columns["auth"] = ExchangeAccount.Auth.CLIENT_CREDENTIALS
    return columns


def _from_environment(flag: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CommandError(f"{flag}: the environment variable {variable} is empty or not set")
    return value


def check_public(flag: str, url: str) -> None:
    """An address that the exchange can reach: https, and http too where nothing is at stake."""
    parts = urlsplit(url)
    schemes = ("https",) if settings.PRODUCTION else ("https", "http")
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise CommandError(
            f"{flag} {url}: takes the address of Fieldwatch as Cint reaches it, such as "
            "https://fieldwatch.example.com"
        )


def check_addresses(options: dict[str, Any]) -> None:
    """Refuse hosts that connections may not talk to."""
    for flag in ("base_url", "token_url"):
        if options[flag] and (problem := clients.reason_to_refuse_url(options[flag])):
            allowed = ", ".join(settings.EXCHANGE_ALLOWED_HOSTS)
            raise CommandError(
                f"--{flag.replace('_', '-')} {options[flag]}: {problem} "
                f"(EXCHANGE_ALLOWED_HOSTS is {allowed or 'empty'})"
            )
