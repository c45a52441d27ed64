"""What Fieldwatch knows of a world: histories, forecasts, effects of changes; never the truth."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from math import exp, log

import numpy as np

from bench.advice.worlds import HOUR, START, AdviceWorld, WorldGroup
from dashboard.fielding.advice.evidence import (
    MeasuredChange,
    PooledElasticities,
    PricePoint,
    add_what_if,
    pool_changes,
)
from dashboard.fielding.advice.outlook import GroupOutlook, Pricing
from dashboard.fielding.effects.effect import Group, SettingChange, effect_of_change
from dashboard.fielding.forecast.cells import CellState
from dashboard.fielding.forecast.group_forecast import forecast_groups
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.series.readings import Floats

COIN = Decimal("0.01")
WHAT_IF_RATIOS = (1.0, 1.05, 1.1, 1.25)
WHAT_IF_BLUR = 0.35  # sd of the elasticity that the exchange believes in


def learn_world(world: AdviceWorld) -> PooledElasticities:
    """Pool the measured price changes of all groups, of the advised ones up to their now."""
    changes: list[MeasuredChange] = []
    for group in world.old:
        changes += measure_changes(group, group.hours)
    for group, now in zip(world.groups, world.nows, strict=True):
        changes += measure_changes(group, now)
    return pool_changes(changes)


def measure_changes(group: WorldGroup, now: int) -> list[MeasuredChange]:
    """The effects of a group's price changes, by the product's own measurement."""
    past = [(at, price) for at, price in group.changes if at <= now - 24]
    if not past:
        return []
    history = group_history(group.counts().sum(axis=0), now)
    measured = Group(history, UTC)
    settings = [SettingChange(START + at * HOUR, "cpi") for at, _ in past]
    changes, before = [], 0.0
    for setting, (_, price) in zip(settings, past, strict=True):
        effect = effect_of_change(setting, measured, now=START + now * HOUR, others=settings)
        measure = effect.completes_an_hour
        if measure.ratio and measure.low and measure.high:
            error = log(measure.high / measure.low) / 3.92
            changes.append(
                MeasuredChange(
                    group.name,
                    group.country,
                    group.audience,
                    price - before,
                    log(measure.ratio),
                    max(error, 1e-3),
                )
            )
        before = price
    return changes


def group_history(counts: Floats, hours: int) -> list[tuple[datetime, float]]:
    """Cumulative completes at the end of each hour."""
    totals = np.append(0.0, np.cumsum(counts[:hours]))
    return [(START + hour * HOUR, float(total)) for hour, total in enumerate(totals)]


def ask_what_if(group: WorldGroup, now: int, seed: int) -> list[PricePoint]:
    """What the exchange says at four prices: its own blurred knowledge of people and prices."""
    rng = np.random.default_rng([seed, int(group.name[1:]), 99])
    today = group.price_at(now)
    level, slope = rng.normal(0, 0.25), rng.normal(0, WHAT_IF_BLUR)
    first = float(group.response.people(np.array(today)))
    points = []
    for ratio in WHAT_IF_RATIOS:
        people = float(group.response.people(np.array(today + log(ratio)))) / first
        middle = group.goal * people * exp(level + slope * log(ratio))
        cpi = float(cpi_at(group, now)) * ratio
        points.append(PricePoint(cpi, round(middle * 0.8), round(middle * 1.25)))
    return points


def add_what_ifs(world: AdviceWorld, outlooks: Sequence[GroupOutlook]) -> list[GroupOutlook]:
    """The same groups with the exchange's estimates."""
    return [
        replace(
            outlook,
            elasticity=add_what_if(outlook.elasticity, ask_what_if(group, now, world.seed)),
        )
        for group, now, outlook in zip(world.groups, world.nows, outlooks, strict=True)
    ]


def outlooks_of_world(world: AdviceWorld, pooled: PooledElasticities) -> list[GroupOutlook]:
    """Each group as advice sees it at its now."""
    questions = [_question(group, now) for group, now in zip(world.groups, world.nows, strict=True)]
    results = forecast_groups(questions)
    outlooks = []
    for group, now, question, result in zip(
        world.groups, world.nows, questions, results, strict=True
    ):
        counts = group.counts()[:, :now].sum(axis=1)
        outlook = result.forecast
        done, counted = float(counts.sum()), question.history[-1][1]  # type: ignore[index]
        ends = (
            outlook.completes_at_end_p10,
            outlook.completes_at_end_p50,
            outlook.completes_at_end_p90,
        )
        cells = [
            CellState(str(place), limit, float(count))
            for place, (limit, count) in enumerate(zip(group.limits, counts, strict=False))
        ]
        outlooks.append(
            GroupOutlook(
                goal=group.goal,
                completes=done,
                at_end=Percentiles(*(done + end - counted for end in ends)),
                now=START + now * HOUR,
                ends_at=START + group.hours * HOUR,
                days_left=(group.hours - now) / 24,
                days_after=[1.0] * 28,
                pricing=Pricing("EUR", cpi_at(group, now), COIN, Decimal(0)),
                elasticity=pooled.elasticity_of_group(group.name, group.country, group.audience),
                evidence=pooled.evidence(group.name, group.country),
                chance=None if cells else outlook.chance,
                cells=cells,
            )
        )
    return outlooks


def cpi_at(group: WorldGroup, hour: int) -> Decimal:
    """The CPI in an hour."""
    return (group.cpi * Decimal(repr(exp(group.price_at(hour))))).quantize(COIN)


def _question(group: WorldGroup, now: int) -> ForecastInput:
    """The forecast's question: the history of the cells that are still open."""
    counts = group.counts()
    so_far = counts[:, :now].sum(axis=1)
    is_open = np.array([so_far[place] < limit for place, limit in enumerate(group.limits)])
    is_open = is_open if group.limits else np.array([True])
    series = counts[is_open].sum(axis=0)
    missing = group.goal - so_far.sum()
    return ForecastInput(
        group_history(series, now),
        float(series[:now].sum() + missing),
        START + now * HOUR,
        START + group.hours * HOUR,
        UTC,
        rate_changes=[START + at * HOUR for at, _ in group.changes if at <= now],
    )
