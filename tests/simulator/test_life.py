"""The life of the field: repeatable, moved by price, stopped by rules."""

import itertools
from collections import Counter
from decimal import Decimal

import pytest

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.world.group import SimulatedGroup, SimulatedProject
from dashboard.simulator.world.respondents import draw_next, settle_and_cut, settle_group
from dashboard.simulator.world.rules import TROUBLES
from dashboard.simulator.world.scenarios import SeedOptions
from dashboard.simulator.world.seed import populate_world
from tests.contract.operations import CONTRACT

ORIGIN = 1_795_478_400_000
PAST = SeedOptions(seed=7, groups=36, origin=ORIGIN, days=10)


@pytest.fixture(scope="module")
def world() -> list[SimulatedProject]:
    """Four projects of a hundred groups, to look at."""
    return populate_world(PAST._replace(groups=100, days=14), projects=4)


def _groups(projects: list[SimulatedProject]) -> list[SimulatedGroup]:
    return [group for project in projects for group in project.groups]


def _live(seed: int) -> SimulatedGroup:
    groups = _groups(populate_world(PAST._replace(seed=seed), projects=1))
    return max(
        (g for g in groups if g.status == "live" and g.trouble is None),
        key=lambda g: g.filling_goal - g.tally.counts.completes,
    )


def _facts(group: SimulatedGroup) -> tuple[object, ...]:
    return group.id, group.status, group.tally.counts, group.tally.cost, group.tally.totals


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = (_groups(populate_world(PAST, projects=1)) for _ in range(2))
    other = _groups(populate_world(PAST._replace(seed=8), projects=1))
    assert [_facts(g) for g in first] == [_facts(g) for g in second]
    assert [_facts(g) for g in first] != [_facts(g) for g in other]


