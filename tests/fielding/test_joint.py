"""Sums of groups: capped, simulated jointly, the same for the same groups."""

import numpy as np
import pytest

from dashboard.fielding.forecast.joint import (
    GroupEnd,
    SharedParts,
    estimate_shared_parts,
    normal_scores,
    percentiles_of,
    simulate_ends,
)


def sum_at_end(groups, **options):
    """The percentiles of the sum of groups."""
    return percentiles_of(simulate_ends(groups, **options).sum(axis=0))


def shortfall(groups):
    """The percentiles of the completes that groups are short of their goals."""
    goals = np.array([[each.goal] for each in groups])
    return percentiles_of(np.maximum(goals - simulate_ends(groups), 0.0).sum(axis=0))


def group(now=100.0, goal=1000.0, coming=200.0, wide=0.5, **more):
    """A group that expects so many completes more, its range a factor e^wide each way."""
    ends = [now + coming * np.exp(z * wide) for z in (-1, 0, 1)]
    return GroupEnd(now, goal, *ends, **more)


def test_no_groups_sum_to_nothing():
    assert sum_at_end([]) == (0.0, 0.0, 0.0)


def test_one_group_keeps_its_own_percentiles():
    alone = group()
    assert sum_at_end([alone]) == pytest.approx((alone.p10, alone.p50, alone.p90), rel=0.03)


def test_a_surplus_of_one_group_does_not_fill_the_gap_of_another():
    full, empty = group(goal=150.0, coming=2000.0), group(goal=1000.0, coming=0.1, wide=0.01)
    assert sum_at_end([full, empty]) == pytest.approx((250.0, 250.0, 250.0), abs=2)
    assert shortfall([full, empty]).p50 == pytest.approx(900.0, abs=2)


def test_a_group_past_its_goal_keeps_what_it_has():
    assert sum_at_end([group(now=300.0, goal=200.0)]) == (300.0, 300.0, 300.0)


def test_the_shortfall_of_a_sum_is_more_than_that_of_its_middles():
    groups = [group(goal=320.0, project=f"p{n}", country=f"c{n}") for n in range(50)]
    middles = sum(max(0.0, one.goal - one.p50) for one in groups)
    assert shortfall(groups).p10 > middles


def test_groups_that_share_luck_have_a_wider_sum():
    groups = [group(goal=1e6, project="p", country="c") for _ in range(50)]
    apart, together = (
        sum_at_end(groups, shared=parts) for parts in (SharedParts(0.0, 0.0), SharedParts(0.3, 0.1))
    )
    assert together.p90 - together.p10 > 3 * (apart.p90 - apart.p10)


def test_groups_of_other_projects_share_less():
    one, many = (
        [group(goal=1e6, project=f"p{n % projects}", country=f"c{n}") for n in range(60)]
        for projects in (1, 60)
    )
    width = [s.p90 - s.p10 for s in (sum_at_end(one), sum_at_end(many))]
    assert width[0] > 1.5 * width[1]


def test_the_same_groups_in_any_order_give_the_same_answer():
    groups = [group(coming=50.0 + n, project=f"p{n % 3}") for n in range(20)]
    assert sum_at_end(groups) == pytest.approx(sum_at_end(groups[::-1]))


def test_the_range_holds_the_share_of_sums_that_it_promises():
    rng = np.random.default_rng(3)
    groups = [group(goal=400.0, project=f"p{n % 4}", country="c") for n in range(40)]
    parts = SharedParts(0.25, 0.1)
    common = rng.standard_normal((400, 4)), rng.standard_normal((400, 1))
    luck = np.sqrt(0.65) * rng.standard_normal((400, 40)) + np.sqrt(0.1) * common[1]
    luck += np.sqrt(0.25) * common[0][:, np.arange(40) % 4]
    sums = np.minimum(100 + 200 * np.exp(0.5 / 1.2816 * luck), 400).sum(axis=1)
    seen = sum_at_end(groups, shared=parts)
    assert 0.74 < ((seen.p10 <= sums) & (sums <= seen.p90)).mean() < 0.86


def test_percentiles_out_of_order_are_refused():
    with pytest.raises(ValueError, match="in order"):
        simulate_ends([GroupEnd(0.0, 10.0, 5.0, 4.0, 6.0)])


def drawn_scores(project, country, groups=200):
    """Scores of forecasts whose groups share these parts, with the names of both."""
    rng = np.random.default_rng(7)
    projects, countries = rng.integers(0, 20, groups), rng.integers(0, 8, groups)
    scores = np.sqrt(1 - project - country) * rng.standard_normal(groups)
    scores += np.sqrt(project) * rng.standard_normal(20)[projects]
    scores += np.sqrt(country) * rng.standard_normal(8)[countries]
    return scores, [str(p) for p in projects], [str(c) for c in countries]


def test_shared_parts_are_found_in_outcomes():
    much = estimate_shared_parts(*drawn_scores(0.5, 0.0))
    little = estimate_shared_parts(*drawn_scores(0.0, 0.0))
    assert much.project > 0.3
    assert little.project < 0.1


def test_few_outcomes_leave_the_guess():
    guess = SharedParts(0.2, 0.1)
    assert estimate_shared_parts(np.array([2.0, 2.0]), ["p", "p"], ["c", "d"], guess=guess)[
        0
    ] == pytest.approx(0.2, abs=0.05)


def test_an_outcome_at_the_middle_scores_nothing_and_one_at_p90_scores_as_much():
    now, low, middle, high = (np.array([x, x]) for x in (10.0, 20.0, 40.0, 90.0))
    scores = normal_scores(np.array([40.0, 90.0]), low, middle, high, now)
    assert scores == pytest.approx([0.0, 1.2816], abs=1e-3)
