"""Lists: pages, cursors and filters."""

from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller


@pytest.fixture
def groups_path(simulator: Simulator) -> str:
    return f"/demand/accounts/101/projects/{simulator.groups()[0]['project_id']}/target-groups"


def _walk(caller: Caller, path: str, **query: Any) -> list[Any]:
    rows: list[Any] = []
    while True:
        page = caller.get(path, **query)
        rows += page["target_groups"]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            return rows
        query["start_after"] = page["next_cursor"]


def test_pages_together_are_the_whole_list_once(caller: Caller, groups_path: str) -> None:
    walked = [row["id"] for row in _walk(caller, groups_path, page_size=7)]
    whole = [row["id"] for row in caller.get(groups_path, page_size=100)["target_groups"]]
    assert walked == whole
    assert len(set(walked)) == 36


def test_end_before_goes_back_a_page(caller: Caller, groups_path: str) -> None:
    first = caller.get(groups_path, page_size=5)
    second = caller.get(groups_path, page_size=5, start_after=first["next_cursor"])
    back = caller.get(groups_path, page_size=4, end_before=first["next_cursor"])
    assert back["target_groups"] == first["target_groups"][:4]
    assert second["target_groups"][0] not in first["target_groups"]


@pytest.mark.parametrize("size", ["0", "101", "-1", "ten"])
def test_a_page_size_out_of_bounds_is_refused(caller: Caller, groups_path: str, size: str) -> None:
    answer = caller.get(groups_path, page_size=size, expect=400)
    assert answer["invalid_params"][0]["name"] == "page_size"


def test_filters_narrow_the_list(caller: Caller, groups_path: str) -> None:
    whole = caller.get(groups_path, page_size=100)["target_groups"]
    statuses = ["live", "paused"]
    found = caller.get(groups_path, page_size=100, status=statuses)["target_groups"]
    assert {row["status"] for row in found} == set(statuses)
    country = whole[0]["locale"][-2:]
    found = caller.get(groups_path, page_size=100, country=[country])["target_groups"]
    assert found == [row for row in whole if row["locale"].endswith(country)]
    one = caller.get(groups_path, human_readable_ids=[whole[3]["human_readable_id"]])
    assert one["target_groups"] == [whole[3]]


def test_an_unknown_status_is_refused(caller: Caller, groups_path: str) -> None:
    caller.get(groups_path, status="asleep", expect=400)


def test_the_changelog_has_pages_without_has_more(simulator: Simulator, caller: Caller) -> None:
    paths = [f"{caller.group_path(g)}/changelog" for g in simulator.groups()]
    path = max(paths, key=lambda p: len(caller.get(p)["changelog"]))
    whole = caller.get(path)["changelog"]
    first = caller.get(path, page_size=2)
    rest = caller.get(path, page_size=50, start_after=first["next_cursor"])
    assert first["changelog"] + rest["changelog"] == whole
    assert "next_cursor" not in rest
    assert [b["occurred_at"] for b in whole] == sorted(
        (b["occurred_at"] for b in whole), reverse=True
    )
    caller.get(path, page_size=51, expect=400)


def test_the_changelog_can_be_asked_for_by_type(simulator: Simulator, caller: Caller) -> None:
    path = caller.group_path(simulator.groups(status="live")[0])
    log = caller.get(f"{path}/changelog", change_types=["status_change"])["changelog"]
    assert {c["object"] for b in log for c in b["changes"]} == {"status_change"}


def test_a_group_can_drop_out_of_the_list(caller: Caller, simulator: Simulator) -> None:
    group = simulator.groups(status="live")[0]
    path = f"/demand/accounts/101/projects/{group['project_id']}/target-groups"
    simulator.force(group["id"], "hide")
    assert group["id"] not in [row["id"] for row in _walk(caller, path, page_size=50)]
    assert caller.get(f"{caller.group_path(group)}/overview")["status"] == "live"
    simulator.force(group["id"], "hide", hidden=False)
    assert group["id"] in [row["id"] for row in _walk(caller, path, page_size=50)]
