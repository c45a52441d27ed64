"""The time ahead of several groups: usual days to come, completes in them, and the goal.

Each filter of the bank expects a gamma-distributed number of completes; its quantiles and its
distribution are those of Wilson & Hilferty (PNAS 17, 1931): the cube root is near to normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding.rate import Belief
from dashboard.fielding.readings import HOUR, Floats, Pause, live_share, slots

QUANTILES = (0.1, 0.5, 0.9)
LAST = 90.0  # days ahead: a goal that is not met by then is not met before the horizon
_LAID_OUT = 28 * 24  # hours ahead for which the shape and the pauses are laid out
_PARTS = 15
_Z = np.array([NormalDist().inv_cdf((part + 0.5) / _PARTS) for part in range(_PARTS)])
_KNOTS = np.concatenate(
    (
        [0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 60, 72, 84, 96, 108, 120],
        24.0 * np.array([6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 21, 24, 28, 35, 45, 60, 75, LAST]),
    )
)


@dataclass(frozen=True, slots=True)
class DaysAhead:
    """Usual days (groups, hours + 1) from the UTC hour in which each forecast starts.

    skipped: the part of that first hour that is over (0–1). Beyond the grid a day is a
    usual day.
    """

    usual: Floats
    skipped: Floats

    def passed(self, hours: Floats) -> Floats:
        """Usual days in so many hours from the start; shapes (groups, moments)."""
        return self._since(hours + self.skipped[:, None]) - self._since(self.skipped[:, None])

    def _since(self, at: Floats) -> Floats:
        last = self.usual.shape[1] - 1
        inside = np.minimum(at, last)
        low = np.minimum(inside.astype(np.int64), last - 1)
        floor = np.take_along_axis(self.usual, low, axis=1)
        rise = np.take_along_axis(self.usual, low + 1, axis=1) - floor
        return np.asarray(floor + (inside - low) * rise + (at - inside) / 24)

    def hours(self, row: int, usual: Floats) -> Floats:
        """Hours from the start until so many usual days have passed, for one group."""
        grid, skipped = self.usual[row], self.skipped[row]
        target = usual + grid[0] + skipped * (grid[1] - grid[0])
        beyond = np.maximum(target - grid[-1], 0.0) * 24
        high = np.clip(np.searchsorted(grid, target), 1, grid.size - 1)
        step = np.maximum(grid[high] - grid[high - 1], 1e-12)
        share = np.clip((target - grid[high - 1]) / step, 0.0, 1.0)
        return np.asarray(high - 1 + share + beyond - skipped)


def lay_out(
    shape: Floats,
    *,
    starts: Sequence[float],
    nows: Sequence[float],
    zones: Sequence[ZoneInfo],
    pauses: Sequence[Sequence[Pause]],
) -> DaysAhead:
    """The days ahead of each group: its shape (groups, 168) in its zone, pauses taken out.

    starts and nows in seconds; a pause without an end lasts until now.
    """
    usual = np.zeros((len(starts), _LAID_OUT + 1))
    for row, start in enumerate(starts):
        first = int(start // HOUR)
        week = shape[row][slots(zones[row], first, _LAID_OUT)]
        if pauses[row]:
            week = week * live_share(first, _LAID_OUT, pauses[row], nows[row])
        np.cumsum(week, out=usual[row, 1:])
    return DaysAhead(usual / 24, np.array([start % HOUR / HOUR for start in starts]))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the bank expects at knots from each start: hours and usual days (groups, knots),
    mean and variance (groups, knots, filters), votes (groups, filters); `asked` are the knots
    (groups, moments) that the caller asked for."""

    days: DaysAhead
    usual: Floats
    mean: Floats
    variance: Floats
    votes: Floats
    asked: Floats

    def quantiles(self) -> Floats:
        """p10, p50, p90 of completes from the start to each moment asked: (groups, moments, 3).

        The outer two are rounded outwards: completes are whole.
        """
        index = self.asked.astype(np.int64)[:, :, None]
        mean = np.take_along_axis(self.mean, index, axis=1)[..., None]
        ninth = np.take_along_axis(self.variance, index, axis=1)[..., None] / (9 * mean**2)
        parts = mean * np.maximum(1 - ninth + _Z * np.sqrt(ninth), 0.0) ** 3
        parts = parts.reshape(*index.shape[:2], -1)
        weight = np.repeat(self.votes, _PARTS, axis=1)[:, None] / _PARTS
        weight = np.broadcast_to(weight, parts.shape)
        order = np.argsort(parts, axis=2)
        parts = np.take_along_axis(parts, order, axis=2)
        weight = np.take_along_axis(weight, order, axis=2)
        below = np.cumsum(weight, axis=2) - weight / 2
        found = np.stack([_crossing(below, parts, level) for level in QUANTILES], axis=2)
        found[:, :, 0], found[:, :, 2] = np.floor(found[:, :, 0]), np.ceil(found[:, :, 2])
        return found

    def passing(self, missing: Floats) -> Floats:
        """The chance that so many completes (groups) come by each knot: (groups, knots)."""
        ninth = self.variance / (9 * self.mean**2)
        target = np.maximum(missing - 0.5, 0.01)[:, None, None]
        z = (np.cbrt(target / self.mean) - 1 + ninth) / np.sqrt(ninth)
        above = 0.5 - 0.5 * np.tanh(0.7978846 * (z + 0.044715 * z**3))
        chance = (above * self.votes[:, None]).sum(axis=2)
        return np.maximum.accumulate(np.where(missing[:, None] > 0, chance, 1.0), axis=1)

    def chance(self, missing: Floats) -> Floats:
        """The chance that so many completes come by each moment asked: (groups, moments)."""
        return np.take_along_axis(self.passing(missing), self.asked.astype(np.int64), axis=1)

    def waits(self, missing: Floats) -> Floats:
        """Hours until so many completes came, early, middle and late: (groups, 3), inf = never."""
        chance = self.passing(missing)
        waits = np.full((chance.shape[0], 3), np.inf)
        for row in map(int, np.flatnonzero(chance[:, -1] >= QUANTILES[0])):
            levels = [level for level in QUANTILES if chance[row, -1] >= level]
            high = np.searchsorted(chance[row], levels)
            low = np.maximum(high - 1, 0)
            rise = np.maximum(chance[row, high] - chance[row, low], 1e-12)
            share = np.clip((levels - chance[row, low]) / rise, 0.0, 1.0)
            usual = self.usual[row, low] + share * (self.usual[row, high] - self.usual[row, low])
            waits[row, : len(levels)] = self.days.hours(row, usual)
        return waits


