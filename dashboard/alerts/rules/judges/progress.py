"""Completes that do not come, come too late, or exceed the goal."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation
from dashboard.alerts.rules.verdict import (
    BETWEEN,
    BREACH,
    CLEAR,
    NOTICE,
    AlertText,
    OpeningFacts,
    Settings,
    Verdict,
    breach_above,
    breach_below,
)
from dashboard.alerts.text import format_count, format_local_time, format_span
from dashboard.fielding.domain.goals import is_full
from dashboard.fielding.insight.at_end import GroupAtEnd

HOUR = timedelta(hours=1)
LOOKBACK = timedelta(days=14)


def expected_completes(
    group: GroupSnapshot, since: datetime, *, enough: float = float("inf")
) -> float | None:
    """Return the completes expected from `since` to now by the group's rhythm, up to `enough`.

    None without a rhythm. Hours and weekdays are those of the group's own time zone.
    """
    rhythm = group.insight.rhythm
    if rhythm is None or rhythm.rate is None or not rhythm.hours or not rhythm.days:
        return None
    zone, total, at = group.zone, 0.0, max(since, group.now - LOOKBACK)
    while at < group.now and total < enough:
        until = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, group.now)
        local = at.astimezone(zone)
        weight = rhythm.hours[local.hour] * rhythm.days[local.weekday()]
        total += rhythm.rate * weight * ((until - at) / HOUR)
        at = until
    return float(total)


def without_completes_since(group: GroupSnapshot) -> datetime | None:
    """Return since when no complete came while the group was live; None if not known."""
    if group.completes and group.last_complete_at is None:
        return None
    moments = [
        at for at in (group.last_complete_at, group.starts_at, group.status_changed_at) if at
    ]
    return max(moments) if moments else None


def judge_stalled(
    group: GroupSnapshot, settings: Settings, opening: OpeningFacts
) -> Verdict | None:
    """Judge a time without completes where some were expected; clear after a few new ones.

    None are expected of a group that waits at the limit of its soft launch.
    """
    if group.is_waiting:
        return CLEAR
    since = without_completes_since(group)
    if since is None or group.completes is None:
        return None
    if group.now - since >= timedelta(hours=settings["hours"]):
        expected = expected_completes(group, since, enough=settings["usual"])
        if expected is None:
            return None
        if expected >= settings["usual"]:
            return BREACH
    base = opening.get("base")
    has_recovered = base is None or not base <= group.completes < base + settings["clears"]
    return CLEAR if has_recovered else BETWEEN


def describe_stalled(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe how long no complete came, how many were expected, and where to look."""
    since = without_completes_since(group) or group.now
    span, expected = format_span(group.now - since), expected_completes(group, since) or 0
    hint = (
        f" {format_count(group.entered, 'entrant')} since then: check the survey link."
        if group.entered
        else ""
    )
    return AlertText(
        f"No completes for {span}: {group.label}, about {expected:.0f} expected",
        f"{group.label}: no completes for {span} (about {expected:.0f} expected).{hint} "
        f"{group.progress}.",
        ((f"completes in {span}", "0", f"about {expected:.0f} expected"),),
    )


def judge_projected_short(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge the projected completes at the end date as a share of the goal.

    Nothing is projected before the full launch.
    """
    if not group.launch.is_full_launch:
        return CLEAR
    at_end = group.at_end
    if at_end is None or not group.goal or (group.completes or 0) < settings["completes"]:
        return None
    return breach_below(at_end.p50 / group.goal, settings["fires"], settings["clears"])


def judge_ends_soon(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge as `judge_projected_short`, but only in the last hours before the end date."""
    if not group.launch.is_full_launch:
        return CLEAR
    at_end = group.at_end
    if at_end is None or not group.goal or group.ends_at is None or group.ends_at <= group.now:
        return None
    if group.ends_at - group.now > timedelta(hours=settings["hours"]):
        return CLEAR
    return breach_below(at_end.p50 / group.goal, settings["fires"], settings["clears"])


def describe_shortfall(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the projected shortfall with its range, and the end date."""
    goal, at_end = group.goal or 0, group.at_end
    short = round(at_end.shortfall or 0) if at_end else goal
    end = (
        format_local_time(group.ends_at, group.zone, now=group.now)
        if group.ends_at
        else "the end date"
    )
    low, high = _shortfall_range(at_end, goal)
    band = f" (range {low:,}–{high:,})" if high > low else ""
    return AlertText(
        f"Projected {short:,} short of {goal:,}: {group.label}, ends {end}",
        f"{group.label}: projected {short:,} short of {goal:,} on {end}{band}. "
        f"{group.progress} now.",
        (("completes by the end date", f"{at_end.p50 if at_end else 0:,.0f}", f"goal {goal:,}"),),
    )


def _shortfall_range(at_end: GroupAtEnd | None, goal: int) -> tuple[int, int]:
    """Return the shortfall at p90 and at p10 of the completes at the end date."""
    if at_end is None:
        return 0, 0
    return max(0, goal - round(at_end.p90)), max(0, goal - round(at_end.p10))


def judge_filling_early(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge how long before the end date the group is projected to fill.

    A group that is full does not fill any more, and one in its soft launch stops at its limit.
    """
    if is_full(group) or not group.launch.is_full_launch:
        return CLEAR
    if group.goal is not None and (group.completes or 0) >= group.goal:
        return CLEAR
    finish = group.projected_finish
    if finish is None or group.ends_at is None:
        return None
    hours = (group.ends_at - finish) / HOUR
    field_hours = (group.ends_at - group.starts_at) / HOUR if group.starts_at else 0.0
    fires = max(settings["fires"], settings["share"] * field_hours)
    return breach_above(hours, fires, min(settings["clears"], fires))


def describe_filling_early(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe when the group will fill, and how long before its end date."""
    finish, end = group.projected_finish or group.now, group.ends_at or group.now
    full, ends = (format_local_time(at, group.zone, now=group.now) for at in (finish, end))
    return AlertText(
        f"Filling early: {group.label} will fill {full}",
        f"{group.label}: will fill {full}, {format_span(end - finish)} before the end date. "
        f"{group.progress}.",
        (("projected finish", full, f"end date {ends}"),),
    )


def judge_overfilled(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge by how much the count that the limit applies to exceeds it."""
    done, goal = group.counted[:2]
    if done is None or not goal:
        return None
    return breach_above(done - goal, max(settings["completes"], settings["share"] * goal), 0)


def describe_overfilled(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe by how many the group is overfilled."""
    done, goal, unit = group.counted
    done, goal = done or 0, goal or 0
    return AlertText(
        f"Overfilled: {group.label}, {done - goal:,} over the goal of {goal:,}",
        f"{group.label}: overfilled by {format_count(done - goal, unit)} ({done:,} of {goal:,}).",
        ((f"{unit}s", f"{done:,}", f"goal {goal:,}"),),
    )


def judge_completes_fell(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge how many completes reconciliation removed within a day."""
    if group.completes is None:
        return None
    highest = group.most_completes or 0
    removed = (highest or group.completes) - group.completes
    if removed >= max(settings["completes"], settings["share"] * highest) and removed > 0:
        return Verdict(Observation.BREACH, NOTICE)
    return CLEAR


def describe_completes_fell(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe how many completes were removed."""
    before, now = group.most_completes or 0, group.completes or 0
    removed = format_count(before - now, "complete")
    return AlertText(
        f"Reconciled: {group.label}, {removed} removed",
        f"{group.label}: reconciliation removed {removed} within a day ({before:,} → {now:,}). "
        f"{group.progress}.",
        (("completes", f"{now:,}", f"{before:,} before"),),
    )
