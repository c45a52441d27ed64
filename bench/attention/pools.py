"""Baselines of projects and countries, learned from watched groups as the product learns them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.insight.baselines import (
    FIELDED,
    Baselines,
    baselines_of,
    pool_weeks,
    weeks_of,
)
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.fielding.series.readings import CleanReadings, live_hours
from dashboard.fielding.series.weekly_shape import waking_hours


def learn_pools(groups: Iterable[tuple[TargetGroup, CleanReadings]], *, now: datetime) -> Baselines:
    """Return the baselines of the projects and countries of groups with their series."""
    usable = [pair for pair in groups if pair[0].status in FIELDED and pair[0].completes]
    records = [
        live_hours(series, zone=zone_of(group.country_code), pauses=(), shape=waking_hours())
        for group, series in usable
    ]
    weeks = list(weeks_of([group for group, _ in usable], records, now=now))
    return baselines_of(pool_weeks(ExchangeAccount(), weeks, now=now))
