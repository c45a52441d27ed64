"""The usual shape of a group's week: how its completes spread over the 168 local hours.

A shape is 168 weights with mean 1, hour 0 = Monday 00:00 in the group's own zone. It is
learned from the group's own hours, first of the weekdays, whose factors are shrunk by how much
weekdays differ and how well the level around them is known, then of the hours of a day by
Gamma–Poisson shrinkage, each towards what came before it: the shape of project and country
(a Prior), or the waking hours of people at home.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from dashboard.fielding.series.readings import WEEK, Floats, Hours, Ints

SATURDAY = 5
SHUT = 0.0205  # how often a group hardly fields at all at weekends
SHUT_DAY = 0.0011  # or on one day of the week
OPEN_VARIES = 0.05  # how much an open day differs from the others: variance of its log
SHUT_WORTH = 3.0
SHUT_RATE = 0.05
DAY_APART, WEEKEND_APART, SUNDAY_APART = 0.0016, 0.022, 0.012  # variance of the log of a factor
BETWEEN, AT_AN_EDGE = 0.0137, 0.07  # the same of one day: with days around it, or on one side only
HOUR_WORTH = 0.38
BURSTS = 0.4  # how much of a day's over-dispersion its hours have too
_WAKING = (
    0.45,
    0.25,
    0.15,
    0.12,
    0.15,
    0.28,
    0.55,
    0.85,
    1.10,
    1.25,
    1.32,
    1.35,
    1.35,
    1.33,
    1.30,
    1.30,
    1.33,
    1.38,
    1.45,
    1.55,
    1.60,
    1.50,
    1.20,
    0.80,
)
_WEEKEND = 0.9


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known of a group before its own readings: from its project and country.

    shape: 168 hour-of-week weights (any positive scale); daily: usual completes a live day,
    or None when unknown. fade: the rate after a group's first day over the rate on it; varies:
    how far groups like it are apart (sd of the log); both None when unknown. ValueError for
    anything else.
    """

    shape: tuple[float, ...]
    daily: float | None = None
    fade: float | None = None
    varies: float | None = None

    def __post_init__(self) -> None:
        if len(self.shape) != WEEK or min(self.shape) < 0 or not 0 < sum(self.shape) < np.inf:
            raise ValueError("a prior shape is 168 weights, none negative, not all zero")
        if self.daily is not None and not 0 < self.daily < np.inf:
            raise ValueError("a prior's daily completes are above zero")
        if any(part is not None and not 0 < part < np.inf for part in (self.fade, self.varies)):
            raise ValueError("a prior's fade and spread are above zero")


@cache
def waking_hours() -> Floats:
    """The built-in shape: people answer in waking hours, a little less at weekends."""
    days = np.ones((7, 1))
    days[5:] = _WEEKEND
    shape: Floats = (days * np.array(_WAKING)).ravel()
    shape /= shape.mean()
    shape.setflags(write=False)
    return shape


def prior_shape(prior: Prior | None) -> Floats:
    """The 168 weights of a prior, mean 1, never quite zero."""
    if prior is None:
        return waking_hours()
    shape = np.array(prior.shape, dtype=np.float64)
    shape = np.maximum(shape / shape.mean(), 0.002)
    return np.asarray(shape / shape.mean())


def day_sums(hourly: Floats) -> Floats:
    """Sums of 24 hours: (groups, hours) → (groups, hours / 24)."""
    sums: Floats = hourly.reshape(hourly.shape[0], -1, 24).sum(axis=2)
    return sums


def learn_weekly_shape(hours: Hours, base: Floats) -> Floats:
    """The shape of each group's week (groups, 168), shrunk towards `base` (groups, 168)."""
    rows = np.arange(hours.slot.shape[0])[:, None]
    day, hour = hours.slot // 24, hours.slot % 24
    usual = base[rows, hours.slot] * hours.live
    working = day < SATURDAY
    worked = day_sums(hours.counts * working), day_sums(usual * working)
    level = _level(*worked)
    spread = _spread(*worked, level)
    weekday = _weekdays(hours, np.repeat(level, 24, axis=1) * usual, day, spread)
    usual = usual * weekday[rows, day]
    level = _level(day_sums(hours.counts), day_sums(usual))
    expected = np.repeat(level, 24, axis=1) * usual * hours.sharp
    worth = HOUR_WORTH * (1 + BURSTS * (spread - 1))
    hourly = _shrunk(hours.counts * hours.sharp, expected, hour, 24, worth)
    shape = base.reshape(-1, 7, 24) * weekday[:, :, None] * hourly[:, None, :]
    flat = shape.reshape(-1, WEEK)
    flat /= flat.mean(axis=1, keepdims=True)
    return flat


@cache
def _kernel(days: int) -> Floats:
    """Weights of days around each other: normal, ±2.5 days."""
    day = np.arange(days)
    return np.asarray(np.exp(-0.5 * ((day[:, None] - day) / 2.5) ** 2))


def _level(counts: Floats, usual: Floats) -> Floats:
    """Completes per usual hour, smoothed over some days: (groups, blocks)."""
    kernel = _kernel(counts.shape[1])
    whole = (counts.sum(axis=1, keepdims=True) + 0.5) / (usual.sum(axis=1, keepdims=True) + 0.5)
    level: Floats = (counts @ kernel + 2 * whole) / (usual @ kernel + 2)
    return level


