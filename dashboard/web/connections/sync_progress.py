"""How far the first sync of a connection is, and what it has brought so far."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.fielding.models import ExchangeAccount, Item, TargetGroup
from dashboard.sync.pull import first_pull
from dashboard.sync.pull.first_pull import FirstPullProgress


@dataclass(frozen=True)
class SyncProgress:
    """The steps of a first sync, and the numbers of what can be opened already."""

    is_listed: bool  # whether the projects of the account were read
    is_done: bool
    pull: FirstPullProgress | None  # while projects are being read
    projects: int
    groups: int
    people: int
    items: int

    @property
    def percent(self) -> int:
        """Per cent of the groups that are read; of the projects while no number is known."""
        if self.is_done:
            return 100
        if self.pull is None:
            return 0
        done, of = self.pull.groups, self.pull.of_groups
        if not of:
            done, of = self.pull.projects, self.pull.of_projects
        return min(round(100 * done / of), 99) if of else 0


def sync_progress(account: ExchangeAccount) -> SyncProgress:
    """Return the progress of an account's first sync."""
    is_listed, pull = account.read_at is not None, first_pull.first_pull_progress(account)
    return SyncProgress(
        is_listed=is_listed,
        is_done=is_listed and pull is None,
        pull=pull,
        projects=account.projects.filter(missing_since=None).count(),
        groups=TargetGroup.objects.filter(account=account, missing_since=None).count(),
        people=account.exchange_users.count(),
        items=Item.objects.filter(account=account, state=Item.State.TO_DO).count(),
    )
