"""The hidden worlds of the advice benchmark."""

from __future__ import annotations

from copy import copy

import numpy as np
import pytest

from bench.advice.advice import cases_of_world, figures_of_cases
from bench.advice.policies import follow_plan, live_on
from bench.advice.worlds import LAWS, Response, make_world


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("elasticity", [0.3, 1.0, 2.0])
def test_each_law_has_the_elasticity_that_it_is_given(law: str, elasticity: float) -> None:
    response = Response(law, elasticity, ceiling=3.0)
    before, after = response.people(np.array([0.0, 1e-4]))
    assert before == pytest.approx(1.0, abs=1e-6)
    assert np.log(after / before) / 1e-4 == pytest.approx(elasticity, rel=0.02)


@pytest.mark.parametrize("law", LAWS)
def test_no_price_brings_more_than_the_ceiling(law: str) -> None:
    people = Response(law, 1.5, ceiling=2.5).people(np.linspace(0, 5, 50))
    assert (np.diff(people) >= -1e-12).all()
    assert people[-1] == pytest.approx(2.5, rel=0.01)


def test_a_world_is_the_same_for_the_same_seed() -> None:
    first, second, other = (make_world(seed, old=2, groups=3) for seed in (7, 7, 8))
    counts = [[group.counts() for group in world.groups] for world in (first, second, other)]
    assert all(np.array_equal(a, b) for a, b in zip(*counts[:2], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(counts[0], counts[2], strict=True))


def test_a_higher_price_never_brings_fewer_people() -> None:
    for group in make_world(3, old=0, groups=8).groups:
        cheap, raised = copy(group), copy(group)
        cheap.changes, raised.changes = [], [(0, 0.2)]
        assert raised.counts(stops=False).sum() >= cheap.counts(stops=False).sum()


def test_completes_stop_at_the_goal_and_at_full_cells() -> None:
    for group in make_world(5, old=0, groups=20).groups:
        by_cell = group.counts().sum(axis=1)
        assert by_cell.sum() <= group.goal
        assert all(by_cell[place] <= limit for place, limit in enumerate(group.limits))


def test_to_do_nothing_is_to_live_on_at_today_s_price() -> None:
    world = make_world(5, old=0, groups=4)
    for group, now in zip(world.groups, world.nows, strict=True):
        assert follow_plan(group, now, None) == live_on(group, now, [])
        assert not follow_plan(group, now, None).raised


def test_every_policy_is_followed_in_every_group() -> None:
    cases = cases_of_world(1)
    assert len(cases) == 60
    assert all(len(case.outcomes) == 6 for case in cases)
    assert len(figures_of_cases(cases)) == 8
