"""`manage.py exchange …`: connections to the exchange."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync import connect
from dashboard.sync.check import Check


class Command(BaseCommand):
    """Adds connections; the secret comes from the environment, never from the command line."""

    help = "Connections to the exchange: add, check."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="store a connection")
        add.add_argument("name")
        add.add_argument("--account-id", required=True)
        add.add_argument("--base-url", required=True)
        how = add.add_mutually_exclusive_group(required=True)
        how.add_argument("--api-key-env", metavar="VAR")
        how.add_argument("--token-url", metavar="URL")
        add.add_argument("--client-id", default="")
        add.add_argument("--client-secret-env", metavar="VAR")
        add.add_argument("--audience", default="")
        add.add_argument("--api-version", default="2025-12-18")
        check = verbs.add_parser("check", help="what a connection is offered; reads only")
        check.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        {"add": self.add, "check": self.try_out}[options["verb"]](options)

    def add(self, options: dict[str, Any]) -> None:
        """Store a connection and print its id."""
        name = options["name"]
        if ExchangeAccount.objects.filter(name=name).exists():
            raise CommandError(f"there is already a connection named {name}")
        for flag in ("base_url", "token_url"):
            if options[flag]:
                _check_address(flag, options[flag])
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

    def try_out(self, options: dict[str, Any]) -> None:
        """Print a line a check; exit 1 if something that Fieldwatch cannot do without fails."""
        account = ExchangeAccount.objects.filter(name=options["name"]).first()
        if account is None:
            known = ", ".join(ExchangeAccount.objects.values_list("name", flat=True)) or "none yet"
            raise CommandError(f"no connection is named {options['name']} (there are: {known})")
        try:
            client = connect.client_for(account)
        except ExchangeError as exc:
            raise CommandError(f"{account.base_url}: {exc}") from exc
        spoilt = False
        for line in Check(client, account.exchange_id).lines():
            self.stdout.write(str(line))
            spoilt |= line.spoils
        if spoilt:
            raise SystemExit(1)


def _check_address(flag: str, url: str) -> None:
    if problem := connect.refusal(url):
        allowed = ", ".join(settings.EXCHANGE_ALLOWED_HOSTS)
        raise CommandError(
            f"--{flag.replace('_', '-')} {url}: {problem} "
            f"(EXCHANGE_ALLOWED_HOSTS is {allowed or 'empty'})"
        )


def _credentials(options: dict[str, Any]) -> dict[str, str]:
    """The columns of the secret and what goes with it."""
    if options["api_key_env"]:
        key = _from_environment("--api-key-env", options["api_key_env"])
        return {"auth": ExchangeAccount.Auth.API_KEY, "secret": key}
    if not options["client_id"] or not options["client_secret_env"]:
        raise CommandError("--token-url needs --client-id and --client-secret-env too")
    return {
        "auth": ExchangeAccount.Auth.CLIENT_CREDENTIALS,
        "secret": _from_environment("--client-secret-env", options["client_secret_env"]),
        "token_url": options["token_url"],
        "client_id": options["client_id"],
        "audience": options["audience"],
    }


def _from_environment(flag: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CommandError(f"{flag}: the environment variable {variable} is empty or not set")
    return value
