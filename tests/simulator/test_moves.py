"""A target group that is moved to another project."""

from pathlib import Path
from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller

ALL = "/demand/accounts/101/projects/{}/target-groups"


def listed(caller: Caller, project: str) -> list[str]:
    return [row["id"] for row in caller.get(ALL.format(project), page_size=100)["target_groups"]]


def two_projects(simulator: Simulator) -> tuple[dict[str, Any], str]:
    """A live group, and a project that it is not in."""
    group = simulator.groups(status="live")[0]
    others = {each["project_id"] for each in simulator.groups()} - {group["project_id"]}
    return group, sorted(others)[0]


def test_a_moved_group_is_in_its_new_project_alone_and_its_changelog_says_so() -> None:
    with Simulator(projects=2, groups=6, history_days=1, speed=0) as simulator:
        caller = Caller(simulator)
        group, target = two_projects(simulator)
        simulator.advance(minutes=1)
        simulator.force(group["id"], "move", project_id=target)
        assert group["id"] not in listed(caller, group["project_id"])
        assert group["id"] in listed(caller, target)
        assert listed(caller, target) == sorted(listed(caller, target), reverse=True)
        told = caller.get(f"/demand/target-groups/{group['id']}/overview")
        assert (told["project_id"], told["account_id"]) == (target, 101)
        path = f"{ALL.format(target)}/{group['id']}"
        newest = caller.get(f"{path}/changelog")["changelog"][0]["changes"]
        assert newest == [
            {
                "object": "project_id_change",
                "old_value": group["project_id"],
                "new_value": target,
            }
        ]
        caller.get(f"{ALL.format(group['project_id'])}/{group['id']}/overview", expect=404)


def test_a_move_is_still_so_after_a_restart(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "projects": 2,
        "groups": 6,
        "history_days": 1,
        "speed": 0,
        "state": tmp_path / "j",
    }
    with Simulator(process=True, **options) as simulator:
        group, target = two_projects(simulator)
        simulator.force(group["id"], "move", project_id=target)
        before = simulator.groups()
        simulator.kill()
        simulator.start()
        assert simulator.groups() == before
        assert {each["project_id"] for each in before if each["id"] == group["id"]} == {target}


def test_a_group_is_not_moved_to_a_project_that_is_not_there() -> None:
    with Simulator(projects=1, groups=3, history_days=1, speed=0) as simulator:
        group = simulator.groups(status="live")[0]
        with pytest.raises(OSError, match="404"):
            simulator.force(group["id"], "move", project_id="nowhere")
        assert group["project_id"] in {each["project_id"] for each in simulator.groups()}
