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
from itertools import product

import numpy as np

from dashboard.fielding.series.readings import Floats

TAU = 0.73  # days: the age at which a field that fades has begun to
LEVEL_SPREAD, STEP_SPREAD = 10.0, 2.5  # of log rates, before anything is known
AT_AN_EDGE = 0.25  # error of the log rate of a block that is hardly part of a day
WORTH = 6.0  # completes by which a day's rate is drawn to that of its side, to weigh it
HAZARD = ((0.7, 0.04), (0.3, 0.20))  # weights and chances a day of another step
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
WEEKEND = ((0.9, 0.12), (0.1, 1.5))
GRID = 401  # points at which the distribution of the step is read
REST = 1e-3  # combinations lighter than this, beside the heaviest, are left out


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
    """The log ratio of the step: its median and its 95 % interval."""

    centre: float
    low: float
    high: float


def estimate_step(blocks: Blocks, *, spread: float) -> StepEstimate:
    """The step at the change; spread: variance over mean of counts within a day."""
    logs, variance = _working_logs(blocks, spread)
    weight, shift, covariance = _combinations(blocks, variance)
    others = _other_steps(blocks)
    target = logs - shift  # (combinations, blocks)
    step = blocks.after
    right = np.concatenate(
        (
            target[:, :, None],
            np.broadcast_to(
                np.column_stack((step, others)), (len(weight), logs.size, 1 + others.shape[1])
            ),
        ),
        axis=2,
    )
    solved = np.linalg.solve(covariance, right)
    gram = np.einsum("kbi,kbj->kij", right, solved)
    evidence = np.log(weight) - 0.5 * (np.linalg.slogdet(covariance)[1] + gram[:, 0, 0])
    votes, mean, error = _posteriors(gram, evidence)
    return _quantiles(votes, mean, error)


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
    between = np.minimum(np.abs(day[:, None]), np.abs(day)) * (day[:, None] * day > 0)
    fade = np.log1p(blocks.age / TAU)
    fade = fade - np.average(fade, weights=blocks.usual + 1e-9)
    kernels = {
        "days": np.diag(1 / np.maximum(blocks.whole, 0.25)),
        "walk": between,
        "straight": np.outer(day, day) + 0.5 * np.outer(later, later),
        "fade": np.outer(fade, fade),
        "weekend": np.outer(blocks.weekend, blocks.weekend),
    }
    fixed = np.diag(variance) + LEVEL_SPREAD**2 * np.ones((size, size))
    weight, shift, covariance = [], [], []
    for (w0, days), (w1, walk), (w2, straight, mean, spread), (w3, weekend) in product(
        DAYS, WALK, TREND, WEEKEND
    ):
        weight.append(w0 * w1 * w2 * w3)
        shift.append(mean * fade)
        covariance.append(
            fixed
            + days**2 * kernels["days"]
            + walk**2 * kernels["walk"]
            + straight**2 * kernels["straight"]
            + spread**2 * kernels["fade"]
            + weekend**2 * kernels["weekend"]
        )
    return np.array(weight), np.array(shift), np.array(covariance)


def _other_steps(blocks: Blocks) -> Floats:
    """Steps at every other day, one a column (blocks, others): 0 at the change itself."""
    size = blocks.day.size
    edge = int((blocks.day <= 0).sum())
    places = [place for place in range(1, size) if place != edge]
    columns = (np.arange(size)[:, None] >= np.array(places, dtype=int)) * 1.0
    columns -= columns[edge] if 0 < edge < size else 0.0
    return np.asarray(columns)


def _posteriors(gram: Floats, evidence: Floats) -> tuple[Floats, Floats, Floats]:
    """Vote, mean and error of the step for each combination, without and with another step.

    The other step may also fall on the very day of the change, the likelier where the group
    had one on another day; then only a part of what is seen there is the change's.
    """
    prior, narrow = 1 / STEP_SPREAD**2, 1 / OTHER_SPREAD**2
    places = gram.shape[1] - 2
    none, one, two = _step_chances(places)
    alone = gram[:, 1, 1] + prior
    votes = [evidence + 0.5 * (gram[:, 1, 0] ** 2 / alone + np.log(prior / alone))]
    mean, error = [gram[:, 1, 0] / alone], [1 / np.sqrt(alone)]
    chances = [np.full(evidence.size, none)]
    at_change = [np.full(evidence.size, one / none)]
    if places:
        own = np.diagonal(gram, axis1=1, axis2=2)[:, 2:] + narrow
        cross = gram[:, 1, 2:]
        pull = gram[:, 2:, 0] + narrow * OTHER_SHIFT
        det = alone[:, None] * own - cross**2
        step = (own * gram[:, 1, :1] - cross * pull) / det
        other = (alone[:, None] * pull - cross * gram[:, 1, :1]) / det
        gain = step * gram[:, 1, :1] + other * pull - narrow * OTHER_SHIFT**2
        vote = evidence[:, None] + 0.5 * (gain + np.log(prior * narrow) - np.log(det))
        votes.append(vote.ravel())
        mean.append(step.ravel())
        error.append(np.sqrt(own / det).ravel())
        chances.append(np.full(vote.size, one))
        at_change.append(np.full(vote.size, two / one))
    total = np.concatenate(votes) + np.log(np.concatenate(chances))
    middle, spread = np.concatenate(mean), np.concatenate(error)
    return (
        np.concatenate((total, total + np.log(np.concatenate(at_change)))),
        np.concatenate((middle, middle - OTHER_SHIFT)),
        np.concatenate((spread, np.hypot(spread, OTHER_SPREAD))),
    )


def _step_chances(places: int) -> tuple[float, float, float]:
    """The chance of no other step on these days and the change's, of one there, and of two."""
    none, one, two = (
        sum(w * h**k * (1 - h) ** (places + 1 - k) for w, h in HAZARD) for k in range(3)
    )
    return none, one, two


def _quantiles(votes: Floats, mean: Floats, error: Floats) -> StepEstimate:
    """Median and 95 % interval of a mixture of normal distributions."""
    share = np.exp(votes - votes.max())
    heavy = share > REST
    share, mean, error = share[heavy] / share[heavy].sum(), mean[heavy], error[heavy]
    grid = np.linspace((mean - 4 * error).min(), (mean + 4 * error).max(), GRID)
    below = share @ _normal((grid - mean[:, None]) / error[:, None])
    low, centre, high = np.interp((0.025, 0.5, 0.975), below, grid)
    return StepEstimate(float(centre), float(low), float(high))


def _normal(deviation: Floats) -> Floats:
    """The normal distribution up to a deviation, right to 0.0002."""
    bent = 1.5976 * deviation + 0.07056 * deviation**3
    return np.asarray(1 / (1 + np.exp(np.clip(-bent, -700.0, 700.0))))
