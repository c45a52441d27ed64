"""The cost of a group if its goal is reached; its cost by the end date is the forecast's."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

from dashboard.fielding.domain.goals import HasFillingGoal, completes_target

# The two costs of what is to come, by the same names on every surface.
COST_BY_END_DATE = "Cost by end date"
COST_IF_GOAL_REACHED = "Cost if the goal is reached"


class HasCost(HasFillingGoal, Protocol):
    """A group, or a row of its columns."""

    @property
    def cpi(self) -> Decimal | None: ...
    @property
    def cost(self) -> Decimal | None: ...


class GoalCost(NamedTuple):
    """Money in the group's currency: completes to come at a price, and with the cost to date.

    total: None where the exchange reports no cost to date.
    """

    completes: int
    price: Decimal
    to_come: Decimal
    total: Decimal | None


def cost_if_goal_reached(
    group: HasCost, *, price: Decimal | None = None, goal: int | None = None
) -> GoalCost | None:
    """Return what a group costs if it reaches its goal; None where goal or price is unknown.

    price: the CPI of what is to come, today's by default. goal: another goal in completes.
    """
    cpi = group.cpi if price is None else price
    target = completes_target(group) if goal is None else goal
    if cpi is None or target is None or group.completes is None:
        return None
    missing = max(target - group.completes, 0)
    to_come = missing * cpi
    return GoalCost(missing, cpi, to_come, None if group.cost is None else group.cost + to_come)
