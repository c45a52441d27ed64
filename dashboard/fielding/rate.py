"""The rate of completes and its doubt: a bank of Gamma–Poisson filters that vote.

Each filter forgets at its own speed (discounted sums of completes and of usual days: the
power-steady model of Smith, J. R. Stat. Soc. B 41, 1979; West & Harrison, Bayesian
Forecasting and Dynamic Models, 1997); two more carry a log-linear trend, damped as in Gardner
& McKenzie, Management Science 31, 1985. A filter's vote is its own record of one-day and
four-day forecasts on this group (prequential: Dawid, J. R. Stat. Soc. A 147, 1984), measured
on square roots, where counts have constant spread; the same record gives its over-dispersion
and how much the rate drifts from day to day, so that the range widens with the horizon.

Time is measured in *usual days*: live hours weighted by the shape of the week, a whole
ordinary day being 1. Arrays are (groups, filters) unless said otherwise; the last two
filters are the trends.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dashboard.fielding.decline import TAU, Decline, decline
from dashboard.fielding.readings import Floats, Hours
from dashboard.fielding.regimes import regime
from dashboard.fielding.rhythm import blocks, day_spread

MEMORY = np.array([0.35, 1.2, 4.5, 13.0])  # days
TREND_MEMORY = np.array([4.5, 20.0])
FALLING = np.array([0.88, 0.886])  # what a day leaves of a falling trend
RISING = np.array([0.3, 0.38])
VOTES = np.array([0.72, 0.054, 0.45, 3.3, 0.58, 1.3, 0.4, 0.83])
DECAY = np.exp(-1 / np.concatenate((MEMORY, [6.0], TREND_MEMORY, [20.0])))
FILTERS = VOTES.size
LEVELS = MEMORY.size + 1
_BY_EVIDENCE = [0, 1, 2, 3, 5, 6]  # the filters whose doubt follows from discounted completes
OF_CHANCE, OF_DRIFT, OF_FORGETTING = 0.39, 0.31, 0.54
YOUNG, GROWN = 0.064, 2.3  # relative variance of a new field's rate, and the days it takes to go
PLAN_WORTH = 2.0
WORTH = 8.8
AHEAD = 4  # days of the longer forecast
CAREER = 4.0  # days: how long a filter's record counts
FREEDOM, NOISE = 0.56, 1.5  # prior of the over-dispersion: degrees of freedom and value
SOFTEN, SOFTEN_AHEAD = 0.76, 0.29
STUBBORN = 0.039  # share of the vote that no record can take away
DRIFT, DRIFT_WORTH = 0.0043, 9.9  # prior variance of the log rate a day, worth so many looks
SLOPE, SLOPE_SPREAD = -0.079, 0.073  # prior of the trend a day: fields tire


@dataclass(frozen=True, slots=True)
class Belief:
    """What the bank thinks: votes (sum 1), completes per usual day now, trend a day (log),
    over-dispersion, relative variance of the rate, and its growth per usual day."""

    votes: Floats
    rate: Floats
    slope: Floats
    spread: Floats
    doubt: Floats
    drift: Floats
    decline: Decline

    def ahead(self, usual: Floats, days: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of completes after `usual` days that take `days` of clock time.

        usual, days: (groups, moments), growing; the answers (groups, moments, filters).
        """
        step, middle = usual.copy(), days / 2
        step[:, 1:] -= usual[:, :-1]
        middle[:, 1:] += days[:, :-1] / 2
        slope = self.slope[:, None, LEVELS:-1]
        keep = np.where(slope < 0, FALLING, RISING)
        growth = np.exp(slope * (1 - keep ** middle[:, :, None]) / -np.log(keep))
        field = np.empty((*usual.shape, FILTERS))
        field[:, :, :LEVELS] = usual[:, :, None]
        field[:, :, LEVELS:-1] = (step[:, :, None] * growth).cumsum(axis=1)
        field[:, :, -1] = (step * self.decline.growth(middle)).cumsum(axis=1)
        mean = self.rate[:, None] * field + 1e-9
        relative = self.doubt[:, None] + self.drift[:, None] * usual[:, :, None]
        return mean, self.spread[:, None] * mean + mean**2 * relative


@dataclass(frozen=True, slots=True)
class _Kernels:
    """Weights that depend on the number of blocks alone."""

    hour: Floats  # (24, levels) within a block
    lag: Floats  # (levels, to block, from block)
    trend: Floats  # (trends × age power 0–2, to block, from block)
    career: Floats  # (blocks - 1)


