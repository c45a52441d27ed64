"""Jobs over many groups, and the jobs that launch or schedule a draft: they take their time."""

from collections.abc import Callable

from dashboard.simulator.api.preconditions import remember_answer, remembered_answer
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import SECOND, rfc3339_stamp
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.edits import editing_group
from dashboard.simulator.operations.fielding import ACTIONS, act_on_group
from dashboard.simulator.operations.lists import in_future
from dashboard.simulator.world.changes import change_group
from dashboard.simulator.world.group import Actor, Run, SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    empty_answer,
    json_answer,
    not_found,
    trace_headers,
)
from dashboard.simulator.world.rules import change_status
from dashboard.simulator.world.world import Job, World

_PROJECT = "/demand/accounts/{account_id}/projects/{project_id}"
_FROM_DRAFT = f"{_PROJECT}/target-groups/{{target_group_id}}/fielding-run-jobs"
TAKES = 2 * SECOND


def _begin(
    world: World, ask: SimulatedRequest, kind: str, run: Callable[[World, Job], None]
) -> Job:
    job = Job(
        id=world.new_id(ask.now),
        kind=kind,
        created_at=ask.now,
        created_by=ask.actor.user_id or "",
        due=ask.now + TAKES,
        target_ids=[],
        run=run,
    )
    world.jobs[job.id] = job
    return job


def _created(ask: SimulatedRequest, job: Job) -> SimulatedAnswer:
    location = f"{ask.path}/{job.id}"
    return empty_answer(201, trace_headers(ask) | {"Location": location})


def _job(world: World, ask: SimulatedRequest, kind: str) -> Job:
    job = world.jobs.get(ask.params["job_id"])
    if job is None or job.kind != kind + ask.path.rsplit("/", 1)[0].removeprefix("/v1"):
        raise not_found("the job")
    return job


def _selection(check: ValueCheck, world: World, ask: SimulatedRequest) -> list[str]:
    """The ids of the selected groups, as given."""
    group_ids = check.get("target_group_ids")
    ids = [str(group_id) for group_id in group_ids] if isinstance(group_ids, list) else []
    if group_ids is not None and not ids:
        check.fault("target_group_ids", "must be a list of at least one id")
    check.done()
    world.project(ask.params)
    return ids


def _report(job: Job) -> Json:
    return {
        "job_id": job.id,
        "created_at": rfc3339_stamp(job.created_at),
        "created_by": job.created_by,
        "status": job.status,
        "updated_target_groups": {
            "data": [{"target_group_id": i} for i in job.updated],
            "has_more": False,
        },
        "failed_target_groups": {
            "data": [
                {"target_group_id": i, "failure_reason": {"code": code, "description": text}}
                for i, code, text in job.failed
            ],
            "has_more": False,
        },
    }


def _over_groups(job: Job, world: World, each: Callable[[SimulatedGroup], None]) -> None:
    """Do something to every group of the job; what one refuses fails that one only."""
    for group_id in job.target_ids:
        group = world.groups.get(group_id)
        if group is None or group.project_id != job.extra["project_id"]:
            job.failed.append((group_id, "not_found", "the target group was not found"))
            continue
        try:
            each(group)
            job.updated.append(group_id)
        except Refusal as refusal:
            job.failed.append((group_id, refusal.kind, refusal.detail))
    job.status = "Failed" if job.failed and not job.updated else "Completed"


