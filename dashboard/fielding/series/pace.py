"""The pace of a group: its count against the required count, as a band with a reason.

The required count follows the typical shape of the group's week from start to end date, without
time paused. A soft launch first requires its share of the goal by its own end; linear and adaptive
pacing release the goal in equal steps, and the shape applies within each step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import sqrt
from typing import Literal

import numpy as np

from dashboard.fielding.series.readings import (
    HOUR,
    Floats,
    History,
    Pause,
    Readings,
    Record,
    as_zone,
    clean_history,
    epoch_seconds,
    live_hours,
    live_share,
    stack_records,
    utc_datetime,
    week_hours,
)
from dashboard.fielding.series.weekly_shape import Prior, learn_weekly_shape, prior_shape

Strategy = Literal["automated", "prescreens", "completes"]
Band = Literal["ahead", "on track", "behind", "far behind", "too early to tell"]

TOO_FEW = 5
RECENT = 96  # live hours before a silence that its expected completes are based on
MAX_HOURS = 400 * 24  # of a required line


@dataclass(frozen=True, slots=True)
class SoftLaunch:
    """A soft launch: `share` (0 to 1) of the goal by `ends_at`; pacing starts after it."""

    ends_at: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Pacing:
    """The pacing module: linear and adaptive step every interval; gemini has no line of its own."""

    kind: Literal["linear", "adaptive", "gemini"]
    every: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FieldingPlan:
    """A group's fielding settings; goal in the strategy's unit, pauses (from, until or None)."""

    goal: float
    starts_at: datetime
    ends_at: datetime | None
    zone: tzinfo | str
    pauses: Sequence[Pause] = ()
    prior: Prior | None = None
    soft_launch: SoftLaunch | None = None
    pacing: Pacing | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Actual against required now, in `unit`; `other` is the count that the strategy ignores.

    ratio: actual over required, None while nothing is required. reason: the band in words.
    """

    band: Band
    reason: str
    unit: Literal["completes", "prescreens"]
    actual: float
    required: float
    ratio: float | None
    other: float | None


@dataclass(frozen=True, slots=True)
class Silence:
    """A time without completes: its live hours, and the completes expected in it (`usual`).

    rate: completes per average hour before it, over the last four days in field.
    """

    since: datetime | None
    hours: float
    usual: float
    rate: float


def required_line(
    plan: FieldingPlan,
    *,
    now: datetime,
    history: History = (),
    shape: Floats | None = None,
    every: int = 1,
) -> list[tuple[datetime, float]]:
    """Return the required count at full UTC hours from start to end date (at most 400 days).

    every: hours between points; the first and last point are always included. shape: the group's
    week (168 weights, mean 1) if known, otherwise it is learned here. Empty without an end date. An
    end date before the start requires the full goal immediately. ValueError for naive datetimes.
    """
    at, line = _required_at(plan, epoch_seconds(now, "now"), history, shape)
    shown = [*range(0, len(at) - 1, every), len(at) - 1] if len(at) else []
    return [(utc_datetime(float(at[i])), float(line[i])) for i in shown]


def pace_of_group(
    history: History,
    plan: FieldingPlan,
    *,
    now: datetime,
    strategy: Strategy = "completes",
    prescreens: History = (),
    shape: Floats | None = None,
) -> Pace:
    """Return the pace of one group; prescreens: a history that only that strategy needs.

    shape: the group's week (168 weights, mean 1) if known, otherwise it is learned here. Automated
    filling is evaluated by completes. Bands: within 5 % or chance of the required count is on
    track; more than 25 % (and chance) short is far behind.
    """
    clock = epoch_seconds(now, "now")
    counts = {"completes": _latest(history, clock), "prescreens": _latest(prescreens, clock)}
    unit: Literal["completes", "prescreens"] = "completes"
    if strategy == "prescreens":
        unit = "prescreens"
    other = counts["prescreens" if unit == "completes" else "completes"]
    at, line = _required_at(plan, clock, prescreens if unit == "prescreens" else history, shape)
    required = float(np.interp(clock, at, line)) if at.size else 0.0
    actual = counts[unit] or 0.0
    band, reason = _band(plan, clock, actual, required, unit)
    if plan.pacing is not None and plan.pacing.kind == "gemini":
        reason += "; paced by another group, so the target is only the typical shape"
    ratio = actual / required if required > 0 else None
    return Pace(band, reason, unit, actual, required, ratio, other)


