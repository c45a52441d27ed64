"""What a group will have cost at its end, as a range, and what that does to its budget.

The completes still to come are paid at today's CPI: an edit changes the price of what comes,
not of what was. So cost = cost so far + (completes at end − completes now) × current CPI.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from dashboard.fielding.forecast.group_forecast import Forecast

Standing = Literal["no budget", "within budget", "may exceed", "will exceed", "exceeded"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Money in one currency. spent and projected are shares of the budget (None without one)."""

    currency: str
    so_far: Decimal
    p10: Decimal
    p50: Decimal
    p90: Decimal
    budget: Decimal | None
    spent: float | None
    projected: float | None
    standing: Standing
    note: str


def projected_cost(
    forecast: Forecast,
    *,
    completes: int,
    current_cpi: Decimal,
    currency: str,
    average_cpi: Decimal | None = None,
    so_far: Decimal | None = None,
    budget: Decimal | None = None,
) -> Cost:
    """The cost at the end of the field (p10 is the cheap one), capped at the goal's completes.

    `so_far` is the exchange's figure; without it completes × average CPI stands in, and
    without that completes × current CPI. The field stops at its goal, so the forecast is
    capped there, though never below the completes that are already paid. ValueError for
    negative counts, prices or a budget that is not above zero.
    """
    if completes < 0 or current_cpi < 0 or (budget is not None and budget <= 0):
        raise ValueError("completes and CPI cannot be negative; a budget is above zero")
    paid, source = _cost_so_far(completes, current_cpi, average_cpi, so_far)
    ends = (
        forecast.completes_at_end_p10,
        forecast.completes_at_end_p50,
        forecast.completes_at_end_p90,
    )
    p10, p50, p90 = (
        paid + completes_to_pay(end, forecast.goal, completes) * current_cpi for end in ends
    )
    standing = _judge_budget(paid, p50, p90, budget)
    return Cost(
        currency=currency,
        so_far=paid,
        p10=p10,
        p50=p50,
        p90=p90,
        budget=budget,
        spent=float(paid / budget) if budget else None,
        projected=float(p50 / budget) if budget else None,
        standing=standing,
        note=f"{source}; remaining completes at {current_cpi.normalize():f} {currency}",
    )


def _cost_so_far(
    completes: int, current: Decimal, average: Decimal | None, so_far: Decimal | None
) -> tuple[Decimal, str]:
    """Cost so far and, in words, where it comes from."""
    if so_far is not None:
        return so_far, "cost to date as reported by Cint"
    if average is not None:
        return completes * average, "cost to date from the average CPI"
    return completes * current, "cost to date estimated from the current CPI"


def completes_to_pay(end: float, goal: float, completes: int) -> int:
    """The completes still to be paid for by the end date, capped at the goal."""
    return max(0, round(min(end, max(goal, completes))) - completes)


def _judge_budget(paid: Decimal, p50: Decimal, p90: Decimal, budget: Decimal | None) -> Standing:
    if budget is None:
        return "no budget"
    if paid > budget:
        return "exceeded"
    if p50 > budget:
        return "will exceed"
    return "may exceed" if p90 > budget else "within budget"
