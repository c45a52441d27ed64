"""Projects: list, overview, details, making and changing."""

from statistics import median

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.preconditions import if_match, remember_answer, remembered_answer
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import rfc3339_stamp
from dashboard.simulator.catalogue.seeded_random import human_id
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import SimulatedProject
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    etag_header,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.world import World

_PROJECT = "/demand/accounts/{account_id}/projects/{project_id}"


def project_status(project: SimulatedProject) -> str:
    """A project is active while anything in it is in the field or about to be."""
    busy = any(g.status in ("live", "scheduled", "paused", "draft") for g in project.groups)
    return "active" if busy or not project.groups else "inactive"


def project_statistics(project: SimulatedProject, now: int) -> Json:
    """The contract's ProjectStatistics over everything that was launched."""
    launched = [g for g in project.groups if g.status != "draft"]
    all_figures = [figures_of_group(g, now) for g in launched]
    completes = sum(figures.counts.completes for figures in all_figures)
    prescreens = sum(figures.counts.prescreens for figures in all_figures)
    drops = sum(figures.counts.drops for figures in all_figures)
    rates = [figures.incidence for figures in all_figures if figures.incidence is not None]
    lengths = [figures.loi_seconds for figures in all_figures if figures.loi_seconds is not None]
    return {
        "filling_goal": sum(g.filling_goal for g in launched),
        "current_completes": completes,
        "current_prescreens": prescreens,
        "incidence_rate_median": round(median(rates), 4) if rates else 0.0,
        "length_of_interview_median_seconds": round(median(lengths)) if lengths else 0,
        "conversion_rate_average": round(completes / prescreens, 4) if prescreens else 0.0,
        "drop_off_rate_average": round(drops / prescreens, 4) if prescreens else 0.0,
    }


def _item(project: SimulatedProject, now: int) -> Json:
    moments = [g.updated_at for g in project.groups] + [project.created_at]
    body: Json = {
        "id": project.id,
        "human_readable_id": project.human_id,
        "account_id": project.account_id,
        "name": project.name,
        "target_group_human_readable_ids": [g.human_id for g in project.groups],
        "target_group_count": len(project.groups),
        "statistics": project_statistics(project, now),
        "status": project_status(project),
        "last_activity_at": rfc3339_stamp(max(moments)),
        "target_group_customer_reference_numbers": [
            g.reference for g in project.groups if g.reference
        ],
    }
    if project.reference is not None:
        body["project_customer_reference_number"] = project.reference
    return body


@route("list_account_projects", "GET", "/demand/accounts/{account_id}/projects")
def list_account_projects(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The account's projects, newest first, by filters."""
    wanted = ask.query_value("status")
    if wanted not in (None, "active", "inactive"):
        raise bad_request("the status is unknown", [("status", "must be active or inactive")])
    text = ask.query_value("search_string") or ask.query_value("name")
    if (
        ask.query_value("search_string") is not None
        and len(ask.query_value("search_string") or "") < 5
    ):
        raise bad_request("too short", [("search_string", "must have at least 5 characters")])
    manager = ask.query_value("project_manager_id")
    matches = [
        p
        for p in world.projects_of(ask.account_id)
        if (wanted is None or project_status(p) == wanted)
        and (manager is None or p.project_manager_id == manager)
        and (text is None or text.lower() in f"{p.name} {p.human_id} {p.reference}".lower())
    ]
    page, more, cursor = cut_page(ask, matches, lambda p: p.id, size=page_size(ask))
    body: Json = {
        "projects": [_item(p, ask.now) for p in page],
        "url": ask.path,
        "has_more": more,
        "next_cursor": cursor,
    }
    return json_answer(body, headers=trace_headers(ask))


@route("project_overview", "GET", f"{_PROJECT}/overview")
def project_overview(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A project with its figures."""
    project = world.project(ask.params)
    body: Json = {
        "id": project.id,
        "human_readable_id": project.human_id,
        "name": project.name,
        "account_id": project.account_id,
        "statistics": project_statistics(project, ask.now),
        "status": project_status(project),
        "project_manager_id": project.project_manager_id,
        "created_at": rfc3339_stamp(project.created_at),
    }
    if project.reference is not None:
        body["project_customer_reference_number"] = project.reference
    return json_answer(body)


@route("get_project_by_id", "GET", _PROJECT)
def get_project_by_id(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A project's details with its ETag."""
    project = world.project(ask.params)
    body: Json = {
        "id": project.id,
        "human_readable_id": project.human_id,
        "name": project.name,
        "project_manager_id": project.project_manager_id,
        "account_id": project.account_id,
    }
    if project.reference is not None:
        body["project_customer_reference_number"] = project.reference
    return json_answer(body, headers=trace_headers(ask) | etag_header(project.version))


@route("create_project", "POST", "/demand/accounts/{account_id}/projects")
def create_project(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A new project; the same idempotency key gives the same one again."""
    if earlier := remembered_answer(world, ask, "create_project"):
        return earlier
    check = ValueCheck.of_request(ask)
    name = check.text("name", 5, 128)
    manager = check.person("project_manager_id", ask.account_id)
    reference = check.reference("project_customer_reference_number")
    check.done()
    project_id = world.new_id(ask.now)
    world.projects[project_id] = SimulatedProject(
        id=project_id,
        human_id=human_id(6, project_id),
        account_id=ask.account_id,
        name=name,
        project_manager_id=manager,
        created_at=ask.now,
        reference=reference,
    )
    headers = trace_headers(ask) | etag_header(1)
    answer = json_answer({"id": project_id}, status=202, headers=headers)
    return remember_answer(world, ask, "create_project", answer)


@route("update_project", "PUT", _PROJECT)
def update_project(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Change a project's name, manager and reference."""
    project = world.project(ask.params)
    if earlier := remembered_answer(world, ask, "update_project"):
        return earlier
    if_match(ask, project.version)
    check = ValueCheck.of_request(ask)
    name = check.text("name", 5, 128)
    manager = check.person("project_manager_id", ask.account_id)
    if "project_customer_reference_number" not in check.body:
        check.fault("project_customer_reference_number", "is required")
    reference = check.reference("project_customer_reference_number")
    check.done()
    project.name, project.project_manager_id, project.reference = name, manager, reference
    project.version += 1
    headers = trace_headers(ask) | {"idempotency-key": ask.headers["idempotency-key"]}
    body = {"id": project.id, "human_readable_id": project.human_id}
    return remember_answer(world, ask, "update_project", json_answer(body, headers=headers))
