"""Groups that are not live: paused by the exchange, or left paused by a person."""

from __future__ import annotations

from datetime import timedelta

from django.utils.text import capfirst

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import (
    BREACH,
    CLEAR,
    NOTICE,
    AlertText,
    OpeningFacts,
    Settings,
    Verdict,
)
from dashboard.alerts.text import format_local_time, pause_cause
from dashboard.fielding.domain.figures import (
    format_interview_length,
    format_limit,
    format_percent,
    format_percent_limit,
)
from dashboard.fielding.domain.scope import THE_EXCHANGE
from dashboard.fielding.insight.launch_phase import reason_of_pause
from dashboard.fielding.models import TargetGroup

END_REASONS = ("total_completes_reached", "past_scheduled_end_date")
MARGIN = 0.1  # of the bid: how far off a figure must be to explain a pause
LIVE = TargetGroup.Status.LIVE.value


def is_by_exchange(group: GroupSnapshot) -> bool | None:
    """Return whether the exchange itself changed the status last; None if not known."""
    if group.status_reason or group.status_changed_by in THE_EXCHANGE:
        return True
    return False if group.status_changed_by else None


def judge_paused_by_exchange(group: GroupSnapshot, _: Settings, __: OpeningFacts) -> Verdict | None:
    """Judge a pause by the exchange; only a notice if the group ended and is not short."""
    if group.status == LIVE:
        return CLEAR
    by_exchange = is_by_exchange(group)
    if by_exchange is None:
        return None
    if by_exchange and group.status_reason in END_REASONS and not _is_short(group):
        return BREACH._replace(severity=NOTICE)
    return BREACH if by_exchange else CLEAR


def describe_paused_by_exchange(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the cause of the pause, the figure behind it against its bid, and the fix."""
    cause = pause_cause(reason_of_pause(group.status_reason, group.launch))
    figure = _figure_behind_pause(group)
    name = f"{figure[0]} " if figure and figure[0] not in cause.label else ""
    detail = f" ({name}{figure[1]} · {figure[2]})" if figure else ""
    since = (
        f" since {format_local_time(group.status_changed_at, group.zone, now=group.now)}"
        if group.status_changed_at
        else ""
    )
    return AlertText(
        f"Paused: {group.label}, {cause.label}{detail}",
        f"{group.label}: paused by Cint{since}: {cause.label}{detail}. {group.progress}. "
        f"{capfirst(cause.advice)}.",
        tuple(filter(None, (figure, _completes_row(group)))),
    )


def _figure_behind_pause(group: GroupSnapshot) -> tuple[str, str, str] | None:
    """Return the figure behind a reason code as (label, actual, its bid), if it is off its bid.

    The lifetime figure can be near its bid although it was off in the hours that the exchange
    looked at; shown then, it would seem to contradict the reason.
    """
    loi, bid_loi = (group.median_loi_seconds or 0) / 60, group.expected_loi_minutes or 0
    if group.status_reason == "high_median_loi" and loi > bid_loi * (1 + MARGIN) > 0:
        return ("LOI", format_interview_length(loi * 60, None), f"bid {format_limit(bid_loi)}")
    if (
        group.status_reason == "high_client_side_termination_rate"
        and group.incidence_rate is not None
    ):
        bid_rate = group.expected_incidence_rate or 0
        if group.incidence_rate < bid_rate * (1 - MARGIN):
            rate = format_percent(group.incidence_rate, beside=bid_rate)
            return ("IR", rate, f"bid {format_percent_limit(bid_rate)}")
    return None


def judge_left_paused(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge a manual pause: breached if it is old, the end date is near and the group short."""
    if group.status == LIVE:
        return CLEAR
    if is_by_exchange(group) is not False or not group.status_changed_at or not group.ends_at:
        return None
    is_old = group.now - group.status_changed_at >= timedelta(hours=settings["paused_hours"])
    is_near = group.now < group.ends_at <= group.now + timedelta(hours=settings["ends_hours"])
    return BREACH if is_old and is_near and _is_short(group) else CLEAR


def describe_left_paused(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe since when the group is paused, and its end date."""
    since = (
        f" since {format_local_time(group.status_changed_at, group.zone, now=group.now)}"
        if group.status_changed_at
        else ""
    )
    end = (
        format_local_time(group.ends_at, group.zone, now=group.now) if group.ends_at else "not set"
    )
    return AlertText(
        f"Left paused: {group.label}, {group.progress}, end date {end}",
        f"{group.label}: paused manually{since}; end date {end}. {group.progress}.",
        (_completes_row(group),),
    )


def _is_short(group: GroupSnapshot) -> bool:
    return group.completes is not None and group.goal is not None and group.completes < group.goal


def _completes_row(group: GroupSnapshot) -> tuple[str, str, str]:
    goal = f"goal {group.goal:,}" if group.goal else ""
    return ("completes", f"{group.completes or 0:,}", goal)
