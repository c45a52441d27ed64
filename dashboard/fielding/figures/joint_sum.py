"""The sum of many groups at their ends, as a distribution: quantiles of the sum, each capped.

A sum of medians is no median of the sum: a group that fills stops at its goal and makes up for
none that falls short. So all groups are drawn together (`forecast.joint`), each draw is capped, and
the quantiles are taken of the sums.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.forecast.joint import (
    GroupEnd,
    Percentiles,
    percentiles_of,
    simulate_ends,
)
from dashboard.fielding.insight.at_end import GroupAtEnd

Floats = NDArray[np.float64]
INFINITE = float("inf")


class JointDraws:
    """Groups of one project at their ends, drawn together: completes, capped at the goals.

    A group without a goal is not capped. One that is open and has no projection (it is in its soft
    launch) is taken to reach its goal: nothing says otherwise yet.
    """

    def __init__(self, groups: Sequence[GroupAtEnd]) -> None:
        self._limits = _column([group.limit for group in groups])
        self._goals = _column([group.goal or 0.0 for group in groups])
        self._done = _column([group.completes for group in groups])
        self._ends = simulate_ends([_as_group_end(group) for group in groups]).astype(np.float64)

    @property
    def _capped(self) -> Floats:
        capped: Floats = np.minimum(self._ends, self._limits)
        return capped

    def projected(self) -> Percentiles:
        """Completes of all groups on their end dates."""
        return percentiles_of(self._capped.sum(axis=0))

    def shortfall(self) -> Percentiles:
        """Completes missing on the end dates, to the goals of the groups that have one."""
        return percentiles_of(np.maximum(self._goals - self._capped, 0.0).sum(axis=0))

    def cost(self, prices: Sequence[float], so_far: float) -> Percentiles:
        """What the groups will have cost: so far, and the completes to come at their prices.

        prices: the CPI of each group, all in one currency; 0 for a group of another one.
        """
        to_come = (self._capped - self._done) * _column(prices)
        low, middle, high = percentiles_of(to_come.sum(axis=0))
        return Percentiles(so_far + low, so_far + middle, so_far + high)

    def on_the_way(self, shares: Floats) -> list[Percentiles]:
        """Completes of all groups at several moments between now and the last end.

        shares (moments, groups): how much of each group's way from now to its end is behind it
        then, 0 to 1. A group that reaches its goal on the way stops there.
        """
        ahead = self._ends - self._done
        ways = (self._done + ahead * share[:, None] for share in shares)
        return [percentiles_of(np.minimum(way, self._limits).sum(axis=0)) for way in ways]


def sum_of_ranges(ranges: Sequence[Percentiles]) -> Percentiles:
    """The range of a sum of sums, such as an account's of its projects'; to a tenth, as they are.

    So the sum of one reads like that one.
    """
    groups = [GroupEnd(0.0, INFINITE, *points) for points in ranges]
    points = percentiles_of(simulate_ends(groups).sum(axis=0))
    return Percentiles(*(round(point, 1) for point in points))


def _as_group_end(group: GroupAtEnd) -> GroupEnd:
    ends = group.p10, group.p50, group.p90
    if not (group.is_projected or group.is_over) and group.goal is not None:
        ends = (max(group.goal, group.completes),) * 3
    return GroupEnd(group.completes, INFINITE, *ends, country=group.country)


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=float).reshape(-1, 1)
