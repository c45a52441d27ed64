"""How long the one-time survey links of a group last at its present pace. Pure functions.

Cint calls them respondent unique codes: everybody who is sent to the survey uses one, with or
without a complete. Cint pauses a group that has none left.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from dashboard.fielding.domain.goals import HasFillingGoal, completes_target
from dashboard.fielding.insight.document import Insight

HOUR = timedelta(hours=1)
FRESH_FOR = timedelta(days=1)  # links that were read before say nothing about now


class HasLinks(HasFillingGoal, Protocol):
    """A group, or a snapshot of it."""

    @property
    def links_total(self) -> int | None: ...
    @property
    def links_left(self) -> int | None: ...
    @property
    def links_read_at(self) -> datetime | None: ...
    @property
    def ends_at(self) -> datetime | None: ...


class LinksOutlook(NamedTuple):
    """What the links that are left still bring.

    hours: until they run out at the present pace. completes: that they are enough for. missing:
    how many links more the goal needs; 0 where they are enough, or without a goal. ends_before:
    whether the group ends before they run out.
    """

    hours: float
    completes: float
    missing: float
    ends_before: bool


def links_outlook(group: HasLinks, insight: Insight, *, now: datetime) -> LinksOutlook | None:
    """Return how long the links of a group last; None without links, completes or a pace."""
    total, left, read_at = group.links_total, group.links_left, group.links_read_at
    if not total or left is None or read_at is None or now - read_at > FRESH_FOR:
        return None
    pace = completes_an_hour(group, insight, now=now)
    if not group.completes or not pace:
        return None
    # A complete takes a link of its own at least; fewer were counted if the links were replaced.
    used_per_complete = max((total - left) / group.completes, 1.0)
    completes = left / used_per_complete
    goal = completes_target(group)
    to_goal = max(goal - group.completes, 0) if goal else 0
    hours = completes / pace
    ends_before = group.ends_at is not None and (group.ends_at - now) / HOUR <= hours
    return LinksOutlook(hours, completes, max(to_goal * used_per_complete - left, 0.0), ends_before)


def completes_an_hour(group: HasLinks, insight: Insight, *, now: datetime) -> float | None:
    """Return the present pace, by the group's week or else its forecast; None if not known."""
    if insight.rhythm is not None and insight.rhythm.rate:
        return insight.rhythm.rate
    at_end, ends_at = insight.completes_at_end, group.ends_at
    if at_end is None or ends_at is None or ends_at <= now:
        return None
    return max(at_end.p50 - (group.completes or 0), 0.0) / ((ends_at - now) / HOUR) or None
