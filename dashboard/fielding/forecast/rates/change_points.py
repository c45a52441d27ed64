"""The rate since it last changed, whether or not the changelog says when that may have been.

Bayesian online change-point detection (Adams & MacKay, arXiv 0710.3742, 2007) on blocks of half
a day: every block may have been the first of a new rate; each such hypothesis keeps its own
rate and is weighed by how well it forecast the blocks since. A step counts as soon as it
explains the field better than chance does, and not before; where a price or the like was changed
it is likely from the start.
"""

from dataclasses import dataclass

import numpy as np

from dashboard.fielding.forecast.rate_changes import Flags
from dashboard.fielding.forecast.rates.evidence import (
    LOOKS,
    PLAN_WORTH,
    SHAPE_MISSES,
    SPREAD,
    Rates,
)
from dashboard.fielding.series.readings import Floats

CHANCE = 0.124  # of a new rate at each block
CHANGED = 0.5  # the same where something was changed
LIKE_BEFORE = 5.7  # completes that the rate before is worth as a guess of the new one


@dataclass(frozen=True, slots=True)
class Steps:
    """Hypotheses of when the rate last changed, (groups, blocks + 1), the first: never.

    chance: log of their share of the weight; evidence: log chance of all blocks (groups).
    """

    rates: Rates
    chance: Floats
    evidence: Floats


def find_steps(came: Floats, time: Floats, planned: Floats, changed: Flags) -> Steps:
    """From completes and usual days (groups, blocks) and the planned rate (groups).

    changed: after which blocks a new rate is likely (groups, blocks).
    """
    rows, number = came.shape
    full = rows, number + 1
    rates = Rates(
        np.zeros(full), np.full(full, LIKE_BEFORE), np.full(full, SPREAD), np.full(full, LOOKS)
    )
    rates.rate[:, 0], rates.firm[:, 0] = planned, PLAN_WORTH
    chance = np.full(full, -np.inf)
    chance[:, 0] = 0.0
    evidence = np.zeros(rows)
    likely = np.where(changed, CHANGED, CHANCE)
    for block in range(number):
        known = slice(0, block + 1)
        at = came[:, block, None], time[:, block, None]
        part = _select(rates, known)
        chance[:, known] += part.update(*at, SHAPE_MISSES)
        highest = chance[:, known].max(axis=1, keepdims=True)
        share = np.exp(chance[:, known] - highest)
        total = share.sum(axis=1, keepdims=True)
        evidence += (highest + np.log(total))[:, 0]
        share /= total
        _store(rates, known, part)
        new = likely[:, block, None] * (at[1] > 1e-3)
        chance[:, known] = np.log(share + 1e-30) + np.log1p(-new)
        chance[:, block + 1] = np.log(new[:, 0] + 1e-12)
        rates.rate[:, block + 1] = (share * part.rate).sum(axis=1)
        rates.spread[:, block + 1] = (share * part.spread).sum(axis=1)
    return Steps(rates, chance, evidence)


def _select(rates: Rates, known: slice) -> Rates:
    return Rates(
        rates.rate[:, known], rates.firm[:, known], rates.spread[:, known], rates.looks[:, known]
    )


def _store(rates: Rates, known: slice, part: Rates) -> None:
    rates.rate[:, known], rates.firm[:, known] = part.rate, part.firm
    rates.spread[:, known], rates.looks[:, known] = part.spread, part.looks