def test_looking_often_or_once_makes_no_difference() -> None:
    often, once = (_groups(populate_world(PAST, projects=1)) for _ in range(2))
    for moment in range(ORIGIN, ORIGIN + 2 * DAY, HOUR // 3):
        for group in often:
            settle_group(group, moment)
    for group in (*often, *once):
        settle_group(group, ORIGIN + 2 * DAY)
    assert [_facts(g) for g in often] == [_facts(g) for g in once]


def test_counts_only_grow_within_a_stretch() -> None:
    group = _live(3)
    settle_group(group, ORIGIN + 9 * HOUR)
    stretch = group.stretch
    assert stretch is not None
    moments = range(stretch.start, stretch.span_end + 1, 60_000)
    seen = [list(itertools.accumulate(stretch.outcomes(m))) for m in moments]
    for before, after in itertools.pairwise(seen):
        assert all(b <= a for b, a in zip(before, after, strict=True))
    assert tuple(seen[-1]) == stretch.levels


@pytest.mark.parametrize("seed", [3, 8])
def test_a_higher_price_brings_more_people(seed: int) -> None:
    assert _live(seed).temper.response.elasticity > 0
    brought = []
    for factor in (Decimal("0.7"), Decimal(1), Decimal("1.4")):
        group = _live(seed)
        group.temper.troubles = False
        group.filling_goal = 100_000
        settle_and_cut(group, ORIGIN)
        group.cpi *= factor
        draw_next(group, ORIGIN)
        before = group.tally.counts.entrants
        settle_group(group, ORIGIN + 3 * DAY)
        brought.append(group.tally.counts.entrants - before)
    assert brought[0] < brought[1] < brought[2]


def test_people_come_by_their_own_day(world: list[SimulatedProject]) -> None:
    """Three at night brings far fewer than eight in the evening, local time."""
    by_hour: Counter[int] = Counter()
    tokyo = [g for g in _groups(world) if g.locale_code == "jpn_jp"]
    for group in tokyo:
        for stretch in group.tally.stretches:
            if stretch is not None:
                by_hour[(stretch.start // HOUR + 9) % 24] += stretch.levels[0]
    assert by_hour[20] + by_hour[19] > 4 * (by_hour[3] + by_hour[2])


def test_cost_follows_the_price_of_the_time() -> None:
    group = _live(5)
    cost, completes = group.tally.cost, group.tally.counts.completes
    settle_and_cut(group, ORIGIN)
    group.cpi = Decimal("50.00")
    draw_next(group, ORIGIN)
    settle_group(group, ORIGIN + 6 * HOUR)
    added = group.tally.counts.completes - completes
    assert group.tally.cost == cost + added * Decimal("50.00")


def test_the_past_shows_every_plot(world: list[SimulatedProject]) -> None:
    groups = _groups(world)
    statuses = Counter(g.status for g in groups)
    wanted = {"draft", "scheduled", "live", "paused", "completed", "archived"}
    assert set(statuses) == wanted
    assert statuses["live"] > 150
    assert {g.pricing_model for g in groups} == {"dynamic", "rate_card"}
    assert {g.currency for g in groups} == {"USD", "EUR", "GBP", "JPY"}


def test_the_past_knows_every_kind_of_change_and_actor(world: list[SimulatedProject]) -> None:
    batches = [batch for g in _groups(world) for batch in g.changelog]
    kinds = {change["object"] for batch in batches for change in batch.changes}
    variants = CONTRACT["components"]["schemas"]["TargetGroupChangelogItem"]["oneOf"]
    assert kinds == {v["properties"]["object"]["enum"][0] for v in variants}
    actors = {batch.actor.type for batch in batches}
    assert actors == {"las_user", "system_marketplace_user", "system_user"}


def test_the_past_knows_every_reason_of_a_pause(world: list[SimulatedProject]) -> None:
    reasons = {
        change.get("reason_code")
        for g in _groups(world)
        for batch in g.changelog
        for change in batch.changes
    }
    known = CONTRACT["components"]["schemas"]["TargetGroupStatusChangeReasonCode"]["enum"]
    assert set(known) <= reasons
    assert {effect.reason for effect in TROUBLES.values()} <= set(known)


def test_a_day_brings_the_exchange_into_play() -> None:
    groups = _groups(populate_world(PAST._replace(groups=100, days=14), projects=4))
    before = {g.id: len(g.changelog) for g in groups}
    paused = finished = 0
    for group in groups:
        settle_group(group, ORIGIN + DAY)
        for batch in group.changelog[before[group.id] :]:
            for change in batch.changes:
                if change["object"] == "status_change" and change.get("reason_code"):
                    paused += change["new_value"] == "paused"
                    finished += change["new_value"] == "completed"
    assert paused >= 5
    assert finished >= 1


def test_a_reached_goal_completes_and_a_past_end_pauses() -> None:
    group = _live(6)
    settle_and_cut(group, ORIGIN)
    group.temper.lively = False  # nobody waits for the last quota
    group.filling_strategy = "completes"
    group.filling_goal = group.tally.counts.completes + 3
    group.temper.overrun = 0
    draw_next(group, ORIGIN)
    settle_group(group, ORIGIN + 3 * DAY)
    assert group.status == "completed"
    assert group.changelog[-1].changes[0]["reason_code"] == "total_completes_reached"
    late = _live(6)
    settle_and_cut(late, ORIGIN)
    assert late.run is not None
    late.run.end = ORIGIN + HOUR
    late.filling_goal = 100_000
    draw_next(late, ORIGIN)
    settle_group(late, ORIGIN + HOUR)
    assert late.status == "paused"
    assert late.changelog[-1].changes[0]["reason_code"] == "past_scheduled_end_date"


def test_a_minute_among_four_hundred_groups_moves_counts(world: list[SimulatedProject]) -> None:
    groups = _groups(world)

    def entrants(moment: int) -> int:
        total = 0
        for group in groups:
            settle_group(group, moment)
            total += group.tally.counts.entrants
            if group.stretch is not None:
                total += sum(group.stretch.outcomes(moment))
        return total

    begin = ORIGIN + 90_000
    first = entrants(begin)
    assert entrants(begin + 60_000) > first
