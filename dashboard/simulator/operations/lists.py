"""The list of a project's target groups, its changelog, and transitions over a selection."""

from collections.abc import Callable

import msgspec

from dashboard.simulator.api.issues import list_row
from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import DAY, rfc3339_stamp
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import ChangelogBatch, SimulatedGroup
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.world import World

_GROUPS = "/demand/accounts/{account_id}/projects/{project_id}/target-groups"
_SHORT = 7  # characters of a group's short id
_STATUSES = ("draft", "scheduled", "live", "paused", "completed", "archived")


@route("get_list_target_groups", "GET", _GROUPS)
def get_list_target_groups(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """One page of the project's groups, newest first, by filters."""
    project = world.project(ask.params)
    for group in project.groups:
        if group.until <= ask.now:
            settle_group(group, ask.now)
    keep = _filters(ask)
    matches = [
        g for g in reversed(project.groups) if not g.hidden and all(test(g) for test in keep)
    ]
    page, more, cursor = cut_page(ask, matches, lambda g: g.id, size=page_size(ask))
    body: Json = {
        "url": ask.path,
        "has_more": more,
        "next_cursor": cursor,
        "target_groups": [_rendered(world, g, ask.now) for g in page],
    }
    return json_answer(body, headers=trace_headers(ask))


def _rendered(world: World, group: SimulatedGroup, now: int) -> msgspec.Raw:
    """The row in JSON, made again only when something in it may have changed."""
    figures = figures_of_group(group, now)
    key = (group.version, figures.counts, figures.cost, now // (10 * 60_000))
    cached = world.rows.get(group.id)
    if cached is None or cached[0] != key:
        cached = (key, msgspec.Raw(msgspec.json.encode(list_row(group, now))))
        world.rows[group.id] = cached
    return cached[1]


def _filters(ask: SimulatedRequest) -> list[Callable[[SimulatedGroup], bool]]:
    query = ask.query
    keep: list[Callable[[SimulatedGroup], bool]] = []
    if statuses := _statuses(ask):
        keep.append(lambda g: g.status in statuses)
    if countries := _many(ask, "country"):
        keep.append(lambda g: g.locale.country in countries)
    if languages := _many(ask, "language"):
        keep.append(lambda g: g.locale.language in languages)
    if ids := _short_ids(ask):
        keep.append(lambda g: g.human_id in ids)
    if references := _many(ask, "target_group_customer_reference_numbers"):
        keep.append(lambda g: g.reference in references)
    if manager := ask.query_value("project_manager_id"):
        keep.append(lambda g: g.project_manager_id == manager)
    if "exclusion_status" in query:
        excluding = ask.query_value("exclusion_status") == "true"
        keep.append(lambda g: bool(g.exclusion.get("enabled")) is excluding)
    if text := (ask.query_value("search_string") or ask.query_value("name") or "").lower():
        keep.append(lambda g: text in f"{g.name} {g.human_id} {g.id} {g.reference}".lower())
    return keep


def _statuses(ask: SimulatedRequest) -> list[str]:
    """The statuses to list; 400 for one that does not exist."""
    statuses = _many(ask, "status")
    if unknown := set(statuses) - set(_STATUSES):
        raise bad_request("the status is unknown", [("status", f"{unknown.pop()} is no status")])
    return statuses


def _short_ids(ask: SimulatedRequest) -> list[str]:
    """The human-readable ids to list; 400 for one of another length."""
    ids = [part for value in ask.query.get("human_readable_ids", []) for part in value.split(",")]
    if any(len(part) != _SHORT for part in ids):
        raise bad_request("no short id", [("human_readable_ids", f"{_SHORT} characters each")])
    return ids


def _many(ask: SimulatedRequest, name: str) -> list[str]:
    """A list parameter, repeated or separated by commas."""
    return [part for value in ask.query.get(name, []) for part in value.split(",") if part]


@route("get_target_group_changelog", "GET", f"{_GROUPS}/{{target_group_id}}/changelog")
def get_target_group_changelog(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """What was changed, newest first, by change types."""
    group = world.group(ask.params)
    settle_group(group, ask.now)
    kinds = set(_many(ask, "change_types"))
    batches = [_batch(b, kinds) for b in reversed(group.changelog)]
    matches = [b for b in batches if b["changes"]]
    size = page_size(ask, default=50, largest=50)
    page, _more, cursor = cut_page(ask, matches, lambda b: str(b["id"]), size=size)
    return json_answer(
        {"changelog": list(page)} | ({"next_cursor": cursor} if cursor is not None else {})
    )


def _batch(batch: ChangelogBatch, kinds: set[str]) -> Json:
    return {
        "id": batch.id,
        "occurred_at": rfc3339_stamp(batch.at),
        "user": batch.actor.shown(),
        "changes": [c for c in batch.changes if not kinds or c["object"] in kinds],
    }


@route(
    "compute_target_group_transitions",
    "POST",
    "/demand/accounts/{account_id}/projects/{project_id}/compute-target-group-transitions",
)
def compute_target_group_transitions(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The transitions that every group of a selection allows."""
    project = world.project(ask.params)
    check = ValueCheck(ask.json() or {})
    filters = check.typed("filters", dict, {})
    included = check.typed("included_target_group_ids", list, None)
    excluded = check.typed("excluded_target_group_ids", list, [])
    text = check.text("search_string", 0, 200, required=False).lower()
    for name, value in filters.items():
        if not isinstance(value, list):
            check.fault(f"filters.{name}", "must be a list")
    check.done()
    chosen = []
    for group in project.groups:
        settle_group(group, ask.now)
        fits = (
            (not filters.get("status") or group.status in filters["status"])
            and (not filters.get("country") or group.locale.country in filters["country"])
            and (not filters.get("language") or group.locale.language in filters["language"])
            and (not text or text in f"{group.name} {group.human_id}".lower())
        )
        if fits and (included is None or group.id in included) and group.id not in excluded:
            chosen.append(group)
    return json_answer(_transitions(chosen, ask.now), headers=trace_headers(ask))


def _transitions(groups: list[SimulatedGroup], now: int) -> Json:
    """Allowed only where every chosen group allows it; no group, nothing is allowed."""

    def every(test: Callable[[SimulatedGroup], bool]) -> bool:
        return bool(groups) and all(test(g) for g in groups)

    body: Json = {
        "is_launch_allowed": every(lambda g: g.status in ("draft", "scheduled")),
        "is_pause_allowed": every(lambda g: g.status == "live"),
        "is_resume_allowed": every(lambda g: g.status == "paused" and may_go_on(g, now)),
        "is_relaunch_allowed": every(lambda g: g.status == "completed" and may_go_on(g, now)),
        "is_finish_allowed": every(lambda g: g.status in ("live", "scheduled")),
    }
    if groups:
        body["target_groups"] = [g.id for g in groups]
    return body


def may_go_on(group: SimulatedGroup, now: int) -> bool:
    """Whether goal and end date are unreached."""
    counts = figures_of_group(group, now).counts
    done = counts.prescreens if group.filling_strategy == "prescreens" else counts.completes
    return done < group.filling_goal and group.run is not None and group.run.end > now


def in_future(at: int | None, now: int) -> bool:
    """Whether a moment lies ahead, by less than two years."""
    return at is not None and now < at < now + 730 * DAY
