"""The sum of many groups at their ends, as a distribution: quantiles of the sum, each capped.

A sum of medians is no median of the sum: a group that fills stops at its goal and makes up for
none that falls short. So all groups are drawn together, each draw is capped, and the quantiles are
taken of the sums. Groups of one project run well or badly together, so their draws share a part
(a Gaussian copula with one factor). Draws are seeded by the data: the same figures give the same
sum.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.insight.at_end import GroupAtEnd

Floats = NDArray[np.float64]
# With this number the 10 %, 50 % and 90 % points of a group's draws are its own, exactly.
DRAWS = 1005
# How much of what is uncertain about a group it shares with the others of its project.
SHARED = 0.2
QUANTILES = (0.1, 0.5, 0.9)
_P90 = NormalDist().inv_cdf(0.9)


class Range(NamedTuple):
    """The 10 %, 50 % and 90 % points of a figure."""

    p10: float
    p50: float
    p90: float


class JointDraws:
    """Groups at their ends, drawn together: completes on the end date, capped at the goals.

    400 groups take about 25 ms.
    """

    def __init__(self, groups: Sequence[GroupAtEnd]) -> None:
        self._limits = _column([group.limit for group in groups])
        self._goals = _column([group.goal or 0.0 for group in groups])
        self._done = _column([group.completes for group in groups])
        self._ends = _draw_ends(groups)

    @property
    def _capped(self) -> Floats:
        capped: Floats = np.minimum(self._ends, self._limits)
        return capped

    def projected(self) -> Range:
        """Completes of all groups on their end dates."""
        return _range_of_sum(self._capped)

    def shortfall(self) -> Range:
        """Completes missing on the end dates, to the goals of the groups that have one."""
        return _range_of_sum(np.maximum(self._goals - self._capped, 0.0))

    def cost(self, prices: Sequence[float], so_far: float) -> Range:
        """What the groups will have cost: so far, and the completes to come at their prices.

        prices: the CPI of each group, all in one currency; 0 for a group of another one.
        """
        to_come = (self._capped - self._done) * _column(prices)
        low, middle, high = _range_of_sum(to_come)
        return Range(so_far + low, so_far + middle, so_far + high)

    def on_the_way(self, shares: Floats) -> list[Range]:
        """Completes of all groups at several moments between now and the last end.

        shares (moments, groups): how much of each group's way from now to its end is behind it
        then, 0 to 1. A group that reaches its goal on the way stops there.
        """
        ahead = self._ends - self._done
        return [
            _range_of_sum(np.minimum(self._done + ahead * share[:, None], self._limits))
            for share in shares
        ]


def sum_of_ranges(ranges: Sequence[Range]) -> Range:
    """The range of a sum of sums, such as an account's of its projects'."""
    return JointDraws(
        [GroupAtEnd(None, 0.0, *points, is_projected=True) for points in ranges]
    ).projected()


def _column(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=float).reshape(-1, 1)


def _draw_ends(groups: Sequence[GroupAtEnd]) -> Floats:
    """Draws of the completes at the end, not capped: (groups, DRAWS)."""
    if not groups:
        return np.zeros((0, DRAWS))
    table = np.array([(g.p10, g.p50, g.p90, g.completes) for g in groups], dtype=float)
    low, middle, high, done = table.T
    ends = np.repeat(middle[:, None], DRAWS, axis=1)
    moves = high > low
    if moves.any():
        scores = _scores(int(moves.sum()), zlib.crc32(table.tobytes()))
        below = ((middle - low)[moves] / _P90)[:, None]
        above = ((high - middle)[moves] / _P90)[:, None]
        ends[moves] += np.where(scores < 0, below, above) * scores
    drawn: Floats = np.maximum(ends, done[:, None])
    return drawn


def _scores(groups: int, seed: int) -> Floats:
    """Normal scores (groups, DRAWS) that share a part.

    Each group's are the same set of quantiles in another order, so that a group alone has exactly
    its own range.
    """
    chance = np.random.default_rng(seed)
    own = chance.standard_normal((groups, DRAWS), dtype=np.float32)
    shared = chance.standard_normal(DRAWS, dtype=np.float32)
    order = np.argsort(np.sqrt(1 - SHARED) * own + np.sqrt(SHARED) * shared, axis=1)
    scores = np.empty((groups, DRAWS))
    np.put_along_axis(scores, order, np.broadcast_to(_grid(), scores.shape), axis=1)
    return scores


@cache
def _grid() -> Floats:
    """The quantiles of a standard normal at the middles of DRAWS equal parts."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((number + 0.5) / DRAWS) for number in range(DRAWS)])


def _range_of_sum(draws: Floats) -> Range:
    # "hazen" takes the middles of equal parts, as `_grid` does.
    points = np.quantile(draws.sum(axis=0), QUANTILES, method="hazen")
    return Range(*(float(point) for point in points))
