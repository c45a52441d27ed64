"""Which groups count in a sum: the same ones on every page, in every file and mail."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from django.db.models import Q

# A draft was never ordered, and an archived group is put away; neither is part of the plan.
OUTSIDE_PLAN = ("draft", "archived")
# What may still bring completes.
OPEN_STATUSES = ("scheduled", "live", "paused")
# Actor types of the exchange itself: its automation and its staff.
AUTOMATION = "system_user"
THE_EXCHANGE = (AUTOMATION, "system_marketplace_user")
LISTED = Q(missing_since=None)
IN_PLAN = LISTED & ~Q(status__in=OUTSIDE_PLAN)


class HasEnd(Protocol):
    """What says whether a group is over."""

    @property
    def status(self) -> str: ...
    @property
    def ends_at(self) -> datetime | None: ...


class HasPeriod(HasEnd, Protocol):
    """What says whether a group counts, and whether it is over."""

    @property
    def missing_since(self) -> datetime | None: ...


def is_in_plan(group: HasPeriod) -> bool:
    """Whether a group counts in goals, completes and projections.

    Scheduled, live, paused and completed groups do; drafts, archived groups and those that the
    exchange no longer lists do not. In SQL: `IN_PLAN`.
    """
    return group.missing_since is None and group.status not in OUTSIDE_PLAN


def is_open(group: HasEnd, now: datetime) -> bool:
    """Whether a group can still bring completes: neither completed nor past its end date."""
    return group.status in OPEN_STATUSES and (group.ends_at is None or group.ends_at > now)
