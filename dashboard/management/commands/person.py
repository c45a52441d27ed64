"""`manage.py person …`: people who sign in, and their roles."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from dashboard.fielding.models import ExchangeAccount, Membership, User


class Command(BaseCommand):
    """Adds people; the password is asked for, or comes from the environment."""

    help = "People who sign in: add one, or give one a role on another connection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="add a person, or a role to one")
        add.add_argument("username")
        add.add_argument("email")
        add.add_argument(
            "--role", choices=[one for one, _ in Membership.Role.of_people()], required=True
        )
        add.add_argument("--on", metavar="CONNECTION", required=True)
        add.add_argument("--exchange-user-id", default="", help="who they are on the exchange")
        add.add_argument("--password-env", metavar="VAR")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Add the person if they are new, and set their role."""
        account = ExchangeAccount.objects.filter(name=options["on"]).first()
        if account is None:
            raise CommandError(f"no connection is named {options['on']}")
        known = User.objects.filter(username__iexact=options["username"]).first()
        user = known or self._new(options)
        Membership.objects.update_or_create(
            user=user,
            account=account,
            defaults={
                "role": options["role"],
                "exchange_user_id": options["exchange_user_id"].lower(),
            },
        )
        became = "is now" if known else "was added as"
        self.stdout.write(f"{user.username} {became} {options['role']} of {account.name}.")

    def _new(self, options: dict[str, Any]) -> User:
        user = User(username=options["username"], email=options["email"])
        password = _password(options["password_env"])
        try:
            validate_password(password, user)
            user.set_password(password)
            user.full_clean()
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        user.save()
        return user


def _password(variable: str | None) -> str:
    """From the environment, else typed twice at a terminal."""
    if variable:
        if password := os.environ.get(variable, ""):
            return password
        raise CommandError(f"the environment variable {variable} is empty or not set")
    if not sys.stdin.isatty():
        raise CommandError("nobody is here to type a password; name its variable: --password-env")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise CommandError("these were two different passwords; nobody was added")
    return password
