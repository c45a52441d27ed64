"""The fielding assistant: pricing, pacing, quota overlay and soft launch, all or nothing."""

from decimal import Decimal

from dashboard.simulator.api.preconditions import if_match
from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import read_duration, rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.edits import editing_group
from dashboard.simulator.world.changes import change_assistant
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    empty_answer,
    etag_header,
    json_answer,
    stale_refusal,
)
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.world import World

_ADDRESS = (
    "/demand/accounts/{account_id}/projects/{project_id}"
    "/target-groups/{target_group_id}/fielding-assistant-assignment"
)


@route("get_fielding_assistant_assignment", "GET", _ADDRESS)
def get_fielding_assistant_assignment(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The modules that are on, with the ETag."""
    group = world.group(ask.params)
    settle_group(group, ask.now)
    return json_answer(shown_modules(group.assistant), headers=etag_header(group.assistant_version))


def shown_modules(modules: Json) -> Json:
    """The modules that are on; those that are off are missing."""
    return {name: module for name, module in modules.items() if module}


@route("create_or_update_fielding_assistant_assignment", "PUT", _ADDRESS)
def put_fielding_assistant_assignment(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Replace all modules; an empty object switches everything off."""
    group = world.group(ask.params)
    settle_group(group, ask.now)
    if_match(ask, group.assistant_version, required=False)
    if ask.headers.get("if-none-match", "").strip() == "*" and shown_modules(group.assistant):
        raise stale_refusal()
    check = ValueCheck.of_request(ask)
    modules = check_modules(check, check.body, group.currency)
    check.done()
    with editing_group(group, ask.now):
        change_assistant(group, modules, at=ask.now, by=ask.actor)
    return empty_answer(204)


def check_modules(check: ValueCheck, body: object, currency: str, *, prefix: str = "") -> Json:
    """The modules of a request, faults noted under their full names."""
    if not isinstance(body, dict):
        check.fault(prefix.rstrip(".") or "body", "must be an object")
        return {}
    readers = {
        "pricing": _pricing,
        "pacing": _pacing,
        "quota_overlay": _quota_overlay,
        "soft_launch": _soft_launch,
    }
    modules: Json = {}
    for name, reader in readers.items():
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, dict):
            check.fault(f"{prefix}{name}", "must be an object")
            continue
        inner = ValueCheck(value)
        modules[name] = reader(inner, currency)
        for field, reason in inner.faults:
            check.fault(f"{prefix}{name}.{field}", reason)
    return modules


def _pricing(check: ValueCheck, currency: str) -> Json:
    kind = check.one_of("type", ("dynamic", "rate_card"))
    fields = ("total_budget", "maximum_cpi", "minimum_cpi")
    module: Json = {"type": kind}
    for name in fields if kind == "dynamic" else ("maximum_cpi", "boost_cpi"):
        if name == "total_budget" and isinstance(check.body.get(name), dict):
            value = check.body[name]
            if value.get("currency_code") != currency:
                check.fault(f"{name}.currency_code", f"must be {currency}")
            module[name] = _as_given(value)
        elif (amount := check.money(name, currency, required=False)) is not None:
            module[name] = monetary_amount(amount, currency)
    low, high = module.get("minimum_cpi"), module.get("maximum_cpi")
    if low and high and Decimal(low["value"]) > Decimal(high["value"]):
        check.fault("minimum_cpi", "must not exceed maximum_cpi")
    return module


def _as_given(amount: Json) -> Json:
    return {"value": str(amount.get("value")), "currency_code": str(amount.get("currency_code"))}


def _pacing(check: ValueCheck, _currency: str) -> Json:
    kind = check.one_of("type", ("linear", "adaptive", "gemini"))
    if kind == "gemini":
        other = check.text("exposed_target_group_id", 26, 26)
        return {"type": kind, "exposed_target_group_id": other}
    interval = check.text("increment_interval", 2, 40)
    try:
        read_duration(interval)
    except ValueError:
        check.fault("increment_interval", "must be an ISO-8601 duration")
    return {"type": kind, "increment_interval": interval}


def _quota_overlay(check: ValueCheck, _currency: str) -> Json:
    return {
        "prevent_overfill": check.flag("prevent_overfill"),
        "balance_fill": check.flag("balance_fill"),
    }


def _soft_launch(check: ValueCheck, _currency: str) -> Json:
    return {
        "end_at": rfc3339_stamp(check.moment("end_at") or 0),
        "filling_goal_percentage": check.whole("filling_goal_percentage", 1, 100),
        "demographics_strictness_percentage": check.whole(
            "demographics_strictness_percentage", 0, 100
        ),
    }