def _bulk(action: str) -> None:
    """Register both operations of a job that does one action to many groups."""
    address = f"{_PROJECT}/batch-jobs/{action}-fielding-runs-by-target-group-id"
    name = f"bulk_{action}_target_groups_job"

    def run(world: World, job: Job) -> None:
        by = Actor("las_user", job.created_by)

        def each(group: SimulatedGroup) -> None:
            if group.status != ACTIONS[action][1]:
                act_on_group(group, action, at=job.due, by=by)

        _over_groups(job, world, each)

    @route(f"create_{name}", "POST", address)
    def create(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
        if earlier := remembered_answer(world, ask, name):
            return earlier
        ids = _selection(ValueCheck.of_request(ask), world, ask)
        job = _begin(world, ask, name + ask.path.removeprefix("/v1"), run)
        job.target_ids, job.extra["project_id"] = ids, ask.params["project_id"]
        return remember_answer(world, ask, name, _created(ask, job))

    @route(f"get_{name}", "GET", f"{address}/{{job_id}}")
    def read(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
        return json_answer(_report(_job(world, ask, name)), headers=trace_headers(ask))


for _name in ACTIONS:
    _bulk(_name)

_MANAGERS = f"{_PROJECT}/batch-jobs/update-target-group-project-managers"
_MANAGERS_KIND = "managers"


def _change_managers(world: World, job: Job) -> None:
    by, manager = Actor("las_user", job.created_by), job.extra["project_manager_id"]

    def each(group: SimulatedGroup) -> None:
        with editing_group(group, job.due):
            change_group(group, {"project_manager_change": manager}, at=job.due, by=by)

    _over_groups(job, world, each)


@route("create_bulk_update_target_group_project_manager_job", "POST", _MANAGERS)
def create_managers_job(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Give many groups another project manager."""
    check = ValueCheck.of_request(ask)
    manager = check.person("project_manager_id", ask.account_id)
    ids = _selection(check, world, ask)
    job = _begin(world, ask, _MANAGERS_KIND + ask.path.removeprefix("/v1"), _change_managers)
    job.target_ids = ids
    job.extra |= {"project_id": ask.params["project_id"], "project_manager_id": manager}
    return _created(ask, job)


@route("get_bulk_update_target_group_project_manager_job", "GET", f"{_MANAGERS}/{{job_id}}")
def get_managers_job(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """How far the change of project managers is."""
    job = _job(world, ask, _MANAGERS_KIND)
    body = _report(job) | {"project_manager_id": job.extra["project_manager_id"]}
    del body["created_by"]
    return json_answer(body, headers=trace_headers(ask))


def _into_field(world: World, job: Job) -> None:
    """Turn a draft into a scheduled group, or a live one if its start has come."""
    group = world.groups[job.target_ids[0]]
    start, end = job.extra["start"] or job.due, job.extra["end"]
    wanting = [(n, "is missing") for n in ("live_url", "test_url") if not getattr(group, n)]
    if group.status != "draft":
        wanting.append(("status", "the target group is no draft"))
    if end <= job.due:
        wanting.append(("end_fielding_at", "has passed"))
    if wanting:
        job.extra["wanting"], job.status = wanting, "Failed"
        return
    by = Actor("las_user", job.created_by)
    run_id = world.new_id(job.due)
    with editing_group(group, job.due):
        group.run = Run(run_id, start, end, "scheduled", job.due, job.created_by)
        change_status(group, "scheduled", at=job.due, by=by)
        if job.extra["start"] is None:
            change_status(group, "live", at=job.due, by=by)
    job.extra["run_id"], job.status = run_id, "Completed"


def _from_draft(action: str, fields: tuple[str, ...]) -> None:
    """Register both operations of a job that brings a draft into the field."""
    address = f"{_FROM_DRAFT}/{action}-from-draft"
    name = f"{action}_fielding_run_from_draft_job"

    @route(f"create_{name}", "POST", address)
    def create(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
        if earlier := remembered_answer(world, ask, name):
            return earlier
        group = world.group(ask.params)
        check = ValueCheck.of_request(ask)
        times = {field: check.moment(field) for field in fields}
        for field, moment in times.items():
            if moment is not None and not in_future(moment, ask.now):
                check.fault(field, "must be in the future, within two years")
        start, end = times.get("start_fielding_at"), times["end_fielding_at"]
        if start is not None and end is not None and end <= start:
            check.fault("end_fielding_at", "must be after the start")
        check.done()
        if group.status != "draft":
            raise bad_request(f"only a draft can do this, the group is {group.status}")
        job = _begin(world, ask, name + ask.path.removeprefix("/v1"), _into_field)
        job.target_ids, job.extra["start"], job.extra["end"] = [group.id], start, end
        return remember_answer(world, ask, name, _created(ask, job))

    @route(f"get_{name}", "GET", f"{address}/{{job_id}}")
    def read(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
        world.group(ask.params)
        return json_answer(_run_report(_job(world, ask, name)), headers=trace_headers(ask))


def _run_report(job: Job) -> Json:
    body: Json = {
        "job_id": job.id,
        "created_at": rfc3339_stamp(job.created_at),
        "created_by": job.created_by,
        "status": job.status,
    }
    if "run_id" in job.extra:
        body["created_fielding_run_id"] = job.extra["run_id"]
    if wanting := job.extra.get("wanting"):
        body["failure_reason"] = {
            "code": "target_group_not_launchable",
            "description": "the target group cannot go into the field as it is",
            "reasons": [{"name": n, "reason": r, "detail": f"{n} {r}"} for n, r in wanting],
        }
    return body


_from_draft("launch", ("end_fielding_at",))
_from_draft("schedule", ("start_fielding_at", "end_fielding_at"))
