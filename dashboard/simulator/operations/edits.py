"""Edits of launched groups: price, filling strategy, re-entry and details."""

from collections.abc import Iterator
from contextlib import contextmanager

from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.places import LOCKOUTS
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.numbers import details_answer
from dashboard.simulator.world.changes import change_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.respondents import draw_next, settle_and_cut
from dashboard.simulator.world.world import World

_GROUP = "/demand/accounts/{account_id}/projects/{project_id}/target-groups/{target_group_id}"
_BOTH_SIDES = ("client_side", "screener_side")
RE_ENTRY_SIDES = {
    "completes": ("client_side",),
    "pre_client_survey_processes": ("screener_side",),
    "financial_terms": ("screener_side",),
    "terminates": _BOTH_SIDES,
    "security_failures": _BOTH_SIDES,
    "overquota": _BOTH_SIDES,
    "in_screener": _BOTH_SIDES,
}
_SETTINGS = ("allow_for_current_target_group", "allow_for_other_target_groups")


@contextmanager
def editing_group(group: SimulatedGroup, now: int) -> Iterator[SimulatedGroup]:
    """Change a group between two stretches of its life."""
    settle_and_cut(group, now)
    group.temper.colleague = False
    try:
        yield group
    finally:
        draw_next(group, now)


def apply_values(group: SimulatedGroup, ask: SimulatedRequest, values: Json) -> None:
    """Set values by change type at the moment of the request, by whoever asks."""
    with editing_group(group, ask.now):
        change_group(group, values, at=ask.now, by=ask.actor)


@route("update_cost_per_interview", "PUT", f"{_GROUP}/cost-per-interview")
def update_cost_per_interview(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Set the price of a complete; refused on drafts and rate cards and above the limit."""
    group = world.launched(ask.params)
    check = ValueCheck.of_request(ask)
    amount = check.money("target_group_cpi", group.currency)
    if group.pricing_model == "rate_card":
        check.fault("target_group_cpi", "cannot be set while a rate card prices the group")
    check.done()
    held = None if amount is None else world.as_held(amount)
    apply_values(group, ask, {"cpi_change": held})
    return json_answer({"target_group_cpi": monetary_amount(group.cpi, group.currency)})


@route("update_filling_strategy", "PUT", f"{_GROUP}/filling-strategy")
def update_filling_strategy(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Choose what the filling goal counts."""
    group = world.launched(ask.params)
    check = ValueCheck.of_request(ask)
    strategy = check.one_of("filling_strategy", ("automated", "prescreens", "completes"))
    check.done()
    apply_values(group, ask, {"filling_strategy_change": strategy})
    return json_answer({"filling_strategy": group.filling_strategy})


@route("update_launched_target_group_details", "PUT", f"{_GROUP}/details")
def update_launched_target_group_details(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Replace the details of a launched group; optional fields that are missing are emptied."""
    group = world.launched(ask.params)
    check = ValueCheck.of_request(ask)
    values: Json = {
        "name_change": check.text("name", 5, 128),
        "project_manager_change": check.person("project_manager_id", group.account_id),
        "expected_length_of_interview_minutes_change": check.whole(
            "expected_length_of_interview_minutes", 1, 45
        ),
        "expected_incidence_rate_change": check.share("expected_incidence_rate"),
        "industry_lockout_code_change": check.one_of(
            "industry_lockout_code", tuple(code for code, _ in LOCKOUTS)
        ),
        "live_url_change": check.https("live_url"),
        "test_url_change": check.https("test_url"),
        "target_group_customer_reference_number_change": check.reference(
            "target_group_customer_reference_number"
        ),
        "cpi_note_change": check.money(
            "client_cost_per_interview_note", group.currency, required=False
        ),
    }
    check.done()
    apply_values(group, ask, values)
    return json_answer(details_answer(group), headers=trace_headers(ask))


def default_re_entry() -> Json:
    """Nobody comes back, neither to this group nor to another."""
    off = dict.fromkeys(_SETTINGS, False)
    return {status: {side: dict(off) for side in sides} for status, sides in RE_ENTRY_SIDES.items()}


def check_re_entry(check: ValueCheck, body: object, *, prefix: str = "") -> Json:
    """A whole ReEntryConfiguration, faults noted; only what the contract names is kept."""
    configuration: Json = {}
    for status, sides in RE_ENTRY_SIDES.items():
        part = body.get(status) if isinstance(body, dict) else None
        configuration[status] = {}
        for side in sides:
            settings = part.get(side) if isinstance(part, dict) else None
            configuration[status][side] = {}
            for name in _SETTINGS:
                value = settings.get(name) if isinstance(settings, dict) else None
                if not isinstance(value, bool):
                    check.fault(f"{prefix}{status}.{side}.{name}", "must be true or false")
                configuration[status][side][name] = value is True
    return configuration


def _re_entry_group(world: World, ask: SimulatedRequest) -> SimulatedGroup:
    if world.re_entry_status == 405:
        raise Refusal(405, "method_not_allowed_error", "re-entry is not offered here")
    if world.re_entry_status != 200:
        raise Refusal(world.re_entry_status, "not_found_error", "re-entry is not offered here")
    return world.launched(ask.params)


@route("get_re_entry_configuration", "GET", f"{_GROUP}/re-entry-configuration")
def get_re_entry_configuration(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Who may come back to a launched group; 404 for a draft."""
    group = _re_entry_group(world, ask)
    return json_answer(group.re_entry or default_re_entry())


@route("update_re_entry_configuration", "PUT", f"{_GROUP}/re-entry-configuration")
def update_re_entry_configuration(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Replace who may come back to a launched group; 404 for a draft."""
    group = _re_entry_group(world, ask)
    check = ValueCheck.of_request(ask)
    configuration = check_re_entry(check, check.body)
    check.done()
    group.re_entry = configuration
    group.updated_at = ask.now
    group.version += 1
    return json_answer(configuration)
