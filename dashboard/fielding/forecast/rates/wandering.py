"""How likely a group's rate wanders as rates of real fieldwork do.

On real fields the completes of a quarter day scatter around the field's own level far more than
chance has it: the relative variance of their rate is near 0.8, where fields whose rate stays
show 0.02 (docs/insight.md says on what it was measured). The log of the over-dispersion that
this brings is near to normal for both kinds, so that their likelihood ratio is that of two normals.
"""

import numpy as np

from dashboard.fielding.series.readings import Floats, Hours

CALM, CALM_VARIES = 0.04, 0.7  # relative variance of a quarter day's rate; sd of its log
WANDERS, WANDERS_VARIES = 0.8, 0.9
LOG_ODDS, WORTH = 0.7, 1.1  # before any reading; how much the log likelihood ratio counts
LEAST, MOST = -4.0, 6.0  # what the ratio can say at most
LEAST_A_DAY = -0.8  # a calm day or two prove little: rates wander from one day to the next
QUARTER = 6  # hours
WIDTH = 8.0  # quarter days: the level is smoothed by a normal of this width


def wandering_chance(hours: Hours, shape: Floats) -> Floats:
    """The chance (groups) that a rate wanders. shape: (groups, 168), mean 1."""
    rows = np.arange(shape.shape[0])[:, None]
    usual = shape[rows, hours.slot] * hours.live
    counts, time = (x.reshape(x.shape[0], -1, QUARTER).sum(axis=2) for x in (hours.counts, usual))
    expected = _level(counts, time) * time
    total = expected.sum(axis=1)
    mean = (expected**2).sum(axis=1) / np.maximum(total, 1e-9)
    dispersion = np.log((((counts - expected) ** 2).sum(axis=1) + 1) / (total + 1))
    dispersion = np.maximum(dispersion, np.log1p(CALM * mean))  # calmer than calm is calm
    error = 2 / (np.minimum(1.0, expected).sum(axis=1) + 1)
    ratio = _log_density(dispersion, WANDERS * mean, WANDERS_VARIES, error)
    ratio -= _log_density(dispersion, CALM * mean, CALM_VARIES, error)
    least = np.maximum(LEAST_A_DAY * time.sum(axis=1) / 24, LEAST)
    odds = LOG_ODDS + WORTH * np.clip(ratio, least, MOST)
    return np.asarray(1 / (1 + np.exp(-odds)))


def _level(counts: Floats, time: Floats) -> Floats:
    """Completes per usual hour around each quarter day: (groups, quarter days)."""
    quarter = np.arange(counts.shape[1])
    kernel = np.exp(-0.5 * ((quarter[:, None] - quarter) / WIDTH) ** 2)
    mean = (counts.sum(axis=1) + 0.5) / (time.sum(axis=1) + 0.5)
    return np.asarray((counts @ kernel + mean[:, None]) / (time @ kernel + 1))


def _log_density(dispersion: Floats, excess: Floats, varies: float, error: Floats) -> Floats:
    """Log density of a log over-dispersion around that of 1 + `excess`, less its constant."""
    variance = (varies * excess / (1 + excess)) ** 2 + error
    apart = dispersion - np.log1p(excess)
    return np.asarray(-0.5 * np.log(variance) - 0.5 * apart**2 / variance)
