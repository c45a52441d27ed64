"""Groups of a day or less, forecast with and without what their siblings tell.

Run by `python -m bench young_groups`.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from bench.forecast.backtest import below
from bench.forecast.fields.chance import Floats
from bench.forecast.fields.generated_siblings import BERLIN, HOUR, Sibling, account_of_siblings
from bench.shared.figure import Figure
from dashboard.fielding.forecast.group_forecast import forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.forecast.pooling import GroupRecord, pool_records
from dashboard.fielding.series.readings import clean_history, live_hours, stack_records
from dashboard.fielding.series.weekly_shape import (
    Prior,
    learn_weekly_shape,
    pool_shapes,
    waking_hours,
)

ACCOUNTS = 25
YOUNG = 8  # groups of each account that are young; the others have been in field for long
AGES = (4, 8, 14, 24)  # hours
LEVELS = np.array([0.1, 0.5, 0.9])


def figures() -> list[Figure]:
    """The loss with the pool over the loss without it, and the coverage with it."""
    pooled, alone, truth, scale = [], [], [], []
    for seed in range(ACCOUNTS):
        siblings = account_of_siblings(seed)
        old, young = siblings[YOUNG:], siblings[:YOUNG]
        for age in AGES:
            pooled += [_question(s, age, _prior(s, old)) for s in young]
            alone += [_question(s, age, None) for s in young]
            truth += [s.hourly.sum() for s in young]
            scale += [s.goal for s in young]
    ends = [_ends(questions) for questions in (pooled, alone)]
    losses = [_loss(answer, np.array(truth)) / np.array(scale) for answer in ends]
    ratio = float(losses[0].mean() / losses[1].mean())
    low, _, high = ends[0].T
    covered = float(((low <= np.array(truth)) & (np.array(truth) <= high)).mean())
    return [
        below("young_pooled_to_alone", ratio, 0.75, f"{len(truth)} groups of 24 hours or less"),
        Figure("young_coverage", covered, "0.72..0.90", 0.72 <= covered <= 0.90, "pooled"),
    ]


def _loss(ends: Floats, truth: Floats) -> Floats:
    miss = truth[:, None] - ends
    return np.asarray(np.maximum(LEVELS * miss, (LEVELS - 1) * miss).sum(axis=1))


def _ends(questions: Sequence[ForecastInput]) -> Floats:
    return np.array(
        [
            (f.completes_at_end_p10, f.completes_at_end_p50, f.completes_at_end_p90)
            for f in forecast_many(questions)
        ]
    )


def _question(sibling: Sibling, age: int, prior: Prior | None) -> ForecastInput:
    """What is known of it at an age in hours."""
    return ForecastInput(
        _history(sibling, age),
        sibling.goal,
        sibling.start + age * HOUR,
        sibling.start + sibling.hourly.size * HOUR,
        BERLIN,
        prior=prior,
    )


def _history(sibling: Sibling, hours: int) -> list[tuple[datetime, float]]:
    total = np.cumsum(sibling.hourly[:hours]).tolist()
    read = [(sibling.start + (hour + 1) * HOUR, count) for hour, count in enumerate(total)]
    return [(sibling.start, 0.0), *read]


def _prior(sibling: Sibling, others: Sequence[Sibling]) -> Prior:
    """What the other groups tell of it."""
    week = _week([s for s in others if s.project == sibling.project] or others)
    records = [
        GroupRecord(
            s.project,
            s.country,
            s.hourly.mean() * 24 / s.planned,
            s.hourly[24:].mean() / max(s.hourly[:24].mean(), 1 / 24),
        )
        for s in others
    ]
    return pool_records(
        records, week, project=sibling.project, country=sibling.country, planned=sibling.planned
    )


def _week(siblings: Sequence[Sibling]) -> Prior:
    """Their shape of the week."""
    records = []
    for s in siblings:
        read = clean_history(_history(s, s.hourly.size), np.inf)
        records.append(live_hours(read, zone=BERLIN, pauses=(), shape=waking_hours()))
    shapes = learn_weekly_shape(stack_records(records), np.tile(waking_hours(), (len(records), 1)))
    return pool_shapes(list(shapes), [s.hourly.sum() for s in siblings], None)