def silence_of_group(
    history: History,
    plan: FieldingPlan,
    *,
    now: datetime,
    known: tuple[Record, Floats] | None = None,
) -> Silence:
    """Return the time without completes, and the completes expected at the rate before it.

    known: the live hours and week shape of the group, if computed before. In the result, `since` is
    the reading with the last complete; None if there never was one, and then `usual` is 0.
    """
    clock = epoch_seconds(now, "now")
    read = clean_history(history, clock)
    rises = np.flatnonzero(np.diff(read.count) > 0)
    if not rises.size:
        live = _live_hours(plan, float(read.at[0]), clock) if read.at.size else 0
        return Silence(None, live, 0, 0)
    last = int(rises[-1]) + 1
    begin = float(read.at[last])
    before = Readings(read.at[: last + 1], read.count[: last + 1])
    hours, shape = known or _learn_shape(before, plan)
    ended = int(np.searchsorted(hours.start, begin))
    past = slice(max(0, ended - RECENT), ended)
    usual_before = float((shape[hours.slot[past]] * hours.live[past]).sum())
    rate = float(hours.counts[past].sum()) / max(usual_before, 1.0)
    first = int(begin // HOUR)
    count = max(1, int(clock // HOUR) - first + 1)
    share = live_share(first, count, [*plan.pauses, *_outside(first, count, begin, clock)], clock)
    week = shape[week_hours(as_zone(plan.zone), first, count)]
    return Silence(
        utc_datetime(begin), float(share.sum()), rate * float((week * share).sum()), rate
    )


def _outside(first: int, count: int, begin: float, end: float) -> list[Pause]:
    """Return the parts of the hours before the begin and after the end, as pauses."""
    edges = (first * HOUR, begin), (end, (first + count) * HOUR)
    return [(utc_datetime(start), utc_datetime(stop)) for start, stop in edges if stop > start]


def _live_hours(plan: FieldingPlan, begin: float, end: float) -> float:
    first = int(begin // HOUR)
    count = max(1, int(end // HOUR) - first + 1)
    outside = _outside(first, count, begin, end)
    return float(live_share(first, count, [*plan.pauses, *outside], end).sum())


def _latest(history: History, clock: float) -> float | None:
    """Return the last count; None without readings."""
    read = clean_history(history, clock)
    return float(read.count[-1]) if read.count.size else None


def _learn_shape(read: Readings, plan: FieldingPlan) -> tuple[Record, Floats]:
    """Return the group's live hours and the shape of its week (168 weights)."""
    base = prior_shape(plan.prior)
    hours = live_hours(read, zone=as_zone(plan.zone), pauses=plan.pauses, shape=base)
    return hours, learn_weekly_shape(stack_records([hours]), base[None])[0]


def _required_at(
    plan: FieldingPlan, now: float, history: History, shape: Floats | None
) -> tuple[Floats, Floats]:
    """Return hourly times (seconds) and the required count at each; empty without an end date."""
    begin = epoch_seconds(plan.starts_at, "starts_at")
    if plan.ends_at is None:
        return np.empty(0), np.empty(0)
    end = epoch_seconds(plan.ends_at, "ends_at")
    if end <= begin:
        return np.array([begin]), np.array([float(plan.goal)])
    if shape is None:
        _, shape = _learn_shape(clean_history(history, now), plan)
    edges, time, field = _grid(plan, begin, end, now, shape)
    line, done, opened = np.zeros(edges.size), 0.0, begin
    for close, goal, every in _phases(plan, begin, end):
        inside = (edges > opened) if close >= end else (edges > opened) & (edges <= close)
        marks = _marks(opened, close, every)
        shares = np.interp(marks, edges, time)
        shares = (shares - shares[0]) / max(shares[-1] - shares[0], 1e-9)
        share = _stepped(field[inside], np.interp(marks, edges, field), shares)
        line[inside] = done + (goal - done) * share
        done, opened = goal, close
    return np.clip(edges, begin, end), np.maximum.accumulate(line)


def _grid(
    plan: FieldingPlan, begin: float, end: float, now: float, shape: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return hour edges (seconds) of the field period, with live and weighted hours passed at each.

    A field period that is paused from start to end is computed as if it were live.
    """
    first = int(begin // HOUR)
    count = min(int(-(-end // HOUR)) - first, MAX_HOURS)
    outside = _outside(first, count, begin, end)
    live = live_share(first, count, [*plan.pauses, *outside], now)
    live = live if live.sum() > 0 else live_share(first, count, outside, now)
    usual = shape[week_hours(as_zone(plan.zone), first, count)] * live
    time, field = np.append(0.0, np.cumsum(live)), np.append(0.0, np.cumsum(usual))
    return HOUR * np.arange(first, first + count + 1, dtype=np.float64), time, field


def _phases(plan: FieldingPlan, begin: float, end: float) -> list[tuple[float, float, float]]:
    """Return (end, goal at that end, step in seconds or 0) of each phase."""
    pacing = plan.pacing
    stepped = pacing is not None and pacing.kind != "gemini"
    every = max(HOUR, pacing.every.total_seconds()) if pacing is not None and stepped else 0.0
    whole = (end, float(plan.goal), every)
    if plan.soft_launch is None:
        return [whole]
    close = epoch_seconds(plan.soft_launch.ends_at, "the end of the soft launch")
    if close <= begin:
        return [whole]
    share = min(1.0, max(0.0, plan.soft_launch.share))
    if close >= end:
        return [(end, plan.goal * share, 0.0)]
    return [(close, plan.goal * share, 0.0), whole]


def _marks(begin: float, end: float, every: float) -> Floats:
    """Return the times between which the shape applies: begin, each step, end."""
    steps = np.arange(begin, end, every) if every else np.array([begin])
    return np.append(steps, end)


def _stepped(field: Floats, marks: Floats, shares: Floats) -> Floats:
    """Return the share of the goal (0 to 1) required at points of the typical shape."""
    if marks[-1] <= marks[0]:
        return np.ones_like(field)
    return np.asarray(np.interp(field, marks, shares))


def _band(
    plan: FieldingPlan, now: float, actual: float, required: float, unit: str
) -> tuple[Band, str]:
    """Return the band and its reason as text."""
    if actual >= plan.goal:
        return "ahead", f"goal of {plan.goal:,.0f} {unit} reached: {actual:,.0f}"
    if plan.ends_at is None:
        return "too early to tell", f"no end date, so no target: {actual:,.0f} {unit}"
    if epoch_seconds(plan.ends_at, "ends_at") <= now:
        short = plan.goal - actual
        band: Band = "far behind" if short > 0.05 * plan.goal else "behind"
        return band, f"ended {short:,.0f} {unit} short of {plan.goal:,.0f}"
    status = f"{actual:,.0f} of {required:,.0f} {unit} expected by now (goal {plan.goal:,.0f})"
    if required < TOO_FEW and actual < TOO_FEW:
        return "too early to tell", status
    return _gap_band(actual - required, required), status


def _gap_band(gap: float, required: float) -> Band:
    """Return the band of a gap to the required count: by share, and beyond chance."""
    chance = sqrt(1.5 * max(required, 1.0))
    if gap > max(0.1 * required, 1.64 * chance):
        return "ahead"
    if gap >= -max(0.05 * required, 1.28 * chance):
        return "on track"
    return "far behind" if gap < -max(0.25 * required, 2.5 * chance) else "behind"
