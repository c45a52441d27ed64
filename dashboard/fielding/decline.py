"""A rate that follows a power of the field's age: the people who answer at once come first.

Invitation waves, finite panels and filling quotas all give a rate that falls steeply at first
and slowly later: (1 + age / τ) to some power, the hyperbolic decline of Arps (Trans. AIME 160,
1945). The exponent is a Poisson regression, shrunk to what fields usually do, by Newton steps
(McCullagh & Nelder, Generalized Linear Models, 1989).
"""

from dataclasses import dataclass

import numpy as np

from dashboard.fielding.readings import Floats

QUARTER = 6  # hours of a block
TAU = 0.73  # days
EXPONENT, EXPONENT_SPREAD = -0.11, 0.34
NOISE = 2.3  # over-dispersion of a block, drift of the rate included
STEPS = 3
WORTH = 3.0


@dataclass(frozen=True, slots=True)
class Decline:
    """Completes per usual day at the end of each day in field, and the exponent then, both
    (groups, days); age in live days and variance of the log rate at last (groups)."""

    rate: Floats
    exponent: Floats
    age: Floats
    doubt: Floats

    def growth(self, days: Floats) -> Floats:
        """The rate after so many days (groups, moments) over the rate now."""
        age = self.age[:, None]
        return np.asarray(((TAU + age + days) / (TAU + age)) ** self.exponent[:, -1:])


def decline(counts: Floats, usual: Floats, known: Floats) -> Decline:
    """From completes and usual days (groups, hours) and a likely rate (groups, days)."""
    came, time = (_blocks(x) for x in (counts, usual))
    number = came.shape[1]
    begun = (np.cumsum(time, axis=1) > 0).argmax(axis=1)
    ages = np.maximum(np.arange(number) + 0.5 - begun[:, None], 0.0) * QUARTER / 24
    place = np.log1p(ages / TAU)
    days = np.arange(3, number, 4)
    past = np.arange(number) <= days[:, None]
    seen = np.cumsum(came, axis=1)[:, days]
    moment = np.cumsum(came * place, axis=1)[:, days]
    exponent = np.full(seen.shape, EXPONENT)
    for _ in range(STEPS):
        weight = time[:, None] * past * np.exp(exponent[:, :, None] * place[:, None])
        total = weight.sum(axis=2) + 1e-9
        middle = (weight * place[:, None]).sum(axis=2) / total
        width = (weight * place[:, None] ** 2).sum(axis=2) / total - middle**2
        push = (moment - seen * middle) / NOISE - (exponent - EXPONENT) / EXPONENT_SPREAD**2
        info = seen * width / NOISE + 1 / EXPONENT_SPREAD**2
        exponent = np.clip(exponent + np.clip(push / info, -0.5, 0.5), -2.0, 1.0)
    now = np.log1p(np.maximum(days + 1 - begun[:, None], 0.0) * QUARTER / 24 / TAU)
    scale = np.exp(exponent * now)
    rate = scale * (seen + WORTH) / (total + WORTH / known * scale)
    doubt = NOISE / (seen[:, -1] + WORTH) + (now - middle)[:, -1] ** 2 / info[:, -1]
    return Decline(rate, exponent, (number - begun) * QUARTER / 24, doubt)


def _blocks(hourly: Floats) -> Floats:
    sums: Floats = hourly.reshape(hourly.shape[0], -1, QUARTER).sum(axis=2)
    return sums
