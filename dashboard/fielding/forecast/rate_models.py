"""The rate of completes and its doubt: hypotheses that vote.

Each hypothesis says how a rate may move: it stays, it drifts slowly or fast (a gamma rate that
forgets: Smith, J. R. Stat. Soc. B 41, 1979), its days are good and bad ones, it fades with the
field's age in one of many ways (`fading`), or it stepped at some half day (`regimes`). Each
reads the group's own half days in order and is judged by how well it foretold the next one
(`evidence`; prequential: Dawid, J. R. Stat. Soc. A 147, 1984). The forecast is the mixture by
these votes (Bayesian model averaging: Hoeting et al., Stat. Sci. 14, 1999), in which each
hypothesis looks ahead as it looked back: what drifts gets less sure with the horizon, what
stays does not.

Time is measured in *usual days*: live hours weighted by the shape of the week, a whole
ordinary day being 1. Arrays are (groups, hypotheses) unless said otherwise.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dashboard.fielding.forecast.change_points import Steps, find_steps
from dashboard.fielding.forecast.decay_curves import PRIORS, SHAPES, decay
from dashboard.fielding.forecast.evidence import (
    BLOCK,
    LOOKS,
    PLAN_WORTH,
    SHAPE_MISSES,
    SPREAD,
    Rates,
    half_day_sums,
)
from dashboard.fielding.forecast.rate_changes import Flags
from dashboard.fielding.series.readings import Floats, Hours, Ints


class RateDynamics(NamedTuple):
    """How a rate may move: variance of its log a usual day, and that of single days."""

    drift: float
    restless: float
    prior: float


STAYS = (
    RateDynamics(0.0, 0.0, 9.0),
    RateDynamics(0.0049, 0.0, 0.84),
    RateDynamics(0.041, 0.0, 0.54),
    RateDynamics(0.00065, 0.089, 2.7),
)
FADING_DRIFTS = (0.0, 0.022)
STEPPED, STEPPED_DRIFT = 2.5, 0.0006
TURNED = 3.0  # how much likelier a step is in a group that somebody changed
DRIFTS_FOR = 28.0  # usual days: a rate does not go astray for ever
SOFTEN = 0.82  # votes are a little less sure than they say
KEPT = 10  # hypotheses of a group that are looked ahead with
YOUNG, GROWN = 0.16, 0.48  # relative variance of a new field's rate, and the days it takes to go
WEEKENDS, WEEKEND_WORTH = 0.08, 10.8  # relative variance of a weekend never seen; worth of a day
CAREFUL = 1.5  # how much wider than its votes say


@dataclass(frozen=True, slots=True)
class RatePosterior:
    """What the hypotheses that count think: votes (sum 1), completes per usual day now, which
    way of fading, over-dispersion, relative variance of the rate, what a usual day adds to it,
    and the variance of single days. age: days in field (groups); weekend: relative variance of
    what a weekend brings (groups)."""

    votes: Floats
    rate: Floats
    fading: Ints
    spread: Floats
    doubt: Floats
    drift: Floats
    restless: Floats
    age: Floats
    weekend: Floats

    def ahead(self, usual: Floats, days: Floats, weekend: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of completes after `usual` days that take `days` of clock time.

        usual, days: (groups, moments), growing; weekend: the share of the usual days that are
        weekend; the answers (groups, moments, hypotheses).
        """
        step, middle = usual.copy(), days / 2
        step[:, 1:] -= usual[:, :-1]
        middle[:, 1:] += days[:, :-1] / 2
        left = decay(self.age[:, None] + middle) / decay(self.age)[:, None]
        field = (step[:, :, None] * left).cumsum(axis=1)
        mean = self.rate[:, None] * np.take_along_axis(field, self.fading[:, None], axis=2) + 1e-9
        drifted = np.minimum(usual, DRIFTS_FOR) / 3
        relative = self.doubt[:, None] + self.drift[:, None] * drifted[:, :, None]
        relative += self.restless[:, None] / np.maximum(usual, 0.5)[:, :, None]
        relative += (self.weekend[:, None] * weekend**2)[:, :, None]
        return mean, CAREFUL * (self.spread[:, None] * mean + mean**2 * relative)

    def less(self, lost: Floats) -> "RatePosterior":
        """The belief where a share (groups, 0–1) of what comes is taken back again."""
        rate, doubt = self.rate * (1 - lost)[:, None], self.doubt + (lost**2)[:, None]
        return replace(self, rate=rate, doubt=doubt)


