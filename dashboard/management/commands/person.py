"""`manage.py person …`: people who sign in, their roles, leavers and lost second factors."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable

import msgspec
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from dashboard.alerts.mail import security
from dashboard.fielding import audit, people
from dashboard.fielding.models import AuditKind, ExchangeAccount, Membership, User
from dashboard.fielding.people import PersonRefused


class PersonFlags(msgspec.Struct):
    """What was typed after `person`; each verb reads its own flags."""

    verb: str
    person: str = ""
    username: str = ""
    email: str = ""
    role: str = ""
    on: str = ""
    exchange_user_id: str = ""
    password_env: str | None = None
    yes: bool = False


class Command(BaseCommand):
    """Adds people; the password is typed, or comes from the environment."""

    help = (
        "People: add, remove (take-off), end their sessions, close, reopen, delete, reset "
        "two-factor authentication."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one sub-command per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="add a person, or give one a role")
        add.add_argument("username")
        add.add_argument("email")
        add.add_argument(
            "--role", choices=[role for role, _ in Membership.Role.of_people()], required=True
        )
        add.add_argument("--on", metavar="CONNECTION", required=True)
        add.add_argument("--exchange-user-id", default="", help="id of their exchange user")
        add.add_argument("--password-env", metavar="VAR")
        off = verbs.add_parser("take-off", help="remove a person from a connection")
        off.add_argument("--on", metavar="CONNECTION", required=True)
        close = verbs.add_parser(
            "close", help="close a leaver's account: sessions, passwords and links stop working"
        )
        reopen = verbs.add_parser("reopen", help="open a closed account again, with a new password")
        reopen.add_argument("--password-env", metavar="VAR")
        delete = verbs.add_parser("delete", help="delete a person; their edits and notes stay")
        delete.add_argument("--yes", action="store_true", help="confirm: it cannot be undone")
        factor = verbs.add_parser("reset-factor", help="reset two-factor authentication")
        sessions = verbs.add_parser("end-sessions", help="sign a person out on every device")
        for verb in (off, close, reopen, delete, factor, sessions):
            verb.add_argument("person", help="their username or email address")

    def handle(self, *args: object, **options: object) -> None:
        """Run the verb. Raises CommandError with the reason of a PersonRefused."""
        verbs: dict[str, Callable[[PersonFlags], None]] = {
            "add": self.add_person,
            "take-off": self.take_off_person,
            "close": self.close_account,
            "reopen": self.reopen_account,
            "delete": self.delete_person,
            "reset-factor": self.reset_factor,
            "end-sessions": self.end_sessions,
        }
        flags = msgspec.convert(options, PersonFlags)
        try:
            with transaction.atomic():
                verbs[flags.verb](flags)
        except PersonRefused as exc:
            raise CommandError(str(exc)) from exc

    def add_person(self, flags: PersonFlags) -> None:
        """Add the person if they are new, and set their role."""
        account = _find_account(flags.on)
        known = User.objects.filter(username__iexact=flags.username).first()
        if known and not known.is_active:
            raise CommandError(f"{known.username} cannot sign in; see: manage.py person reopen")
        _check_flags(flags, known)
        user = known or self._create_user(flags)
        people.set_role(
            user=user,
            account=account,
            role=flags.role,
            exchange_user_id=flags.exchange_user_id.lower(),
            origin=audit.command_line(),
            now=timezone.now(),
        )
        became = "is now" if known else "was added as"
        self.stdout.write(f"{user.username} {became} {flags.role} of {account.name}.")

    def take_off_person(self, flags: PersonFlags) -> None:
        """Take the person off the connection."""
        user, account = _find_person(flags.person), _find_account(flags.on)
        membership = Membership.objects.filter(user=user, account=account).first()
        if membership is None:
            raise CommandError(f"{user.username} is not on {account.name}")
        origin, now = audit.command_line(), timezone.now()
        people.remove_member(membership=membership, origin=origin, now=now)
        self.stdout.write(f"{user.username} is no longer on {account.name}.")

    def close_account(self, flags: PersonFlags) -> None:
        """Close the account."""
        user = _find_person(flags.person)
        closed = people.close(user=user, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(f"{user.username}: {'closed' if closed else 'was already closed'}.")

    def reopen_account(self, flags: PersonFlags) -> None:
        """Reopen the account; without --password-env the person sets a password by email."""
        user = _find_person(flags.person)
        if not people.reopen(user=user, origin=audit.command_line(), now=timezone.now()):
            raise CommandError(f"the account of {user.username} is not closed")
        if flags.password_env:
            user.refresh_from_db()
            _set_password(user, flags.password_env)
            user.save(update_fields=["password"])
        self.stdout.write(
            f"{user.username}: reopened. Without --password-env they set a password under "
            "“Forgot your password?”."
        )

    def delete_person(self, flags: PersonFlags) -> None:
        """Delete the person; without --yes only say what that means."""
        user = _find_person(flags.person)
        if not flags.yes:
            raise CommandError(
                f"{user.username} is on {user.memberships.count()} connections. Nothing was "
                f"deleted; to delete them for good: person delete {user.username} --yes"
            )
        people.delete(user=user, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(f"{user.username}: deleted.")

    def reset_factor(self, flags: PersonFlags) -> None:
        """Remove the second factor and notify the person by email."""
        user, origin, now = _find_person(flags.person), audit.command_line(), timezone.now()
        if not people.reset_factor(user=user, origin=origin, now=now):
            raise CommandError(f"{user.username} has no two-factor authentication")
        security.notify_two_factor_reset(user=user, by=origin.name, now=now)
        self.stdout.write(
            f"{user.username}: two-factor authentication reset, sessions ended, email sent."
        )

    def end_sessions(self, flags: PersonFlags) -> None:
        """Sign the person out on every device."""
        user = _find_person(flags.person)
        ended = people.sign_out(user=user, origin=audit.command_line(), now=timezone.now())
        self.stdout.write(f"{user.username}: {'signed out' if ended else 'has no sessions'}.")

    def _create_user(self, flags: PersonFlags) -> User:
        user = User(username=flags.username, email=flags.email)
        _set_password(user, flags.password_env)
        try:
            user.full_clean()
        except ValidationError as exc:
            reasons = (
                f"{name}: {' '.join(messages)}" for name, messages in exc.message_dict.items()
            )
            raise CommandError(" ".join(reasons)) from exc
        user.save()
        origin, now = audit.command_line(), timezone.now()
        audit.record(kind=AuditKind.PERSON_ADDED, origin=origin, now=now, subject=user)
        return user


def _check_flags(flags: PersonFlags, known: User | None) -> None:
    """Refuse an address that is somebody else's or not this person's, and too long an id."""
    if known and known.email.casefold() != flags.email.casefold():
        raise CommandError(
            f"{known.username} has the email address {known.email}; people change it themselves, "
            "under My account"
        )
    holder = None if known else User.objects.filter(email__iexact=flags.email).first()
    if holder and flags.email:
        raise CommandError(f"{holder.username} already has the email address {holder.email}")
    longest = Membership._meta.get_field("exchange_user_id").max_length or 0
    if len(flags.exchange_user_id) > longest:
        raise CommandError(f"--exchange-user-id takes at most {longest} characters")


def _find_account(name: str) -> ExchangeAccount:
    account = ExchangeAccount.objects.filter(name=name).first()
    if account is None:
        raise CommandError(f"no connection is named {name}")
    return account


def _find_person(name: str) -> User:
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist as exc:
        raise CommandError(f"nobody has the username or email address {name}") from exc


def _set_password(user: User, variable: str | None) -> None:
    password = _read_password(variable)
    try:
        validate_password(password, user)
    except ValidationError as exc:
        raise CommandError(" ".join(exc.messages)) from exc
    user.set_password(password)


def _read_password(variable: str | None) -> str:
    """Read a password from the environment, or ask for it twice at a terminal."""
    if variable:
        if password := os.environ.get(variable, ""):
            return password
        raise CommandError(f"the environment variable {variable} is empty or not set")
    if not sys.stdin.isatty():
        raise CommandError(
            "no terminal to ask for a password; name an environment variable: --password-env"
        )
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password again: "):
        raise CommandError("the two passwords differ; nobody was added")
    return password
