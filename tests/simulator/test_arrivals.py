"""How people come to made-up fields, and how their quotas fill."""

from itertools import pairwise
from math import log
from statistics import mean, pstdev

import pytest

from dashboard.simulator.catalogue.arrivals import KINDS, Arrivals
from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.quota_fill import cell_shares, fill_cells, usual_goals
from dashboard.simulator.operations.profiles import profiles_of, shown_profiles
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import quota_goals, settle_group
from dashboard.simulator.world.scenarios import SeedOptions
from dashboard.simulator.world.seed import populate_world

ORIGIN = 1_795_478_400_000
PAST = SeedOptions(seed=7, groups=36, origin=ORIGIN, days=10)
FIELD = range(0, 14 * DAY, HOUR)


def arrivals(seed: int, **more: str) -> Arrivals:
    names = {"project": f"p{seed}", "country": "de"} | more
    return Arrivals(seed, **names, begins=ORIGIN, length=14 * DAY)


def of_kind(kind: str, number: int = 40) -> list[Arrivals]:
    every = (arrivals(seed * 7919) for seed in range(1, 2000))
    return [one for one in every if one.kind == kind][:number]


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_as_many_people_come_as_were_planned_on_average(kind: str) -> None:
    means = [mean(one.factor(age) for age in FIELD) for one in of_kind(kind, 150)]
    assert mean(means) == pytest.approx(1, abs=0.3)
    assert pstdev(means) > 0.15


def test_the_age_alone_decides_and_not_the_order_of_asking() -> None:
    first, second = arrivals(11), arrivals(11)
    late = second.factor(9 * DAY)
    assert [first.factor(age) for age in FIELD] == [second.factor(age) for age in FIELD]
    assert first.factor(9 * DAY) == late


def test_a_soft_launch_is_silent_before_everybody_is_let_in() -> None:
    for one in of_kind("soft", 5):
        rates = [mean(one.factor(day * DAY + h * HOUR) for h in range(24)) for day in range(14)]
        assert min(rates[1:4]) < 0.2 * max(rates[4:])


def test_a_tail_brings_most_people_at_the_start() -> None:
    fields = of_kind("tail")
    early, late = (
        mean(one.factor(day * DAY + h * HOUR) for one in fields for h in range(24))
        for day in (0, 9)
    )
    assert early > 1.8 * late


def test_groups_of_one_project_and_country_share_good_and_bad_days() -> None:
    seeds = [seed * 7919 for seed in range(1, 400) if arrivals(seed * 7919).kind == "even"][:60]

    def swings(fields: list[Arrivals]) -> float:
        """How much the mean of all fields moves from one day to the next."""
        days = [
            mean(
                log(mean(one.factor(day * DAY + h * HOUR) for h in (0, 6, 12, 18)))
                for one in fields
            )
            for day in range(14)
        ]
        return pstdev(after - before for before, after in pairwise(days))

    together = [
        swings([arrivals(seed, project=f"p{n}", country=f"c{n}") for seed in seeds])
        for n in range(8)
    ]
    apart = [
        swings([arrivals(seed, project=f"p{n}{seed}", country=f"c{n}{seed}") for seed in seeds])
        for n in range(8)
    ]
    assert mean(together) > 1.3 * mean(apart)


def test_cells_add_up_and_none_passes_its_goal_before_all_are_full() -> None:
    goals = (30, 42, 28)
    shares, first_full = cell_shares(5, 0, goals)
    assert sum(shares) == pytest.approx(1)
    for total in range(0, 100, 3):
        counts, is_open = fill_cells(goals, shares, total)
        assert sum(counts) == pytest.approx(total)
        assert all(count <= goal + 1e-9 for count, goal in zip(counts, goals, strict=True))
        assert (is_open < 1 - 1e-9) == (total >= first_full)
    assert fill_cells(goals, shares, 120)[1] == 1


def test_in_some_groups_one_quota_trickles() -> None:
    slowest = [
        fill_cells(goals, cell_shares(seed, 0, goals)[0], 80)[1]
        for seed in range(200)
        for goals in usual_goals(100)[:1]
    ]
    assert 8 < sum(is_open < 0.35 for is_open in slowest) < 100


def lively() -> list[SimulatedGroup]:
    (project, *_) = populate_world(PAST, projects=1)
    return [g for g in project.groups if g.temper.lively and g.status == "live"]


def test_looking_at_the_quotas_changes_nothing() -> None:
    seen, unseen = lively(), lively()
    assert seen
    for group in seen:
        profiles_of(group)
    for group in (*seen, *unseen):
        settle_group(group, ORIGIN + 2 * DAY)
    assert [g.tally.counts for g in seen] == [g.tally.counts for g in unseen]
    assert [quota_goals(g) for g in seen] == [quota_goals(g) for g in unseen]


def test_shown_quotas_add_up_to_the_groups_completes() -> None:
    for group in lively():
        counts = group.tally.counts
        shown = shown_profiles(group, completes=counts.completes, prescreens=counts.prescreens)
        for profile in shown:
            quotas = [target["quota"] for target in profile["targets"]]
            assert sum(quota["completes"] for quota in quotas) == counts.completes
            assert sum(quota["prescreens"] for quota in quotas) == counts.prescreens
            assert all(quota["completes"] <= quota["prescreens"] for quota in quotas)
