"""Remove a connection with everything stored under it, in parts small enough for other work."""

from __future__ import annotations

from django.db.models import QuerySet

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup

AT_ONCE = 100  # groups, each with its whole history


def removal_summary(account: ExchangeAccount) -> dict[str, int]:
    """How many rows would be removed with the account, by what they are."""
    return {
        "project": account.projects.count(),
        "target group": TargetGroup.objects.filter(account=account).count(),
        "edit": account.edits.count(),
        "membership": account.memberships.count(),
    }


def remove_account(*, account: ExchangeAccount) -> None:
    """Remove an account for good. Polling stops immediately; if interrupted, call it again."""
    ExchangeAccount.objects.filter(pk=account.pk).update(polling=False)
    _delete_in_parts(TargetGroup.objects.filter(account=account))
    _delete_in_parts(Project.objects.filter(account=account))
    account.delete()


def _delete_in_parts(rows: QuerySet[TargetGroup] | QuerySet[Project]) -> None:
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.filter(pk__in=pks).delete()
