"""The field of an ordinary team: most groups are well, and the troubles are known."""

from collections import Counter

import pytest

from dashboard.management.commands.run import TEAM_WORLD
from dashboard.simulator.__main__ import read_options
from dashboard.simulator.catalogue.clock import DAY
from dashboard.simulator.server.run import make_exchange
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.scenarios import SeedOptions
from dashboard.simulator.world.seed import populate_world
from dashboard.simulator.world.team import project_sizes

ORIGIN = 1_795_478_400_000
PAST = SeedOptions(seed=7, groups=40, origin=ORIGIN, days=14, kind="team")


def _groups(options: SeedOptions, projects: int = 10) -> list[SimulatedGroup]:
    made = populate_world(options, projects=projects)
    return [group for project in made for group in project.groups if group.account_id == 101]


@pytest.fixture(scope="module")
def groups() -> list[SimulatedGroup]:
    """The groups of the demo."""
    return _groups(PAST)


def _in_field(groups: list[SimulatedGroup]) -> list[SimulatedGroup]:
    return [group for group in groups if group.status in ("live", "paused")]


def test_about_one_group_in_fifteen_is_paused(groups: list[SimulatedGroup]) -> None:
    in_field = _in_field(groups)
    assert len(groups) == 400
    assert 200 <= len(in_field) <= 300
    paused = sum(group.status == "paused" for group in in_field)
    assert 1 / 20 <= paused / len(in_field) <= 1 / 10


def test_four_managers_have_about_as_many_groups(groups: list[SimulatedGroup]) -> None:
    numbers = Counter(group.project_manager_id for group in _in_field(groups)).values()
    assert len(numbers) == 4
    assert max(numbers) < 2 * min(numbers)


def test_three_groups_of_the_largest_project_share_a_wrong_key(
    groups: list[SimulatedGroup],
) -> None:
    shared = [g for g in groups if g.trouble and g.trouble.kind == "encryption_errors"]
    assert len(shared) == 3
    assert {group.project_id for group in shared} == {groups[0].project_id}
    assert {group.status for group in shared} == {"paused"}


def test_groups_that_were_paused_by_hand_end_soon(groups: list[SimulatedGroup]) -> None:
    """So that they are told of: a pause by a person is none of anybody's business before."""
    paused = [
        g for g in groups if g.status == "paused" and g.changelog[-1].actor.type == "las_user"
    ]
    assert len(paused) == 3
    for group in paused:
        assert group.run is not None
        assert ORIGIN + DAY < group.run.end < ORIGIN + 3 * DAY
        assert group.changelog[-1].at <= ORIGIN - DAY


def test_live_groups_without_a_trouble_meet_their_goal() -> None:
    statuses = []
    for group in _groups(PAST._replace(kind="calm", groups=10), projects=3):
        settle_group(group, ORIGIN + 40 * DAY)
        statuses.append(group.status)
    assert statuses.count("completed") / len(statuses) >= 0.9


def test_the_same_seed_gives_the_same_team() -> None:
    small = PAST._replace(groups=8)
    first, second, other = (
        [(g.id, g.status, g.tally.counts) for g in _groups(options, projects=2)]
        for options in (small, small, small._replace(seed=8))
    )
    assert first == second != other


def test_sizes_of_projects_add_up() -> None:
    assert project_sizes(10, 40) == [76, 68, 60, 52, 44, 36, 28, 20, 12, 4]
    assert project_sizes(1, 3) == [3]
    assert sum(project_sizes(7, 9)) == 63


def test_the_demo_is_served_with_the_options_of_run() -> None:
    exchange = make_exchange(read_options(["--port", "0", *TEAM_WORLD]))
    assert exchange.world.origin.kind == "team"
    assert len(exchange.world.projects_of(101)) == 10
