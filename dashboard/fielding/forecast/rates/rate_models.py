"""The rate of completes and its uncertainty: hypotheses weighed by how well they forecast.

Each hypothesis (`hypotheses`) reads the group's own half days in order and is weighed by how
well it forecast the next one (`evidence`; prequential: Dawid, J. R. Stat. Soc. A 147, 1984). The
forecast is the mixture by these weights (Bayesian model averaging: Hoeting et al., Stat. Sci. 14,
1999), in which each hypothesis looks ahead as it looked back: what drifts gets less sure with
the horizon, what stays does not. How much the waves weigh against the steady hypotheses is
decided by how much the group's own quarter days scatter (`wandering`).

Time is measured in *usual days*: live hours weighted by the shape of the week, a whole
ordinary day being 1. Arrays are (groups, hypotheses) unless stated otherwise.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from dashboard.fielding.forecast.rate_changes import Flags
from dashboard.fielding.forecast.rates.change_points import find_steps
from dashboard.fielding.forecast.rates.decay_curves import decay
from dashboard.fielding.forecast.rates.evidence import (
    BLOCK,
    PLAN_WORTH,
    SHAPE_MISSES,
    Rates,
    half_day_sums,
)
from dashboard.fielding.forecast.rates.hypotheses import (
    LIKELIER_STEP,
    STEP_WEIGHT,
    WAVE_DAYS,
    Hypotheses,
    steady_hypotheses,
    step_hypotheses,
    wave_hypotheses,
)
from dashboard.fielding.forecast.rates.wandering import wandering_chance
from dashboard.fielding.series.readings import Floats, Hours, Ints

DRIFTS_FOR = 28.0  # usual days: a rate does not go astray for ever
SOFTEN = 0.82  # weights are a little less sure than they say
KEPT = 9  # steady hypotheses of a group that are looked ahead with
YOUNG, GROWN = 0.16, 0.48  # relative variance of a new field's rate, and the days it takes to go
WEEKENDS, WEEKEND_WORTH = 0.08, 10.8  # relative variance of a weekend never seen; worth of a day
CAREFUL = 1.1  # variance of steady hypotheses over what they say
PLAN_APART = 4.0  # a planned rate counts within this factor of the group's own
HINT = 0.7  # how far the log of a wave's mean is drawn to that of the plan
HINT_REACH = 1.5  # log apart beyond which a goal is no hint any more
YOUNGEST = 0.02  # usual days
FIRST_HOURS, SETTLED = 1.0, 0.5  # variance of a wave's future at its start; days in which it goes
# Variance of the log of what comes over what a group's own mean says, where siblings are known:
OWN_VARIES, OWN_DAY = 0.2, 0.3  # of any age, and more by the usual days in field
STEADY_FROM = 3.0  # usual days from which a steady rate counts as fully as without siblings
LATER_VARIES = 0.1  # what neither it nor its siblings tell


@dataclass(frozen=True, slots=True)
class RatePosterior:
    """The hypotheses that count, waves last: weights (sum 1), completes per usual day now, decay
    curve, over-dispersion, relative variance of the rate, what a usual day adds to it, that of
    single days, and that of a wave's future (0: no wave). age: days in field (groups); weekend:
    relative variance of what a weekend brings (groups)."""

    weights: Floats
    rate: Floats
    curve: Ints
    spread: Floats
    doubt: Floats
    drift: Floats
    daily: Floats
    lasting: Floats
    age: Floats
    weekend: Floats

    def ahead(self, usual: Floats, days: Floats, weekend: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of completes after `usual` days that take `days` of clock time.

        usual, days: (groups, moments), growing; weekend: the share of the usual days that are
        weekend; both answers (groups, moments, hypotheses).
        """
        step, middle = usual.copy(), days / 2
        step[:, 1:] -= usual[:, :-1]
        middle[:, 1:] += days[:, :-1] / 2
        left = decay(self.age[:, None] + middle) / decay(self.age)[:, None]
        field = (step[:, :, None] * left).cumsum(axis=1)
        mean = self.rate[:, None] * np.take_along_axis(field, self.curve[:, None], axis=2) + 1e-9
        drifted = np.minimum(usual, DRIFTS_FOR) / 3
        relative = (self.doubt + self.lasting)[:, None] + self.drift[:, None] * drifted[:, :, None]
        relative += self.daily[:, None] / np.maximum(usual, 0.5)[:, :, None]
        relative += (self.weekend[:, None] * weekend**2)[:, :, None]
        careful = np.where(self.lasting > 0, 1.0, CAREFUL)[:, None]
        return mean, careful * (self.spread[:, None] * mean + mean**2 * relative)

    def less(self, lost: Floats) -> "RatePosterior":
        """The posterior where a share (groups, 0–1) of what comes is taken back again."""
        rate, doubt = self.rate * (1 - lost)[:, None], self.doubt + (lost**2)[:, None]
        return replace(self, rate=rate, doubt=doubt)


