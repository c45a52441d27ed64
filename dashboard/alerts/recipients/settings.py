"""Recipient settings of an account, a project or a group: managers, roles, additional addresses.

An additional address belongs to a person who gets mail and cannot sign in, with a digest, quiet
hours and one-click unsubscribe like everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from dashboard.alerts.rules.settings import scope_of
from dashboard.fielding.models import (
    ExchangeAccount,
    Membership,
    Project,
    Rule,
    TargetGroup,
    User,
)

CODE = "recipients"
ROLES = (Membership.Role.VIEWER, Membership.Role.EDITOR, Membership.Role.ADMINISTRATOR)


class RecipientChoice(NamedTuple):
    """Who is notified; if nobody of these is left, all editors are."""

    managers: bool = True
    roles: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()  # in lower case


class Recipients:
    """The recipient settings of an account's scopes; only the nearest one applies."""

    def __init__(self, rows: Iterable[Rule]) -> None:
        self._by_scope = {row.scope: _choice_of(row) for row in rows}

    @classmethod
    def of(cls, account_id: int) -> Recipients:
        """Load the settings of an account in one query."""
        return cls(Rule.objects.filter(account_id=account_id, code=CODE))

    def choice_for(self, project_id: int | None, group_id: int | None) -> RecipientChoice:
        """Return the settings that apply to a group, a project, or the account itself."""
        for scope in (f"group:{group_id}", f"project:{project_id}", "account"):
            if scope in self._by_scope:
                return self._by_scope[scope]
        return RecipientChoice()


def _choice_of(row: Rule) -> RecipientChoice:
    return RecipientChoice(
        bool(row.settings.get("managers")),
        tuple(row.settings.get("roles", ())),
        tuple(row.settings.get("addresses", ())),
    )


def set_recipients(
    *,
    account: ExchangeAccount,
    choice: RecipientChoice,
    by: User,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
) -> None:
    """Store the recipients of a scope.

    ValueError for an address of a user without access to this account, who would see it by mail;
    for one of a closed user account; and for one that is new to the account unless `by`
    administers it: only administrators may send an account's data to outside addresses.
    """
    scope = scope_of(project, group)
    with transaction.atomic():
        row, created = Rule.objects.get_or_create(
            account=account,
            scope=scope,
            code=CODE,
            defaults={"project": project, "group": group, "settings": choice._asdict()}
            | {"edited_by": by, "edited_at": now},
        )
        if not created:
            Rule.objects.filter(pk=row.pk).update(
                settings=choice._asdict(), version=F("version") + 1, edited_by=by, edited_at=now
            )
        _add_addresses(account, choice.addresses, by=by)
        _drop_addresses(account)


def inherit_recipients(*, account: ExchangeAccount, scope: str) -> None:
    """Delete the settings of a scope: those of the next wider scope apply again."""
    with transaction.atomic():
        Rule.objects.filter(account=account, scope=scope, code=CODE).delete()
        _drop_addresses(account)


def _add_addresses(account: ExchangeAccount, addresses: Iterable[str], *, by: User) -> None:
    """Add addresses to the account for mail only; new ones only by its administrators."""
    memberships = Membership.objects.filter(account=account).select_related("user")
    new = sorted(set(addresses) - {member.user.email.lower() for member in memberships})
    if new and not memberships.filter(user=by, role=Membership.Role.ADMINISTRATOR).exists():
        raise ValueError(
            f"{new[0]} is new to this account: only administrators of the account can add "
            "addresses of people who cannot sign in"
        )
    for address in new:
        Membership.objects.create(
            user=_mail_only_user(address), account=account, role=Membership.Role.MAIL
        )


def _drop_addresses(account: ExchangeAccount) -> None:
    """Remove mail-only addresses from the account that no setting uses any more."""
    rows = Rule.objects.filter(account=account, code=CODE)
    used = {address for row in rows for address in _choice_of(row).addresses}
    mail_only = Membership.objects.filter(account=account, role=Membership.Role.MAIL)
    for member in mail_only.select_related("user"):
        if member.user.email.lower() not in used:
            member.delete()


def _mail_only_user(address: str) -> User:
    """Return the user of an address without sign-in; ValueError if that cannot be."""
    user = User.objects.filter(email__iexact=address).first()
    if user and user.closed_at:
        raise ValueError(f"{address} belongs to a closed user account, which gets no email")
    if user and user.is_active:
        raise ValueError(
            f"{address} belongs to a Fieldwatch user without access to this account: an "
            "administrator can invite them"
        )
    if user is None:
        user = User(username=address[:150], email=address, is_active=False)
        user.set_unusable_password()
        user.save()
    return user
