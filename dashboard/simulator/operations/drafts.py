"""Drafts: made, read and replaced as a whole; a launched one redirects to its details."""

from decimal import Decimal
from random import Random

from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import DAY, rfc3339_stamp
from dashboard.simulator.catalogue.money import in_currency, monetary_amount
from dashboard.simulator.catalogue.people import SimulatedBusinessUnit, business_unit
from dashboard.simulator.catalogue.places import INDUSTRIES, LOCALES, LOCKOUTS, STUDY_TYPES
from dashboard.simulator.catalogue.price_response import draw_price_response
from dashboard.simulator.catalogue.rate_cards import card_price
from dashboard.simulator.catalogue.seeded_random import human_id, seed_of
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.assistant import check_modules, shown_modules
from dashboard.simulator.operations.edits import check_re_entry, default_re_entry
from dashboard.simulator.operations.numbers import test_links
from dashboard.simulator.operations.profiles import from_request, shown_profiles
from dashboard.simulator.operations.supply import shown_allocations
from dashboard.simulator.world.group import GroupTraits, SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    empty_answer,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.world import World

_GROUPS = "/demand/accounts/{account_id}/projects/{project_id}/target-groups"
_GROUP = f"{_GROUPS}/{{target_group_id}}"


def _codes(rows: tuple[tuple[str, str], ...], default: str) -> tuple[str, ...]:
    return (default, *(code for code, _name in rows if code != default))


def _read(check: ValueCheck, account_id: int) -> Json:
    """A draft's values by attribute of the group, every fault noted."""
    unit = business_unit(account_id, check.get("business_unit_id") or "")
    if unit is None:
        check.fault("business_unit_id", "is no business unit of this account")
        unit = SimulatedBusinessUnit(0, "", "USD", ("dynamic",))
    values: Json = {
        "name": check.text("name", 5, 128),
        "business_unit_id": unit.id,
        "currency": unit.currency,
        "locale_code": check.one_of("locale", tuple(LOCALES)),
        "collects_pii": check.flag("collects_pii"),
        "project_manager_id": check.person("project_manager_id", account_id),
        "filling_goal": check.whole("completes_goal", 1, 1_000_000),
        "loi_minutes": check.whole("expected_length_of_interview_minutes", 1, 45),
        "incidence_rate": check.share("expected_incidence_rate"),
        "study_type_code": check.one_of(
            "study_type_code", _codes(STUDY_TYPES, "adhoc"), required=False
        ),
        "industry_code": check.one_of("industry_code", _codes(INDUSTRIES, "other"), required=False),
        "lockout_code": check.one_of(
            "industry_lockout_code", _codes(LOCKOUTS, "other"), required=False
        ),
        "client_id": check.typed("client_id", int, None),
        "live_url": check.https("live_url", required=False),
        "test_url": check.https("test_url", required=False),
        "reference": check.reference("target_group_customer_reference_number"),
        "cpi_note": check.money("client_cost_per_interview_note", unit.currency, required=False),
        "planned": _period(check),
        "exclusion": check.typed("exclusion", dict, {"enabled": False, "list": []}),
        "activity_exclusions": check.typed("respondent_activity_exclusions", list, []),
    }
    _read_rest(check, values, unit)
    return values


def _read_rest(check: ValueCheck, values: Json, unit: SimulatedBusinessUnit) -> None:
    """What needs other values: modules, price, profiling, allocations and re-entry."""
    modules = check.get("fielding_assistant_assignment")
    values["assistant"] = check_modules(
        check,
        modules if modules is not None else {},
        unit.currency,
        prefix="fielding_assistant_assignment.",
    )
    pricing = (values["assistant"].get("pricing") or {}).get("type", "dynamic")
    values["pricing_model"] = "rate_card" if pricing == "rate_card" else "dynamic"
    if values["pricing_model"] not in unit.pricing_models:
        check.fault("fielding_assistant_assignment.pricing.type", "is not offered to this unit")
    values["cpi"] = check.money("cost_per_interview", unit.currency, required=False)
    values["allocations"] = _allocations(check)
    values["profiling"] = _profiling(check)
    content = check.get("re_entry_configuration", required=False)
    values["re_entry"] = (
        default_re_entry()
        if content is None
        else check_re_entry(check, content, prefix="re_entry_configuration.")
    )


