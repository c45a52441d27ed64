"""The benchmark of lists of problems: worlds by seed, their twins, and figures counted by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.attention.field import (
    REMEDY_OF,
    Field,
    TrueCause,
    clone_group,
    counted,
    do_remedy,
    left_alone,
    outcome_of,
)
from bench.attention.life import Interruption, Opened, live, looks
from bench.attention.lists import Listed, Oracle, Ranked, straight_line
from bench.attention.score import (
    NOTHING,
    Score,
    Share,
    add_scores,
    figures_of_score,
    foreseen_groups,
    interruptions_a_day,
    items_by_cause,
)
from bench.forecast.simulated_group import START
from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.world.group import SimulatedGroup

pytestmark = pytest.mark.xdist_group("attention")  # on one worker: each would build the world
SEED, SMALL = 11, {"projects": 1, "groups": 10}


@pytest.fixture(scope="module")
def world() -> Field:
    """A small world at its start."""
    return Field(SEED, **SMALL)


def _facts(world: Field) -> list[object]:
    return [
        (
            key,
            outcome_of(group),
            [(cause.kind, cause.began) for cause in world.causes_of.get(key, ())],
        )
        for key, group in world.groups.items()
    ]


def _costly(world: Field) -> tuple[SimulatedGroup, TrueCause]:
    """A group that ends short, and why."""
    found = [(group.filling_goal - outcome_of(group), key) for key, group in world.groups.items()]
    key = max(found)[1]
    return world.groups[key], world.causes_of[key][0]


def test_the_same_seed_gives_the_same_world_and_troubles(world: Field) -> None:
    assert _facts(Field(SEED, **SMALL)) == _facts(world)
    assert _facts(Field(SEED + 1, **SMALL)) != _facts(world)


def test_a_group_without_a_trouble_meets_its_goal(world: Field) -> None:
    well = [group for key, group in world.groups.items() if key not in world.causes_of]
    met = [outcome_of(group) >= 0.95 * group.filling_goal for group in well if group.run]
    assert sum(met) >= 0.95 * len(met) > 0


def test_a_copy_that_is_left_alone_becomes_what_the_group_becomes() -> None:
    world = Field(SEED, **SMALL)
    group = next(iter(world.groups.values()))
    foretold = left_alone(clone_group(group))
    world.settle(START + 28 * DAY)
    assert group.tally.totals == foretold.tally.totals
    assert group.changelog == foretold.changelog


def test_a_remedy_changes_the_copy_alone_and_only_from_then_on(world: Field) -> None:
    group, cause = _costly(world)
    before = outcome_of(group)
    acted, at = clone_group(group), cause.began + 12 * HOUR
    do_remedy(acted, REMEDY_OF[cause.kind], at)
    twin = left_alone(group).tally
    rescued = left_alone(acted).tally
    assert [rescued.completes_at(hour) for hour in range(START, at, HOUR)] == [
        twin.completes_at(hour) for hour in range(START, at, HOUR)
    ]
    assert outcome_of(group) == before < outcome_of(acted)


def test_the_oracle_rescues_at_least_what_a_straight_line_does() -> None:
    lists: dict[str, Ranked] = {"oracle": Oracle(), "line": straight_line}
    life = live(SEED, lists, judged=(), **SMALL)
    oracle, line = (life.branches[name] for name in lists)
    assert oracle.rescued() >= line.rescued() > 0
    # a day has at most ten actions of a person, and a line on which something was done waits
    assert max(oracle.actions.values()) <= 10
    untouched = set(life.world.groups) - set(oracle.own)
    assert untouched


def test_working_hours_are_looked_at_every_hour_and_nights_less_often() -> None:
    hours = [(at - START) // HOUR for at in looks() if at < START + DAY]
    assert hours == [0, 3, 6, *range(9, 18), 20]


def _opened(group: str, remedy: str, *causes: TrueCause, at: int = START) -> Opened:
    return Opened(Listed(group, remedy, 5.0), "ana", at, causes)


def test_items_of_a_shared_cause_count_once() -> None:
    key = TrueCause("encryption_errors", START, ("a", "b", "c"))
    price = TrueCause("dear_market", START, ("d",))
    opened = [_opened(group, "fix_signing_key", key) for group in "abc"]
    assert items_by_cause(opened) == Share(1, 1)
    opened += [_opened("d", "raise_cpi", price), _opened("d", "extend", price), _opened("e", "x")]
    assert items_by_cause(opened) == Share(3, 2)


def test_interruptions_of_days_off_count_on_the_next_working_day() -> None:
    saturday = START + 5 * DAY + 3 * HOUR
    told = [Interruption("ana", at, ["a"], 1) for at in (START, START + HOUR, saturday)]
    counts = interruptions_a_day(told, ["ana", "bo"])
    assert counts == [2, 0, 0, 0, 0, 1, 0, 0, 0, 0] + [0] * 10


def test_a_group_is_foreseen_if_it_was_listed_two_days_before_its_end(world: Field) -> None:
    short = foreseen_groups(world, {})
    assert (short.part, short.whole > 0) == (0, True)
    in_time = {key: world.groups[key].planned[1] - 48 * HOUR for key in world.causes_of}
    assert foreseen_groups(world, in_time) == Share(short.whole, short.whole)
    late = {key: at + HOUR for key, at in in_time.items()}
    assert foreseen_groups(world, late) == short


def test_figures_add_up_over_worlds_and_are_held_against_their_goals() -> None:
    one = Score(
        rescued=Counter(oracle=100, straight_line=40, incident_list=60, product=80),
        actions=Counter(oracle=7, straight_line=20, incident_list=30, product=10),
        right=Share(9, 10),
        foreseen=Share(1, 2),
        interruptions=[0, 2],
        mornings=[4.0, 8.0],
        causes=Share(12, 10),
        critical=Share(1, 20),
        stray=3,
    )
    other = Score(
        rescued=Counter(oracle=100, straight_line=20, incident_list=60, product=110),
        actions=Counter(oracle=7, straight_line=20, incident_list=30, product=10),
        right=NOTHING,
        foreseen=Share(2, 2),
        interruptions=[4, 6],
        mornings=[12.0],
    )
    lines = [str(figure) for figure in figures_of_score(add_scores([one, other]), worlds=2)]
    assert lines == [
        "attention_rescued=0.95 goal=>=0.9 ok"
        " (20 actions; 2 worlds; oracle 200 completes, 14 actions)",
        "attention_rescued_straight_line=0.3 goal=shown ok (40 actions)",
        "attention_rescued_incident_list=0.6 goal=shown ok (60 actions)",
        "attention_precision=0.9 goal=>=0.9 ok (of 10 groups told)",
        "attention_recall=0.75 goal=>=0.9 short (of 4 groups that end short)",
        "attention_interruptions_mean=3 goal=<=2 short (a person and working day)",
        "attention_interruptions_p95=5.7 goal=<=5 short",
        "attention_items_at_nine=8 goal=<=8 ok (median, 60 groups)",
        "attention_items_a_cause=1.2 goal=<=1.2 ok (3 of 20 items have no true cause)",
        "attention_critical_share=0.05 goal=<=0.1 ok",
    ]


def test_no_more_is_counted_than_the_goal(world: Field) -> None:
    for group in world.groups.values():
        assert counted(left_alone(group)) <= group.filling_goal
