"""How well a hypothesis about the rate forecast a block of completes, and what it learns of it.

Counts are compared on square roots, where their spread is constant (Anscombe, Biometrika 35,
1948). How much more than chance a hypothesis misses is its over-dispersion, learned as it goes,
so that its forecast is a Student t (variance learning of West & Harrison, Bayesian Forecasting
and Dynamic Models, 1997); the rate itself is a gamma distribution (the power-steady model of
Smith, J. R. Stat. Soc. B 41, 1979).
"""

from dataclasses import dataclass

import numpy as np

from dashboard.fielding.series.readings import Floats

BLOCK = 12  # hours
SPREAD, LOOKS = 1.6, 21.0  # over-dispersion before any block, and what that guess is worth
PLAN_WORTH = 2.0  # completes that the planned rate is worth
SHAPE_MISSES = 0.0026  # variance of a block's log mean, for what the shape of the week may miss


@dataclass(slots=True)
class Rates:
    """Hypotheses side by side, (groups, hypotheses): the rate (completes per usual day), one
    over its relative variance, the over-dispersion and the looks behind that."""

    rate: Floats
    firm: Floats
    spread: Floats
    looks: Floats

    def update(self, came: Floats, time: Floats, daily: Floats | float) -> Floats:
        """Learn a block of `came` completes in `time` usual days; the log chance that it had.

        daily: variance of the log mean of one block beyond that of the rate.
        """
        mean = self.rate * time
        variance = self.spread + mean * (1 / self.firm + daily)
        miss = 4 * (np.sqrt(came + 0.375) - np.sqrt(mean + 0.375)) ** 2
        looks = np.minimum(1.0, mean + came) * (time > 1e-3)
        half = (self.looks + 1) / 2
        chance = -0.5 * np.log(variance) - half * np.log1p(miss / (self.looks * variance))
        noise = self.spread + mean * daily
        firmer = self.firm + came / noise
        self.rate = self.rate * firmer / (self.firm + mean / noise)
        self.firm = firmer
        scatter = self.looks * self.spread + looks * self.spread * miss / variance
        self.looks = self.looks + looks
        self.spread = np.maximum(scatter / self.looks, 1.0)
        return np.asarray(looks * chance)


def half_day_sums(hourly: Floats) -> Floats:
    """Sums of blocks: (groups, hours) → (groups, hours / 12)."""
    sums: Floats = hourly.reshape(hourly.shape[0], -1, BLOCK).sum(axis=2)
    return sums
