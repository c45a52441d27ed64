"""Progress of an account's first pull, until every project was read."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count, Q, Sum

from dashboard.fielding.models import ExchangeAccount, TargetGroup

UNREAD = Q(read_at=None, error="") | Q(pass_started_at__isnull=False)


class FirstPullProgress(NamedTuple):
    """How many projects and groups were read completely, out of how many."""

    projects: int
    of_projects: int
    groups: int
    of_groups: int

    def __str__(self) -> str:
        projects = f"{self.projects:,} of {self.of_projects:,} projects"
        if not self.of_groups:  # no project has reported its number yet
            return projects
        return f"{projects}, {self.groups:,} of {self.of_groups:,} groups"


def first_pull_progress(account: ExchangeAccount) -> FirstPullProgress | None:
    """Progress of the first pull; None if it is done or has not listed the projects yet."""
    if account.first_pull_completed_at is not None:
        return None
    listed = account.projects.filter(missing_since=None).aggregate(
        all=Count("pk"), unread=Count("pk", filter=UNREAD), groups=Sum("group_count")
    )
    if not listed["unread"]:
        return None
    stored = TargetGroup.objects.filter(account=account, missing_since=None)
    groups = stored.aggregate(all=Count("pk"), failed=Count("pk", filter=Q(retry_at__isnull=False)))
    return FirstPullProgress(
        projects=listed["all"] - listed["unread"],
        of_projects=listed["all"],
        groups=groups["all"] - groups["failed"],
        of_groups=max(listed["groups"] or 0, groups["all"]),
    )


def is_first_pull_done(account: ExchangeAccount) -> bool:
    """Whether every project that the exchange lists was read, or refused to be."""
    return not account.projects.filter(UNREAD, missing_since=None).exists()
