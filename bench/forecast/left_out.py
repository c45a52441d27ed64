"""The forecast with what was set on real fields chosen anew, the source to be forecast left out.

Four numbers of the waves are chosen from a grid by their loss on the fields of the other
sources, among those that cover 0.72 to 0.90 of them: how much waves weigh at first, how far what
comes is spread around the mean, how far its median lies below it, and how a real rate scatters.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from bench.forecast.fields.chance import Floats
from bench.forecast.fields.real_fields import Cut
from dashboard.fielding.forecast import projection
from dashboard.fielding.forecast.rates import hypotheses, wandering

LOW, HIGH = 0.72, 0.90
GRID = tuple(product((0.2, 0.7, 1.2), (0.3, 0.5, 0.8), (0.1, 0.25, 0.4), (0.5, 0.8)))


class Outcome(NamedTuple):
    """Loss of each cut, and whether its range held its end: (cuts)."""

    losses: Floats
    covered: NDArray[np.bool_]


@contextmanager
def _settings(odds: float, lasting: float, below: float, wanders: float) -> Iterator[None]:
    """The forecast with other numbers in place of its own."""
    hypotheses.wave_hypotheses.cache_clear()
    with (
        patch.object(wandering, "LOG_ODDS", odds),
        patch.object(wandering, "WANDERS", wanders),
        patch.object(hypotheses, "WAVE_LASTING", lasting),
        patch.object(projection, "_BELOW_MEAN", below),
    ):
        yield
    hypotheses.wave_hypotheses.cache_clear()


def leave_sources_out(cuts: Sequence[Cut], measure: Callable[[], Outcome]) -> Outcome:
    """The outcome of each cut with numbers chosen on other sources; `measure` forecasts all."""
    outcomes = []
    for numbers in GRID:
        with _settings(*numbers):
            outcomes.append(measure())
    sources = np.array([cut.real.source for cut in cuts])
    losses, covered = np.zeros(len(cuts)), np.zeros(len(cuts), dtype=bool)
    for source in set(sources.tolist()):
        other = sources != source
        sound = [o for o in outcomes if LOW <= o.covered[other].mean() <= HIGH] or outcomes
        means = [float(outcome.losses[other].mean()) for outcome in sound]
        best = sound[means.index(min(means))]
        losses[~other], covered[~other] = best.losses[~other], best.covered[~other]
    return Outcome(losses, covered)