def _spread(counts: Floats, usual: Floats, level: Floats) -> Floats:
    """The over-dispersion of days, at least 1: (groups, 1).

    From the median of squared misses, so that days on which a group never fields do not pass
    for noise.
    """
    full = usual > 6
    miss = 4 * (np.sqrt(counts + 0.375) - np.sqrt(level * usual + 0.375)) ** 2
    number = full.sum(axis=1)
    ordered = np.sort(np.where(full, miss, np.inf), axis=1)
    row, middle = np.arange(number.size), np.maximum(number - 1, 0)
    median = (ordered[row, middle // 2] + ordered[row, (middle + 1) // 2]) / 2 / 0.455
    median[number < 3] = 0.0
    spread: Floats = np.maximum(1.0, (4.5 + number * median) / (3 + number))
    return spread[:, None]


def _summed(values: Floats, index: Ints, size: int) -> Floats:
    """Sums of values by index within each group: (groups, size)."""
    rows = values.shape[0]
    flat = (np.arange(rows)[:, None] * size + index).ravel()
    return np.asarray(np.bincount(flat, values.ravel(), rows * size).reshape(rows, size))


def _shrunk(read: Floats, expected: Floats, index: Ints, size: int, worth: Floats) -> Floats:
    """Observed over expected by index, shrunk towards 1 by `worth` completes."""
    return (_summed(read, index, size) + worth) / (_summed(expected, index, size) + worth)


def _weekdays(hours: Hours, expected: Floats, day: Ints, spread: Floats) -> Floats:
    """Factor of each weekday (groups, 7): close to 1, unless the group is shut on that day.

    Two hypotheses a weekday, mixed by how well they explain it: open (around 1) and shut (next
    to nothing), so that a weekday-only field is learned from its first weekend. A silent
    Saturday speaks for a silent Sunday. A working day must have been silent twice.
    """
    seen, due = (_summed(x, day, 7) / spread for x in (hours.counts, expected))
    is_open = _open(seen, due, _certain(hours, day))
    is_shut = (seen + SHUT_RATE * SHUT_WORTH) / (due + SHUT_WORTH)
    miss = 4 * (np.sqrt(seen + 0.375) - np.sqrt(due + 0.375)) ** 2 / (1 + OPEN_VARIES * due)
    for_shut = -0.5 * np.maximum(0.0, (is_shut - 0.1) / 0.08) ** 2
    evidence = np.where(due > 0, np.maximum(for_shut, -50.0) + np.minimum(miss, 100.0) / 2, 0.0)
    twice = _summed((hours.live > 0).astype(np.float64), day, 7) > 30
    odds = np.log(SHUT_DAY / (1 - SHUT_DAY)) + np.where(twice & (due > 4), evidence, -50.0)
    chance = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
    weekend_due = due[:, SATURDAY:].sum(axis=1, keepdims=True)
    chance[:, SATURDAY:] = _weekend(evidence[:, SATURDAY:]) * weekend_due / (weekend_due + 1)
    return np.asarray((1 - chance) * is_open + chance * is_shut)


def _certain(hours: Hours, day: Ints) -> Floats:
    """How far the level of each weekday's days is known from the working days around them:
    one over the variance of its log (groups, 7)."""
    worked = hours.live * (day < SATURDAY) / 24
    before = np.cumsum(worked, axis=1)
    between = (before > 0.8) & (before[:, -1:] - before > 0.8)
    inside, days = (_summed(x, day, 7) / 24 for x in (hours.live * between, hours.live))
    return np.asarray(inside / BETWEEN + np.maximum(days - inside, 0.0) / AT_AN_EDGE + 1e-6)


def _open(seen: Floats, due: Floats, certain: Floats) -> Floats:
    """Factors of weekdays that are open: hardly apart from Monday to Friday, the two days of a
    weekend together first and each for itself then."""
    factor = np.log((seen + 0.5) / (due + 0.5))
    error = 1 / (due + 0.5) + 1 / certain
    shrunk = factor * DAY_APART / (DAY_APART + error)
    weekend, sure = factor[:, SATURDAY:], 1 / (error[:, SATURDAY:] + SUNDAY_APART)
    total = sure.sum(axis=1, keepdims=True) + 1 / WEEKEND_APART
    both = (weekend * sure).sum(axis=1, keepdims=True) / total
    apart = SUNDAY_APART / (SUNDAY_APART + error[:, SATURDAY:])
    shrunk[:, SATURDAY:] = both + (weekend - both) * apart
    return np.asarray(np.exp(np.clip(shrunk, -3.0, 3.0)))


def _weekend(evidence: Floats) -> Floats:
    """The chance that Saturday and Sunday are shut, from the log evidence of each for it."""
    saturday, sunday = (np.exp(np.clip(evidence[:, k], -50, 50)) for k in (0, 1))
    both, one = SHUT * saturday * sunday, SHUT_DAY * np.stack((saturday, sunday), axis=1)
    every = 1 - SHUT - 2 * SHUT_DAY + both + one.sum(axis=1)
    return np.asarray((both[:, None] + one) / every[:, None])


def pool_shapes(shapes: Sequence[Floats], weights: Sequence[float], daily: float | None) -> Prior:
    """One Prior from the shapes of several groups, each weighted by its completes.

    For a new group of the same project or country. ValueError when there is nothing to pool.
    """
    if not shapes or sum(weights) <= 0:
        raise ValueError("nothing to pool: no shapes, or no completes behind them")
    shape = np.average(np.stack(shapes), axis=0, weights=np.array(weights))
    return Prior(tuple(float(weight) for weight in shape), daily)
