"""Fielding runs: their dates, and pause, resume, complete, launch and relaunch."""

from dashboard.simulator.api.preconditions import if_match
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import Check
from dashboard.simulator.catalogue.clock import stamp
from dashboard.simulator.operations.edits import editing
from dashboard.simulator.operations.lists import may_go_on
from dashboard.simulator.world.changes import change
from dashboard.simulator.world.group import Actor, Json, Run, TargetGroup
from dashboard.simulator.world.messages import (
    Answer,
    Ask,
    empty,
    etag,
    json_answer,
    not_found,
    trace,
    wrong_state,
)
from dashboard.simulator.world.respondents import settle
from dashboard.simulator.world.rules import transition
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


def act(group: TargetGroup, action: str, *, at: int, by: Actor) -> None:
    """Do an action to a group; 422 if its state, its goal or its end date does not allow it."""
    settle(group, at)
    needed, leads_to = ACTIONS[action]
    if group.status not in needed:
        raise wrong_state(f"{action} needs {' or '.join(needed)}, the group is {group.status}")
    if leads_to == "live" and action != "launch" and not may_go_on(group, at):
        raise wrong_state(f"{action} needs a goal and an end date that are unreached")
    if action == "launch" and (group.run is None or group.run.end <= at):
        raise wrong_state("launch needs an end date that is unreached")
    with editing(group, at):
        if leads_to == "live":
            group.trouble = None
        transition(group, leads_to, at=at, by=by)


def _run(world: World, ask: Ask) -> tuple[TargetGroup, Run]:
    group = world.group(ask.params)
    settle(group, ask.now)
    if group.run is None or group.run.id != ask.params["fielding_run_id"]:
        raise not_found("the fielding run")
    return group, group.run


def _item(run: Run) -> Json:
    return {
        "id": run.id,
        "last_changed_at": stamp(run.changed_at),
        "last_changed_by": run.changed_by,
        "start_fielding_at": stamp(run.start),
        "end_fielding_at": stamp(run.end),
        "status": run.status,
        "version": run.version,
    }


@route("get_fielding_runs_by_target_group_id", "GET", _RUNS)
def get_fielding_runs(world: World, ask: Ask) -> Answer:
    """The group's only run, or none while it is a draft."""
    group = world.group(ask.params)
    settle(group, ask.now)
    runs = [_item(group.run)] if group.run and group.status != "draft" else []
    return json_answer({"data": runs, "has_more": False}, headers=trace(ask))


@route("get_fielding_run", "GET", _RUN)
def get_fielding_run(world: World, ask: Ask) -> Answer:
    """A run with its ETag."""
    _group, run = _run(world, ask)
    return json_answer(_item(run), headers=trace(ask) | etag(run.version))


@route("update_fielding_run", "PUT", _RUN)
def update_fielding_run(world: World, ask: Ask) -> Answer:
    """Move the dates of a run that is scheduled, live or paused."""
    group, run = _run(world, ask)
    if_match(ask, run.version)
    check = Check.of(ask)
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
    with editing(group, ask.now):
        dates = {"fielding_period_start_date_change": start, "fielding_period_end_date_change": end}
        change(group, dates, at=ask.now, by=ask.actor)
        _touch(run, ask)
    return json_answer({"id": run.id}, status=202, headers=trace(ask) | etag(run.version))


def _touch(run: Run, ask: Ask) -> None:
    run.version += 1
    run.changed_at, run.changed_by = ask.now, ask.actor.user_id or run.changed_by


def _action(world: World, ask: Ask, action: str) -> tuple[Run, dict[str, str]]:
    group, run = _run(world, ask)
    if_match(ask, run.version)
    act(group, action, at=ask.now, by=ask.actor)
    return run, trace(ask) | etag(run.version)


@route("pause_fielding_run", "POST", f"{_RUN}/pause")
def pause_fielding_run(world: World, ask: Ask) -> Answer:
    """Take a live group out of the field."""
    return empty(204, _action(world, ask, "pause")[1])


@route("resume_fielding_run", "POST", f"{_RUN}/resume")
def resume_fielding_run(world: World, ask: Ask) -> Answer:
    """Put a paused group back into the field."""
    return empty(204, _action(world, ask, "resume")[1])


@route("complete_fielding_run", "POST", f"{_RUN}/complete")
def complete_fielding_run(world: World, ask: Ask) -> Answer:
    """End a live or scheduled group's fieldwork."""
    return empty(204, _action(world, ask, "complete")[1])


@route("relaunch_fielding_run", "POST", f"{_RUN}/relaunch")
def relaunch_fielding_run(world: World, ask: Ask) -> Answer:
    """Put a completed group back into the field."""
    return empty(204, _action(world, ask, "relaunch")[1])


@route("launch_now_fielding_run", "POST", f"{_RUN}/launch-now")
def launch_now_fielding_run(world: World, ask: Ask) -> Answer:
    """Launch a scheduled group before its time."""
    run, headers = _action(world, ask, "launch")
    body = {"start_fielding_at": stamp(run.start), "end_fielding_at": stamp(run.end)}
    return json_answer(body, headers=headers)
