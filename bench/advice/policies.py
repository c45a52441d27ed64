"""What becomes of a group under each policy, with the same dice."""

from copy import copy
from dataclasses import dataclass
from math import log

import numpy as np

from bench.advice.evidence import cpi_at
from bench.advice.worlds import START, Response, WorldGroup
from dashboard.fielding.advice.plan import Plan
from dashboard.fielding.series.readings import Floats, Ints

DAY = 24
STEP, MOST = log(1.1), log(2.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the goal was met by the end, the cost of what came from now on, whether the price was
    raised, and the completes an hour from then on until the end, as if no goal stopped them."""

    met: bool
    cost: float
    raised: bool
    an_hour: float


@dataclass(frozen=True, slots=True)
class TrueCurves:
    """The curves that only an oracle knows, from today's prices."""

    responses: tuple[Response, ...]
    today: Floats

    def multipliers(self, log_price: Floats) -> Floats:
        """People over those at today's CPI (groups, 1)."""
        rows = zip(self.responses, self.today, log_price, strict=True)
        return np.array(
            [
                [float(each.people(np.array(now + move)) / each.people(np.array(now)))]
                for each, now, move in rows
            ]
        )

    def select(self, rows: Ints) -> "TrueCurves":
        """Those of some groups."""
        return TrueCurves(tuple(self.responses[row] for row in rows), self.today[rows])


def follow_plan(group: WorldGroup, now: int, plan: Plan | None) -> Outcome:
    """Follow a plan once: a conditional raise is decided at its time."""
    if plan is None:
        return live_on(group, now, [])
    price = log(float(plan.cpi) / float(group.cpi))
    if plan.condition is None:
        return live_on(group, now, [(now, price)])
    at = int((plan.condition.at - START).total_seconds() // 3600)
    done = group.counts()[:, :at].sum()
    is_behind = bool(done < plan.condition.fewer_than)
    return live_on(group, now, [(at, price)] if is_behind else [])


def raise_when_behind(group: WorldGroup, now: int) -> Outcome:
    """+10 % each day on which the group is behind an even way from now to its goal."""
    moves: list[tuple[int, float]] = []
    trial = copy(group)
    first = float(group.counts()[:, :now].sum())
    start = group.price_at(now)
    for at in range(now, group.hours, DAY):
        trial.changes = [*group.changes_until(now), *moves]
        done = float(trial.counts()[:, :at].sum())
        even = (
            group.goal * at / group.hours
            if at == now
            else first + (group.goal - first) * (at - now) / (group.hours - now)
        )
        price = trial.price_at(at)
        if done < even and price - start < MOST - 1e-9:
            moves.append((at, price + STEP))
    return live_on(group, now, moves)


def live_on(group: WorldGroup, now: int, moves: list[tuple[int, float]]) -> Outcome:
    """Live on with these prices: (hour, log of CPI over the first one)."""
    later = copy(group)
    later.changes = [*group.changes_until(now), *moves]
    counts = later.counts()[:, now:].sum(axis=0)
    done = float(later.counts().sum())
    prices = np.array([float(cpi_at(later, hour)) for hour in range(now, group.hours)])
    reachable = sum(later.limits) if later.limits else later.goal
    since = moves[0][0] if moves else now
    free = later.counts(stops=bool(later.limits))[:, since:].sum()
    return Outcome(
        met=done >= min(later.goal, reachable),
        cost=float((counts * prices).sum()),
        raised=any(price > group.price_at(now) + 1e-9 for _, price in moves),
        an_hour=float(free) / (group.hours - since),
    )
