"""Store connections: add one, or change its settings. What they are is validated here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from dashboard.fielding import audit, people
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import AuditKind, ExchangeAccount, Membership, User, Webhook
from dashboard.sync import scheduling

# The columns of a connection that was never read.
_UNREAD = {
    "health": ExchangeAccount.Health.NEW,
    "health_reason": "",
    "read_at": None,
    "names_at": None,
    "first_pull_completed_at": None,
    "attempts": 0,
}


class ConnectionRefused(Exception):
    """Settings that cannot be stored: one reason per column, for the person who typed them."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(" ".join(reasons.values()))
        self.reasons = dict(reasons)


def add_connection(
    *, account: ExchangeAccount, origin: Origin, now: datetime, administrator: User | None = None
) -> ExchangeAccount:
    """Store a new connection, which is due now; the person becomes its administrator.

    Raises ConnectionRefused.
    """
    check_settings(account=account, now=now)
    account.due_at = now
    host = urlsplit(account.base_url).netloc
    try:
        with transaction.atomic():
            account.save()
            _record(AuditKind.CONNECTION_ADDED, account, origin, now, to=host)
            if administrator:
                _make_administrator(administrator, account, origin, now)
    except IntegrityError as exc:  # somebody else has just stored this name
        raise ConnectionRefused({"name": _name_taken(account)}) from exc
    return account


def _make_administrator(
    user: User, account: ExchangeAccount, origin: Origin, now: datetime
) -> None:
    """Give the role, which is from now on the right to add connections."""
    role = Membership.Role.ADMINISTRATOR
    people.set_role(user=user, account=account, role=role, origin=origin, now=now)
    User.objects.filter(pk=user.pk).update(may_add_connections=False)


def _name_taken(account: ExchangeAccount) -> str:
    return f"There is already a connection named {account.name}."


def check_settings(*, account: ExchangeAccount, now: datetime) -> None:
    """Raise ConnectionRefused if a connection, new or changed, could not be stored as it is."""
    if account.pk is None and ExchangeAccount.objects.filter(name__iexact=account.name).exists():
        raise ConnectionRefused({"name": _name_taken(account)})
    _check_account(account)
    stored = ExchangeAccount.objects.filter(pk=account.pk).first()
    if stored and stored.exchange_id != account.exchange_id:
        _check_unread(stored, now)
    _validate(account)


@transaction.atomic
def change_connection(
    *, account: ExchangeAccount, columns: Mapping[str, object], origin: Origin, now: datetime
) -> None:
    """Store these columns of a connection and make it due now.

    Raises ConnectionRefused, also for another account id once something was read.
    """
    changed = dict(columns)
    if changed.get("exchange_id", account.exchange_id) != account.exchange_id:
        _check_unread(ExchangeAccount.objects.select_for_update().get(pk=account.pk), now)
        changed |= _UNREAD
    for name, value in changed.items():
        setattr(account, name, value)
    if changed.keys() & {"exchange_id", "base_url"}:
        _check_account(account)
    account.due_at = now
    _validate(account)
    account.save(update_fields=[*changed, "due_at"])
    if changed.keys() & audit.CREDENTIALS:
        _record(AuditKind.CONNECTION_KEY_CHANGED, account, origin, now)
    plain = sorted(changed.keys() - _UNREAD.keys() - audit.CREDENTIALS)
    if plain:
        values = {name: str(changed[name]) for name in plain}
        _record(AuditKind.CONNECTION_CHANGED, account, origin, now, **values)


def _check_account(account: ExchangeAccount) -> None:
    """Refuse an account id that is no number, and an account that another connection reads."""
    if account.exchange_id and not re.fullmatch(r"[0-9]+", account.exchange_id):
        raise ConnectionRefused({"exchange_id": "An account id is a number, such as 101."})
    others = ExchangeAccount.objects.filter(removed_at=None).exclude(pk=account.pk)
    same = others.filter(exchange_id=account.exchange_id, base_url__iexact=account.base_url).first()
    if same:
        reason = f"{same.name} already reads account {account.exchange_id} at this address."
        raise ConnectionRefused({"exchange_id": reason})


def _check_unread(account: ExchangeAccount, now: datetime) -> None:
    """Refuse another account id once something was read: accounts must not mix."""
    tables = (account.projects, account.exchange_users, account.business_units)
    if any(rows.exists() for rows in tables):
        reason = (
            f"{account.name} already holds data of account {account.exchange_id}, which must not "
            "be mixed with another account's. Add that account as a new connection."
        )
        raise ConnectionRefused({"exchange_id": reason})
    if Webhook.objects.filter(account=account).exclude(registered_at=None).exists():
        reason = (
            f"{account.name} has a webhook at account {account.exchange_id}. Remove it first, on "
            f"the page of the connection or with: exchange webhook {account.name} remove"
        )
        raise ConnectionRefused({"exchange_id": reason})
    working = account.lease not in ("", scheduling.QUEUED)
    if working and account.leased_until and account.leased_until > now:
        reason = f"{account.name} is being synced at the moment. Try again in a minute."
        raise ConnectionRefused({"exchange_id": reason})


def _validate(account: ExchangeAccount) -> None:
    try:
        account.full_clean()
    except ValidationError as exc:
        reasons = {name: " ".join(words) for name, words in exc.message_dict.items()}
        raise ConnectionRefused(reasons) from exc


def _record(
    kind: AuditKind, account: ExchangeAccount, origin: Origin, now: datetime, **details: object
) -> None:
    audit.record(kind=kind, origin=origin, now=now, account=account, details=details)
