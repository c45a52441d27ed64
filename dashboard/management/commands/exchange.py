"""`manage.py exchange …`: connections to the exchange."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync import connect, subscribe
from dashboard.sync.check import Check

_CREDENTIALS = ("api_key_env", "token_url", "client_id", "client_secret_env", "audience")


class Command(BaseCommand):
    """Adds connections; the secret comes from the environment, never from the command line."""

    help = "Connections to the exchange: add, change, check, and their webhooks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="store a connection")
        add.add_argument("name")
        add.add_argument("--account-id", required=True)
        add.add_argument("--base-url", required=True)
        _take_credentials(add, required=True)
        add.add_argument("--api-version", default="2025-12-18")
        add.add_argument("--webhook", metavar="URL", help="where the exchange reaches Fieldwatch")
        change = verbs.add_parser("change", help="what is given; the rest stays as it is")
        change.add_argument("name")
        change.add_argument("--base-url")
        _take_credentials(change, required=False)
        change.add_argument("--api-version")
        change.add_argument("--poll-seconds", type=int, help="how often; 0: as POLL_SECONDS says")
        change.add_argument("--requests-per-minute", type=int, help="its own budget; 0: none")
        check = verbs.add_parser("check", help="what a connection is offered; reads only")
        check.add_argument("name")
        webhook = verbs.add_parser("webhook", help="what the exchange tells of a connection")
        webhook.add_argument("name")
        webhook.add_argument("action", choices=["show", "add", "rotate", "remove"])
        webhook.add_argument("--url", help="where the exchange reaches Fieldwatch")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        verbs = {
            "add": self.add,
            "change": self.change,
            "check": self.try_out,
            "webhook": self.webhook,
        }
        verbs[options["verb"]](options)

    def add(self, options: dict[str, Any]) -> None:
        """Store a connection and print its id."""
        name = options["name"]
        if ExchangeAccount.objects.filter(name=name).exists():
            raise CommandError(f"there is already a connection named {name}")
        _check_addresses(options)
        if options["webhook"]:
            _check_public("--webhook", options["webhook"])
        account = ExchangeAccount(
            name=name,
            exchange_id=options["account_id"],
            due_at=timezone.now(),
            base_url=options["base_url"].rstrip("/"),
            api_version=options["api_version"],
            **_credentials(options),
        )
        account.full_clean()
        account.save()
        self.stdout.write(str(account.pk))
        if options["webhook"]:
            try:
                self._register(account, options["webhook"])
            except CommandError as exc:  # the connection is there all the same
                self.stderr.write(str(exc))

    def change(self, options: dict[str, Any]) -> None:
        """Put what is given in the place of what is stored; the next round begins at once."""
        account = _named(options["name"])
        _check_addresses(options)
        columns = {
            name: options[name]
            for name in ("base_url", "api_version", "requests_per_minute")
            if options[name] is not None
        }
        if "base_url" in columns:
            columns["base_url"] = columns["base_url"].rstrip("/")
        if options["poll_seconds"] is not None:
            columns["poll_seconds"] = options["poll_seconds"] or None
        if any(options[name] for name in _CREDENTIALS):
            columns |= _credentials(options, before=account)
        if not columns:
            raise CommandError("say what changes, such as --api-key-env VAR or --base-url URL")
        for name, value in columns.items():
            setattr(account, name, value)
        account.due_at = timezone.now()
        account.full_clean()
        account.save(update_fields=[*columns, "due_at"])
        self.stdout.write(f"changed: {', '.join(sorted(columns))}")

    def try_out(self, options: dict[str, Any]) -> None:
        """Print a line a check; exit 1 if something that Fieldwatch cannot do without fails."""
        account = _named(options["name"])
        client = _client(account)
        spoilt = False
        for line in Check(client, account.exchange_id).lines():
            self.stdout.write(str(line))
            spoilt |= line.spoils
        if spoilt:
            raise SystemExit(1)

    def webhook(self, options: dict[str, Any]) -> None:
        """Show, register, renew or remove the webhook of a connection."""
        account, action = _named(options["name"]), options["action"]
        hook = Webhook.objects.filter(account=account).first()
        if action == "add":
            if not options["url"]:
                raise CommandError("add needs --url, where the exchange reaches Fieldwatch")
            _check_public("--url", options["url"])
            self._register(account, options["url"])
        elif action == "show":
            self._show(account, hook)
        elif hook is None or not hook.secret:
            raise CommandError(f"{account.name} has no webhook; register one with: add --url URL")
        elif action == "rotate":
            with _told(account):
                subscribe.rotate(hook=hook, client=_client(account), now=timezone.now())
            self.stdout.write("The secret is another one; the one before is taken for an hour.")
        else:
            with _told(account):
                subscribe.remove(hook=hook, client=_client(account))
            self.stdout.write("Removed; changes are seen by polling alone.")

    def _register(self, account: ExchangeAccount, root: str) -> None:
        """Register and say where; a connection whose webhook is refused works by polling."""
        with _told(account):
            hook = subscribe.register(
                account=account, client=_client(account), root=root, now=timezone.now()
            )
        self.stderr.write(f"The exchange tells changes to {hook.url}")

    def _show(self, account: ExchangeAccount, hook: Webhook | None) -> None:
        since = timezone.now() - timedelta(days=1)
        registered = hook and hook.secret and hook.registered_at
        self.stdout.write(f"registered {registered:%Y-%m-%d %H:%MZ}" if registered else "none")
        if hook:
            self.stdout.write(f"address    {hook.url}")
        told, refused = account.webhook_events, account.webhook_refusals
        for what, counts in (
            ("events", told.kinds_since(since)),
            ("refused", refused.reasons_since(since)),
        ):
            for word, number in counts.items():
                self.stdout.write(f"{what:<10} {number} {word} since {since:%Y-%m-%d %H:%MZ}")


def _named(name: str) -> ExchangeAccount:
    account = ExchangeAccount.objects.filter(name=name).first()
    if account is None:
        known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"no connection is named {name} (there are: {known})")
    return account


def _client(account: ExchangeAccount) -> ExchangeClient:
    try:
        return connect.client_for(account)
    except ExchangeError as exc:
        raise CommandError(f"{account.base_url}: {exc}") from exc


@contextmanager
def _told(account: ExchangeAccount) -> Iterator[None]:
    """What the exchange refuses, as the end of the command; the connection itself stays."""
    try:
        yield
    except ExchangeError as exc:
        raise CommandError(
            f"the webhook of {account.name}: {exc}. The connection works without it, by polling "
            "alone; try again with: exchange webhook NAME add --url URL"
        ) from exc


def _check_public(flag: str, url: str) -> None:
    """An address that the exchange can reach: https, and http too where nothing is at stake."""
    parts = urlsplit(url)
    schemes = ("https",) if settings.PRODUCTION else ("https", "http")
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise CommandError(
            f"{flag} {url}: takes the address of Fieldwatch as the exchange reaches it, such as "
            "https://fieldwatch.example.com"
        )


def _check_addresses(options: dict[str, Any]) -> None:
    for flag in ("base_url", "token_url"):
        if options[flag] and (problem := connect.refusal(options[flag])):
            allowed = ", ".join(settings.EXCHANGE_ALLOWED_HOSTS)
            raise CommandError(
                f"--{flag.replace('_', '-')} {options[flag]}: {problem} "
                f"(EXCHANGE_ALLOWED_HOSTS is {allowed or 'empty'})"
            )


def _take_credentials(parser: ArgumentParser, *, required: bool) -> None:
    how = parser.add_mutually_exclusive_group(required=required)
    how.add_argument("--api-key-env", metavar="VAR")
    how.add_argument("--token-url", metavar="URL")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--client-secret-env", metavar="VAR")
    parser.add_argument("--audience", default="")


def _credentials(
    options: dict[str, Any], *, before: ExchangeAccount | None = None
) -> dict[str, str]:
    """The columns of the secret and what goes with it; of client credentials, what is new."""
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
