"""What a change will cost, before it is sent: the remaining completes, and the budget."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dashboard.fielding.domain.goals import completes_target, counts_prescreens
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
    """Return what the remaining completes cost at a new CPI, compared with the current one."""
    number = completes_to_come(group)
    if number is None:
        return ""
    cost = number * price
    text = (
        f"If the goal is reached: {numbers.format_count(number)} × "
        f"{numbers.format_amount(price, group.currency)} = "
        f"{numbers.format_total(cost, group.currency)}"
    )
    return (
        text
        + _format_difference(cost - number * current, group.currency)
        + _format_total_cost(group, cost)
    )


def extra_cost(group: TargetGroup, price: Decimal, current: Decimal) -> Decimal | None:
    """Return what the remaining completes cost more at a new CPI; None where it is unknown."""
    number = completes_to_come(group)
    return None if number is None else number * (price - current)


def describe_goal_impact(group: TargetGroup, goal: int, current: int | None) -> str:
    """Return what another goal costs at the current CPI."""
    number, current_number = completes_to_come(group, goal), completes_to_come(group, current)
    if group.cpi is None or number is None or current_number is None:
        return ""
    text = (
        f"{numbers.format_count(number)} remaining completes instead of "
        f"{numbers.format_count(current_number)}"
    )
    cost = number * group.cpi
    text += f", at {numbers.format_money(group.cpi, group.currency)} each"
    return (
        text
        + _format_difference(cost - current_number * group.cpi, group.currency)
        + _format_total_cost(group, cost)
    )


def _format_difference(difference: Decimal, currency: str) -> str:
    if not difference:
        return ""
    sign = "+" if difference > 0 else "−"
    return f" ({sign}{numbers.format_total(abs(difference), currency)})"


def _format_total_cost(group: TargetGroup, cost: Decimal) -> str:
    """Return the total cost, and what it leaves of the group's budget."""
    if group.cost is None:
        return "."
    total = group.cost + cost
    text = f", total {numbers.format_total(total, group.currency)}"
    if group.budget is None:
        return text + "."
    remaining = group.budget - total
    side = "under" if remaining >= 0 else "OVER"
    budget = numbers.format_total(group.budget, group.currency)
    difference = numbers.format_total(abs(remaining), group.currency)
    return f"{text}: {difference} {side} the budget of {budget}."
