"""Samples of a group's figures over the last week, stored with its insight.

The exchange gives most figures since launch; recent figures are the difference to an earlier
sample. Stored with the group they need no query: one sample every six hours of the last day, and
one a day before that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from dashboard.fielding.models import TargetGroup

STEP, DAY = 6 * 3600, 24 * 3600  # seconds
THIN_AFTER = 30 * 3600  # older samples are thinned to one a day
KEEP_FOR = 7 * DAY
LATELY = timedelta(hours=6)
MIN_SAMPLES = 4  # for a median
_PLACES = 6


class Sample(NamedTuple):
    """Counts since launch at one time; epc and epcm are per unit of CPI, which rescales them.

    at: seconds since 1970. drops and terminates are computed from the exchange's rates; minutes is
    median LOI times completes.
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
    """Figures since an earlier sample; None if a figure is missing or nobody entered."""

    hours: float
    completes: float | None
    prescreens: float | None
    entrants: float | None
    drop_off: float | None
    ir: float | None
    loi_seconds: float | None


def sample_of(group: TargetGroup, *, now: datetime) -> Sample:
    """Return the present figures of a group."""
    done, sent = group.completes, group.prescreens
    screened = None
    if done and group.incidence_rate:
        screened = done / group.incidence_rate
    return Sample(
        int(now.timestamp()),
        done,
        sent,
        group.entrants,
        None if group.drop_off_rate is None or sent is None else round(group.drop_off_rate * sent),
        None if screened is None or done is None else round(screened - done),
        None
        if group.median_loi_seconds is None or done is None
        else round(group.median_loi_seconds * done / 60, 1),
        _per_cpi(group.epc, group.cpi),
        _per_cpi(group.epcm, group.cpi),
    )


def _per_cpi(amount: Decimal | None, cpi: Decimal | None) -> float | None:
    return None if amount is None or not cpi else round(float(amount / cpi), _PLACES)


def samples_from_json(stored: object) -> list[Sample]:
    """Return the stored samples; rows of another form are left out."""
    rows: Iterable[object] = stored if isinstance(stored, list) else ()
    width = len(Sample._fields)
    return [Sample._make(row) for row in rows if isinstance(row, list) and len(row) == width]


def with_sample(samples: Sequence[Sample], new: Sample) -> list[Sample]:
    """Return the samples with a new one if its six hours have none yet; thin and drop old ones."""
    remaining: list[Sample] = []
    for sample in samples:
        is_thinned = (
            new.at - sample.at > THIN_AFTER
            and remaining
            and remaining[-1].at // DAY == sample.at // DAY
        )
        if new.at - KEEP_FOR < sample.at <= new.at and not is_thinned:
            remaining.append(sample)
    if remaining and remaining[-1].at // STEP == new.at // STEP:
        return remaining
    return [*remaining, new]


def recent_figures(
    samples: Sequence[Sample], now: Sample, *, span: timedelta = LATELY
) -> RecentFigures | None:
    """Return the figures since the newest sample that is at least `span` old; None without one."""
    latest = now.at - int(span.total_seconds())
    then = next((sample for sample in reversed(samples) if sample.at <= latest), None)
    if then is None:
        return None
    completes, prescreens = (
        _rise_of(then.completes, now.completes),
        _rise_of(then.prescreens, now.prescreens),
    )
    terminates = _rise_of(then.terminates, now.terminates)
    screened = None if completes is None or terminates is None else completes + terminates
    minutes = _rise_of(then.minutes, now.minutes)
    seconds = None if minutes is None else minutes * 60
    return RecentFigures(
        hours=(now.at - then.at) / 3600,
        completes=completes,
        prescreens=prescreens,
        entrants=_rise_of(then.entrants, now.entrants),
        drop_off=_ratio(_rise_of(then.drops, now.drops), prescreens),
        ir=_ratio(completes, screened),
        loi_seconds=_ratio(seconds, completes),
    )


def usual_figure(samples: Sequence[Sample], figure: str, cpi: Decimal | None) -> Decimal | None:
    """Return the median EPC or EPCM of the last 7 days at today's CPI; None with few samples."""
    values = [value for sample in samples if (value := getattr(sample, figure)) is not None]
    if cpi is None or len(values) < MIN_SAMPLES:
        return None
    return round(Decimal(str(median(values))) * cpi, _PLACES)


def _rise_of(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(0.0, after - before)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole
