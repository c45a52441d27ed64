"""What a change did: completes an hour, conversion and completes per entrant, before and after.

Completes are held against each other by `contrast` (with its sources). Conversion is completes
per prescreen (those sent to the survey), beside completes per entrant; both are ours, from the
differences of counts over the two windows, not the exchange's figures over a whole life.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from math import log, sqrt

import numpy as np

from dashboard.fielding.effects.rate_comparison import (
    Contrast,
    Measure,
    Verdict,
    judge_log_ratio,
    too_early,
)
from dashboard.fielding.series.readings import (
    HOUR,
    Floats,
    History,
    Pause,
    Record,
    as_zone,
    clean_history,
    epoch_seconds,
    live_hours,
    stack_records,
    utc_datetime,
)
from dashboard.fielding.series.stalls import without_stalls
from dashboard.fielding.series.weekly_shape import Prior, learn_weekly_shape, prior_shape

NEAR = 12 * HOUR  # changes nearer than this cannot be told apart
EARLIEST = 21 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Something that was changed: kind as in cpi, goal, strategy, status, re-entry."""

    at: datetime
    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """What followed a change. Completes are per usual hour; the windows are (from, until).

    epc is the verdict on EPC; None across a CPI edit, which rescales EPC by itself (epc_note).
    overlaps: other changes that cannot be told apart from this one.
    """

    change: SettingChange
    completes_an_hour: Measure
    conversion: Measure
    completes_per_entrant: Measure
    epc: Verdict | None
    epc_note: str
    overlaps: tuple[SettingChange, ...]
    before: tuple[datetime, datetime]
    after: tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Group:
    """The group that was changed: cumulative completes, entrants and prescreens over time."""

    completes: History
    zone: tzinfo | str
    pauses: Sequence[Pause] = ()
    prior: Prior | None = None
    entrants: History = ()
    prescreens: History = ()


def effect_of_change(
    change: SettingChange, group: Group, *, now: datetime, others: Sequence[SettingChange] = ()
) -> MeasuredEffect:
    """The effect of one change; `others` are the group's other changes (itself is ignored).

    Each window is at most 7 live days, ends at the next other change, and is cut short once it
    holds 200 completes. ValueError for naive datetimes.
    """
    at, clock = epoch_seconds(change.at, "a change"), epoch_seconds(now, "now")
    apart = [(epoch_seconds(c.at, "a change"), c) for c in others if c != change]
    overlaps = tuple(c for t, c in apart if abs(t - at) < NEAR and t <= clock)
    since = max((t for t, _ in apart if t <= at - NEAR), default=-np.inf)
    until = min((t for t, _ in apart if t >= at + NEAR), default=np.inf)
    contrast = _contrast(group, at, clock, [t for t, _ in apart])
    before = contrast.side(max(since, at - EARLIEST), at, backwards=True)
    after = contrast.side(at, min(until, clock), backwards=False)
    measure = contrast.rates(before, after)
    spans = contrast.span(before), contrast.span(after)
    conversion = _share(group.completes, group.prescreens, spans, clock, "prescreens")
    per_entrant = _share(group.completes, group.entrants, spans, clock, "entrants")
    repriced = change.kind == "cpi" or any(c.kind == "cpi" for c in overlaps)
    return MeasuredEffect(
        change=change,
        completes_an_hour=_named(measure, overlaps),
        conversion=_named(conversion, overlaps),
        completes_per_entrant=_named(per_entrant, overlaps),
        epc=None if repriced else per_entrant.verdict,
        epc_note="not compared: a CPI edit rescales EPC" if repriced else "at an unchanged CPI",
        overlaps=overlaps,
        before=(utc_datetime(spans[0][0]), utc_datetime(spans[0][1])),
        after=(utc_datetime(spans[1][0]), utc_datetime(spans[1][1])),
    )


def effects_in_group(
    changes: Sequence[SettingChange], group: Group, *, now: datetime
) -> list[MeasuredEffect]:
    """The effect of each change of a group that has happened by now, newest first."""
    past = [c for c in changes if epoch_seconds(c.at, "a change") <= epoch_seconds(now, "now")]
    ordered = sorted(past, key=lambda c: c.at, reverse=True)
    return [effect_of_change(change, group, now=now, others=changes) for change in ordered]


def _contrast(group: Group, at: float, clock: float, others: Sequence[float]) -> Contrast:
    """The group's live hours up to now, stalls that are over taken out, laid on its week's shape.

    The shape is learned from both sides brought to one level: a weekend just before a rise
    must not pass for a weak weekend.
    """
    base = prior_shape(group.prior)
    read = clean_history(group.completes, clock)
    hours = live_hours(read, zone=as_zone(group.zone), pauses=group.pauses, shape=base)
    shape = _shape(hours, base, at)
    (fielded,), _ = without_stalls([hours], stack_records([hours]), shape[None], lasting=1.0)
    if fielded.start.size < hours.start.size:
        hours, shape = fielded, _shape(fielded, base, at)
    return Contrast(hours, shape[hours.slot] * hours.live, at, others)


def _shape(hours: Record, base: Floats, at: float) -> Floats:
    """The shape of the week (168) from both sides of a change, brought to one level."""
    after, usual = hours.start >= at, base[hours.slot] * hours.live
    rates = [(hours.counts[part].sum() + 1) / (usual[part].sum() + 1) for part in (~after, after)]
    levelled = hours.counts * np.where(after, rates[0] / rates[1], 1.0)
    shape: Floats = learn_weekly_shape(
        stack_records([replace(hours, counts=levelled)]), base[None]
    )[0]
    return shape


def _share(
    completes: History,
    people: History,
    spans: Sequence[tuple[float, float]],
    clock: float,
    name: str,
) -> Measure:
    """Completes per person over each window, from the differences of cumulative counts."""
    done, came = clean_history(completes, clock), clean_history(people, clock)
    if came.at.size < 2 or done.at.size < 2:
        return too_early(f"no {name} read over that time")
    pairs = []
    for opens, closes in spans:
        begin, end = max(opens, float(came.at[0])), min(closes, float(came.at[-1]))
        some = [max(0.0, _rise(r.at, r.count, begin, end)) for r in (done, came)]
        pairs.append((min(some[0], some[1]), some[1]))
    (c0, n0), (c1, n1) = pairs
    if min(n0, n1) < 50 or c0 + c1 < 10:
        return too_early(f"only {n0:.0f} {name} before, {n1:.0f} after")
    variance = sum(1.3 * (1 - c / n) / (c + 0.5) + 0.002 for c, n in pairs)
    centre = log((c1 + 0.5) / n1 * n0 / (c0 + 0.5))
    seen = f"{c0 / n0 * 100:.1f} % → {c1 / n1 * 100:.1f} % of {name}"
    return judge_log_ratio(
        c0 / n0, c1 / n1, centre=centre, error=sqrt(variance), seen=seen, waiting=n1 < 500
    )


def _rise(at: Floats, count: Floats, begin: float, end: float) -> float:
    """How much a cumulative count rose from begin to end, straight between readings."""
    if end <= begin:
        return 0.0
    return float(np.interp(end, at, count) - np.interp(begin, at, count))


def _named(measure: Measure, overlaps: Sequence[SettingChange]) -> Measure:
    """The measure, saying which other changes it cannot be told apart from."""
    if not overlaps:
        return measure
    names = ", ".join(f"{c.kind} {c.label}".strip() for c in overlaps)
    reason = f"{measure.reason}; overlaps with {names}: cannot be told apart"
    return replace(measure, reason=reason)
