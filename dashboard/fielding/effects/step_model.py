"""The step in a group's rate at a known moment, beside all that moves the rate by itself.

The log rate of each day is a level, plus the step, plus what this very group shows of: good
and bad days, a level that wanders, a trend (straight, or fading with the field's age as Arps,
Trans. AIME 160, 1945, has it), weekends of its own, and one other step at any other day, as
where a quota cell fills. How strong each of these is cannot be known from a week or two, so
the answer is averaged over combinations, each weighted by how well it explains the counts
(Bayesian model averaging: Hoeting et al., Statistical Science 14, 1999). With few days the
weights stay near to what fields usually do.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from math import log

import numpy as np

from dashboard.fielding.series.readings import Floats

TAU = 0.73  # days: the age at which a field that fades has begun to
LEVEL_SPREAD, STEP_SPREAD = 10.0, 2.5  # of log rates, before anything is known
AT_AN_EDGE = 0.25  # error of the log rate of a block that is hardly part of a day
WORTH = 6.0  # completes by which a day's rate is drawn to that of its side, to weigh it
HAZARD = ((0.7, 0.05), (0.3, 0.25))  # weights and chances a day of another step
# Odds that the rate falls by itself on the day of the change too, against any other day: where
# it did not step on another day, and where it did.
AT_CHANGE, AT_CHANGE_AGAIN = 0.8, 3.0
OTHER_SHIFT, OTHER_SPREAD = -0.5, 0.5  # of its log ratio: rates fall more often than they rise
# Weights and strengths of each way to move: standard deviations of log rates.
DAYS = ((0.30, 0.03), (0.30, 0.12), (0.25, 0.22), (0.15, 0.38))
WALK = ((0.50, 0.02), (0.30, 0.08), (0.20, 0.20))  # of a day's move
TREND = (  # straight: of a day's slope; fading: mean and deviation of the exponent
    (0.40, 0.01, 0.0, 0.03),
    (0.20, 0.08, 0.0, 0.03),
    (0.10, 0.25, 0.0, 0.03),
    (0.30, 0.01, -0.4, 0.4),
)
WEEKEND = ((0.85, 0.12), (0.15, 3.0))
GRID = 161  # points at which the distribution of the step is read
REST = 3e-3  # combinations lighter than this, beside the heaviest, are left out


@dataclass(frozen=True, slots=True)
class Blocks:
    """Days of a group on both sides of a change, oldest first: arrays (blocks,).

    usual: usual hours; day: live days from the change to the middle; age: live days since
    launch; whole: share (0–1) of 24 hours; weekend: share (0–1) of usual time at weekends.
    """

    counts: Floats
    usual: Floats
    day: Floats
    age: Floats
    whole: Floats
    weekend: Floats

    @property
    def after(self) -> Floats:
        """1 after the change, 0 before."""
        return np.where(self.day > 0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """The log ratio of the step: its median and its 95 % interval.

    high_beside_fall: the upper bound if the rate may also have fallen by itself on the very day
    of the change, the likelier where this group's rate stepped on another day.
    """

    centre: float
    low: float
    high: float
    high_beside_fall: float


def estimate_step(blocks: Blocks, *, spread: float) -> StepEstimate:
    """The step at the change; spread: variance over mean of counts within a day."""
    logs, variance = _working_logs(blocks, spread)
    weight, shift, covariance = _combinations(blocks, variance)
    columns = np.column_stack((blocks.after, _other_steps(blocks)))
    right = np.concatenate(
        (
            (logs - shift)[:, :, None],
            np.broadcast_to(columns, (weight.size, *columns.shape)),
        ),
        axis=2,
    )
    solved = np.linalg.solve(covariance, right)
    logs_and_step = right[:, :, :2].transpose(0, 2, 1) @ solved
    evidence = np.log(weight) - 0.5 * (np.linalg.slogdet(covariance)[1] + logs_and_step[:, 0, 0])
    products = _Products(
        step_logs=logs_and_step[:, 1, 0],
        step_step=logs_and_step[:, 1, 1],
        step_others=logs_and_step[:, 1, 2:],
        others_logs=logs_and_step[:, 0, 2:],
        others_others=(right * solved).sum(axis=1)[:, 2:],
    )
    return _average(products, evidence)


@dataclass(frozen=True, slots=True)
class _Products:
    """Products of logs, step and other steps, weighted by the inverse covariance.

    Arrays (combinations) or, with other steps, (combinations, others).
    """

    step_logs: Floats
    step_step: Floats
    step_others: Floats
    others_logs: Floats
    others_others: Floats


def _working_logs(blocks: Blocks, spread: float) -> tuple[Floats, Floats]:
    """Log rates of the blocks and their sampling variance, of counts that may be 0.

    The log is taken at a rate that is drawn to the side's and corrected to the first order, as
    iterated least squares do (McCullagh & Nelder, Generalized Linear Models, 1989).
    """
    sides = np.empty_like(blocks.counts)
    for part in (blocks.after == 0, blocks.after == 1):
        sides[part] = (blocks.counts[part].sum() + 0.5) / (blocks.usual[part].sum() + 1e-9)
    mean = blocks.usual * (blocks.counts + WORTH) / (blocks.usual + WORTH / sides)
    mean = np.maximum(mean, 1e-3)
    logs = np.log(mean / np.maximum(blocks.usual, 1e-6)) + (blocks.counts - mean) / mean
    return logs, spread / mean + (AT_AN_EDGE * (1 - blocks.whole)) ** 2


def _combinations(blocks: Blocks, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Each combination's weight, the mean of its logs and their covariance, without the step."""
    day, size = blocks.day, blocks.day.size
    later = np.maximum(day, 0.0)  # a trend may bend at the change
    fade = np.log1p(blocks.age / TAU)
    fade = fade - np.average(fade, weights=blocks.usual + 1e-9)
    kernels = np.stack(
        (
            np.diag(1 / np.maximum(blocks.whole, 0.25)),
            np.minimum(np.abs(day[:, None]), np.abs(day)) * (day[:, None] * day > 0),
            np.outer(day, day) + 0.5 * np.outer(later, later),
            np.outer(fade, fade),
            np.outer(blocks.weekend, blocks.weekend),
        )
    )
    fixed = np.diag(variance) + LEVEL_SPREAD**2 * np.ones((size, size))
    weight, exponent, deviations = _strengths()
    covariance = fixed + np.tensordot(deviations**2, kernels, axes=1)
    return weight, exponent[:, None] * fade, covariance