@lru_cache(maxsize=64)
def _kernels(number: int) -> _Kernels:
    day = np.arange(number)
    lag = day[:, None] - day
    past = lag >= 0
    lag = np.maximum(lag, 0)
    hour = np.exp(-((23 - np.arange(24)) / 24)[:, None] / MEMORY)
    level = np.where(past, np.exp(-lag / MEMORY[:, None, None]), 0.0)
    weight = np.where(past, np.exp(-lag / TREND_MEMORY[:, None, None]), 0.0)
    age = lag + 0.5
    trend = np.stack((weight, weight * age, weight * age**2))
    return _Kernels(hour, level, trend, np.exp(-(number - 1 - day[1:]) / CAREER))


def believe(hours: Hours, shape: Floats, planned: Floats) -> Belief:
    """What each group's hours say about its rate.

    shape: (groups, 168), mean 1; planned: completes per usual day (groups) that are taken to
    be likely before there is any evidence.
    """
    rows = np.arange(shape.shape[0])[:, None]
    usual = shape[rows, hours.slot] * hours.live / 24
    counts, field = blocks(hours.counts), blocks(usual)
    kernels = _kernels(counts.shape[1])
    seen, time = (_discounted(x, kernels) for x in (hours.counts, usual))
    rate = np.empty((*counts.shape, FILTERS))
    rate[:, :, : MEMORY.size] = _memories(seen, time, planned)
    longest = rate[:, :, MEMORY.size - 1]
    since = regime(hours.counts, usual, day_spread(counts, field))
    slope, now, weight = _trends(counts, field, kernels, longest)
    falling = decline(hours.counts, usual, longest)
    rate[:, :, LEVELS - 1], rate[:, :, LEVELS:-1], rate[:, :, -1] = since.rate, now, falling.rate
    slope = np.concatenate((slope, _slope_of(falling)[:, :, None]), axis=2)
    past = _Past(counts, field, rate, slope, kernels.career)
    votes, spread, drift = _record(past)
    calm = np.maximum(spread, 1.0)
    doubt = np.empty_like(votes)
    evidence = np.concatenate((seen[:, -1], weight), axis=1)
    doubt[:, _BY_EVIDENCE] = calm[:, _BY_EVIDENCE] / (evidence + WORTH)
    doubt[:, LEVELS - 1], doubt[:, -1] = since.doubt, falling.doubt
    doubt = OF_CHANCE * doubt + OF_DRIFT * drift
    doubt += 0.5 / (1 + counts.sum(axis=1, keepdims=True) / 2)
    doubt += YOUNG * np.exp(-field.sum(axis=1, keepdims=True) / GROWN)
    steady = np.zeros((slope.shape[0], LEVELS))
    slope = np.concatenate((steady, slope[:, -1]), axis=1)
    growth = _growth(rate[:, -1], calm, drift)
    return Belief(votes, rate[:, -1], slope, calm, doubt, growth, falling)


def _memories(seen: Floats, time: Floats, planned: Floats) -> Floats:
    """The rate by each memory (groups, blocks, memories), shrunk towards the next longer one."""
    rate = np.empty_like(seen)
    known, worth = np.broadcast_to(planned[:, None], seen.shape[:2]), PLAN_WORTH
    for memory in range(MEMORY.size - 1, -1, -1):
        known = (seen[:, :, memory] + worth) / (time[:, :, memory] + worth / known)
        rate[:, :, memory], worth = known, WORTH
    return rate


def _slope_of(falling: Decline) -> Floats:
    """The trend a day (log) of a decline at the end of each day (groups, days)."""
    back = np.arange(falling.rate.shape[1])[::-1]
    age = np.maximum(falling.age[:, None] - back, 0.0)
    return np.asarray(falling.exponent / (TAU + age))


