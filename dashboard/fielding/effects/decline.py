"""A rate that follows a power of the field's age: the people who answer at once come first.

Invitation waves, finite panels and filling quotas all give a rate that falls steeply at first
and slowly later: (1 + age / τ) to some power, the hyperbolic decline of Arps (Trans. AIME 160,
1945). The exponent is a Poisson regression, shrunk to what fields usually do, by Newton steps
(McCullagh & Nelder, Generalized Linear Models, 1989).
"""

import numpy as np

from dashboard.fielding.series.readings import Floats

QUARTER = 6  # hours of a block
TAU = 0.73  # days
EXPONENT, EXPONENT_SPREAD = -0.11, 0.34
NOISE = 2.3  # over-dispersion of a block, drift of the rate included
STEPS = 3


def decline_exponent(counts: Floats, usual: Floats) -> float:
    """The exponent, below 0 where a field tires, from completes and usual days of each hour.

    Both (hours), whole days; age begins with the first hour that has any usual time.
    """
    came, time = (_blocks(x) for x in (counts, usual))
    begun = int((np.cumsum(time) > 0).argmax())
    ages = np.maximum(np.arange(came.size) + 0.5 - begun, 0.0) * QUARTER / 24
    place = np.log1p(ages / TAU)
    seen, moment = came.sum(), (came * place).sum()
    exponent = EXPONENT
    for _ in range(STEPS):
        weight = time * np.exp(exponent * place)
        total = weight.sum() + 1e-9
        middle = (weight * place).sum() / total
        width = (weight * place**2).sum() / total - middle**2
        push = (moment - seen * middle) / NOISE - (exponent - EXPONENT) / EXPONENT_SPREAD**2
        info = seen * width / NOISE + 1 / EXPONENT_SPREAD**2
        exponent = float(np.clip(exponent + np.clip(push / info, -0.5, 0.5), -2.0, 1.0))
    return exponent


def _blocks(hourly: Floats) -> Floats:
    sums: Floats = hourly.reshape(-1, QUARTER).sum(axis=1)
    return sums