@cache
def _strengths() -> tuple[Floats, Floats, Floats]:
    """Weight, mean exponent and deviations (days, walk, slope, fade, weekend), a row each."""
    combinations = list(product(DAYS, WALK, TREND, WEEKEND))
    weight = [w0 * w1 * w2 * w3 for (w0, _), (w1, _), (w2, *_), (w3, _) in combinations]
    exponent = [trend[2] for _, _, trend, _ in combinations]
    deviations = [
        (days, walk, slope, fade, weekend)
        for (_, days), (_, walk), (_, slope, _, fade), (_, weekend) in combinations
    ]
    return np.array(weight), np.array(exponent), np.array(deviations)


def _other_steps(blocks: Blocks) -> Floats:
    """Steps at every other day, one a column (blocks, others): 0 at the change itself."""
    size = blocks.day.size
    edge = int((blocks.day <= 0).sum())
    places = [place for place in range(1, size) if place != edge]
    columns = (np.arange(size)[:, None] >= np.array(places, dtype=int)) * 1.0
    columns -= columns[edge] if 0 < edge < size else 0.0
    return np.asarray(columns)


def _average(products: _Products, evidence: Floats) -> StepEstimate:
    """The step, averaged over all combinations, without and with another step."""
    prior, narrow = 1 / STEP_SPREAD**2, 1 / OTHER_SPREAD**2
    none, one, two = _step_chances(products.step_others.shape[1])
    alone, logs = products.step_step + prior, products.step_logs[:, None]
    own, cross = products.others_others + narrow, products.step_others
    pull = products.others_logs + narrow * OTHER_SHIFT
    det = alone[:, None] * own - cross**2
    step = (own * logs - cross * pull) / det
    other = (alone[:, None] * pull - cross * logs) / det
    gain = step * logs + other * pull - narrow * OTHER_SHIFT**2
    vote_alone = evidence + 0.5 * (products.step_logs**2 / alone + np.log(prior / alone))
    vote_beside = evidence[:, None] + 0.5 * (gain + np.log(prior * narrow) - np.log(det))
    votes = np.append(vote_alone + log(none), vote_beside + log(one))
    mean = np.append(products.step_logs / alone, step)
    error = np.append(1 / np.sqrt(alone), np.sqrt(own / det))
    low, centre, high = _quantiles(votes, mean, error)
    if high > 0:
        return StepEstimate(centre, low, high, high)
    at_change = np.append(
        np.full(alone.size, log(AT_CHANGE * one / none)),
        np.full(step.size, log(AT_CHANGE_AGAIN * two / one)),
    )
    _, _, high_beside_fall = _quantiles(
        np.append(votes, votes + at_change),
        np.append(mean, mean - OTHER_SHIFT),
        np.append(error, np.hypot(error, OTHER_SPREAD)),
    )
    return StepEstimate(centre, low, high, high_beside_fall)


def _step_chances(places: int) -> tuple[float, float, float]:
    """The chance of no other step on these days and the change's, of one there, and of two."""
    none, one, two = (
        sum(w * h**k * (1 - h) ** (places + 1 - k) for w, h in HAZARD) for k in range(3)
    )
    return none, one, two


def _quantiles(votes: Floats, mean: Floats, error: Floats) -> tuple[float, float, float]:
    """The 2.5 %, 50 % and 97.5 % quantiles of a mixture of normal distributions."""
    share = np.exp(votes - votes.max())
    heavy = share > REST
    share, mean, error = share[heavy] / share[heavy].sum(), mean[heavy], error[heavy]
    grid = np.linspace((mean - 4 * error).min(), (mean + 4 * error).max(), GRID)
    below = share @ _normal((grid - mean[:, None]) / error[:, None])
    low, centre, high = np.interp((0.025, 0.5, 0.975), below, grid)
    return float(low), float(centre), float(high)


def _normal(deviation: Floats) -> Floats:
    """The normal distribution up to a deviation, right to 0.0002."""
    bent = 1.5976 * deviation + 0.07056 * deviation**3
    return np.asarray(1 / (1 + np.exp(np.clip(-bent, -700.0, 700.0))))
