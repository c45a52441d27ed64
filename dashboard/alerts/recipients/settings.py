"""Who an account, a project or a group wants told: project managers, roles, further addresses.

A further address is somebody who gets mail and cannot sign in; they have the digest, quiet hours
and one-click stop of everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F

from dashboard.alerts.rules.settings import scope_of
from dashboard.fielding.models import ExchangeAccount, Membership, Project, TargetGroup, User
from dashboard.fielding.models import Rule as Row

CODE = "recipients"
ROLES = (Membership.Role.VIEWER, Membership.Role.EDITOR, Membership.Role.ADMINISTRATOR)


class Wanted(NamedTuple):
    """Who is told; without anybody left of these, everybody who may edit is."""

    managers: bool = True
    roles: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()  # in lower case


class Recipients:
    """What an account's scopes say; the nearest one holds whole."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_scope = {row.scope: _read(row) for row in rows}

    @classmethod
    def of(cls, account_id: int) -> Recipients:
        """In one query."""
        return cls(Row.objects.filter(account_id=account_id, code=CODE))

    def wanted(self, project_id: int | None, group_id: int | None) -> Wanted:
        """Who is told of a group, a project, or the account itself."""
        for scope in (f"group:{group_id}", f"project:{project_id}", "account"):
            if scope in self._by_scope:
                return self._by_scope[scope]
        return Wanted()


def _read(row: Row) -> Wanted:
    kept: dict[str, Any] = row.settings
    return Wanted(
        bool(kept.get("managers")),
        tuple(kept.get("roles", ())),
        tuple(kept.get("addresses", ())),
    )


def set_recipients(
    *,
    account: ExchangeAccount,
    wanted: Wanted,
    by: User,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
) -> None:
    """Say who is told from now on.

    ValueError for an address of somebody who signs in, but not on this account: as a mere address
    they would see it; for one of a closed account; and for one that is new to the account, unless
    `by` administers it: mail about an account leaves the company only by its administrators.
    """
    scope = scope_of(project, group)
    with transaction.atomic():
        row, created = Row.objects.get_or_create(
            account=account,
            scope=scope,
            code=CODE,
            defaults={"project": project, "group": group, "settings": wanted._asdict()}
            | {"edited_by": by, "edited_at": now},
        )
        if not created:
            Row.objects.filter(pk=row.pk).update(
                settings=wanted._asdict(), version=F("version") + 1, edited_by=by, edited_at=now
            )
        _add_addresses(account, wanted.addresses, by=by)
        _drop_addresses(account)


def inherit_recipients(*, account: ExchangeAccount, scope: str) -> None:
    """Forget what a scope says: the next wider one holds."""
    with transaction.atomic():
        Row.objects.filter(account=account, scope=scope, code=CODE).delete()
        _drop_addresses(account)


def _add_addresses(account: ExchangeAccount, addresses: Iterable[str], *, by: User) -> None:
    """Put further addresses on the account for mail alone; only its administrators add new ones."""
    here = Membership.objects.filter(account=account).select_related("user")
    new = sorted(set(addresses) - {one.user.email.lower() for one in here})
    if new and not here.filter(user=by, role=Membership.Role.ADMINISTRATOR).exists():
        raise ValueError(
            f"{new[0]} is new here: only administrators of the account add addresses of people "
            "who do not sign in"
        )
    for address in new:
        Membership.objects.create(
            user=_addressee(address), account=account, role=Membership.Role.MAIL
        )


def _drop_addresses(account: ExchangeAccount) -> None:
    """Take addresses off the account that are there for mail alone and that nothing names."""
    rows = Row.objects.filter(account=account, code=CODE)
    named = {address for row in rows for address in _read(row).addresses}
    mail_only = Membership.objects.filter(account=account, role=Membership.Role.MAIL)
    for one in mail_only.select_related("user"):
        if one.user.email.lower() not in named:
            one.delete()


def _addressee(address: str) -> User:
    """Somebody who gets mail and cannot sign in."""
    user = User.objects.filter(email__iexact=address).first()
    if user and user.closed_at:
        raise ValueError(f"{address} belongs to somebody whose account is closed: they get no mail")
    if user and user.is_active:
        raise ValueError(f"{address} signs in here: an administrator can invite them")
    if user is None:
        user = User(username=address[:150], email=address, is_active=False)
        user.set_unusable_password()
        user.save()
    return user
