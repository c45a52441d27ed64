"""The life cycle: runs, their versions, jobs over many groups, and drafts on their way out."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller
from tests.simulator.requests import a_draft


def _stamp(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def _run(caller: Caller, group: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    path = f"{caller.group_path(group)}/fielding-runs"
    run = caller.get(path)["data"][0]
    return f"{path}/{run['id']}", caller.get(f"{path}/{run['id']}")


def _status(caller: Caller, group: dict[str, Any]) -> str:
    return str(caller.get(f"{caller.group_path(group)}/overview")["status"])


def test_pause_and_resume_need_the_current_version(simulator: Simulator, caller: Caller) -> None:
    group = simulator.groups(status="live", trouble=None)[-1]
    path, run = _run(caller, group)
    tag = caller.headers["etag"]
    assert tag == f'W/"{run["version"]}"'
    caller.post(f"{path}/pause", expect=400)
    caller.post(f"{path}/pause", expect=412, headers={"If-Match": 'W/"999"'})
    caller.post(f"{path}/pause", expect=204, headers={"If-Match": tag})
    newer = caller.headers["etag"]
    assert _status(caller, group) == "paused"
    caller.post(f"{path}/resume", expect=412, headers={"If-Match": tag})
    caller.post(f"{path}/pause", expect=422, headers={"If-Match": newer})
    caller.post(f"{path}/resume", expect=204, headers={"If-Match": newer})
    assert _status(caller, group) == "live"


def completed(simulator: Simulator) -> dict[str, Any]:
    """A group whose goal is reached; which of the field are is a matter of the hour."""
    live = simulator.groups(status="live")[0]
    simulator.force(live["id"], "completes", add=live["goal"])
    simulator.force(live["id"], "status", status="completed")
    return next(one for one in simulator.groups() if one["id"] == live["id"])


def test_a_completed_group_comes_back_only_with_a_higher_goal(
    simulator: Simulator, caller: Caller
) -> None:
    group = completed(simulator)
    path, run = _run(caller, group)
    tag = {"If-Match": f'W/"{run["version"]}"'}
    caller.post(f"{path}/relaunch", expect=422, headers=tag)
    goal = {"completes_goal": 3 * group["goal"] + 5000}
    caller.put(f"{caller.group_path(group)}/profiles/completes-goal", goal)
    dates = {"start_fielding_at": run["start_fielding_at"], "end_fielding_at": _stamp(30)}
    caller.put(path, dates, headers=tag, expect=422)
    if run["end_fielding_at"] > _stamp(0):
        caller.post(f"{path}/relaunch", expect=204, headers=tag)
        assert _status(caller, group) == "live"


def test_the_end_of_a_live_run_moves_but_not_its_start(
    simulator: Simulator, caller: Caller
) -> None:
    group = simulator.groups(status="live")[0]
    path, run = _run(caller, group)
    tag = {"If-Match": f'W/"{run["version"]}"'}
    body = {"start_fielding_at": _stamp(1), "end_fielding_at": _stamp(40)}
    assert caller.put(path, body, headers=tag, expect=400)["invalid_params"]
    body["start_fielding_at"] = run["start_fielding_at"]
    caller.put(path, body, headers=tag, expect=202)
    assert caller.get(path)["end_fielding_at"] == body["end_fielding_at"]
    body["end_fielding_at"] = _stamp(-1)
    caller.put(path, body, headers={"If-Match": "*"}, expect=400)


def test_a_scheduled_group_is_launched_or_ended_before_its_time(
    simulator: Simulator, caller: Caller
) -> None:
    first, second = simulator.groups(status="scheduled")[:2]
    path, run = _run(caller, first)
    caller.post(f"{path}/launch-now", headers={"If-Match": f'W/"{run["version"]}"'})
    assert _status(caller, first) == "live"
    path, run = _run(caller, second)
    caller.post(f"{path}/complete", expect=204, headers={"If-Match": f'W/"{run["version"]}"'})
    assert _status(caller, second) == "completed"


@pytest.mark.parametrize("action", ["pause", "resume", "complete", "launch", "relaunch"])
def test_a_job_names_the_groups_that_failed(
    simulator: Simulator, caller: Caller, action: str
) -> None:
    project = simulator.groups()[0]["project_id"]
    needed = {"pause": "live", "resume": "paused", "complete": "live"}.get(action, "scheduled")
    groups = simulator.groups(project_id=project)
    ids = [g["id"] for g in groups if g["status"] == needed][:2]
    ids.append(next(g["id"] for g in groups if g["status"] == "draft"))
    address = (
        f"/demand/accounts/101/projects/{project}"
        f"/batch-jobs/{action}-fielding-runs-by-target-group-id"
    )
    key = _key()
    caller.post(address, {"target_group_ids": ids}, headers=key, expect=201)
    location = caller.headers["location"]
    caller.post(address, {"target_group_ids": ids}, headers=key, expect=201)
    assert caller.headers["location"] == location
    report = caller.wait_for_job(location)
    named = [r["target_group_id"] for r in report["updated_target_groups"]["data"]]
    failed = [r["target_group_id"] for r in report["failed_target_groups"]["data"]]
    assert sorted(named + failed) == sorted(ids)
    assert ids[-1] in failed
    caller.post(address, {"target_group_ids": ids}, expect=400)


def test_a_job_gives_groups_another_manager(simulator: Simulator, caller: Caller) -> None:
    groups = simulator.groups(status="live")[:2]
    project = groups[0]["project_id"]
    users = caller.get("/accounts/101/users")["users"]
    address = f"/demand/accounts/101/projects/{project}/batch-jobs"
    body = {"project_manager_id": users[3]["id"], "target_group_ids": [groups[0]["id"]]}
    address = f"{address}/update-target-group-project-managers"
    caller.post(address, body, expect=201)
    report = caller.wait_for_job(caller.headers["location"])
    assert report["status"] == "Completed"
    details = caller.get(f"{caller.group_path(groups[0])}/details")
    assert details["project_manager_id"] == users[3]["id"]


def _new_draft(simulator: Simulator, caller: Caller, **other: Any) -> dict[str, Any]:
    project = simulator.groups()[0]["project_id"]
    body = a_draft(caller.get("/accounts/101/users")["users"][0]["id"], **other)
    address = f"/demand/accounts/101/projects/{project}/target-groups"
    made = caller.post(address, body, expect=201)
    return {"id": made["id"], "account_id": 101, "project_id": project, "asked": body}


def test_a_draft_is_kept_as_given(simulator: Simulator, caller: Caller) -> None:
    draft = _new_draft(simulator, caller)
    path, asked = caller.group_path(draft), draft["asked"]
    shown = caller.get(path)
    for name in ("name", "locale", "completes_goal", "fielding_specification", "live_url"):
        assert shown[name] == asked[name]
    conditions = [[t["conditions"] for t in p["targets"]] for p in asked["profiling"]["profiles"]]
    kept = [[t["conditions"] for t in p["targets"]] for p in shown["profiling"]["profiles"]]
    assert kept == conditions
    caller.put(path, {**asked, "name": "Another name", "completes_goal": 77}, expect=204)
    again = caller.get(path)
    assert (again["name"], again["completes_goal"]) == ("Another name", 77)
    refused = caller.put(path, {**asked, "name": "x", "locale": "eng_xx"}, expect=400)
    assert {p["name"] for p in refused["invalid_params"]} == {"name", "locale"}


def test_a_launched_draft_redirects_to_its_details(simulator: Simulator, caller: Caller) -> None:
    draft = _new_draft(simulator, caller)
    path = caller.group_path(draft)
    jobs = f"{path}/fielding-run-jobs/launch-from-draft"
    caller.post(jobs, {"end_fielding_at": _stamp(-1)}, headers=_key(), expect=400)
    caller.post(jobs, {"end_fielding_at": _stamp(9)}, headers=_key(), expect=201)
    report = caller.wait_for_job(caller.headers["location"])
    assert report["status"] == "Completed"
    assert report["created_fielding_run_id"] == _run(caller, draft)[1]["id"]
    assert _status(caller, draft) == "live"
    caller.get(path, expect=301)
    assert caller.headers["location"] == f"{path}/details"
    caller.put(path, draft["asked"], expect=400)


def test_a_draft_without_links_cannot_be_scheduled(simulator: Simulator, caller: Caller) -> None:
    draft = _new_draft(simulator, caller, live_url=None, test_url=None)
    path = f"{caller.group_path(draft)}/fielding-run-jobs/schedule-from-draft"
    body = {"start_fielding_at": _stamp(2), "end_fielding_at": _stamp(9)}
    caller.post(path, body, headers=_key(), expect=201)
    report = caller.wait_for_job(caller.headers["location"])
    assert report["status"] == "Failed"
    assert {r["name"] for r in report["failure_reason"]["reasons"]} == {"live_url", "test_url"}


def test_transitions_are_what_the_life_cycle_allows(simulator: Simulator, caller: Caller) -> None:
    project = simulator.groups()[0]["project_id"]
    address = f"/demand/accounts/101/projects/{project}/compute-target-group-transitions"
    expected = {"live": {"pause", "finish"}, "scheduled": {"launch", "finish"}, "draft": {"launch"}}
    for group in simulator.groups(project_id=project):
        if group["status"] in expected:
            answer = caller.post(address, {"included_target_group_ids": [group["id"]]})
            allowed = {
                name.removeprefix("is_").removesuffix("_allowed")
                for name, value in answer.items()
                if value is True
            }
            assert allowed == expected[group["status"]]
