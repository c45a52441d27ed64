"""One-time survey links that run out before the goal is reached."""

from __future__ import annotations

import math

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.survey_links import links_outlook
from dashboard.alerts.rules.verdict import (
    CLEAR,
    AlertText,
    OpeningFacts,
    Settings,
    Verdict,
    breach_below,
)
from dashboard.alerts.text import format_count
from dashboard.fielding.domain.goals import is_full

DAYS_FROM = 72  # hours: from there on a time is given in days


def judge_links_run_out(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge how many hours the links last, where the goal needs more than are left.

    Nothing is missing where the group ends before its links do, or waits for its full launch.
    """
    if group.links_total is None:
        return None
    if not group.links_total or is_full(group) or not group.launch.is_full_launch:
        return CLEAR
    outlook = links_outlook(group, group.insight, now=group.now)
    if outlook is None or (group.completes or 0) < settings["completes"]:
        return None
    if outlook.missing < 1 or outlook.ends_before:
        return CLEAR
    return breach_below(outlook.hours, settings["fires"], settings["clears"])


def describe_links_run_out(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe how many links are left, how long they last, and how many more are needed."""
    left = group.links_left or 0
    count = f"{left:,} of {format_count(group.links_total or 0, 'link')} left"
    outlook = links_outlook(group, group.insight, now=group.now)
    if outlook is None:
        return AlertText(
            f"Survey links run out: {group.label}, {count}", f"{group.label}: {count}."
        )
    missing, lasting = f"about {round_up(outlook.missing):,} more", _format_hours(outlook.hours)
    at_pace = f": {lasting} at the present pace" if left else ""
    return AlertText(
        f"Survey links run out: {group.label}, {count}" + (f", {lasting}" if left else ""),
        f"{group.label}: {count}{at_pace}; the goal needs {missing}.",
        (("survey links left", f"{left:,}", f"{missing} needed"),),
    )


def _format_hours(hours: float) -> str:
    """Return how long the links last: less than an hour, about 9 hours, about 4 days."""
    if hours < 1:
        return "less than an hour"
    if hours >= DAYS_FROM:
        return f"about {hours / 24:.0f} days"
    return f"about {format_count(round(hours), 'hour')}"


def round_up(count: float) -> int:
    """Return an estimate of a number of links with two digits, rounded up: 583 becomes 590."""
    whole = math.ceil(count)
    step = int(10 ** max(len(str(whole)) - 2, 0))
    return -(-whole // step) * step
