"""Projected cost: what is paid, what is to come, and the budget."""

from decimal import Decimal

import pytest

from dashboard.fielding.forecast.cost import projected_cost
from dashboard.fielding.forecast.group_forecast import Forecast


def outlook(low, middle, high, goal=200):
    return Forecast(goal, None, None, None, low, middle, high, 0.5, "medium", "")


def cost(ends=(150, 180, 210), completes=100, cpi="2.50", **more):
    return projected_cost(
        outlook(*ends), completes=completes, current_cpi=Decimal(cpi), currency="EUR", **more
    )


def test_what_comes_is_paid_at_the_current_price_and_stops_at_the_goal():
    seen = cost(so_far=Decimal("210.00"))
    assert (seen.p10, seen.p50, seen.p90) == (Decimal(335), Decimal(410), Decimal(460))


def test_the_average_price_stands_in_for_the_cost_so_far():
    assert cost(average_cpi=Decimal("2.10")).so_far == Decimal("210.00")
    assert "estimated from the current CPI" in cost().note


def test_a_goal_lowered_below_the_completes_costs_nothing_more():
    seen = projected_cost(
        outlook(150, 180, 210, goal=80), completes=100, current_cpi=Decimal(2), currency="EUR"
    )
    assert seen.so_far == seen.p10 == seen.p90 == Decimal(200)


@pytest.mark.parametrize(
    ("budget", "standing"),
    [(500, "within budget"), (455, "may exceed"), (400, "will exceed"), (200, "exceeded")],
)
def test_the_budget_is_held_against_the_range(budget, standing):
    seen = cost(so_far=Decimal(210), budget=Decimal(budget))
    assert seen.standing == standing
    assert seen.spent == pytest.approx(210 / budget)
    assert seen.projected == pytest.approx(410 / budget)


def test_no_budget_is_no_verdict():
    seen = cost()
    assert (seen.standing, seen.spent, seen.projected) == ("no budget", None, None)


@pytest.mark.parametrize("wrong", [{"completes": -1}, {"cpi": "-1"}, {"budget": Decimal(0)}])
def test_negative_money_is_refused(wrong):
    with pytest.raises(ValueError, match="negative"):
        cost(**wrong)
