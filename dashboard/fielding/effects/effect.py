"""What a change did: completes an hour, conversion and completes per entrant, before and after.

Completes are compared by `rate_comparison` (with its sources). Conversion is completes per
prescreen (those sent to the survey), beside completes per entrant; both are ours, from the
differences of counts over the two windows, not the exchange's figures over a whole life. Where
something else happened within a day of the change, there is no verdict but "cannot tell".
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from math import log, sqrt

import numpy as np

from dashboard.fielding.effects.rate_comparison import (
    EARLIER,
    Contrast,
    Measure,
    Verdict,
    cannot_tell,
    judge_share,
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

NEAR = 24 * HOUR  # what happened nearer than this cannot be told apart
EARLIEST = 21 * 24 * HOUR
NOTICED = HOUR  # a shorter pause leaves no mark on the rate
FULL_SHARE = 0.1  # of a profile's goals: full cells from which on the rate falls by itself
KIND_NAMES = {
    "cpi": "CPI",
    "goal": "Goal",
    "strategy": "Filling strategy",
    "status": "Resumed",
    "re-entry": "Re-entry",
    "pause": "Pause",
    "soft launch": "Soft launch",
    "pacing": "Pacing",
    "quotas": "Quotas",
    "pricing": "Pricing assistance",
    "assistant": "Fielding assistant",
    "bid": "Expected LOI or IR",
    "link": "Live link",
}


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Something that was changed or happened: kind is a key of KIND_NAMES."""

    at: datetime
    kind: str
    label: str = ""

    @property
    def name(self) -> str:
        """Its kind and its label in words."""
        return f"{KIND_NAMES.get(self.kind, self.kind)} {self.label}".strip()


