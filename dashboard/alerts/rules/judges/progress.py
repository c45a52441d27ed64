"""Completes that do not come, come too late, or come too many."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.state_machine import Observation
from dashboard.alerts.rules.verdict import (
    BETWEEN,
    BREACH,
    CLEAR,
    NOTICE,
    Memory,
    Settings,
    Verdict,
    Words,
    breach_above,
    breach_below,
)
from dashboard.alerts.text import format_local_time, format_span

HOUR = timedelta(hours=1)
LOOKS_BACK = timedelta(days=14)


def usual_completes(
    f: GroupSnapshot, since: datetime, *, enough: float = float("inf")
) -> float | None:
    """Completes that are usual from `since` to now by the group's rhythm; stops at `enough`.

    None without a rhythm. Hours and weekdays are those of the group's own zone.
    """
    rhythm = f.insight.rhythm
    if rhythm is None or rhythm.rate is None or not rhythm.hours or not rhythm.days:
        return None
    zone, total, at = f.zone, 0.0, max(since, f.now - LOOKS_BACK)
    while at < f.now and total < enough:
        until = min(at.replace(minute=0, second=0, microsecond=0) + HOUR, f.now)
        there = at.astimezone(zone)
        weight = rhythm.hours[there.hour] * rhythm.days[there.weekday()]
        total += rhythm.rate * weight * ((until - at) / HOUR)
        at = until
    return float(total)


def quiet_since(f: GroupSnapshot) -> datetime | None:
    """Since when no complete came while it was live; None where that is not known."""
    if f.completes and f.last_complete_at is None:
        return None
    marks = [m for m in (f.last_complete_at, f.starts_at, f.status_changed_at) if m]
    return max(marks) if marks else None


def judge_stalled(f: GroupSnapshot, s: Settings, memory: Memory) -> Verdict | None:
    """No complete where some are usual; clear after a few new ones."""
    since = quiet_since(f)
    if since is None or f.completes is None:
        return None
    if f.now - since >= timedelta(hours=s["hours"]):
        expected = usual_completes(f, since, enough=s["usual"])
        if expected is None:
            return None
        if expected >= s["usual"]:
            return BREACH
    base = memory.get("base")
    risen = base is None or not base <= f.completes < base + s["clears"]
    return CLEAR if risen else BETWEEN


def say_stalled(f: GroupSnapshot, _: Settings) -> Words:
    """For how long, how many are usual by now, and where to look."""
    since = quiet_since(f) or f.now
    span, expected = format_span(f.now - since), usual_completes(f, since) or 0
    look = f"; {f.entered} entered: check the link" if f.entered else ""
    return Words(
        f"No complete for {span}: {f.label}, {expected:.0f} usual by now",
        f"{f.label}: no complete for {span}, {expected:.0f} usual by now{look}; {f.progress}.",
        ((f"completes in {span}", "0", f"{expected:.0f}"),),
    )


def behind_pace(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The likely completes at the end date against the goal."""
    end = f.at_end
    if end is None or not f.goal or (f.completes or 0) < s["completes"]:
        return None
    return breach_below(end / f.goal, s["fires"], s["clears"])


def ends_soon(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """As behind pace, but only in the last hours, and stricter."""
    end = f.at_end
    if end is None or not f.goal or f.ends_at is None or f.ends_at <= f.now:
        return None
    if f.ends_at - f.now > timedelta(hours=s["hours"]):
        return CLEAR
    return breach_below(end / f.goal, s["fires"], s["clears"])


def say_short(f: GroupSnapshot, _: Settings) -> Words:
    """How many will be missing, between what and what, and when it ends."""
    goal, end = f.goal or 0, f.at_end or 0.0
    short = max(0, round(goal - end))
    when = format_local_time(f.ends_at, f.zone, now=f.now) if f.ends_at else "its end"
    low, high = _shortfalls(f, goal)
    band = f" ({low}–{high})" if high > low else ""
    return Words(
        f"Short ~{short} of {goal}: {f.label}, ends {when}",
        f"{f.label}: about {short} of {goal} short on {when}{band}; {f.progress} now.",
        (("completes at the end", f"{end:,.0f}", f"{goal:,}"),),
    )


def _shortfalls(f: GroupSnapshot, goal: int) -> tuple[int, int]:
    at_end = f.insight.completes_at_end
    ends = (at_end.p10, at_end.p90) if at_end else (0.0, 0.0)
    shortfalls = [max(0, round(goal - end)) for end in ends]
    return min(shortfalls), max(shortfalls)


def judge_full_early(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The forecast finishes long before the end date."""
    finish = f.likely_finish
    if finish is None or f.ends_at is None:
        return None
    hours = (f.ends_at - finish) / HOUR
    length = (f.ends_at - f.starts_at) / HOUR if f.starts_at else 0.0
    fires = max(s["fires"], s["share"] * length)
    return breach_above(hours, fires, min(s["clears"], fires))


def say_early(f: GroupSnapshot, _: Settings) -> Words:
    """When it is likely to be full, and when it was to end."""
    finish, end = f.likely_finish or f.now, f.ends_at or f.now
    full, ends = (format_local_time(at, f.zone, now=f.now) for at in (finish, end))
    return Words(
        f"Early: {f.label} is full by {full}",
        f"{f.label}: likely full {full}, {format_span(end - finish)} before its end; {f.progress}.",
        (("finish", full, ends),),
    )


def judge_overfilled(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """More than the goal, by more than a few, of what the limit counts."""
    done, goal = f.counted[:2]
    if done is None or not goal:
        return None
    return breach_above(done - goal, max(s["completes"], s["share"] * goal), 0)


def say_overfilled(f: GroupSnapshot, _: Settings) -> Words:
    """By how many."""
    done, goal, what = f.counted
    extra = (done or 0) - (goal or 0)
    return Words(
        f"Overfilled: {f.label}, {extra} above its goal of {goal}",
        f"{f.label}: {extra} {what} above its goal; {f.progress}.",
        ((what, f"{done or 0:,}", f"{goal or 0:,}"),),
    )


def judge_completes_fell(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """Completes that reconciliation took away within a day."""
    if f.completes is None:
        return None
    lost = (f.most_completes or f.completes) - f.completes
    if lost >= max(s["completes"], s["share"] * (f.most_completes or 0)) and lost > 0:
        return Verdict(Observation.BREACH, NOTICE)
    return CLEAR


def say_fell(f: GroupSnapshot, _: Settings) -> Words:
    """How many were taken away."""
    before = f.most_completes or 0
    return Words(
        f"Reconciled: {f.label}, {before - (f.completes or 0)} completes fewer",
        f"{f.label}: reconciliation took completes away within a day, {before} → {f.completes}; "
        f"{f.progress}.",
        (("completes", f"{f.completes or 0:,}", f"{before:,}"),),
    )