def _discounted(hourly: Floats, kernels: _Kernels) -> Floats:
    """Sums that forget, at the end of each block: (groups, blocks, levels)."""
    rows, width = hourly.shape
    inner = hourly.reshape(rows, width // 24, 24) @ kernels.hour
    sums: Floats = np.matmul(kernels.lag, inner.transpose(2, 1, 0))
    return sums.transpose(2, 1, 0)


def _trends(
    counts: Floats, field: Floats, kernels: _Kernels, level: Floats
) -> tuple[Floats, Floats, Floats]:
    """Trend a day and rate now at the end of each block (groups, blocks, trends); evidence.

    One scoring step of a log-linear Poisson trend: completes that are younger than the days
    in field mean growth. Shrunk towards a slow decline by what little counts can tell.
    """
    sums = np.matmul(kernels.trend, counts.T).transpose(0, 1, 3, 2)
    time = np.matmul(kernels.trend, field.T).transpose(0, 1, 3, 2)
    base = np.maximum(time[0], 1e-9)
    age = time[1] / base
    width = np.maximum(time[2] / base - age**2, 1e-6)
    slope = (age * sums[0] - sums[1]) / (np.maximum(sums[0], 1.0) * width)
    error = 0.7 / (np.maximum(sums[0], 0.5) * width) + 0.005 / (np.maximum(time[0], 0.5) * width)
    sure = SLOPE_SPREAD**2 / (SLOPE_SPREAD**2 + error)
    slope = np.clip(sure * slope + (1 - sure) * SLOPE, -0.6, 0.6)
    mean = (sums[0] + WORTH) / (time[0] + WORTH / level)
    now = mean * np.exp(np.clip(slope * age, -2.0, 2.0))
    order = (1, 2, 0)
    return slope.transpose(order), now.transpose(order), 0.2 * sums[0, :, :, -1].T


@dataclass(frozen=True, slots=True)
class _Past:
    """Completes and usual days of each block (groups, blocks), and what the bank thought at
    its end: rate (groups, blocks, filters), slope (groups, blocks, trends)."""

    counts: Floats
    field: Floats
    rate: Floats
    slope: Floats
    career: Floats

    def misses(self, ahead: int) -> tuple[Floats, Floats, Floats]:
        """Forecasts of the next `ahead` blocks: squared misses on the scale where chance alone
        gives 1, what was expected, and how much each counts."""
        total, lived = (np.cumsum(x, axis=1) for x in (self.counts, self.field))
        span = lived[:, ahead:] - lived[:, :-ahead]
        expected = self.rate[:, :-ahead] * span[:, :, None]
        expected[:, :, LEVELS:] *= np.exp(self.slope[:, :-ahead] * ahead / 2)
        root = np.sqrt(total[:, ahead:] - total[:, :-ahead] + 0.375)[:, :, None]
        miss = 4 * (root - np.sqrt(expected + 0.375)) ** 2
        known = (lived[:, :-ahead] > 0.2) & (span > 0.02 * ahead)
        return miss, expected, self.career[ahead - 1 :] * known


def _weighed(weight: Floats, values: Floats) -> Floats:
    """Weighted sums over blocks: (groups, blocks) of (groups, blocks, filters)."""
    return np.asarray(np.matmul(weight[:, None], values)[:, 0])


def _record(past: _Past) -> tuple[Floats, Floats, Floats]:
    """Votes, over-dispersion and drift from how each filter forecast this group's own days."""
    rows, number = past.counts.shape
    miss, _, count = past.misses(1)
    looks = count.sum(axis=1)[:, None]
    spread = (FREEDOM * NOISE + _weighed(count, miss)) / (FREEDOM + looks)
    score = np.log(VOTES) - SOFTEN * (FREEDOM + looks) / 2 * np.log(spread)
    drift = np.full((rows, FILTERS), DRIFT)
    if number > AHEAD + 1:
        drift, further = _far(past, spread)
        score -= SOFTEN_AHEAD * further
    votes = np.exp(score - score.max(axis=1, keepdims=True))
    votes = (1 - STUBBORN) * votes / votes.sum(axis=1, keepdims=True)
    return votes + STUBBORN * VOTES / VOTES.sum(), spread, drift


def _far(past: _Past, spread: Floats) -> tuple[Floats, Floats]:
    """Drift of the log rate a day, from forecasts of four days; and their misses as a penalty.

    What these miss by more than single days do is drift.
    """
    miss, expected, count = past.misses(AHEAD)
    looks = count.sum(axis=1)[:, None] / AHEAD
    missed = _weighed(count, miss)
    lever = _weighed(count, expected) * AHEAD / 3
    excess = np.maximum(missed - looks * AHEAD * spread, 0.0)
    sure = looks * lever / (lever + spread * looks * AHEAD + 1e-9)
    seen = np.minimum(excess / np.maximum(lever, 1e-9), 0.5)
    drift = (DRIFT_WORTH * DRIFT + sure * seen) / (DRIFT_WORTH + sure)
    further = (FREEDOM * NOISE + missed / AHEAD) / (FREEDOM + looks)
    return drift, (FREEDOM + looks) / 2 * np.log(further)


def _growth(rate: Floats, spread: Floats, drift: Floats) -> Floats:
    """Growth of the relative variance a usual day: what forgets fast expects to move fast."""
    forgetting = spread * (1 - DECAY) ** 2 / DECAY / np.maximum(rate, 0.2)
    return np.asarray((OF_FORGETTING * np.minimum(1.4 * forgetting, 1.0) + drift) / 3)