@dataclass(frozen=True, slots=True)
class QuotaProgress:
    """How far a quota cell of a profile is: completes (or prescreens) and goal."""

    profile: str
    done: float
    goal: float

    @property
    def is_full(self) -> bool:
        return self.done >= self.goal > 0


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """What followed a change. Completes are per usual hour; the windows are (from, until).

    epc is the verdict on EPC; None across a CPI edit, which rescales EPC by itself (epc_note).
    overlaps: what else happened within a day of the change, so that no effect can be told.
    completes_after: those counted in the window after the change.
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
    completes_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """The group that was changed: cumulative completes, entrants and prescreens over time.

    quotas: its cells as they are now.
    """

    completes: History
    zone: tzinfo | str
    pauses: Sequence[Pause] = ()
    prior: Prior | None = None
    entrants: History = ()
    prescreens: History = ()
    quotas: Sequence[QuotaProgress] = ()


def effect_of_change(
    change: SettingChange, group: Group, *, now: datetime, others: Sequence[SettingChange] = ()
) -> MeasuredEffect:
    """The effect of one change; `others` is what else happened to the group (itself is ignored).

    Each window is at most 7 live days and ends at the next other event. What happened within a
    day of the change, pauses and a running-out of quotas included, makes the verdict "cannot
    tell". ValueError for naive datetimes.
    """
    at, clock = epoch_seconds(change.at, "a change"), epoch_seconds(now, "now")
    apart = [(epoch_seconds(c.at, "a change"), c) for c in others if c != change]
    overlaps = tuple(c for t, c in apart if abs(t - at) < NEAR and t <= clock)
    overlaps += _pauses_near(change, group.pauses, overlaps, clock)
    since = max((t for t, _ in apart if t <= at - NEAR), default=-np.inf)
    until = min((t for t, _ in apart if t >= at + NEAR), default=np.inf)
    contrast = _contrast_at(group, at, clock)
    before = contrast.side(max(since, at - EARLIEST), at, backwards=True)
    after = contrast.side(at, min(until, clock), backwards=False)
    earlier = contrast.side(max(since, at - EARLIEST), at, backwards=True, longest=EARLIER)
    measure = _beside_quotas(contrast.rates(earlier, before, after), group.quotas)
    spans = contrast.span(before), contrast.span(after)
    conversion = _compare_shares(group.completes, group.prescreens, spans, clock, "prescreens")
    per_entrant = _compare_shares(group.completes, group.entrants, spans, clock, "entrants")
    repriced = change.kind == "cpi" or any(c.kind == "cpi" for c in overlaps)
    return MeasuredEffect(
        change=change,
        completes_an_hour=_beside_overlaps(measure, overlaps),
        conversion=_beside_overlaps(conversion, overlaps),
        completes_per_entrant=_beside_overlaps(per_entrant, overlaps),
        epc=None if repriced else per_entrant.verdict,
        epc_note="EPC moves with CPI, so it is not compared" if repriced else "at an unchanged CPI",
        overlaps=overlaps,
        before=(utc_datetime(spans[0][0]), utc_datetime(spans[0][1])),
        after=(utc_datetime(spans[1][0]), utc_datetime(spans[1][1])),
        completes_after=after.completes,
    )


def _contrast_at(group: Group, at: float, clock: float) -> Contrast:
    """The group's live hours up to now, stalls that are over taken out, laid on its week's shape.

    The shape is learned from both sides brought to one level: a weekend just before a rise
    must not pass for a weak weekend.
    """
    base = prior_shape(group.prior)
    quotas_open = bool(group.quotas) and not any(cell.is_full for cell in group.quotas)
    read = clean_history(group.completes, clock)
    hours = live_hours(read, zone=as_zone(group.zone), pauses=group.pauses, shape=base)
    shape = _levelled_shape(hours, base, at)
    (fielded,), _ = without_stalls([hours], stack_records([hours]), shape[None], lasting=1.0)
    if fielded.start.size < hours.start.size:
        hours, shape = fielded, _levelled_shape(fielded, base, at)
    return Contrast(hours, shape[hours.slot] * hours.live, at, quotas_open)


def _levelled_shape(hours: Record, base: Floats, at: float) -> Floats:
    """The shape of the week (168) from both sides of a change, brought to one level."""
    after, usual = hours.start >= at, base[hours.slot] * hours.live
    rates = [(hours.counts[part].sum() + 1) / (usual[part].sum() + 1) for part in (~after, after)]
    levelled = hours.counts * np.where(after, rates[0] / rates[1], 1.0)
    shape: Floats = learn_weekly_shape(
        stack_records([replace(hours, counts=levelled)]), base[None]
    )[0]
    return shape


def _compare_shares(
    completes: History,
    people: History,
    spans: Sequence[tuple[float, float]],
    clock: float,
    name: str,
) -> Measure:
    """Completes per person over each window, from the differences of cumulative counts."""
    done, came = clean_history(completes, clock), clean_history(people, clock)
    if came.at.size < 2 or done.at.size < 2:
        return too_early(f"There are no readings of {name} from that time.")
    pairs = []
    for opens, closes in spans:
        begin, end = max(opens, float(came.at[0])), min(closes, float(came.at[-1]))
        completed, counted = (
            max(0.0, _count_rise(r.at, r.count, begin, end)) for r in (done, came)
        )
        pairs.append((min(completed, counted), counted))
    (c0, n0), (c1, n1) = pairs
    if min(n0, n1) < 50 or c0 + c1 < 10:
        return too_early(f"Only {n0:.0f} {name} before, {n1:.0f} after.")
    variance = sum(1.3 * (1 - c / n) / (c + 0.5) + 0.002 for c, n in pairs)
    centre = log((c1 + 0.5) / n1 * n0 / (c0 + 0.5))
    numbers = f"{c0 / n0 * 100:.1f} % → {c1 / n1 * 100:.1f} % of {name}"
    return judge_share(
        c0 / n0, c1 / n1, centre=centre, error=sqrt(variance), numbers=numbers, waiting=n1 < 500
    )


def _count_rise(at: Floats, count: Floats, begin: float, end: float) -> float:
    """How much a cumulative count rose from begin to end, straight between readings."""
    if end <= begin:
        return 0.0
    return float(np.interp(end, at, count) - np.interp(begin, at, count))


def _pauses_near(
    change: SettingChange, pauses: Sequence[Pause], overlaps: Sequence[SettingChange], clock: float
) -> tuple[SettingChange, ...]:
    """Pauses that began or ended within a day of a change, which is not their own resume."""
    at, near = change.at.timestamp(), []
    resumes = [c.at.timestamp() for c in overlaps if c.kind == "status"]
    resumes += [at] if change.kind == "status" else []
    for begin, end in pauses:
        opens = epoch_seconds(begin, "a pause")
        closes = clock if end is None else epoch_seconds(end, "a pause")
        if closes - opens < NOTICED or opens > clock:
            continue
        named = any(min(abs(t - opens), abs(t - closes)) < NOTICED for t in resumes)
        if not named and opens - NEAR < at < closes + NEAR:
            near.append(SettingChange(begin, "pause"))
    return tuple(near)


def _beside_quotas(measure: Measure, quotas: Sequence[QuotaProgress]) -> Measure:
    """The measure; a fall is not the change's where quota cells are full.

    When a cell filled is not known: what is full now may have been so before the change.
    """
    full = [cell for cell in quotas if cell.is_full]
    goals: dict[str, float] = defaultdict(float)
    for cell in quotas:
        goals[cell.profile] += cell.goal
    filled: dict[str, float] = defaultdict(float)
    for cell in full:
        filled[cell.profile] += cell.goal
    share = max((filled[profile] / goals[profile] for profile in filled), default=0.0)
    if measure.verdict != "lowered" or share < FULL_SHARE:
        return measure
    verb = "is" if len(full) == 1 else "are"
    reason = (
        f"{len(full)} of {len(quotas)} quota cells {verb} full, which lowers the rate on its own."
    )
    return cannot_tell(reason, measure)


def _beside_overlaps(measure: Measure, overlaps: Sequence[SettingChange]) -> Measure:
    """The measure; without a verdict where something else happened within a day."""
    if not overlaps:
        return measure
    names = "; ".join(c.name for c in overlaps)
    return cannot_tell(f"Something else happened within a day of this change: {names}.", measure)