class Siblings(NamedTuple):
    """What other groups tell of each (groups), NaN where nothing: the rate after a first day over
    the rate on it, and how far groups are apart (sd of the log)."""

    fade: Floats
    varies: Floats


def infer_rates(
    hours: Hours,
    shape: Floats,
    planned: Floats,
    changed: Flags,
    *,
    with_stalls: Hours | None = None,
    siblings: Siblings | None = None,
) -> RatePosterior:
    """What each group's hours say about its rate.

    shape: (groups, 168), mean 1; planned: completes per usual day (groups) that are taken to
    be likely before there is any evidence. changed: after which half days a new rate is likely
    (groups, half days). with_stalls: the hours with those of stalls, which `hours` leaves out
    and which waves explain.
    """
    blocks = _half_days(hours, shape)
    steady = _weigh_steady(blocks, _clip_to_own(planned, blocks), changed)
    every = hours if with_stalls is None else with_stalls
    siblings = siblings or Siblings(*np.full((2, shape.shape[0]), np.nan))
    waves = _weigh_waves(_half_days(every, shape), planned, siblings)
    share = wandering_chance(hours, shape)
    trusted = np.minimum(blocks.time.sum(axis=1) / STEADY_FROM, 1.0)
    share = np.where(np.isnan(siblings.fade), share, 1 - (1 - share) * trusted)[:, None]
    weekends = (hours.live * (hours.slot >= 120)).sum(axis=1) / 24
    return _keep_heaviest(
        _join(steady, waves, np.log1p(-share), np.log(share)),
        age=blocks.age,
        young=YOUNG * np.exp(-blocks.time.sum(axis=1, keepdims=True) / GROWN),
        weekend=WEEKENDS / (1 + WEEKEND_WORTH * weekends),
    )


class _Blocks(NamedTuple):
    """Completes and usual days of half days (groups, half days); days in field (groups)."""

    came: Floats
    time: Floats
    age: Floats


class _Weighed(NamedTuple):
    """Hypotheses side by side; weights are logs, their sum 1."""

    weights: Floats
    rate: Floats
    firm: Floats
    spread: Floats
    lasting: Floats
    hypotheses: Hypotheses


def _half_days(hours: Hours, shape: Floats) -> _Blocks:
    rows = np.arange(shape.shape[0])[:, None]
    usual = shape[rows, hours.slot] * hours.live / 24
    came, time = half_day_sums(hours.counts), half_day_sums(usual)
    begun = (np.cumsum(time, axis=1) > 0).argmax(axis=1)
    return _Blocks(came, time, (time.shape[1] - begun) * BLOCK / 24)


def _clip_to_own(planned: Floats, blocks: _Blocks) -> Floats:
    """The planned rate within a factor of the group's own: a goal is a hint and no rate."""
    completes, lived = blocks.came.sum(axis=1), blocks.time.sum(axis=1) + 1e-9
    low = completes / lived / PLAN_APART
    return np.clip(planned, low, (completes + 1) / lived * PLAN_APART)


def _weigh_steady(blocks: _Blocks, planned: Floats, changed: Flags) -> _Weighed:
    """Rates that stay, drift, fade or have stepped."""
    bank = steady_hypotheses()
    rates, weights = _read_blocks(bank, blocks, planned)
    steps = find_steps(blocks.came, blocks.time, planned, changed)
    last = steps.chance - np.logaddexp.reduce(steps.chance, axis=1, keepdims=True)
    likelier = STEP_WEIGHT * np.where(changed.any(axis=1), LIKELIER_STEP, 1.0)
    last += (steps.evidence + np.log(likelier))[:, None]
    together = np.concatenate((weights, last), axis=1)
    together = _normalize(together)
    split = bank.weight.size
    return _join(
        _Weighed(
            together[:, :split],
            rates.rate,
            rates.firm,
            rates.spread,
            np.zeros_like(weights),
            bank,
        ),
        _Weighed(
            together[:, split:],
            steps.rates.rate,
            steps.rates.firm,
            steps.rates.spread,
            np.zeros_like(last),
            step_hypotheses(last.shape[1]),
        ),
    )


