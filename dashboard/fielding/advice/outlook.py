"""A group as advice sees it: its forecast as draws, what its quota cells let through, its price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from statistics import NormalDist
from zlib import crc32

import numpy as np

from dashboard.fielding.advice.evidence import Elasticity, PriceEvidence
from dashboard.fielding.forecast.cells import (
    CellState,
    draw_shares,
    wait_until_taken,
    without_rounding,
)
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.series.readings import Floats

MOST_RAISED = Decimal(2)  # times today's CPI: nothing beyond was ever measured
_NORMAL = NormalDist()
_OUTER = _NORMAL.inv_cdf(0.9)
_FARTHEST = 3.5  # normal scores
NO_LIMIT = 1e9  # completes
_WHOLE = 0.5  # added before logs are taken, so that nothing to come has a log
_CERTAIN = 0.02  # a chance nearer to 0 or 1 says nothing about the range
_NEAR = 0.08  # normal scores: knots nearer than that are one


@dataclass(frozen=True, slots=True)
class Pricing:
    """What completes cost and bring, in one currency. coin: the smallest step of a CPI; highest:
    the CPI that the exchange accepts at most; paid: the cost so far. is_fixed: a rate card sets the
    CPI. client_cpi: what the client pays per complete. project_room: what the budget of the project
    leaves if every group reaches its goal at today's CPI, negative where it is exceeded."""

    currency: str
    cpi: Decimal
    coin: Decimal
    paid: Decimal
    highest: Decimal | None = None
    budget: Decimal | None = None
    is_fixed: bool = False
    client_cpi: Decimal | None = None
    project_room: Decimal | None = None

    @property
    def cap(self) -> Decimal:
        """The highest CPI that is advised: twice today's, within what the exchange accepts."""
        if self.is_fixed:
            return self.cpi
        cap = (self.cpi * MOST_RAISED).quantize(self.coin, ROUND_FLOOR)
        return max(self.cpi, cap if self.highest is None else min(cap, self.highest))

    def round_up(self, cpi: float) -> Decimal:
        """A computed CPI on the next coin, at most the cap."""
        coins = (Decimal(repr(round(cpi, 9))) / self.coin).to_integral_value(ROUND_CEILING)
        return min(coins * self.coin, self.cap)


@dataclass(frozen=True, slots=True)
class GroupOutlook:
    """A group in field: counts in completes.

    at_end: its forecast on its end date if no more quota cells filled, not capped at the goal.
    chance: the stored one of the goal, as quotas let it through (0–1). days_left: typical days
    (of the shape of its week) until its end; days_after: those of each day after it, holidays
    counted as the weak days that they are. quiet_ends: whether an end so many days (from 1) later
    falls on a day that is known to bring nothing. cells: its quota cells.
    """

    goal: float
    completes: float
    at_end: Percentiles
    now: datetime
    ends_at: datetime
    days_left: float
    days_after: Sequence[float]
    pricing: Pricing
    elasticity: Elasticity
    evidence: PriceEvidence = field(default_factory=PriceEvidence)
    chance: float | None = None
    cells: Sequence[CellState] = ()
    quiet_ends: Sequence[bool] = ()

    @property
    def missing(self) -> float:
        """Completes missing to the goal."""
        return max(self.goal - self.completes, 0.0)

    @property
    def hours_left(self) -> float:
        """Hours until the end date."""
        return max((self.ends_at - self.now).total_seconds() / 3600, 1e-3)


def draw_arrivals(outlook: GroupOutlook, luck: Floats) -> Floats:
    """Completes to come until the end if no cell filled, for normal scores (draws): log-normal
    between the percentiles, and through the chance of the goal where it is known."""
    ends = np.array(outlook.at_end) - outlook.completes
    if ends[0] == ends[2]:
        return np.full(luck.size, max(float(ends[1]), 0.0))
    logs = np.log(np.maximum(ends, 0.0) + _WHOLE)
    rises = (logs[1] - logs[0]) / _OUTER, (logs[2] - logs[1]) / _OUTER
    scores = [-_FARTHEST, -_OUTER, 0.0, _OUTER, _FARTHEST]
    values = [logs[1] - _FARTHEST * rises[0], *logs, logs[1] + _FARTHEST * rises[1]]
    chance = None if outlook.cells else outlook.chance
    if chance is not None and _CERTAIN < chance < 1 - _CERTAIN and outlook.missing > 0:
        _add_knot(scores, values, _NORMAL.inv_cdf(1 - chance), np.log(outlook.missing + _WHOLE))
    steps = np.maximum.accumulate(np.array(values))
    return np.maximum(np.exp(np.interp(luck, scores, steps)) - _WHOLE, 0.0)


