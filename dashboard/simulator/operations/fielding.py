"""Fielding runs: their dates, and pause, resume, complete, launch and relaunch."""

from dashboard.simulator.api.preconditions import if_match
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import rfc3339_stamp
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.edits import editing_group
from dashboard.simulator.operations.lists import may_go_on
from dashboard.simulator.world.changes import change_group
from dashboard.simulator.world.group import Actor, Run, SimulatedGroup
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    empty_answer,
    etag_header,
    json_answer,
    not_found,
    trace_headers,
    wrong_state,
)
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.rules import change_status
from dashboard.simulator.world.world import World

_RUNS = (
    "/demand/accounts/{account_id}/projects/{project_id}"
    "/target-groups/{target_group_id}/fielding-runs"
)
_RUN = f"{_RUNS}/{{fielding_run_id}}"

# What an action needs and where it leads.
ACTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "pause": (("live",), "paused"),
    "resume": (("paused",), "live"),
    "complete": (("live", "scheduled"), "completed"),
    "launch": (("scheduled",), "live"),
    "relaunch": (("completed",), "live"),
}


def act_on_group(group: SimulatedGroup, action: str, *, at: int, by: Actor) -> None:
    """Do an action to a group; 422 if its state, its goal or its end date does not allow it."""
    settle_group(group, at)
    needed, leads_to = ACTIONS[action]
    if group.status not in needed:
        raise wrong_state(f"{action} needs {' or '.join(needed)}, the group is {group.status}")
    if leads_to == "live" and action != "launch" and not may_go_on(group, at):
        raise wrong_state(f"{action} needs a goal and an end date that are unreached")
    if action == "launch" and (group.run is None or group.run.end <= at):
        raise wrong_state("launch needs an end date that is unreached")
    with editing_group(group, at):
        if leads_to == "live":
            group.trouble = None
        change_status(group, leads_to, at=at, by=by)


def _run(world: World, ask: SimulatedRequest) -> tuple[SimulatedGroup, Run]:
    group = world.group(ask.params)
    settle_group(group, ask.now)
    if group.run is None or group.run.id != ask.params["fielding_run_id"]:
        raise not_found("the fielding run")
    return group, group.run


def _item(run: Run) -> Json:
    return {
        "id": run.id,
        "last_changed_at": rfc3339_stamp(run.changed_at),
        "last_changed_by": run.changed_by,
        "start_fielding_at": rfc3339_stamp(run.start),
        "end_fielding_at": rfc3339_stamp(run.end),
        "status": run.status,
        "version": run.version,
    }


@route("get_fielding_runs_by_target_group_id", "GET", _RUNS)
def get_fielding_runs(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The group's only run, or none while it is a draft."""
    group = world.group(ask.params)
    settle_group(group, ask.now)
    runs = [_item(group.run)] if group.run and group.status != "draft" else []
    return json_answer({"data": runs, "has_more": False}, headers=trace_headers(ask))


@route("get_fielding_run", "GET", _RUN)
def get_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A run with its ETag."""
    _group, run = _run(world, ask)
    return json_answer(_item(run), headers=trace_headers(ask) | etag_header(run.version))


@route("update_fielding_run", "PUT", _RUN)
def update_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Move the dates of a run that is scheduled, live or paused."""
    group, run = _run(world, ask)
    if_match(ask, run.version)
    check = ValueCheck.of_request(ask)
    start = check.moment("start_fielding_at") or run.start
    end = check.moment("end_fielding_at") or run.end
    if end <= start:
        check.fault("end_fielding_at", "must be after the start")
    elif end <= ask.now:
        check.fault("end_fielding_at", "must be in the future")
    if group.first_live is not None and start != run.start:
        check.fault("start_fielding_at", "cannot move once the group has been live")
    check.done()
    if run.status == "completed" or group.status == "archived":
        raise wrong_state("the dates of a completed run cannot move")
    with editing_group(group, ask.now):
        dates = {"fielding_period_start_date_change": start, "fielding_period_end_date_change": end}
        change_group(group, dates, at=ask.now, by=ask.actor)
        _touch(run, ask)
    return json_answer(
        {"id": run.id}, status=202, headers=trace_headers(ask) | etag_header(run.version)
    )


def _touch(run: Run, ask: SimulatedRequest) -> None:
    run.version += 1
    run.changed_at, run.changed_by = ask.now, ask.actor.user_id or run.changed_by


def _action(world: World, ask: SimulatedRequest, action: str) -> tuple[Run, dict[str, str]]:
    group, run = _run(world, ask)
    if_match(ask, run.version)
    act_on_group(group, action, at=ask.now, by=ask.actor)
    return run, trace_headers(ask) | etag_header(run.version)


@route("pause_fielding_run", "POST", f"{_RUN}/pause")
def pause_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Take a live group out of the field."""
    return empty_answer(204, _action(world, ask, "pause")[1])


@route("resume_fielding_run", "POST", f"{_RUN}/resume")
def resume_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Put a paused group back into the field."""
    return empty_answer(204, _action(world, ask, "resume")[1])


@route("complete_fielding_run", "POST", f"{_RUN}/complete")
def complete_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """End a live or scheduled group's fieldwork."""
    return empty_answer(204, _action(world, ask, "complete")[1])


@route("relaunch_fielding_run", "POST", f"{_RUN}/relaunch")
def relaunch_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Put a completed group back into the field."""
    return empty_answer(204, _action(world, ask, "relaunch")[1])


@route("launch_now_fielding_run", "POST", f"{_RUN}/launch-now")
def launch_now_fielding_run(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Launch a scheduled group before its time."""
    run, headers = _action(world, ask, "launch")
    body = {
        "start_fielding_at": rfc3339_stamp(run.start),
        "end_fielding_at": rfc3339_stamp(run.end),
    }
    return json_answer(body, headers=headers)
