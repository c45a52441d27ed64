"""The hypotheses of how a group's rate may move, with their weights before any reading.

Two kinds. *Steady* ones keep a rate that stays, drifts (a gamma rate that forgets: Smith, J. R.
Stat. Soc. B 41, 1979), has good and bad days, or fades with the field's age. *Waves* are what
real fieldwork does: batches of invitations, silence, another batch; the rate of a week says
little of the next one, and what lasts is the mean of the whole field.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from dashboard.fielding.forecast.rates.decay_curves import PRIORS, SHAPES
from dashboard.fielding.forecast.rates.evidence import LOOKS, SPREAD
from dashboard.fielding.series.readings import Floats, Ints


class RateDynamics(NamedTuple):
    """Variance of the log rate that a usual day adds, and that of single days; weight."""

    drift: float
    daily: float
    weight: float


STAYS = (
    RateDynamics(0.0, 0.0, 9.0),
    RateDynamics(0.0049, 0.0, 0.84),
    RateDynamics(0.041, 0.0, 0.3),
    RateDynamics(0.00065, 0.089, 8.0),
    RateDynamics(0.0, 0.05, 15.0),
    RateDynamics(0.0, 0.1, 15.0),
    RateDynamics(0.0, 0.2, 6.0),
)
FADING_DRIFTS = (0.0, 0.022)
STEP_WEIGHT, STEP_DRIFT = 2.5, 0.0006
LIKELIER_STEP = 3.0  # how much more a step weighs in a group whose settings somebody changed
WAVE_DAYS = (0.4, 1.2, 3.0)  # variance of the rate of single days
WAVE_LASTING = 0.5  # relative variance of what is to come around the field's own mean
WAVE_SPREAD, WAVE_LOOKS = 5.0, 4.0  # over-dispersion of half days before any, worth of that guess


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """Hypotheses side by side: decay curve (column of `decay`), variance of the log rate that a
    usual day adds, that of single days, that of a wave's future (0: no wave), weight; each
    (hypotheses). spread, looks: over-dispersion before any reading and what that guess is worth.
    """

    curve: Ints
    drift: Floats
    daily: Floats
    lasting: Floats
    weight: Floats
    spread: float = SPREAD
    looks: float = LOOKS


@cache
def steady_hypotheses() -> Hypotheses:
    """Rates that stay, drift or fade; steps apart."""
    drifts, fading = len(FADING_DRIFTS), len(FADING_DRIFTS) * PRIORS.size
    drift, daily, weight = zip(*STAYS, strict=True)
    return Hypotheses(
        np.concatenate((np.zeros(len(STAYS), np.int64), np.repeat(np.arange(1, SHAPES), drifts))),
        np.concatenate((drift, np.tile(FADING_DRIFTS, PRIORS.size))),
        np.concatenate((daily, np.zeros(fading))),
        np.zeros(len(STAYS) + fading),
        np.concatenate((weight, np.repeat(PRIORS / drifts, drifts))),
    )


@cache
def step_hypotheses(number: int) -> Hypotheses:
    """Rates that last changed after each of so many blocks."""
    none = np.zeros(number)
    return Hypotheses(
        np.zeros(number, np.int64), np.full(number, STEP_DRIFT), none, none, np.ones(number)
    )


@cache
def wave_hypotheses() -> Hypotheses:
    """Completes that come in waves around a lasting mean."""
    number = len(WAVE_DAYS)
    return Hypotheses(
        np.zeros(number, np.int64),
        np.zeros(number),
        np.array(WAVE_DAYS),
        np.full(number, WAVE_LASTING),
        np.ones(number),
        WAVE_SPREAD,
        WAVE_LOOKS,
    )
