"""Groups that do not run: paused by the exchange, or by a person who forgot."""

from __future__ import annotations

from datetime import timedelta

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import BREACH, CLEAR, NOTICE, Memory, Settings, Verdict, Words
from dashboard.alerts.text import format_local_time, format_minutes, format_percent, pause_cause
from dashboard.fielding.models import TargetGroup

AUTOMATION = "system_user"
# Automation and staff: whoever of the exchange did it, no colleague did.
THE_EXCHANGE = (AUTOMATION, "system_marketplace_user")
ENDS = ("total_completes_reached", "past_scheduled_end_date")
CLEARLY = 0.1  # of what was agreed: how far off a figure is that explains a pause
LIVE = TargetGroup.Status.LIVE.value


def by_exchange(f: GroupSnapshot) -> bool | None:
    """Whether the exchange itself changed the status last; None while nobody knows."""
    if f.status_reason or f.status_changed_by in THE_EXCHANGE:
        return True
    return False if f.status_changed_by else None


def paused_by_exchange(f: GroupSnapshot, _: Settings, __: Memory) -> Verdict | None:
    """Breached while paused by the exchange; a mere notice where it has all it should."""
    if f.status == LIVE:
        return CLEAR
    theirs = by_exchange(f)
    if theirs is None:
        return None
    if theirs and f.status_reason in ENDS and not _short(f):
        return BREACH._replace(severity=NOTICE)
    return BREACH if theirs else CLEAR


def say_paused_by_exchange(f: GroupSnapshot, _: Settings) -> Words:
    """Why, with the figure that did it and what it should be."""
    cause = pause_cause(f.status_reason)
    figure = _figure_of(f)
    why = f"{figure[0]} {figure[1]} (agreed {figure[2]})" if figure else cause.what
    since = (
        f" {format_local_time(f.status_changed_at, f.zone, now=f.now)}"
        if f.status_changed_at
        else ""
    )
    return Words(
        f"Paused: {f.label}, {why}",
        f"{f.label}: paused by the exchange{since}; {cause.what}"
        + (f", {why}" if figure else "")
        + f"; {f.progress}. What helps: {cause.advice}.",
        tuple(filter(None, (figure, _so_far(f)))),
    )


def _figure_of(f: GroupSnapshot) -> tuple[str, str, str] | None:
    """The figure behind a reason code, where it is past what was agreed.

    Over a group's whole life it may hardly be, although it was over the hours that the exchange
    saw: then it would only puzzle.
    """
    seen, agreed = (f.median_loi_seconds or 0) / 60, f.expected_loi_minutes or 0
    if f.status_reason == "high_median_loi" and seen > agreed * (1 + CLEARLY) > 0:
        return ("interview", format_minutes(seen * 60), str(agreed))
    if f.status_reason == "high_client_side_termination_rate" and f.incidence_rate is not None:
        wanted = f.expected_incidence_rate or 0
        if f.incidence_rate < wanted * (1 - CLEARLY):
            return ("incidence", format_percent(f.incidence_rate), format_percent(wanted))
    return None


def paused_and_forgotten(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """Breached while a person's pause is old, the end is near, and completes are missing."""
    if f.status == LIVE:
        return CLEAR
    if by_exchange(f) is not False or not f.status_changed_at or not f.ends_at:
        return None
    old = f.now - f.status_changed_at >= timedelta(hours=s["paused_hours"])
    near = f.now < f.ends_at <= f.now + timedelta(hours=s["ends_hours"])
    return BREACH if old and near and _short(f) else CLEAR


def say_paused_and_forgotten(f: GroupSnapshot, _: Settings) -> Words:
    """Since when it is paused, and when it ends."""
    since = (
        format_local_time(f.status_changed_at, f.zone, now=f.now)
        if f.status_changed_at
        else "long ago"
    )
    end = format_local_time(f.ends_at, f.zone, now=f.now) if f.ends_at else "soon"
    return Words(
        f"Still paused: {f.label}, {f.progress}, ends {end}",
        f"{f.label}: paused by a person since {since} and ends {end}; {f.progress}.",
        (_so_far(f),),
    )


def _short(f: GroupSnapshot) -> bool:
    return f.completes is not None and f.goal is not None and f.completes < f.goal


def _so_far(f: GroupSnapshot) -> tuple[str, str, str]:
    goal = f"{f.goal:,} at its end" if f.goal else ""
    return ("completes", f"{f.completes or 0:,}", goal)