def _add_knot(scores: list[float], values: list[float], score: float, value: float) -> None:
    """Put a knot in its place; the outer percentiles, which are rounded, give way to it."""
    for place in (1, 3):
        if abs(scores[place] - score) < _NEAR:
            values[place] = value
            return
    place = sum(each < score for each in scores)
    scores.insert(place, score)
    values.insert(place, value)
    for other, at in enumerate(scores):
        is_outer = at not in (0.0, score)
        if is_outer and (at < score) != (values[other] < value):
            values[other] = value


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """What the quota cells of a group let through, by question: shares of arrivals
    (cells, draws) and the room of each cell (cells, 1)."""

    names: Sequence[Sequence[str]]
    shares: Sequence[Floats]
    rooms: Sequence[Floats]

    def arrivals_needed(self, wanted: float, draws: int) -> Floats:
        """Arrivals (draws) until all questions let so many through, inf where they never do."""
        wanted = without_rounding(wanted, list(self.rooms))
        needed = np.full(draws, wanted)
        for shares, room in zip(self.shares, self.rooms, strict=True):
            needed = np.maximum(needed, wait_until_taken(shares, room, wanted))
        return needed

    def let_through(self, arrivals: Floats) -> Floats:
        """Completes that come of arrivals (draws)."""
        through = arrivals
        for shares, room in zip(self.shares, self.rooms, strict=True):
            through = np.minimum(through, np.minimum(shares * arrivals, room).sum(axis=0))
        return through

    def relax(self, rooms: Mapping[str, float]) -> "QuotaLimits":
        """The same with these rooms of some cells, by name."""
        relaxed = [
            np.array([[rooms.get(name, own)] for name, (own,) in zip(names, room, strict=True)])
            for names, room in zip(self.names, self.rooms, strict=True)
        ]
        return QuotaLimits(self.names, self.shares, relaxed)

    def arrivals_of_cell(self, name: str, arrivals: Floats) -> Floats:
        """The part of arrivals (draws) that falls into a cell; KeyError for an unknown one."""
        for names, shares in zip(self.names, self.shares, strict=True):
            if name in names:
                return np.asarray(shares[names.index(name)] * arrivals)
        raise KeyError(name)

    def fullest_first(self) -> list[str]:
        """The names of the cells, those first that fill with the fewest arrivals."""
        waits = [
            (float(room[0]) / max(float(np.median(share)), 1e-9), name)
            for names, shares, rooms in zip(self.names, self.shares, self.rooms, strict=True)
            for name, share, room in zip(names, shares, rooms, strict=True)
        ]
        return [name for _, name in sorted(waits)]


def draw_limits(cells: Sequence[CellState], draws: int) -> QuotaLimits | None:
    """Draw what cells let through, the same for the same cells; None without any."""
    if not cells:
        return None
    rng = np.random.default_rng(crc32(repr([(c.limit, c.completes) for c in cells]).encode()))
    questions = [
        [cell for cell in cells if cell.question == question]
        for question in dict.fromkeys(cell.question for cell in cells)
    ]
    return QuotaLimits(
        [[cell.name for cell in question] for question in questions],
        [_shares_of_arrivals(question, draws, rng) for question in questions],
        [np.array([[cell.room] for cell in question]) for question in questions],
    )


def _shares_of_arrivals(cells: Sequence[CellState], draws: int, rng: np.random.Generator) -> Floats:
    """Shares over the open cells of a question; over all of them where each one is full."""
    shares = draw_shares(cells, draws, rng)
    is_closed = all(cell.room <= 0 for cell in cells)
    return shares / shares.sum(axis=0) if is_closed else shares
