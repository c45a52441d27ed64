"""The value of an item: the completes that its remedy can still save within the time left."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.alerts.rules.survey_links import links_outlook
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import TargetGroup

HOUR = timedelta(hours=1)


def missing_completes(group: TargetGroup) -> float:
    """Return the completes missing from a group's goal; 0 without a goal."""
    goal = completes_target(group)
    return float(max(goal - (group.completes or 0), 0)) if goal else 0.0


def completes_by_resuming(group: TargetGroup, insight: Insight, *, now: datetime) -> float:
    """Return what a group that stands still would get by its end date if it went on now.

    After its end date, and where nothing is known of its pace, that is all that is missing.
    """
    missing = missing_completes(group)
    to_come = _completes_to_come(group, insight, now)
    return missing if to_come is None else min(max(to_come, 0.0), missing)


def completes_without_links(group: TargetGroup, insight: Insight, *, now: datetime) -> float:
    """Return the completes that a live group would still get after its survey links are used up;
    0 where it is not known how long they last."""
    outlook = links_outlook(group, insight, now=now)
    if outlook is None:
        return 0.0
    return max(completes_by_resuming(group, insight, now=now) - outlook.completes, 0.0)


def savable_completes(
    group: TargetGroup, insight: Insight, *, reach: float, now: datetime
) -> float:
    """Return the part of a live group's projected shortfall that a remedy can change.

    reach: how many completes the remedy can add, as a multiple of those that come without it.
    """
    short = group.short_at_end or 0.0
    to_come = _completes_to_come(group, insight, now)
    if short <= 0 or to_come is None or reach == float("inf"):
        return max(short, 0.0)
    return min(short, reach * max(to_come, 0.0))


def hours_of_slack(group: TargetGroup, insight: Insight, *, now: datetime) -> float | None:
    """Return the hours that a group can stand still and still reach its goal; None if unknown.

    Negative if it cannot reach its goal any more: then each hour costs completes.
    """
    if group.ends_at is None:
        return None
    left = max((group.ends_at - now) / HOUR, 0.0)
    rate = _completes_an_hour(group, insight, left, now)
    return left - missing_completes(group) / rate if rate else left


def _completes_to_come(group: TargetGroup, insight: Insight, now: datetime) -> float | None:
    """Return the completes until the end date at the usual pace; None if it is not known."""
    if group.ends_at is not None and group.ends_at <= now:
        return None
    at_end = insight.completes_at_end
    estimates = [] if at_end is None else [at_end.p50 - (group.completes or 0)]
    rhythm = insight.rhythm
    # A stall pulls the forecast down; the rhythm has the rate before it.
    if rhythm is not None and rhythm.rate and group.ends_at is not None:
        estimates.append(rhythm.rate * ((group.ends_at - now) / HOUR))
    return max(estimates, default=None)


def _completes_an_hour(
    group: TargetGroup, insight: Insight, hours_left: float, now: datetime
) -> float | None:
    if insight.rhythm is not None and insight.rhythm.rate:
        return insight.rhythm.rate
    to_come = _completes_to_come(group, insight, now)
    return max(to_come, 0.0) / hours_left if to_come else None