def _weigh_waves(blocks: _Blocks, planned: Floats, siblings: Siblings) -> _Weighed:
    """Waves around the field's own mean, which is drawn to the plan or to what siblings did."""
    bank = wave_hypotheses()
    completes, lived = blocks.came.sum(axis=1), blocks.time.sum(axis=1)
    own = (completes + 1) / (lived + 1 / _clip_to_own(planned, blocks))
    own = np.where(lived > YOUNGEST, own, planned)
    rates, weights = _read_blocks(bank, blocks, own)
    lasting = bank.lasting + FIRST_HOURS * np.exp(-lived / SETTLED)[:, None]
    weighed = _Weighed(_normalize(weights), rates.rate, rates.firm, rates.spread, lasting, bank)
    apart = np.log(planned / own)
    hint = HINT * apart * np.exp(-0.5 * (apart / HINT_REACH) ** 2)
    known = ~np.isnan(siblings.fade)
    if not known.any():
        return weighed._replace(rate=weighed.rate * np.exp(hint)[:, None])
    fade = np.log(np.where(known, siblings.fade, 1.0)) / np.maximum(blocks.age, 1.0)
    own_varies = OWN_VARIES + OWN_DAY / np.maximum(lived, YOUNGEST)
    level_varies = np.where(known, siblings.varies, 1.0) ** 2
    drawn = own_varies / (own_varies + level_varies)
    hint = np.where(known, fade + drawn * (apart - fade), hint)
    later = (drawn * level_varies + LATER_VARIES)[:, None]
    return weighed._replace(
        rate=weighed.rate * np.exp(hint)[:, None],
        firm=np.where(known[:, None], np.inf, weighed.firm),
        lasting=np.where(known[:, None], later, weighed.lasting),
    )


def _read_blocks(bank: Hypotheses, blocks: _Blocks, planned: Floats) -> tuple[Rates, Floats]:
    """The rate now by each hypothesis after all blocks, and the log of its weight."""
    came, time, age = blocks
    rows, number = came.shape
    full = rows, bank.weight.size
    back = np.arange(number)[::-1] + 0.5
    ages = np.maximum(age[:, None] - back * BLOCK / 24, 0.0)
    begun, left = planned[:, None], np.ones((rows, number, 1))
    if bank.curve.any():
        now = decay(age)
        left = (decay(ages) / now[:, None])[:, :, bank.curve]
        begun = begun * now[:, bank.curve]
    rates = Rates(
        np.broadcast_to(begun, full).copy(),
        np.full(full, PLAN_WORTH),
        np.full(full, bank.spread),
        np.full(full, bank.looks),
    )
    weights = np.tile(np.log(bank.weight), (rows, 1))
    daily = bank.daily * 24 / BLOCK + SHAPE_MISSES
    for block in range(number):
        lived = time[:, block, None]
        weights += rates.update(came[:, block, None], lived * left[:, block], daily)
        rates.firm = 1 / (1 / rates.firm + bank.drift * lived)
    return rates, weights


def _normalize(weights: Floats) -> Floats:
    """Logs of weights, softened, their sum 1."""
    weights = SOFTEN * weights
    return np.asarray(weights - np.logaddexp.reduce(weights, axis=1, keepdims=True))


def _join(
    left: _Weighed, right: _Weighed, for_left: Floats | float = 0.0, for_right: Floats | float = 0.0
) -> _Weighed:
    """Two sets of hypotheses side by side, the log of its share added to the weights of each."""
    first, second = left.hypotheses, right.hypotheses
    return _Weighed(
        np.concatenate((left.weights + for_left, right.weights + for_right), axis=1),
        np.concatenate((left.rate, right.rate), axis=1),
        np.concatenate((left.firm, right.firm), axis=1),
        np.concatenate((left.spread, right.spread), axis=1),
        np.concatenate((left.lasting, right.lasting), axis=1),
        Hypotheses(
            np.concatenate((first.curve, second.curve)),
            np.concatenate((first.drift, second.drift)),
            np.concatenate((first.daily, second.daily)),
            np.concatenate((first.lasting, second.lasting)),
            np.concatenate((first.weight, second.weight)),
        ),
    )


def _keep_heaviest(
    weighed: _Weighed, *, age: Floats, young: Floats, weekend: Floats
) -> RatePosterior:
    """The steady hypotheses that weigh most and all waves, their weights again summing to 1."""
    steady = weighed.weights.shape[1] - len(WAVE_DAYS)
    top = np.argpartition(-weighed.weights[:, :steady], KEPT - 1, axis=1)[:, :KEPT]
    waves = np.broadcast_to(np.arange(steady, steady + len(WAVE_DAYS)), (len(top), len(WAVE_DAYS)))
    top = np.concatenate((top, waves), axis=1)
    weights, rate, firm, spread, lasting = (
        np.take_along_axis(values, top, axis=1) for values in weighed[:5]
    )
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    bank = weighed.hypotheses
    return RatePosterior(
        weights,
        rate,
        bank.curve[top],
        spread,
        1 / firm + young,
        bank.drift[top],
        bank.daily[top],
        lasting,
        age,
        weekend,
    )
