"""When a group reaches its goal, and how many completes it has at its end: both as ranges.

Method: completes are Gamma–Poisson around rate × the shape of the group's week (`weekly_shape`),
with over-dispersion. Some fifty hypotheses say how rates move: they stay, drift, have good and
bad days, fade with the field's age, have stepped, or come in waves; each is weighed by how well
it forecast the group's own half days (`rates`, with its sources). The forecast is the mixture
by these weights, each a distribution whose variance grows with the horizon (`projection`); a
date is when that mixture passes the goal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

import numpy as np

from dashboard.fielding.forecast.confidence import Confidence, confidence_of
from dashboard.fielding.forecast.inputs import ForecastInput, PreparedInput, as_count, prepare_input
from dashboard.fielding.forecast.projection import Projection, future_exposure, project_completes
from dashboard.fielding.forecast.rate_changes import changed_blocks
from dashboard.fielding.forecast.rates.evidence import BLOCK
from dashboard.fielding.forecast.rates.rate_models import Siblings, infer_rates
from dashboard.fielding.series.pace import SoftLaunch
from dashboard.fielding.series.readings import (
    HOUR,
    Floats,
    History,
    Hours,
    Pause,
    Readings,
    Record,
    stack_records,
    utc_datetime,
)
from dashboard.fielding.series.stalls import without_stalls
from dashboard.fielding.series.weekly_shape import Prior, learn_weekly_shape


@dataclass(frozen=True, slots=True)
class Forecast:
    """Finish (UTC; None = not before the horizon; p10 is the early one) and completes at the end.

    completes_at_end is not capped at the goal. chance: that the goal is met by the end (0–1).
    confidence and note say in words how far to trust it.
    """

    goal: float
    finish_p10: datetime | None
    finish_p50: datetime | None
    finish_p90: datetime | None
    completes_at_end_p10: float
    completes_at_end_p50: float
    completes_at_end_p90: float
    chance: float
    confidence: Confidence
    note: str

    @property
    def short_p50(self) -> float:
        """Completes missing at the end, 0 when the goal is met."""
        return max(0.0, self.goal - self.completes_at_end_p50)


def forecast(
    history: History,
    *,
    goal: float,
    now: datetime,
    ends_at: datetime | None,
    zone: tzinfo | str,
    pauses: Sequence[Pause] = (),
    prior: Prior | None = None,
    rate_changes: Sequence[datetime] = (),
    soft_launch: SoftLaunch | None = None,
) -> Forecast:
    """The forecast of one group: `forecast_many` of a table with one row.

    A group that is paused now is taken to resume now. Without an end date, completes are
    counted 28 days from now. Readings after `now` are not looked at, but for the interval
    under way. rate_changes: when its price, filling strategy or re-entry was changed, after
    which a new rate is likely. soft_launch: once its share of the goal is in, nothing comes
    until it ends. ValueError for a naive datetime, an unknown zone or a goal
    that is no count.
    """
    count = as_count(goal)
    question = ForecastInput(
        history, count, now, ends_at, zone, pauses, prior, rate_changes, soft_launch
    )
    return forecast_many([question])[0]


def forecast_many(questions: Sequence[ForecastInput]) -> list[Forecast]:
    """The forecast of each group, in order; about 0.3 s of CPU for 1,000 × 336 readings."""
    return [result.forecast for result in forecast_groups(questions)]


@dataclass(frozen=True, slots=True)
class ForecastResult:
    """A forecast with what it rests on: the shape of the group's week (168, mean 1), its hours."""

    forecast: Forecast
    shape: Floats
    hours: Record


def forecast_groups(questions: Sequence[ForecastInput]) -> list[ForecastResult]:
    """The forecast of each group, in order, with what was learned for it."""
    if not questions:
        return []
    cases = [prepare_input(question) for question in questions]
    learned = _learn(cases)
    moments = np.array([[max(0.0, (case.end - case.start) / HOUR)] for case in cases])
    projection = _project(cases, learned, moments)
    at_end = projection.quantiles()[:, 0]
    missing = np.array([case.question.goal - case.completes for case in cases])
    passing = projection.passing(missing)
    waits = projection.waits(passing)
    return [
        ForecastResult(
            _forecast_of(
                case,
                at_end[row] + case.completes,
                waits[row],
                float(passing[row, projection.moments[row, 0]]),
            ),
            learned.shape[row],
            case.record,
        )
        for row, case in enumerate(cases)
    ]


