"""What a change will cost, before it is sent: the remaining completes, and the budget."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.figures.goal_cost import (
    COST_IF_GOAL_REACHED,
    GoalCost,
    cost_if_goal_reached,
)
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import numbers

FINER = Decimal("0.01")  # of the smallest coin


def round_price(new: Decimal, current: Decimal, currency: str) -> Decimal:
    """Return a price to the smallest coin, or finer where rounding would undo the change."""
    coin = Decimal(1).scaleb(-numbers.minor_digits(currency))
    coins = new.quantize(coin, ROUND_HALF_UP)
    moves = coins != current and (coins > current) == (new > current)
    return coins if moves else new.quantize(coin * FINER, ROUND_HALF_UP)


def completes_to_come(group: TargetGroup, goal: int | None = None) -> int | None:
    """Return the completes still needed, up to `goal` where it is given; None where unknown.

    An estimate where the group's limit counts prescreens.
    """
    if goal is None:
        goal = completes_target(group)
    elif counts_prescreens(group):
        return None
    if goal is None or group.completes is None:
        return None
    return max(goal - group.completes, 0)


def describe_cpi_impact(group: TargetGroup, price: Decimal, current: Decimal) -> str:
    """Return the cost if the goal is reached at a new CPI, compared with the current one."""
    at_goal = cost_if_goal_reached(group, price=price)
    if at_goal is None:
        return ""
    lead = (
        f"{numbers.format_count(at_goal.completes)} × "
        f"{numbers.format_amount(price, group.currency)} = "
        f"{numbers.format_total(at_goal.to_come, group.currency)} still to spend"
    )
    difference = at_goal.to_come - at_goal.completes * current
    return _with_cost_if_goal_reached(group, at_goal, lead, difference)


def extra_cost(group: TargetGroup, price: Decimal, current: Decimal) -> Decimal | None:
    """Return what the remaining completes cost more at a new CPI; None where it is unknown."""
    number = completes_to_come(group)
    return None if number is None else number * (price - current)


def _with_cost_if_goal_reached(
    group: TargetGroup, at_goal: GoalCost, lead: str, difference: Decimal
) -> str:
    """Return what is to come with its change, then the named total beside the budget.

    Without a cost to date there is no total.
    """
    text = f"{lead}{_format_difference(difference, group.currency)}."
    if at_goal.total is None:
        return text
    total = numbers.format_total(at_goal.total, group.currency)
    return f"{text} {COST_IF_GOAL_REACHED}: {total}{_format_against_budget(group, at_goal.total)}"


def describe_goal_impact(group: TargetGroup, goal: int, current: int | None) -> str:
    """Return what another goal costs at the current CPI."""
    number, current_number = completes_to_come(group, goal), completes_to_come(group, current)
    if group.cpi is None or number is None or current_number is None:
        return ""
    at_goal = cost_if_goal_reached(group, goal=goal)
    if at_goal is None:
        return ""
    lead = (
        f"{numbers.format_count(number)} remaining completes instead of "
        f"{numbers.format_count(current_number)}, at "
        f"{numbers.format_money(group.cpi, group.currency)} each"
    )
    difference = at_goal.to_come - current_number * group.cpi
    return _with_cost_if_goal_reached(group, at_goal, lead, difference)


def _format_difference(difference: Decimal, currency: str) -> str:
    if not difference:
        return ""
    sign = "+" if difference > 0 else "−"
    return f" ({sign}{numbers.format_total(abs(difference), currency)})"


def _format_against_budget(group: TargetGroup, total: Decimal) -> str:
    """Return what a total leaves of the group's budget, and the full stop."""
    if group.budget is None:
        return "."
    remaining = group.budget - total
    side = "under" if remaining >= 0 else "OVER"
    budget = numbers.format_total(group.budget, group.currency)
    difference = numbers.format_total(abs(remaining), group.currency)
    return f", {difference} {side} the budget of {budget}."
