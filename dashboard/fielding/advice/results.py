"""What a change of CPI, end date or quotas brings a group, and what it costs: ranges of draws."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.advice.plan import (
    Plan,
    PlanKind,
    PriceRange,
    RelaxedCell,
    against_client,
    exceeds_budget,
    money,
)
from dashboard.fielding.advice.search import CLOSE, Field
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.series.readings import Floats

_LEVELS = np.array([0.1, 0.5, 0.9])


class TriedChange(NamedTuple):
    """What is tried: a CPI, days after the end, and the cells with higher limits."""

    cpi: Decimal
    days: int = 0
    relaxed: tuple[RelaxedCell, ...] = ()

    @property
    def rooms(self) -> dict[str, float]:
        """The room of each relaxed cell."""
        return {cell.name: cell.room for cell in self.relaxed}


@dataclass(frozen=True, slots=True)
class ChangeDraws:
    """What a change brings one group (draws): the factor of its CPI, completes to come as quotas
    let them through, and whether the goal is reached."""

    outlook: GroupOutlook
    change: TriedChange
    factor: Floats
    coming: Floats
    is_reached: Floats

    def result(self, *, goal: float | None = None) -> PriceRange:
        """The ranges, and the chance of the goal or of another one."""
        done = self.outlook.completes
        low, middle, high = percentiles_of_draws(self.coming)
        hours = self.outlook.hours_left + 24 * self.change.days
        reached = self.is_reached if goal is None else self.coming >= goal - done - CLOSE
        return PriceRange(
            self.change.cpi,
            Percentiles(low / hours, middle / hours, high / hours),
            percentiles_of_draws(self.factor),
            Percentiles(done + low, done + middle, done + high),
            float(reached.mean()),
        )


def draw_change(field: Field, row: int, change: TriedChange) -> ChangeDraws:
    """Draw what a change brings one group of a field."""
    outlook, limits, place = field.outlooks[row], field.limits[row], field.select([row])
    factor = place.curves.multipliers(np.array([np.log(float(change.cpi / outlook.pricing.cpi))]))
    growth = place.growth(np.array([change.days])) if change.days else 1.0
    arrivals: Floats = (place.arrivals * growth * factor)[0]
    needed = place.relaxed([change.rooms]) if change.relaxed else place.needed
    coming = arrivals
    if limits is not None:
        coming = limits.relax(change.rooms).let_through(arrivals)
    is_reached = np.asarray(arrivals >= needed[0] - CLOSE, dtype=np.float64)
    return ChangeDraws(outlook, change, factor[0], coming, is_reached)


def plan_of_change(
    field: Field, row: int, kind: PlanKind, change: TriedChange, *, goal: int | None = None
) -> Plan:
    """A change as a plan, for the goal of the group or for another one."""
    outlook, pricing = field.outlooks[row], field.outlooks[row].pricing
    result = draw_change(field, row, change).result(goal=goal)
    missing = (goal or outlook.goal) - outlook.completes
    low, middle, high = (
        pricing.paid + money(outlook, min(end - outlook.completes, missing) * float(change.cpi))
        for end in result.completes
    )
    cost = pricing.paid + money(outlook, missing * float(change.cpi))
    plan = Plan(
        kind,
        change.cpi,
        result,
        (low, middle, high),
        cost,
        exceeds_budget(outlook, cost),
        extra_days=change.days,
        relaxed=change.relaxed,
        goal=goal,
    )
    return against_client(outlook, plan)


def percentiles_of_draws(draws: Floats) -> Percentiles:
    """p10, p50 and p90, straight between draws: a tenth of the time of `np.quantile`."""
    ranked = np.sort(draws)
    places = _LEVELS * (ranked.size - 1)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, ranked.size - 1)
    low, middle, high = ranked[below] + (places - below) * (ranked[above] - ranked[below])
    return Percentiles(float(low), float(middle), float(high))