def _crossing(below: Floats, values: Floats, level: float) -> Floats:
    """The value at which the share below passes a level, between neighbours; last axis gone."""
    high = np.clip((below < level).sum(axis=2), 1, below.shape[2] - 1)[..., None]
    left, right = (np.take_along_axis(below, at, axis=2)[..., 0] for at in (high - 1, high))
    low, top = (np.take_along_axis(values, at, axis=2)[..., 0] for at in (high - 1, high))
    share = np.clip((level - left) / np.maximum(right - left, 1e-12), 0.0, 1.0)
    return np.asarray(low + share * (top - low))


def look_ahead(belief: Belief, days: DaysAhead, moments: Floats) -> Outlook:
    """The outlook at the knots of every forecast and at `moments` (groups, hours)."""
    rows, asked = moments.shape
    hours = np.concatenate((moments, np.broadcast_to(_KNOTS, (rows, _KNOTS.size))), axis=1)
    order = np.argsort(hours, axis=1, kind="stable")
    hours = np.take_along_axis(hours, order, axis=1)
    place = np.argsort(order, axis=1, kind="stable")[:, :asked]
    usual = days.passed(hours)
    mean, variance = belief.ahead(usual, hours / 24)
    return Outlook(days, usual, mean, variance, belief.votes, place.astype(np.float64))
