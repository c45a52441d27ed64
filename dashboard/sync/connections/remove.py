"""A connection that is given up: all that was stored under it goes, in parts that no page feels."""

from __future__ import annotations

from django.db.models import QuerySet

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup

AT_ONCE = 100  # groups, each with its whole history


def removal_summary(account: ExchangeAccount) -> dict[str, int]:
    """What goes with it, by its name."""
    return {
        "project": account.projects.count(),
        "target group": TargetGroup.objects.filter(account=account).count(),
        "edit": account.edits.count(),
        "membership": account.memberships.count(),
    }


def remove_account(*, account: ExchangeAccount) -> None:
    """Remove it for good. It is polled no more at once; what is cut short goes on when repeated."""
    ExchangeAccount.objects.filter(pk=account.pk).update(polling=False)
    _remove(TargetGroup.objects.filter(account=account))
    _remove(Project.objects.filter(account=account))
    account.delete()


def _remove(rows: QuerySet[TargetGroup] | QuerySet[Project]) -> None:
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows.filter(pk__in=pks).delete()