def _period(check: ValueCheck) -> tuple[int, int]:
    content = check.get("fielding_specification")
    inner = ValueCheck(content if isinstance(content, dict) else {})
    start, end = inner.moment("start_at"), inner.moment("end_at")
    if start is not None and end is not None and end <= start:
        inner.fault("end_at", "must be after the start")
    for name, reason in inner.faults:
        check.fault(f"fielding_specification.{name}", reason)
    return start or 0, end or 0


def _allocations(check: ValueCheck) -> Json:
    """Allocations as they were given; only their outline is examined."""
    check.get("allocations")
    content: Json = check.typed("allocations", dict, {})
    for part, value in content.items():
        groups = value.get("groups", []) if isinstance(value, dict) else None
        if not isinstance(groups, list) or not all(isinstance(g, dict) for g in groups):
            check.fault(f"allocations.{part}.groups", "must be a list of objects")
            return {}
    return content


def _profiling(check: ValueCheck) -> Json:
    """Profiling as it was given, none of it if it was not; only its outline is examined."""
    content: Json = check.typed("profiling", dict, {})
    for n, profile in enumerate(content.get("profiles") or []):
        place = f"profiling.profiles[{n}]"
        targets = profile.get("targets") if isinstance(profile, dict) else None
        if not isinstance(targets, list) or not targets:
            check.fault(f"{place}.targets", "must have at least one target")
            continue
        for name in ("object", "quotas_enabled"):
            if name not in profile:
                check.fault(f"{place}.{name}", "is required")
        for m, target in enumerate(targets):
            if not isinstance(target, dict) or not target.get("conditions"):
                check.fault(f"{place}.targets[{m}].conditions", "must have at least one")
    return content


def _price(values: Json) -> Decimal:
    """The price of a draft that names none, or that a rate card prices."""
    place = LOCALES[values["locale_code"]]
    loi, incidence = values["loi_minutes"], values["incidence_rate"]
    if values["pricing_model"] == "rate_card":
        return card_price(
            values["currency"], place.country, loi_minutes=loi, incidence_rate=incidence
        )
    dollars = (0.9 + 0.12 * loi + 2.2 * (1 - incidence)) * place.dearness
    return in_currency(dollars, values["currency"])


def _temper(world_seed: int, group_id: str, values: Json) -> GroupTraits:
    """How respondents will take to a new group: about as it needs them to."""
    seed = seed_of("temper", group_id)
    chance = Random(seed)
    incidence = min(0.95, max(0.02, values["incidence_rate"] * chance.uniform(0.8, 1.1)))
    qualify, drop = chance.uniform(0.1, 0.3), chance.uniform(0.05, 0.18)
    start, end = values["planned"]
    days = max(0.5, (end - start) / DAY)
    conversion = qualify * (0.96 - drop) * incidence
    return GroupTraits(
        seed=seed >> 2,
        response=draw_price_response(
            world_seed,
            country=LOCALES[values["locale_code"]].country,
            audience=str(values["industry_code"]),
            group_seed=seed >> 2,
        ),
        entrants_an_hour=values["filling_goal"] * chance.uniform(0.8, 1.5) / days / 24 / conversion,
        market_cpi=_price({**values, "pricing_model": "dynamic"}),
        qualify=qualify,
        incidence=incidence,
        drop=drop,
        loi_seconds=round(values["loi_minutes"] * 60 * chance.uniform(0.85, 1.15)),
        phases=(chance.random() * 6.28, chance.random() * 6.28, chance.random() * 6.28),
    )


def _may_re_enter(world: World, check: ValueCheck) -> None:
    """An account without the feature is forbidden to name it."""
    if world.re_entry_status == 403 and "re_entry_configuration" in check.body:
        raise Refusal(403, "forbidden_error", "the account has no re-entry configuration")


