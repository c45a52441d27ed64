"""A few samples of a group's figures over the last week, kept beside its insight.

The exchange gives most figures over a whole life; what happened lately is their difference to
an earlier sample. Kept with the group it costs no query: a sample every six hours of the last
day, and one a day before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any, NamedTuple

from dashboard.fielding.models import TargetGroup

STEP, DAY = 6 * 3600, 24 * 3600  # seconds
CLOSE = 30 * 3600  # samples older than that are thinned to one a day
KEPT = 7 * DAY
LATELY = timedelta(hours=6)
ENOUGH = 4  # samples for a median
_PLACES = 6


class Sample(NamedTuple):
    """Counts of a whole life at a moment; epc and epcm are per unit of CPI, which rescales them.

    at: seconds since 1970. drops and terminates are worked out from the exchange's rates,
    minutes is median LOI times completes.
    """

    at: int
    completes: int | None
    prescreens: int | None
    entrants: int | None
    drops: float | None
    terminates: float | None
    minutes: float | None
    epc: float | None
    epcm: float | None


@dataclass(frozen=True, slots=True)
class RecentFigures:
    """What happened since an earlier sample; None where a figure is missing or nobody came."""

    hours: float
    completes: float | None
    prescreens: float | None
    entrants: float | None
    drop_off: float | None
    ir: float | None
    loi_seconds: float | None


def sample_of(group: TargetGroup, *, now: datetime) -> Sample:
    """The figures of a group as they are."""
    done, sent = group.completes, group.prescreens
    judged = None
    if done and group.incidence_rate:
        judged = done / group.incidence_rate
    return Sample(
        int(now.timestamp()),
        done,
        sent,
        group.entrants,
        None if group.drop_off_rate is None or sent is None else round(group.drop_off_rate * sent),
        None if judged is None or done is None else round(judged - done),
        None
        if group.median_loi_seconds is None or done is None
        else round(group.median_loi_seconds * done / 60, 1),
        _per_cpi(group.epc, group.cpi),
        _per_cpi(group.epcm, group.cpi),
    )


def _per_cpi(amount: Decimal | None, cpi: Decimal | None) -> float | None:
    return None if amount is None or not cpi else round(float(amount / cpi), _PLACES)


def samples_from_json(stored: Any) -> list[Sample]:
    """The samples as they were stored; what has another form is left out."""
    rows: Iterable[Any] = stored if isinstance(stored, list) else ()
    width = len(Sample._fields)
    return [Sample(*row) for row in rows if isinstance(row, list) and len(row) == width]


def with_sample(trail: Sequence[Sample], new: Sample) -> list[Sample]:
    """The trail with a new sample, if its six hours have none yet, thinned and without old ones."""
    remaining: list[Sample] = []
    for sample in trail:
        thinned = (
            new.at - sample.at > CLOSE and remaining and remaining[-1].at // DAY == sample.at // DAY
        )
        if new.at - KEPT < sample.at <= new.at and not thinned:
            remaining.append(sample)
    if remaining and remaining[-1].at // STEP == new.at // STEP:
        return remaining
    return [*remaining, new]


def recent_figures(
    trail: Sequence[Sample], now: Sample, *, span: timedelta = LATELY
) -> RecentFigures | None:
    """What happened since the newest sample that is at least `span` old; None without one."""
    least = now.at - int(span.total_seconds())
    then = next((sample for sample in reversed(trail) if sample.at <= least), None)
    if then is None:
        return None
    completes, prescreens = (
        _risen(then.completes, now.completes),
        _risen(then.prescreens, now.prescreens),
    )
    terminates = _risen(then.terminates, now.terminates)
    judged = None if completes is None or terminates is None else completes + terminates
    minutes = _risen(then.minutes, now.minutes)
    seconds = None if minutes is None else minutes * 60
    return RecentFigures(
        hours=(now.at - then.at) / 3600,
        completes=completes,
        prescreens=prescreens,
        entrants=_risen(then.entrants, now.entrants),
        drop_off=_share(_risen(then.drops, now.drops), prescreens),
        ir=_share(completes, judged),
        loi_seconds=_share(seconds, completes),
    )


def usual_figure(trail: Sequence[Sample], figure: str, cpi: Decimal | None) -> Decimal | None:
    """The median EPC or EPCM of the last 7 days at today's CPI; None with less than a day."""
    values = [value for sample in trail if (value := getattr(sample, figure)) is not None]
    if cpi is None or len(values) < ENOUGH:
        return None
    return round(Decimal(str(median(values))) * cpi, _PLACES)


def _risen(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(0.0, after - before)


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
