"""How many completes several groups have together at their ends: quantiles of the sum.

The exchange stops a group at its goal, so each group is capped before it is added, and the
quantiles are those of the simulated sum: medians of groups do not add up to the median of their
sum, and no group's surplus fills another one's gap. Groups share luck: those of one project get
the same invitations and care, those of one country the same panels and holidays. How much they
share is one number each, a part of the variance of the log of what is to come, estimated from
forecasts whose outcome is known (`estimate_shared_parts`).

Everything a group needs is in its stored insight. The random numbers are seeded by the groups
themselves: the same groups in any order give the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.series.readings import Floats

# With this number the three percentiles of a group's draws are its own, exactly.
DRAWS = 1505
LEVELS = (0.1, 0.5, 0.9)
_OUTER = 1.2815516  # normal quantile of 0.9
_WHOLE = 0.5  # added before logs are taken, so that nothing to come has a log
_PAIRS_WORTH = 60.0  # pairs of outcomes that the shared parts below are worth as a guess
_MOST_SHARED = 0.9

Singles = NDArray[np.float32]


class SharedParts(NamedTuple):
    """The part (0–1) of the variance that groups of one project and of one country share."""

    project: float = 0.15
    country: float = 0.05


@dataclass(frozen=True, slots=True)
class GroupEnd:
    """A group's stored forecast: completes now and p10, p50, p90 at its end, not capped.

    goal: completes at which the exchange stops it. A group that has ended has all three at its
    completes.
    """

    completes: float
    goal: float
    p10: float
    p50: float
    p90: float
    project: str = ""
    country: str = ""

    @property
    def cap(self) -> float:
        """The most completes it can have at its end."""
        return max(self.goal, self.completes)


class Percentiles(NamedTuple):
    """Three quantiles of one quantity, in completes."""

    p10: float
    p50: float
    p90: float


def simulate_ends(
    groups: Sequence[GroupEnd], *, shared: SharedParts | None = None, draws: int = DRAWS
) -> Singles:
    """Completes of each group at its end in each draw: (groups, draws), in the order given.

    A group's own draws are the same whatever groups stand beside it, in another order: a group
    alone has exactly its own percentiles. ValueError for percentiles out of order or not finite.
    """
    if not groups:
        return np.empty((0, draws), dtype=np.float32)
    order = sorted(range(len(groups)), key=lambda place: _sort_key(groups[place]))
    rows = [groups[place] for place in order]
    table = np.array([[g.completes, g.goal, g.p10, g.p50, g.p90, g.cap] for g in rows])
    _check(table)
    simulated = _simulate(table, _luck(rows, table, shared or SharedParts(), draws))
    ends = np.empty_like(simulated)
    ends[order] = simulated
    return ends


def percentiles_of(draws: Floats | Singles) -> Percentiles:
    """The three percentiles of draws, each of which stands for an equal part."""
    return Percentiles(*(float(point) for point in np.quantile(draws, LEVELS, method="hazen")))


def _sort_key(group: GroupEnd) -> tuple[object, ...]:
    figures = group.completes, group.goal, group.p10, group.p50, group.p90
    return group.project, group.country, *figures


def _check(table: Floats) -> None:
    ends = table[:, 2:5]
    if (
        not np.isfinite(table[:, [0, 2, 3, 4]]).all()
        or np.isnan(table).any()
        or (np.diff(ends, axis=1) < 0).any()
    ):
        raise ValueError("the percentiles of a group are finite and in order")


def _luck(rows: Sequence[GroupEnd], table: Floats, shared: SharedParts, draws: int) -> Singles:
    """Normal scores (groups, draws) that share a part by project and another by country."""
    names = "\n".join(f"{group.project}\t{group.country}" for group in rows)
    rng = np.random.default_rng(crc32(table.tobytes(), crc32(names.encode())))
    parts = (
        (shared.project, [group.project for group in rows]),
        (shared.country, [group.country for group in rows]),
    )
    own = 1.0 - sum(part for part, _ in parts)
    luck = rng.standard_normal((len(rows), draws), dtype=np.float32)
    luck *= np.float32(np.sqrt(max(own, 0.0)))
    for part, names_of_part in parts:
        _, place = np.unique(names_of_part, return_inverse=True)
        common = rng.standard_normal((int(place.max()) + 1, draws), dtype=np.float32)
        luck += np.float32(np.sqrt(part)) * common[place]
    order = np.argsort(luck, axis=1)
    np.put_along_axis(luck, order, np.broadcast_to(_grid(draws), luck.shape), axis=1)
    return luck


@cache
def _grid(draws: int) -> Singles:
    """The quantiles of a standard normal at the middles of equal parts."""
    normal = NormalDist()
    points = [normal.inv_cdf((number + 0.5) / draws) for number in range(draws)]
    return np.array(points, dtype=np.float32)


def _simulate(table: Floats, luck: Singles) -> Singles:
    """Completes at the end (groups, draws): log-normal on each side of the median, capped."""
    now, low, middle, high, cap = (
        table[:, [column]].astype(np.float32) for column in (0, 2, 3, 4, 5)
    )
    logs = [np.log(np.maximum(end - now, 0.0) + _WHOLE) for end in (low, middle, high)]
    below, above = ((logs[1] - logs[0]) / _OUTER, (logs[2] - logs[1]) / _OUTER)
    score = luck * np.where(luck < 0, below, above)
    score += logs[1]
    ends: Singles = np.exp(score, out=score)
    ends += now - np.float32(_WHOLE)
    np.maximum(ends, np.minimum(now, low), out=ends)
    np.copyto(ends, middle, where=low == high)  # what is certain stays exact
    return np.minimum(ends, cap, out=ends)


def spread_ends(now: float, ends: Floats, luck: Floats) -> Floats:
    """Completes at the end of one group for normal scores (draws), from its p10, p50, p90."""
    table = np.array([[now, np.inf, *ends, np.inf]])
    simulated = _simulate(table, luck[None].astype(np.float32))
    return np.asarray(simulated[0], dtype=np.float64)


def normal_scores(outcomes: Floats, p10: Floats, p50: Floats, p90: Floats, now: Floats) -> Floats:
    """Where outcomes fell within their forecasts, as normal scores; arrays (forecasts)."""
    truth, low, middle, high = (
        np.log(np.maximum(end - now, 0.0) + _WHOLE) for end in (outcomes, p10, p50, p90)
    )
    scale = np.where(truth < middle, middle - low, high - middle) / _OUTER
    return np.asarray(np.clip((truth - middle) / np.maximum(scale, 1e-3), -3.0, 3.0))


def estimate_shared_parts(
    scores: Floats,
    projects: Sequence[str],
    countries: Sequence[str],
    *,
    guess: SharedParts | None = None,
) -> SharedParts:
    """The shared parts from normal scores of forecasts whose outcome is known.

    A part is the mean product of the scores of two groups that share nothing else, over the
    variance, drawn to `guess` by 60 pairs. Both parts together are at most 0.9.
    """
    guess = guess or SharedParts()
    variance = max(float((scores**2).mean()), 1e-9) if scores.size else 1.0
    product = np.outer(scores, scores) / variance
    upper = np.triu(np.ones(product.shape, dtype=bool), 1)
    same_project, same_country = (
        np.equal.outer(names, names) & upper for names in map(np.array, (projects, countries))
    )
    country = _part(product[same_country & ~same_project], guess.country)
    both = np.where(same_country, country, 0.0)
    project = _part((product - both)[same_project], guess.project)
    scale = min(1.0, _MOST_SHARED / max(project + country, 1e-9))
    return SharedParts(project * scale, country * scale)


def _part(products: Floats, guess: float) -> float:
    """The mean of products of pairs, drawn to a guess, 0 to 1."""
    mean = (products.sum() + guess * _PAIRS_WORTH) / (products.size + _PAIRS_WORTH)
    return float(np.clip(mean, 0.0, 1.0))