@route("create_target_group", "POST", _GROUPS)
def create_target_group(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A new draft; every request makes one, repeated or not."""
    project = world.project(ask.params)
    check = ValueCheck.of_request(ask)
    _may_re_enter(world, check)
    values = _read(check, ask.account_id)
    check.done()
    if values["cpi"] is None or values["pricing_model"] == "rate_card":
        values["cpi"] = _price(values)
    values["cpi"] = world.as_held(values["cpi"])
    group_id = world.new_id(ask.now)
    group = SimulatedGroup(
        id=group_id,
        human_id=human_id(7, group_id),
        account_id=ask.account_id,
        project_id=project.id,
        status="draft",
        created_at=ask.now,
        updated_at=ask.now,
        filling_strategy="automated",
        temper=_temper(world.origin.seed, group_id, values),
        until=ask.now,
        **values,
    )
    if group.profiling:
        group.profiles = from_request(group, group.profiling)
    project.groups.append(group)
    world.groups[group.id] = group
    return json_answer({"id": group.id}, status=201)


@route("get_target_group", "GET", _GROUP)
def get_target_group(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A draft as it was given; 301 to the details of a launched group."""
    group = world.group(ask.params)
    if group.status != "draft":
        return SimulatedAnswer(301, b"", {"Location": f"{ask.path}/details"})
    body = _shown(group)
    if world.re_entry_status == 403:
        del body["re_entry_configuration"]
    return json_answer(body)


def _shown(group: SimulatedGroup) -> Json:
    """The contract's FetchTargetGroupResponse."""
    start, end = group.planned
    body: Json = {
        "human_readable_id": group.human_id,
        "name": group.name,
        "business_unit_id": group.business_unit_id,
        "locale": group.locale_code,
        "collects_pii": group.collects_pii,
        "study_type_code": group.study_type_code,
        "industry_code": group.industry_code,
        "pricing_model": group.pricing_model,
        "cost_per_interview": monetary_amount(group.cpi, group.currency),
        "client_id": group.client_id,
        "project_manager_id": group.project_manager_id,
        "fielding_specification": {"start_at": rfc3339_stamp(start), "end_at": rfc3339_stamp(end)},
        "completes_goal": group.filling_goal,
        "expected_length_of_interview_minutes": group.loi_minutes,
        "expected_incidence_rate": group.incidence_rate,
        "exclusion": group.exclusion,
        "respondent_activity_exclusions": group.activity_exclusions,
        "industry_lockout_code": group.lockout_code,
        "fielding_assistant_assignment": shown_modules(group.assistant),
        "created_at": rfc3339_stamp(group.created_at),
        "profiling": _shown_profiling(group),
        "allocations": shown_allocations(group.allocations, group.id),
        "re_entry_configuration": group.re_entry or default_re_entry(),
        "links": {k: v for k, v in test_links(group).items() if k == "test_client_survey"},
    }
    optional: Json = {
        "live_url": group.live_url,
        "test_url": group.test_url,
        "target_group_customer_reference_number": group.reference,
        "client_cost_per_interview_note": group.cpi_note
        and monetary_amount(group.cpi_note, group.currency),
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def _shown_profiling(group: SimulatedGroup) -> Json:
    if group.profiling == {}:
        return {}
    content = group.profiling or {"profile_adjustment_type": "percentage"}
    body: Json = {
        "profile_adjustment_type": content.get("profile_adjustment_type", "percentage"),
        "profiles": shown_profiles(group, completes=None),
    }
    return body | ({"template_id": content["template_id"]} if "template_id" in content else {})


@route("update_target_group", "PUT", _GROUP)
def update_target_group(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Replace a draft as a whole; a launched group refuses."""
    group = world.group(ask.params)
    if group.status != "draft":
        raise bad_request(f"only a draft can be replaced, the group is {group.status}")
    check = ValueCheck.of_request(ask)
    _may_re_enter(world, check)
    values = _read(check, ask.account_id)
    check.done()
    if values["cpi"] is None or values["pricing_model"] == "rate_card":
        values["cpi"] = _price(values)
    values["cpi"] = world.as_held(values["cpi"])
    for name, value in values.items():
        setattr(group, name, value)
    group.temper = _temper(world.origin.seed, group.id, values)
    group.profiles = from_request(group, group.profiling) if group.profiling else []
    group.assistant_version += 1
    group.updated_at = ask.now
    group.version += 1
    return empty_answer(204, trace_headers(ask))
