"""What a change costs, said before it is sent: what is still to come, and the budget."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import numbers

FINER = Decimal("0.01")  # of the smallest coin


def round_price(new: Decimal, present: Decimal, currency: str) -> Decimal:
    """A price to the smallest coin; finer where a coin would not move it, or not that way."""
    coin = Decimal(1).scaleb(-numbers.minor_digits(currency))
    coins = new.quantize(coin, ROUND_HALF_UP)
    moves = coins != present and (coins > present) == (new > present)
    return coins if moves else new.quantize(coin * FINER, ROUND_HALF_UP)


def completes_to_come(group: TargetGroup, goal: int | None = None) -> int | None:
    """Completes still to come, up to a goal in completes where one is given.

    About as many where the limit counts prescreens; None where nobody can say.
    """
    if goal is None:
        goal = completes_target(group)
    elif counts_prescreens(group):
        return None
    if goal is None or group.completes is None:
        return None
    return max(goal - group.completes, 0)


def to_come(group: TargetGroup, price: Decimal, was: Decimal) -> str:
    """The completes to come at a price, beside what they would have cost."""
    number = completes_to_come(group)
    if number is None:
        return ""
    cost = number * price
    said = (
        f"{numbers.format_count(number)} completes to come × "
        f"{numbers.format_amount(price, group.currency)} = "
        f"{numbers.format_total(cost, group.currency)}"
    )
    return said + _more(cost - number * was, group.currency) + _in_the_end(group, cost)


def extra_cost(group: TargetGroup, price: Decimal, was: Decimal) -> Decimal | None:
    """What the completes to come cost more at a price; None where their number is not known."""
    number = completes_to_come(group)
    return None if number is None else number * (price - was)


def for_goal(group: TargetGroup, goal: int, was: int | None) -> str:
    """What more or fewer completes cost at today's CPI."""
    number, before = completes_to_come(group, goal), completes_to_come(group, was)
    if group.cpi is None or number is None or before is None:
        return ""
    said = (
        f"{numbers.format_count(number)} completes to come instead of "
        f"{numbers.format_count(before)}"
    )
    cost = number * group.cpi
    said += f", at {numbers.format_money(group.cpi, group.currency)} each"
    return said + _more(cost - before * group.cpi, group.currency) + _in_the_end(group, cost)


def _more(by: Decimal, currency: str) -> str:
    if not by:
        return ""
    return f", {numbers.format_total(abs(by), currency)} {'more' if by > 0 else 'less'} than now"


def _in_the_end(group: TargetGroup, cost: Decimal) -> str:
    """The whole cost against the group's budget."""
    if group.cost is None:
        return "."
    whole = group.cost + cost
    said = f". In the end {numbers.format_total(whole, group.currency)}"
    if group.budget is None:
        return said + "."
    rest = group.budget - whole
    side = "below" if rest >= 0 else "ABOVE"
    budget = numbers.format_total(group.budget, group.currency)
    return (
        f"{said}: {numbers.format_total(abs(rest), group.currency)} {side} the budget of {budget}."
    )
