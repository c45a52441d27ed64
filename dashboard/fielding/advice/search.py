"""The least plan of each kind for many groups together: arrays (groups, draws), by bisection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dashboard.fielding.advice.outlook import (
    GroupOutlook,
    QuotaLimits,
    draw_arrivals,
    draw_limits,
)
from dashboard.fielding.advice.plan import MOST_DAYS
from dashboard.fielding.advice.response_curve import Luck, draw_curves
from dashboard.fielding.series.readings import Floats, Ints

Flags = NDArray[np.bool_]

STEPS = 9  # of a bisection: a CPI to 0.15 %
CHECKS = (0.25, 0.5, 0.65)  # parts of the time left after which a conditional raise is decided
LINES = (0.85, 1.0, 1.15, 1.3)  # completes by then, over an even path to the goal
TIMING = 0.8  # of the log sd of a forecast: how far the first part of the time differs from it
LEAST_TIMING = 0.1
AFTER_END, AFTER_END_SPREAD = -0.1, 0.3  # log of the rate after the end over before: mean, sd
SHORTEST = 0.02  # typical days: an end that is nearer has no rate
_OUTER = 2.563
CLOSE = 1e-6
CERTAIN = 0.02  # a chance nearer to 0 or 1 says nothing about the range
MOST_OVER = 1.5


class Curves(Protocol):
    """Curves of several groups."""

    def multipliers(self, log_price: Floats) -> Floats:
        """Completes over those at today's CPI (groups, draws) for a log ratio of CPI a group."""
        ...

    def select(self, rows: Ints) -> "Curves":
        """The curves of some of the groups."""
        ...


@dataclass(frozen=True, slots=True)
class Field:
    """Several groups: completes to come (groups, draws) at today's CPI, how many are needed
    (groups, draws; as quotas let them through), curves, the highest move of log CPI (groups).

    needed_over: by how much the needed arrivals of groups with quotas were multiplied (groups), so
    that the chance at today's CPI is the stored one.
    """

    outlooks: Sequence[GroupOutlook]
    arrivals: Floats
    needed: Floats
    needed_over: Floats
    curves: Curves
    highest: Floats
    limits: Sequence[QuotaLimits | None]
    luck: Luck

    def select(self, rows: Sequence[int]) -> "Field":
        """Some of the groups."""
        places = np.array(rows, dtype=np.int64)
        return Field(
            [self.outlooks[row] for row in rows],
            self.arrivals[places],
            self.needed[places],
            self.needed_over[places],
            self.curves.select(places),
            self.highest[places],
            [self.limits[row] for row in rows],
            self.luck,
        )

    @property
    def unmoved(self) -> Floats:
        """No move of log CPI (groups)."""
        return np.zeros(len(self.outlooks))

    def chance(
        self, move: Floats, growth: Floats | float = 1.0, needed: Floats | None = None
    ) -> Floats:
        """The chance (groups) of the goal at moves of log CPI, with so many times the arrivals."""
        coming = self.arrivals * growth * self.curves.multipliers(move)
        wanted = self.needed if needed is None else needed
        return np.asarray((coming >= wanted - CLOSE).mean(axis=1))

    def growth(self, days: Ints) -> Floats:
        """Arrivals until an end so many days later, over those until the end (groups, draws)."""
        left = np.array([max(outlook.days_left, SHORTEST) for outlook in self.outlooks])
        extra = np.array(
            [
                sum(outlook.days_after[:day])
                for outlook, day in zip(self.outlooks, days, strict=True)
            ]
        )
        pace = np.exp(AFTER_END + AFTER_END_SPREAD * self.luck.after_end)
        return np.asarray(1.0 + (extra / left)[:, None] * pace)

    def relaxed(self, rooms: Sequence[Mapping[str, float]]) -> Floats:
        """How many arrivals are needed with these rooms of some cells (groups, draws)."""
        needed = self.needed.copy()
        for row, (limits, cells) in enumerate(zip(self.limits, rooms, strict=True)):
            if limits is not None and cells:
                missing = self.outlooks[row].missing
                relaxed = limits.relax(cells).arrivals_needed(missing, needed.shape[1])
                needed[row] = relaxed * self.needed_over[row]
        return needed


def lay_out_field(
    outlooks: Sequence[GroupOutlook], luck: Luck, curves: Curves | None = None
) -> Field:
    """Lay out groups that have something to reach for; curves: theirs, if they are known."""
    draws = luck.forecast.size
    limits = [draw_limits(outlook.cells, draws) for outlook in outlooks]
    arrivals = np.array([draw_arrivals(outlook, luck.forecast) for outlook in outlooks])
    needed = np.array(
        [
            np.full(draws, outlook.missing)
            if each is None
            else each.arrivals_needed(outlook.missing, draws)
            for outlook, each in zip(outlooks, limits, strict=True)
        ]
    )
    over = np.array([_needed_over(*case) for case in zip(outlooks, arrivals, needed, strict=True)])
    return Field(
        outlooks,
        arrivals,
        needed * over[:, None],
        over,
        curves or draw_curves([outlook.elasticity for outlook in outlooks], luck),
        np.array([np.log(float(o.pricing.cap / o.pricing.cpi)) for o in outlooks]),
        limits,
        luck,
    )


