"""The rate since it last changed, when nobody says when that was.

Bayesian online change-point detection (Adams & MacKay, arXiv 0710.3742, 2007) on blocks of half
a day: every block may have been the first of a new rate; each such hypothesis keeps its own
Gamma–Poisson rate and is weighed by how well it foretold the blocks since. What comes out is
the mixture over all of them, so that a step is believed as soon as it explains the field better
than chance does, and not before.
"""

from dataclasses import dataclass

import numpy as np

from dashboard.fielding.readings import Floats

HALF = 12  # hours of a block
CHANCE = 0.033  # of a new rate at each block
VAGUE = 2.0  # completes that the guess of a new rate is worth
FADES = 0.989  # how much a block of the same rate counts when another one has followed


@dataclass(frozen=True, slots=True)
class Regime:
    """The rate (completes per usual day) after each day, (groups, days), and at last its
    relative variance (groups)."""

    rate: Floats
    doubt: Floats


def regime(counts: Floats, usual: Floats, spread: Floats) -> Regime:
    """From completes and usual days (groups, hours) and the over-dispersion (groups, 1)."""
    came, time = (_halves(x) / spread for x in (counts, usual))
    rows, number = came.shape
    whole = (np.cumsum(came, axis=1) + 0.1) / (np.cumsum(time, axis=1) + 0.1)
    weight = np.full((rows, number + 1), -np.inf)
    weight[:, 0] = 0.0
    seen, lived = (np.zeros((rows, number + 1)) for _ in range(2))
    seen[:, 0], lived[:, 0] = VAGUE, VAGUE / whole[:, -1]
    rate, doubt = np.empty((rows, number // 2)), np.ones(rows)
    for block in range(number):
        known = slice(0, block + 1)
        y, t = came[:, block, None], time[:, block, None]
        weight[:, known] += _foretold(y, t, seen[:, known], lived[:, known])
        seen[:, known], lived[:, known] = seen[:, known] + y, lived[:, known] + t
        share = np.exp(weight[:, known] - weight[:, known].max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        mean = seen[:, known] / lived[:, known]
        if block % 2:
            rate[:, block // 2] = (share * mean).sum(axis=1)
        if block == number - 1:
            second = (share * (mean**2 + mean / lived[:, known])).sum(axis=1)
            doubt = second / rate[:, -1] ** 2 - 1
        weight[:, known] = np.log(share + 1e-30) + np.log(1 - CHANCE)
        weight[:, block + 1] = np.log(CHANCE)
        seen[:, known], lived[:, known] = seen[:, known] * FADES, lived[:, known] * FADES
        seen[:, block + 1], lived[:, block + 1] = VAGUE, VAGUE / whole[:, block]
    return Regime(rate, doubt)


def _halves(hourly: Floats) -> Floats:
    sums: Floats = hourly.reshape(hourly.shape[0], -1, HALF).sum(axis=2)
    return sums


def _foretold(y: Floats, t: Floats, seen: Floats, lived: Floats) -> Floats:
    """Log chance of y completes in t under each Gamma–Poisson rate, up to what all share."""
    chance = _log_gamma(seen + y) - _log_gamma(seen)
    return np.asarray(chance + seen * np.log(lived / (lived + t)) - y * np.log(lived + t))


def _log_gamma(x: Floats) -> Floats:
    """The log of the gamma function above 0 (Stirling, three steps up; better than 1e-4)."""
    z = x + 3
    tail = (z - 0.5) * np.log(z) - z + 1 / (12 * z)
    return np.asarray(tail - np.log(x * (x + 1) * (x + 2)))