def infer_rates(hours: Hours, shape: Floats, planned: Floats, turned: Flags) -> RatePosterior:
    """What each group's hours say about its rate.

    shape: (groups, 168), mean 1; planned: completes per usual day (groups) that are taken to
    be likely before there is any evidence. turned: after which half days a new rate is likely
    (groups, half days).
    """
    rows = np.arange(shape.shape[0])[:, None]
    usual = shape[rows, hours.slot] * hours.live / 24
    came, time = half_day_sums(hours.counts), half_day_sums(usual)
    begun = (np.cumsum(time, axis=1) > 0).argmax(axis=1)
    age = (time.shape[1] - begun) * BLOCK / 24
    bank = _bank()
    rates, votes = _heard(bank, came, time, planned, age)
    stepped = find_steps(came, time, planned, turned)
    young = YOUNG * np.exp(-time.sum(axis=1, keepdims=True) / GROWN)
    weekends = (hours.live * (hours.slot >= 120)).sum(axis=1) / 24
    return _voted(
        _joined(bank, rates, votes, stepped, np.where(turned.any(axis=1), TURNED, 1.0)),
        age=age,
        young=young,
        weekend=WEEKENDS / (1 + WEEKEND_WORTH * weekends),
    )


class _Bank(NamedTuple):
    """The hypotheses but for the steps: each (hypotheses)."""

    fading: Ints
    drift: Floats
    restless: Floats
    prior: Floats


def _bank() -> _Bank:
    drifts = len(FADING_DRIFTS)
    return _Bank(
        np.concatenate((np.zeros(len(STAYS), np.int64), np.repeat(np.arange(1, SHAPES), drifts))),
        np.concatenate(([one.drift for one in STAYS], np.tile(FADING_DRIFTS, PRIORS.size))),
        np.concatenate(([one.restless for one in STAYS], np.zeros(drifts * PRIORS.size))),
        np.concatenate(([one.prior for one in STAYS], np.repeat(PRIORS / drifts, drifts))),
    )


def _heard(
    bank: _Bank, came: Floats, time: Floats, planned: Floats, age: Floats
) -> tuple[Rates, Floats]:
    """The rate now by each hypothesis after all blocks, and the log of its votes."""
    rows, number = came.shape
    full = rows, bank.prior.size
    back = np.arange(number)[::-1] + 0.5
    ages = np.maximum(age[:, None] - back * BLOCK / 24, 0.0)
    now = decay(age)
    left = (decay(ages) / now[:, None])[:, :, bank.fading]
    rates = Rates(
        planned[:, None] * now[:, bank.fading],
        np.full(full, PLAN_WORTH),
        np.full(full, SPREAD),
        np.full(full, LOOKS),
    )
    votes = np.tile(np.log(bank.prior), (rows, 1))
    restless = bank.restless * 24 / BLOCK + SHAPE_MISSES
    for block in range(number):
        lived = time[:, block, None]
        votes += rates.heard(came[:, block, None], lived * left[:, block], restless)
        rates.firm = 1 / (1 / rates.firm + bank.drift * lived)
    return rates, votes


class _Joined(NamedTuple):
    """All hypotheses side by side, the steps last."""

    votes: Floats  # log
    rate: Floats
    firm: Floats
    spread: Floats
    bank: _Bank


def _joined(bank: _Bank, rates: Rates, votes: Floats, stepped: Steps, likelier: Floats) -> _Joined:
    number = stepped.chance.shape[1]
    last = stepped.chance - np.logaddexp.reduce(stepped.chance, axis=1, keepdims=True)
    last += (stepped.evidence + np.log(STEPPED * likelier))[:, None]
    return _Joined(
        np.concatenate((votes, last), axis=1),
        np.concatenate((rates.rate, stepped.rates.rate), axis=1),
        np.concatenate((rates.firm, stepped.rates.firm), axis=1),
        np.concatenate((rates.spread, stepped.rates.spread), axis=1),
        _Bank(
            np.append(bank.fading, np.zeros(number, np.int64)),
            np.append(bank.drift, np.full(number, STEPPED_DRIFT)),
            np.append(bank.restless, np.zeros(number)),
            np.append(bank.prior, np.ones(number)),
        ),
    )


def _voted(joined: _Joined, *, age: Floats, young: Floats, weekend: Floats) -> RatePosterior:
    """The belief of the hypotheses that got most votes."""
    kept = np.argpartition(-joined.votes, KEPT - 1, axis=1)[:, :KEPT]
    votes, rate, firm, spread = (
        np.take_along_axis(some, kept, axis=1)
        for some in (joined.votes, joined.rate, joined.firm, joined.spread)
    )
    votes = np.exp(SOFTEN * (votes - votes.max(axis=1, keepdims=True)))
    votes /= votes.sum(axis=1, keepdims=True)
    bank = joined.bank
    return RatePosterior(
        votes,
        rate,
        bank.fading[kept],
        spread,
        1 / firm + young,
        bank.drift[kept],
        bank.restless[kept],
        age,
        weekend,
    )
