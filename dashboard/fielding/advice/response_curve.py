"""Completes an hour as a function of CPI: how many times today's, as a distribution.

A raise wins people until nobody is left to win: the curve is logistic in the log of CPI, has the
group's elasticity at today's CPI and a ceiling that nobody knows. Raises beyond 30 % have seldom
been seen, so from there on the elasticity itself is uncertain and the range widens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from dashboard.fielding.advice.evidence import Elasticity
from dashboard.fielding.series.readings import Floats, Ints

DRAWS = 401
SEED = 20_111
CEILING, CEILING_SPREAD = 1.6, 0.7  # what more money can win at most, over today; log sd
THIN_FROM = log(1.3)  # moves of log CPI beyond which evidence is thin
THIN_SPREAD = 0.5  # log sd of the elasticity from there on
STEEPEST = 12.0


class Luck(NamedTuple):
    """Independent normal scores (draws) of all that is uncertain: the forecast, the elasticity,
    the ceiling, large moves, when completes come, and how a field goes on after its end."""

    forecast: Floats
    elasticity: Floats
    ceiling: Floats
    large_moves: Floats
    timing: Floats
    after_end: Floats


@cache
def draw_luck(draws: int = DRAWS, seed: int = SEED) -> Luck:
    """The scores: each dimension an even grid in an order of its own, the same for every group."""
    normal = NormalDist()
    grid = np.array([normal.inv_cdf((number + 0.5) / draws) for number in range(draws)])
    rng = np.random.default_rng(seed)
    return Luck(*(rng.permutation(grid) for _ in Luck._fields))


@dataclass(frozen=True, slots=True)
class ResponseCurves:
    """Curves of several groups: steepness (groups, draws), ceilings and large moves (draws)."""

    steepness: Floats
    ceiling: Floats
    large_moves: Floats

    def multipliers(self, log_price: Floats) -> Floats:
        """Completes over those at today's CPI (groups, draws) for a log ratio of CPI a group."""
        move = log_price[:, None]
        far = np.maximum(np.abs(move) - THIN_FROM, 0.0)
        move = move + np.sign(move) * far * (self.large_moves - 1.0)
        return np.asarray(
            self.ceiling / (1.0 + (self.ceiling - 1.0) * np.exp(-self.steepness * move))
        )

    def select(self, rows: Ints) -> "ResponseCurves":
        """The curves of some of the groups."""
        return ResponseCurves(self.steepness[rows], self.ceiling, self.large_moves)


def draw_curves(elasticities: Sequence[Elasticity], luck: Luck) -> ResponseCurves:
    """Draw the curves of groups from their elasticities."""
    means, sds = np.array([(each.mean, each.sd) for each in elasticities]).reshape(-1, 2).T
    slopes = np.maximum(means[:, None] + sds[:, None] * luck.elasticity, 0.0)
    ceiling = 1.0 + CEILING * np.exp(CEILING_SPREAD * luck.ceiling)
    steepness = np.minimum(slopes * ceiling / (ceiling - 1.0), STEEPEST)
    return ResponseCurves(steepness, ceiling, np.exp(THIN_SPREAD * luck.large_moves))
