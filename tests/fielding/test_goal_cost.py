"""The cost of a group if its goal is reached."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.figures.goal_cost import GoalCost, cost_if_goal_reached
from dashboard.fielding.models import TargetGroup


def group(**fields: Any) -> TargetGroup:
    """A group with 100 of 200 completes at 2.70."""
    values = {
        "completes": 100,
        "filling_goal": 200,
        "filling_strategy": "completes",
        "cpi": Decimal("2.70"),
        "cost": Decimal(250),
    }
    return TargetGroup(**(values | fields))


@pytest.mark.parametrize(
    ("fields", "settings", "cost"),
    [
        ({}, {}, GoalCost(100, Decimal("2.70"), Decimal(270), Decimal(520))),
        ({}, {"price": Decimal(3)}, GoalCost(100, Decimal(3), Decimal(300), Decimal(550))),
        ({}, {"goal": 110}, GoalCost(10, Decimal("2.70"), Decimal(27), Decimal(277))),
        ({"completes": 230}, {}, GoalCost(0, Decimal("2.70"), Decimal(0), Decimal(250))),
        ({"cost": None}, {}, GoalCost(100, Decimal("2.70"), Decimal(270), None)),
        ({"cpi": None}, {}, None),
        ({"completes": None}, {}, None),
        ({"filling_goal": None}, {}, None),
    ],
)
def test_the_cost_at_the_goal_is_paid_and_missing_completes(
    fields: dict[str, Any], settings: dict[str, Any], cost: GoalCost | None
) -> None:
    assert cost_if_goal_reached(group(**fields), **settings) == cost