def _needed_over(outlook: GroupOutlook, arrivals: Floats, needed: Floats) -> float:
    """The factor of the needed arrivals with which a group with quotas has its stored chance; 1
    where that chance is certain or far from what the draws say."""
    chance = outlook.chance
    if not outlook.cells or chance is None or not CERTAIN < chance < 1 - CERTAIN:
        return 1.0
    ratios = np.sort(needed / np.maximum(arrivals, CLOSE))
    at_chance = float(ratios[round(chance * ratios.size) - 1])
    return 1 / at_chance if 1 / MOST_OVER <= at_chance <= MOST_OVER else 1.0


def least_move(
    highest: Floats, target: Floats | float, chance_at: Callable[[Floats], Floats]
) -> Floats:
    """The least move (groups, from 0 to the highest) with the chance; NaN where none has it."""
    low, high = np.zeros_like(highest), highest.copy()
    reached = chance_at(high) >= target
    for _ in range(STEPS):
        middle = (low + high) / 2
        enough = chance_at(middle) >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached, high, np.nan)


def least_days(field: Field, target: float, move: Floats, needed: Floats | None = None) -> Ints:
    """The least extension in days with the chance (groups); 0 where none up to 28 has it."""
    low = np.zeros(len(field.outlooks), dtype=np.int64)
    high = np.full_like(low, MOST_DAYS)
    reached = field.chance(move, field.growth(high), needed) >= target
    for _ in range(5):
        middle = (low + high) // 2
        enough = field.chance(move, field.growth(middle), needed) >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached, lively_ends(field, high), 0)


def lively_ends(field: Field, days: Ints) -> Ints:
    """Extensions of so many days or a few more (groups), so that none ends on a day that is known
    to bring nothing; unchanged where no day up to 28 brings anything."""
    later = days.copy()
    for row, (outlook, day) in enumerate(zip(field.outlooks, days, strict=True)):
        quiet = outlook.quiet_ends
        candidates = range(int(day), min(MOST_DAYS, len(quiet)) + 1) if day > 0 else ()
        later[row] = next((each for each in candidates if not quiet[each - 1]), day)
    return later


@dataclass(frozen=True, slots=True)
class LaterRaise:
    """A conditional raise: after which part of the time, below how many new completes (groups),
    arrivals before it (groups, draws), whether it is made (groups, draws), and by which move
    (groups; NaN: none has the chance).

    needless: the chance (groups) that it is made though the goal would have been reached.
    relative_cost: what the missing completes cost over today's CPI (groups), on average.
    """

    part: float
    line: Floats
    before: Floats
    behind: Flags
    move: Floats
    needless: Floats
    relative_cost: Floats


def later_raises(field: Field, target: Floats) -> list[LaterRaise]:
    """The least conditional raise for each time of the check and each line."""
    missing = np.array([outlook.missing for outlook in field.outlooks])
    ends = np.array([outlook.at_end for outlook in field.outlooks])
    done = np.array([outlook.completes for outlook in field.outlooks])
    low, high = (np.log(np.maximum(ends[:, place] - done, 0.5)) for place in (0, 2))
    timing = np.maximum(TIMING * (high - low) / _OUTER, LEAST_TIMING)
    lead = np.exp(timing[:, None] * field.luck.timing)
    raises = []
    for part in CHECKS:
        before = field.arrivals * (part / (part + (1 - part) * lead))
        completes = _let_through(field, before)
        for share in LINES:
            line = np.ceil(missing * part * share)
            behind = completes < line[:, None]
            check = _Check(part, line, before, behind)
            raises.append(_later_raise(field, target, check))
    return raises


def _let_through(field: Field, arrivals: Floats) -> Floats:
    """Completes (groups, draws) that quotas let through of arrivals."""
    through = arrivals.copy()
    for row, limits in enumerate(field.limits):
        if limits is not None:
            through[row] = limits.let_through(arrivals[row])
    return through


class _Check(NamedTuple):
    """When a raise is decided, below which new completes, arrivals by then, and whether it is."""

    part: float
    line: Floats
    before: Floats
    behind: Flags


def _later_raise(field: Field, target: Floats, check: _Check) -> LaterRaise:
    before, behind = check.before, check.behind
    after = field.arrivals - before

    def chance_at(move: Floats) -> Floats:
        factor = np.where(behind, field.curves.multipliers(move), 1.0)
        return np.asarray((before + after * factor >= field.needed - CLOSE).mean(axis=1))

    move = least_move(field.highest, target, chance_at)
    missing = np.array([outlook.missing for outlook in field.outlooks])[:, None]
    at_old = np.where(behind, np.minimum(before, missing), missing) / missing
    at_old = at_old.mean(axis=1)
    return LaterRaise(
        *check,
        move,
        (behind & (field.arrivals >= field.needed)).mean(axis=1),
        at_old + (1 - at_old) * np.exp(move),
    )
