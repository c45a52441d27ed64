"""`manage.py person …`: people who sign in, their roles, leavers and lost second factors."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from dashboard.alerts.mail import security
from dashboard.fielding import audit, people
from dashboard.fielding.models import AuditKind, ExchangeAccount, Membership, User
from dashboard.fielding.people import PersonRefused


class Command(BaseCommand):
    """Adds people; the password is asked for, or comes from the environment."""

    help = "People who sign in: add, take off, close, reopen, delete, reset a second factor."

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
        add.add_argument("--exchange-user-id", default="", help="who they are on Cint")
        add.add_argument("--password-env", metavar="VAR")
        off = verbs.add_parser("take-off", help="take a person off a connection")
        off.add_argument("--on", metavar="CONNECTION", required=True)
        close = verbs.add_parser(
            "close", help="close a leaver's account: sessions, passwords and links stop working"
        )
        reopen = verbs.add_parser("reopen", help="open a closed account again, with a new password")
        reopen.add_argument("--password-env", metavar="VAR")
        delete = verbs.add_parser("delete", help="delete a person; what they did stays")
        delete.add_argument("--yes", action="store_true", help="confirm: it cannot be undone")
        factor = verbs.add_parser("reset-factor", help="take away a lost second factor")
        for verb in (off, close, reopen, delete, factor):
            verb.add_argument("person", help="their sign-in name or address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb; a refusal of people.py ends the command with its own words."""
        verbs: dict[str, Callable[[dict[str, Any]], None]] = {
            "add": self.add,
            "take-off": self.take_off,
            "close": self.close,
            "reopen": self.reopen,
            "delete": self.delete,
            "reset-factor": self.reset_factor,
        }
        try:
            with transaction.atomic():
                verbs[options["verb"]](options)
        except PersonRefused as exc:
            raise CommandError(str(exc)) from exc

    def add(self, options: dict[str, Any]) -> None:
        """Add the person if they are new, and set their role."""
        account = _account(options["on"])
        known = User.objects.filter(username__iexact=options["username"]).first()
        if known and not known.is_active:
            raise CommandError(f"{known.username} cannot sign in; see: manage.py person reopen")
        user = known or self._new(options)
        people.set_role(
            user=user,
            account=account,
            role=options["role"],
            exchange_user_id=options["exchange_user_id"].lower(),
            origin=audit.command_line(),
            now=timezone.now(),
        )
        became = "is now" if known else "was added as"
        self.stdout.write(f"{user.username} {became} {options['role']} of {account.name}.")

    def take_off(self, options: dict[str, Any]) -> None:
        """Take the person off the connection."""
        user, account = _person(options["person"]), _account(options["on"])
        membership = Membership.objects.filter(user=user, account=account).first()
        if membership is None:
            raise CommandError(f"{user.username} is not on {account.name}")
        origin, now = audit.command_line(), timezone.now()
        people.remove_member(membership=membership, origin=origin, now=now)
        self.stdout.write(f"{user.username} is no longer on {account.name}.")

    def close(self, options: dict[str, Any]) -> None:
        """Close the account."""
        user = _person(options["person"])
        closed = people.close(user=user, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(f"{user.username}: {'closed' if closed else 'was closed already'}.")

    def reopen(self, options: dict[str, Any]) -> None:
        """Open the account again with a new password; without one an invitation sets it."""
        user = _person(options["person"])
        if not people.reopen(user=user, origin=audit.command_line(), now=timezone.now()):
            raise CommandError(f"the account of {user.username} is not closed")
        if options["password_env"]:
            user.refresh_from_db()
            _set_password(user, options["password_env"])
            user.save(update_fields=["password"])
        self.stdout.write(
            f"{user.username}: open again. Without --password-env they set a password under "
            "“Forgotten the password?”."
        )

    def delete(self, options: dict[str, Any]) -> None:
        """Delete the person; without --yes only say what that means."""
        user = _person(options["person"])
        if not options["yes"]:
            raise CommandError(
                f"{user.username} is on {user.memberships.count()} connections. Nothing was "
                f"deleted; to delete them for good: person delete {user.username} --yes"
            )
        people.delete(user=user, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(f"{user.username}: deleted.")

    def reset_factor(self, options: dict[str, Any]) -> None:
        """Take away the second factor, and tell the person by mail."""
        user, origin, now = _person(options["person"]), audit.command_line(), timezone.now()
        if not people.reset_factor(user=user, origin=origin, now=now):
            raise CommandError(f"{user.username} has no second factor")
        security.notify_two_factor_reset(user=user, by=origin.name, now=now)
        self.stdout.write(f"{user.username}: second factor reset, sessions ended, told by mail.")

    def _new(self, options: dict[str, Any]) -> User:
        user = User(username=options["username"], email=options["email"])
        _set_password(user, options["password_env"])
        try:
            user.full_clean()
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        user.save()
        origin, now = audit.command_line(), timezone.now()
        audit.record(kind=AuditKind.PERSON_ADDED, origin=origin, now=now, subject=user)
        return user


def _account(name: str) -> ExchangeAccount:
    account = ExchangeAccount.objects.filter(name=name).first()
    if account is None:
        raise CommandError(f"no connection is named {name}")
    return account


def _person(name: str) -> User:
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist as exc:
        raise CommandError(f"nobody signs in as {name}") from exc


def _set_password(user: User, variable: str | None) -> None:
    password = _password(variable)
    try:
        validate_password(password, user)
    except ValidationError as exc:
        raise CommandError(" ".join(exc.messages)) from exc
    user.set_password(password)


def _password(variable: str | None) -> str:
    """Read a password from the environment, or ask for it twice at a terminal."""
    if variable:
        if password := os.environ.get(variable, ""):
            return password
        raise CommandError(f"the environment variable {variable} is empty or not set")
    if not sys.stdin.isatty():
        raise CommandError(
            "there is no terminal to type a password at; name its variable: --password-env"
        )
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise CommandError("the two passwords differ; nobody was added")
    return password
