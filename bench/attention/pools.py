"""Baselines of projects and countries, learned from watched groups as the product learns them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import TypeVar

import numpy as np

from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight.baselines import (
    FIELDED,
    MIN_COMPLETES,
    MIN_GROUPS,
    Baselines,
    Week,
)
from dashboard.fielding.models import Baseline, TargetGroup
from dashboard.fielding.series.readings import CleanReadings, live_hours, stack_records
from dashboard.fielding.series.weekly_shape import (
    learn_weekly_shape,
    pool_shapes,
    waking_hours,
)

K = TypeVar("K", int, str)


def learn_pools(groups: Iterable[tuple[TargetGroup, CleanReadings]], *, now: datetime) -> Baselines:
    """Return the baselines of the projects and countries of groups with their series."""
    usable = [
        (group, series)
        for group, series in groups
        if group.status in FIELDED and (group.completes or 0) >= MIN_COMPLETES
    ]
    if not usable:
        return Baselines({}, {})
    records = [
        live_hours(series, zone=zone_of(group.country_code), pauses=(), shape=waking_hours())
        for group, series in usable
    ]
    shapes = learn_weekly_shape(stack_records(records), np.tile(waking_hours(), (len(records), 1)))
    weeks = [
        Week(group, shape, float(record.counts.sum()))
        for (group, _), record, shape in zip(usable, records, shapes, strict=True)
    ]
    return Baselines(
        _baselines(weeks, [week.group.project_id for week in weeks], now),
        _baselines(weeks, [week.group.country_code for week in weeks], now),
    )


def _baselines(weeks: Sequence[Week], keys: Sequence[K], now: datetime) -> Mapping[K, Baseline]:
    pools: dict[K, list[Week]] = defaultdict(list)
    for key, week in zip(keys, weeks, strict=True):
        pools[key].append(week)
    return {key: _baseline(pool, now) for key, pool in pools.items()}


def _baseline(pool: Sequence[Week], now: datetime) -> Baseline:
    week = pool_shapes([one.shape for one in pool], [one.completes for one in pool], None)
    speeds = [speed for one in pool if (speed := _speed(one.group, now)) is not None]
    return Baseline(
        groups=len(pool),
        completes=sum(one.completes for one in pool),
        shape=[round(weight, 3) for weight in week.shape],
        speed=round(median(speeds), 3) if len(speeds) >= MIN_GROUPS else None,
        prices={},
        learned_at=now,
    )


def _speed(group: TargetGroup, now: datetime) -> float | None:
    """Completes over those of an even plan; None within the first two days."""
    if not group.starts_at or not group.ends_at or not group.filling_goal:
        return None
    passed = min(now, group.ends_at) - group.starts_at
    if passed.days < 2 or not group.completes:
        return None
    return group.completes / group.filling_goal / (passed / (group.ends_at - group.starts_at))
