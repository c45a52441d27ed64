"""One-time survey links: everybody who is sent to the survey uses one, and none left is a pause."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.harness import Simulator
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.rules import CODES_EXHAUSTED, links_left
from dashboard.simulator.world.scenarios import SeedOptions
from dashboard.simulator.world.seed import populate_world
from tests.simulator.caller import Caller

ORIGIN = 1_795_478_400_000


@pytest.fixture
def running() -> Iterator[Simulator]:
    """An exchange of the test's own, whose clock stands still."""
    with Simulator(groups=36, history_days=4, speed=0) as simulator:
        yield simulator


def address(group: dict[str, Any]) -> str:
    account = f"/demand/accounts/{group['account_id']}"
    return f"{account}/target-groups/{group['id']}/respondent-unique-codes/live/stats"


def test_every_group_of_an_account_with_links_answers_as_the_contract_says(
    simulator: Simulator, caller: Caller
) -> None:
    totals: list[int] = []
    for group in simulator.control("GET", "groups")["groups"]:
        if group["account_id"] == 102:
            caller.get(address(group), expect=403)
            continue
        stats = caller.get(address(group))
        totals.append(stats["total_count"])
        if stats["total_count"] and group["status"] != "draft":
            prescreens = caller.get(f"{caller.group_path(group)}/performance")["prescreens"]
            assert stats["unconsumed_count"] == max(stats["total_count"] - prescreens, 0)
    assert 0 < sum(total > 0 for total in totals) < len(totals) / 2


def test_a_group_of_another_account_is_not_found(simulator: Simulator, caller: Caller) -> None:
    groups = simulator.control("GET", "groups")["groups"]
    other = next(group for group in groups if group["account_id"] == 102)
    caller.get(address(other | {"account_id": 101}), expect=404)


def test_a_switch_takes_the_links_from_every_account(running: Simulator) -> None:
    caller = Caller(running)
    group = running.groups(status="live")[0]
    for status in (403, 404):
        running.control("POST", "switches", {"unique_codes": status})
        caller.get(address(group), expect=status)
    running.control("POST", "switches", {"unique_codes": 200})
    caller.get(address(group))


def test_the_last_link_pauses_the_group_and_a_resume_brings_more(running: Simulator) -> None:
    caller = Caller(running)
    live = [g for g in running.groups(status="live") if g["trouble"] is None]
    group = max(live, key=lambda g: g["completes"])  # people come to it every day
    running.control("POST", f"groups/{group['id']}/links", {"left": 3})
    assert caller.get(address(group))["unconsumed_count"] == 3
    running.advance(seconds=86_400)
    assert caller.get(address(group))["unconsumed_count"] == 0
    newest = caller.get(f"{caller.group_path(group)}/changelog")["changelog"][0]["changes"][0]
    assert (newest["new_value"], newest["reason_code"]) == ("paused", CODES_EXHAUSTED)
    run = f"{caller.group_path(group)}/fielding-runs/{group['fielding_run_id']}"
    caller.get(run)
    caller.post(f"{run}/resume", headers={"If-Match": caller.headers["etag"]}, expect=204)
    assert caller.get(address(group))["unconsumed_count"] > 0


def _team() -> list[SimulatedGroup]:
    options = SeedOptions(seed=7, groups=40, origin=ORIGIN, days=14, kind="team")
    made = populate_world(options, projects=10)
    return [group for project in made for group in project.groups]


def test_the_links_of_two_groups_of_a_team_run_out_within_two_days() -> None:
    groups = _team()
    for group in (groups[120], groups[215]):
        assert group.status == "live"
        assert (links_left(group) or 0) > 0
        settle_group(group, ORIGIN + 3 * DAY)
        assert group.status == "paused"
        assert group.changelog[-1].changes[0]["reason_code"] == CODES_EXHAUSTED
        assert group.changelog[-1].at > ORIGIN + 6 * HOUR
    exhausted = [g for g in groups if g.trouble and g.trouble.kind == "codes_exhausted"]
    assert [(g.status, links_left(g)) for g in exhausted] == [("paused", 0)]


def test_links_that_are_enough_for_the_goal_stop_nobody() -> None:
    options = SeedOptions(seed=7, groups=12, origin=ORIGIN, days=14, kind="calm")
    groups = [g for project in populate_world(options, projects=3) for g in project.groups]
    with_links = [group for group in groups if group.links_total]
    assert with_links
    for group in with_links:
        settle_group(group, ORIGIN + 40 * DAY)
        assert group.status == "draft" or (links_left(group) or 0) > 0
