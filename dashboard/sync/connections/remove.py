"""Remove a connection with everything stored under it, in parts small enough for other work."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from dashboard.fielding import audit
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import (
    AuditKind,
    ExchangeAccount,
    Membership,
    Project,
    TargetGroup,
    User,
)

AT_ONCE = 100  # groups, each with its whole history


def removal_summary(account: ExchangeAccount) -> dict[str, int]:
    """How many rows would be removed with the account, by what they are."""
    return {
        "project": account.projects.count(),
        "target group": TargetGroup.objects.filter(account=account).count(),
        "edit": account.edits.count(),
        "membership": account.memberships.count(),
    }


def describe_removal(account: ExchangeAccount) -> str:
    """What would be removed with the account, in words: `1 project, 36 target groups, …`."""
    held = removal_summary(account).items()
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for noun, count in held)


def start_removal(*, account: ExchangeAccount, origin: Origin, now: datetime) -> None:
    """Hide a connection and stop its polling; `finish_removal` deletes its rows.

    Its name is free immediately. Administrators who are left without a connection may add one.
    """
    held = describe_removal(account)
    with transaction.atomic():
        rows = ExchangeAccount.objects.filter(pk=account.pk, removed_at=None)
        name = f"{account.name[:40]} (removed {account.pk})"
        if not rows.update(removed_at=now, due_at=now, polling=False, name=name):
            return
        audit.record(
            kind=AuditKind.CONNECTION_REMOVED,
            origin=origin,
            now=now,
            account=account,
            details={"held": held},
        )
        memberships = Membership.objects.filter(account=account)
        administrators = memberships.filter(role=Membership.Role.ADMINISTRATOR).values("user")
        elsewhere = Membership.objects.filter(user=OuterRef("pk")).exclude(account=account)
        User.objects.filter(~Exists(elsewhere), pk__in=administrators, is_active=True).update(
            may_add_connections=not account.is_demo
        )
        memberships.delete()


def pending_removals() -> list[int]:
    """Keys of the connections that were removed and whose rows are not all deleted yet."""
    rows = ExchangeAccount.objects.exclude(removed_at=None)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def finish_removal(pk: int) -> None:
    """Delete the rows of a connection that was removed; nothing for any other."""
    account = ExchangeAccount.objects.exclude(removed_at=None).filter(pk=pk).first()
    if account:
        remove_account(account=account)


def remove_account(*, account: ExchangeAccount) -> None:
    """Remove an account for good. Polling stops immediately; if interrupted, call it again."""
    ExchangeAccount.objects.filter(pk=account.pk).update(polling=False)
    _delete_in_parts(TargetGroup.objects.filter(account=account))
    _delete_in_parts(Project.objects.filter(account=account))
    account.delete()


def _delete_in_parts(rows: QuerySet[TargetGroup] | QuerySet[Project]) -> None:
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.filter(pk__in=pks).delete()
