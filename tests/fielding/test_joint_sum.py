"""The sum of groups at their ends, against draws by other code."""

from __future__ import annotations

import math
import random
import statistics

import numpy as np
import pytest

from dashboard.fielding.figures.joint_sum import JointDraws
from dashboard.fielding.forecast.joint import SharedParts
from dashboard.fielding.insight.at_end import GroupAtEnd


def open_group(
    goal: float | None, done: float, low: float, middle: float, high: float
) -> GroupAtEnd:
    return GroupAtEnd(goal, done, low, middle, high, is_projected=True)


def over(goal: float, done: float) -> GroupAtEnd:
    return GroupAtEnd(goal, done, done, done, done, is_over=True)


def some_groups(number: int, seed: int = 1) -> list[GroupAtEnd]:
    chance = random.Random(seed)  # noqa: S311
    groups = []
    for _ in range(number):
        goal = chance.uniform(50, 900)
        done = goal * chance.uniform(0, 0.9)
        middle = done + (goal - done) * chance.uniform(0.2, 1.6)
        spread = (middle - done) * 0.5
        groups.append(open_group(goal, done, middle - spread, middle, middle + spread * 1.4))
    return groups


def drawn_one_by_one(groups: list[GroupAtEnd], draws: int = 4000) -> list[tuple[float, float]]:
    """Sums of completes and of what is missing, by plain Python: the independent reckoning.

    What is to come is log-normal on each side of its median; groups share the parts of their
    project and of their country, which is one for all here.
    """
    chance = random.Random(7)  # noqa: S311
    part = sum(SharedParts())
    sums = []
    for _ in range(draws):
        shared, projected, missing = chance.gauss(0, 1), 0.0, 0.0
        for group in groups:
            score = (1 - part) ** 0.5 * chance.gauss(0, 1) + part**0.5 * shared
            low, middle, high = (
                math.log(end - group.completes + 0.5) for end in (group.p10, group.p50, group.p90)
            )
            side = (middle - low) if score < 0 else (high - middle)
            end = group.completes + math.exp(middle + side / 1.2816 * score) - 0.5
            if group.goal:
                end = min(end, max(group.goal, group.completes))
                missing += max(group.goal - end, 0)
            projected += end
        sums.append((projected, missing))
    return sums


def test_one_group_alone_has_exactly_its_own_range() -> None:
    draws = JointDraws([open_group(1000, 100, 300, 400, 700)])
    assert draws.projected() == pytest.approx((300, 400, 700))
    assert draws.shortfall() == pytest.approx((300, 600, 700))


def test_a_group_that_would_pass_its_goal_makes_up_for_none_that_falls_short() -> None:
    draws = JointDraws([open_group(100, 90, 400, 500, 600), open_group(100, 10, 20, 30, 40)])
    assert draws.projected().p50 == pytest.approx(130)
    assert draws.shortfall().p50 == pytest.approx(70)


def test_what_is_over_ends_with_what_it_has() -> None:
    draws = JointDraws([over(500, 470), over(300, 320)])
    assert draws.projected() == (790, 790, 790)
    assert draws.shortfall() == (30, 30, 30)


def test_an_open_group_without_a_projection_is_taken_to_reach_its_goal() -> None:
    draws = JointDraws([GroupAtEnd(200, 40, 40, 40, 40)])
    assert draws.projected() == (200, 200, 200)
    assert draws.shortfall() == (0, 0, 0)


def test_a_group_without_a_goal_is_not_capped_and_misses_nothing() -> None:
    draws = JointDraws([open_group(None, 0, 50, 60, 90)])
    assert draws.projected() == pytest.approx((50, 60, 90))
    assert draws.shortfall() == (0, 0, 0)


def test_no_groups_add_up_to_nothing() -> None:
    draws = JointDraws([])
    assert draws.projected() == draws.shortfall() == (0, 0, 0)


@pytest.mark.parametrize("number", [2, 12, 60])
def test_the_range_of_a_sum_is_that_of_its_draws(number: int) -> None:
    groups = some_groups(number)
    draws, sums = JointDraws(groups), drawn_one_by_one(groups)
    for place, seen in enumerate((draws.projected(), draws.shortfall())):
        cuts = statistics.quantiles([pair[place] for pair in sums], n=10)
        width = cuts[8] - cuts[0]
        assert seen.p10 == pytest.approx(cuts[0], abs=0.12 * width)
        assert seen.p50 == pytest.approx(cuts[4], abs=0.08 * width)
        assert seen.p90 == pytest.approx(cuts[8], abs=0.12 * width)


def test_the_same_figures_give_the_same_sum() -> None:
    groups = some_groups(30)
    assert JointDraws(groups).projected() == JointDraws(list(groups)).projected()


def test_the_middle_of_many_groups_is_no_sum_of_middles() -> None:
    """Groups that are likely to fill still fall short at times."""
    groups = [open_group(100, 50, 60, 110, 160)] * 40
    assert sum(group.shortfall or 0 for group in groups) == 0
    assert JointDraws(groups).shortfall().p50 > 300


def test_a_group_stops_on_the_way_where_it_reaches_its_goal() -> None:
    draws = JointDraws([open_group(200, 100, 300, 300, 300)])
    ranges = draws.on_the_way(np.array([[0.0], [0.25], [0.5], [1.0]]))
    assert [point.p50 for point in ranges] == [100, 150, 200, 200]


def test_cost_is_what_was_paid_and_the_completes_to_come_at_their_price() -> None:
    draws = JointDraws([open_group(200, 100, 150, 150, 150), over(50, 40)])
    assert draws.cost([2.0, 3.0], so_far=500.0).p50 == pytest.approx(600)


def test_a_group_that_its_quotas_hold_below_its_goal_makes_up_for_none() -> None:
    """Its stored range is what its quotas let through, however much would come without them."""
    held, filling = open_group(1000, 300, 640, 690, 700), open_group(200, 150, 300, 400, 500)
    draws = JointDraws([held, filling])
    assert draws.projected() == pytest.approx((840, 890, 900))
    assert draws.shortfall() == pytest.approx((300, 310, 360))
    assert draws.cost([2.0, 0.0], so_far=600.0).p50 == pytest.approx(600 + 2 * 390)
    assert draws.on_the_way(np.array([[1.0, 1.0]]))[0].p50 == pytest.approx(890)