class _Learned(NamedTuple):
    """Live hours without their stalls, a record a group and side by side; shapes of weeks
    (groups, 168), chances that a stall lasts (groups), live hours with their stalls."""

    records: Sequence[Record]
    hours: Hours
    shape: Floats
    still: Floats
    with_stalls: Hours


def _learn(cases: Sequence[PreparedInput]) -> _Learned:
    """What the readings of each group say before any rate."""
    records, base = [case.record for case in cases], np.stack([case.base for case in cases])
    with_stalls = hours = stack_records(records)
    shape = learn_weekly_shape(hours, base)
    fielded, still = without_stalls(records, hours, shape)
    if any(left is not right for left, right in zip(fielded, records, strict=True)):
        hours = stack_records(fielded)
        shape = learn_weekly_shape(hours, base)
    return _Learned(fielded, hours, shape, still, with_stalls)


def _project(cases: Sequence[PreparedInput], learned: _Learned, moments: Floats) -> Projection:
    """What is to come for each group at `moments` (groups, hours from its last reading)."""
    blocks = learned.hours.live.shape[1] // BLOCK
    changed = changed_blocks(learned.records, [case.changes for case in cases], blocks)
    rates = infer_rates(
        learned.hours,
        learned.shape,
        np.array([case.planned for case in cases]),
        changed,
        with_stalls=learned.with_stalls,
        siblings=_siblings([case.question.prior for case in cases]),
    )
    rates = rates.less(np.array([case.lost for case in cases]))
    days = future_exposure(
        learned.shape,
        starts=[case.start for case in cases],
        nows=[case.now for case in cases],
        zones=[case.zone for case in cases],
        pauses=[case.halts for case in cases],
    )
    return project_completes(rates, days, moments, still=learned.still)


def _siblings(priors: Sequence[Prior | None]) -> Siblings:
    """What the priors tell of other groups, NaN where nothing."""
    pooled = np.full((2, len(priors)), np.nan)
    for place, prior in enumerate(priors):
        if prior is not None and prior.fade is not None and prior.varies is not None:
            pooled[:, place] = prior.fade, prior.varies
    return Siblings(*pooled)


def _forecast_of(case: PreparedInput, at_end: Floats, waits: Floats, chance: float) -> Forecast:
    """The forecast of one group, with the cases in which nothing is left to forecast."""
    goal = case.question.goal
    reached = _time_reached(case.read, goal)
    ended = case.question.ends_at is not None and case.end <= case.start
    if ended:
        at_end = np.full(3, _count_at(case.read, case.end))
        chance = float(at_end[0] >= goal)
    early, middle, late = (_date_after(case, float(wait)) for wait in waits)
    if reached is not None:
        early = middle = late = utc_datetime(reached)
        chance = max(chance, float(not ended))
    elif case.is_over or not case.knows_rate:
        early = middle = late = None
    confidence, note = confidence_of(case, at_end, reached=reached is not None, ended=ended)
    return Forecast(
        goal=goal,
        finish_p10=early,
        finish_p50=middle,
        finish_p90=late,
        completes_at_end_p10=float(at_end[0]),
        completes_at_end_p50=float(at_end[1]),
        completes_at_end_p90=float(at_end[2]),
        chance=chance,
        confidence=confidence,
        note=note,
    )


def _date_after(case: PreparedInput, wait: float) -> datetime | None:
    """The date after a wait in hours from the last reading, never before now."""
    return utc_datetime(max(case.start + wait * HOUR, case.now)) if np.isfinite(wait) else None


def _time_reached(read: Readings, goal: float) -> float | None:
    """When the count rose to the goal for good, if it is there now (seconds)."""
    if not read.count.size or read.count[-1] < goal:
        return None
    below = np.flatnonzero(read.count < goal)
    return float(read.at[below[-1] + 1 if below.size else 0])


def _count_at(read: Readings, at: float) -> float:
    """The count of the last reading up to a time, 0 before the first."""
    past = int(np.searchsorted(read.at, at, side="right"))
    return float(read.count[past - 1]) if past else 0.0
