"""The time ahead of several groups: usual days to come, completes in them, and the goal.

Each steady hypothesis expects a gamma-distributed number of completes; its quantiles and its
distribution are those of Wilson & Hilferty (PNAS 17, 1931): the cube root is near to normal. What
a wave brings is log-normal: on real fields the log of what came over what the mean rate of the
field would have brought is near to symmetric around 0 (docs/insight.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from statistics import NormalDist

import numpy as np

from dashboard.fielding.forecast.rates.hypotheses import WAVE_DAYS
from dashboard.fielding.forecast.rates.rate_models import RatePosterior
from dashboard.fielding.series.readings import HOUR, Floats, Ints, Pause, live_share, week_hours

QUANTILES = (0.1, 0.5, 0.9)
LAST = 90.0  # days ahead: a goal that is not met by then is not met before the horizon
_LAID_OUT = 28 * 24  # hours ahead for which the shape and the pauses are laid out
_PARTS = 15
_BELOW_MEAN = 0.25  # of its log variance: how far a wave's median is below its mean
_WAVES = slice(-1 - len(WAVE_DAYS), -1)  # of the hypotheses
_NOTHING = 1e-3  # completes, where none are to come
_Z = np.array([NormalDist().inv_cdf((part + 0.5) / _PARTS) for part in range(_PARTS)])
_PARTS_SHARE = np.full(_PARTS, 1 / _PARTS)
_LEVELS = np.array(QUANTILES)
_KNOTS = np.concatenate(
    (
        [0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 60, 72, 84, 96, 108, 120],
        24.0 * np.array([6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 21, 24, 28, 35, 45, 60, 75, LAST]),
    )
)


@dataclass(frozen=True, slots=True)
class FutureExposure:
    """Usual days (groups, hours + 1) from the UTC hour in which each forecast starts.

    weekend: those of them that fall on weekends. skipped: the part of that first hour that is
    over (0–1). Beyond the grid a day is a usual day.
    """

    usual: Floats
    weekend: Floats
    skipped: Floats

    def passed(self, hours: Floats) -> tuple[Floats, Floats]:
        """Usual days in so many hours from the start, and the share of them that is weekend;
        shapes (groups, moments)."""
        opens = self.skipped[:, None]
        last = self.usual.shape[1] - 1
        usual = _value_at(self.usual, hours + opens) - _value_at(self.usual, opens)
        inside = np.minimum(hours + opens, last)
        weekend = _value_at(self.weekend, inside) - _value_at(self.weekend, opens)
        return usual, np.asarray(weekend / np.maximum(usual, 1e-9))

    def hours(self, usual: Floats) -> Floats:
        """Hours from the start until so many usual days have passed; shapes (groups, levels)."""
        grid, row = self.usual, np.arange(usual.shape[0])[:, None]
        opens = self.skipped[:, None]
        target = usual + grid[:, :1] + opens * (grid[:, 1:2] - grid[:, :1])
        beyond = np.maximum(target - grid[:, -1:], 0.0) * 24
        high = np.stack([(grid < target[:, [k]]).sum(axis=1) for k in range(usual.shape[1])], 1)
        high = np.clip(high, 1, grid.shape[1] - 1)
        step = np.maximum(grid[row, high] - grid[row, high - 1], 1e-12)
        share = np.clip((target - grid[row, high - 1]) / step, 0.0, 1.0)
        return np.asarray(high - 1 + share + beyond - opens)


def future_exposure(
    shape: Floats,
    *,
    starts: Sequence[float],
    nows: Sequence[float],
    zones: Sequence[tzinfo],
    pauses: Sequence[Sequence[Pause]],
) -> FutureExposure:
    """The days ahead of each group: its shape (groups, 168) in its zone, pauses taken out.

    starts and nows in seconds; a pause without an end lasts until now.
    """
    usual, weekend = (np.zeros((len(starts), _LAID_OUT + 1)) for _ in range(2))
    for row, start in enumerate(starts):
        first = int(start // HOUR)
        slot = week_hours(zones[row], first, _LAID_OUT)
        week = shape[row][slot]
        if pauses[row]:
            week = week * live_share(first, _LAID_OUT, pauses[row], nows[row])
        np.cumsum(week, out=usual[row, 1:])
        np.cumsum(week * (slot >= 120), out=weekend[row, 1:])
    return FutureExposure(
        usual / 24, weekend / 24, np.array([start % HOUR / HOUR for start in starts])
    )


def _value_at(grid: Floats, at: Floats) -> Floats:
    """The value of a grid (groups, hours + 1) at hours between its points, and beyond it."""
    last = grid.shape[1] - 1
    inside = np.minimum(at, last)
    low = np.minimum(inside.astype(np.int64), last - 1)
    row = np.arange(low.shape[0])[:, None]
    floor = grid[row, low]
    rise = grid[row, low + 1] - floor
    return np.asarray(floor + (inside - low) * rise + (at - inside) / 24)


@dataclass(frozen=True, slots=True)
class Projection:
    """What the hypotheses expect at knots from each start: hours and usual days (groups, knots),
    mean and variance (groups, knots, hypotheses), weights (groups, hypotheses), of which the
    waves are the last ones but for "nothing comes"; `moments` are the knots (groups, moments)
    that the caller wants."""

    days: FutureExposure
    usual: Floats
    mean: Floats
    variance: Floats
    weights: Floats
    moments: Ints

    def quantiles(self) -> Floats:
        """p10, p50, p90 of completes from the start to each moment: (groups, moments, 3).

        The outer two are rounded outwards: completes are whole.
        """
        row = np.arange(self.moments.shape[0])[:, None]
        mean = self.mean[row, self.moments][..., None]
        ninth = self.variance[row, self.moments][..., None] / (9 * mean**2)
        parts = mean * np.maximum(1 - ninth + _Z * np.sqrt(ninth), 0.0) ** 3
        log = np.log1p(9 * ninth[:, :, _WAVES])
        parts[:, :, _WAVES] = mean[:, :, _WAVES] * np.exp(_Z * np.sqrt(log) - _BELOW_MEAN * log)
        parts = parts.reshape(self.moments.size, -1)
        weight = (self.weights[row, :, None] * _PARTS_SHARE).reshape(row.size, -1)
        weight = weight.repeat(self.moments.shape[1], axis=0)
        row = np.arange(self.moments.size)[:, None]
        order = parts.argsort(axis=1)
        percentiles = _quantiles(parts[row, order], weight[row, order])
        percentiles[:, 0], percentiles[:, 2] = (
            np.floor(percentiles[:, 0]),
            np.ceil(percentiles[:, 2]),
        )
        return percentiles.reshape(*self.moments.shape, 3)

    def passing(self, missing: Floats) -> Floats:
        """The chance that so many completes (groups) come by each knot: (groups, knots)."""
        ninth = self.variance / (9 * self.mean**2)
        target = np.maximum(missing - 0.5, 0.01)[:, None, None]
        z = (np.cbrt(target / self.mean) - 1 + ninth) / np.sqrt(ninth)
        log = np.log1p(9 * ninth[:, :, _WAVES])
        far = np.log(target / self.mean[:, :, _WAVES])
        z[:, :, _WAVES] = (far + _BELOW_MEAN * log) / np.sqrt(log)
        above = 0.5 - 0.5 * np.tanh(0.7978846 * (z + 0.044715 * z**3))
        chance = (above * self.weights[:, None]).sum(axis=2)
        return np.maximum.accumulate(np.where(missing[:, None] > 0, chance, 1.0), axis=1)

    def waits(self, chance: Floats) -> Floats:
        """Hours until the goal, early, middle, late, from `passing`: (groups, 3), inf = never."""
        row = np.arange(chance.shape[0])[:, None]
        high = np.stack([(chance < level).sum(axis=1) for level in QUANTILES], axis=1)
        never = high == chance.shape[1]
        high = np.minimum(high, chance.shape[1] - 1)
        low = np.maximum(high - 1, 0)
        rise = np.maximum(chance[row, high] - chance[row, low], 1e-12)
        share = np.clip((_LEVELS - chance[row, low]) / rise, 0.0, 1.0)
        usual = self.usual[row, low] + share * (self.usual[row, high] - self.usual[row, low])
        return np.where(never, np.inf, self.days.hours(usual))


def _quantiles(values: Floats, weight: Floats) -> Floats:
    """Weighted quantiles of sorted values, between neighbours: (rows, values) → (rows, 3)."""
    below = weight.cumsum(axis=1) - weight / 2
    row = np.arange(values.shape[0])[:, None]
    high = (below[:, None] < _LEVELS[:, None]).sum(axis=2)
    high = np.minimum(np.maximum(high, 1), values.shape[1] - 1)
    left, low = below[row, high - 1], values[row, high - 1]
    share = (_LEVELS - left) / np.maximum(below[row, high] - left, 1e-12)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    return np.asarray(low + share * (values[row, high] - low))


def project_completes(
    rates: RatePosterior, days: FutureExposure, moments: Floats, *, still: Floats
) -> Projection:
    """The projection at the knots of every forecast and at `moments` (groups, hours).

    still: the chance that nothing comes any more (groups); it weighs like one more hypothesis.
    """
    rows, wanted = moments.shape
    hours = np.empty((rows, wanted + _KNOTS.size))
    hours[:, :wanted], hours[:, wanted:] = moments, _KNOTS
    order = hours.argsort(axis=1, kind="stable")
    hours = hours[np.arange(rows)[:, None], order]
    place = order.argsort(axis=1)[:, :wanted]
    usual, weekend = days.passed(hours)
    nothing = np.full((*hours.shape, 1), _NOTHING)
    mean, variance = (
        np.concatenate((values, nothing), axis=2)
        for values in rates.ahead(usual, hours / 24, weekend)
    )
    weights = np.concatenate((rates.weights * (1 - still[:, None]), still[:, None]), axis=1)
    return Projection(days, usual, mean, variance, weights, place)
