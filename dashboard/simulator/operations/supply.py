"""Supply: allocations to suppliers, and rate cards."""

from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue import rate_cards
from dashboard.simulator.catalogue.people import business_unit
from dashboard.simulator.catalogue.places import LOCALES, SUPPLIERS
from dashboard.simulator.catalogue.quota_fill import split_total
from dashboard.simulator.catalogue.seeded_random import seed_of
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import SimulatedFigures, figures_of_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    not_found,
    trace_headers,
)
from dashboard.simulator.world.world import World

_GROUP = "/demand/accounts/{account_id}/projects/{project_id}/target-groups/{target_group_id}"


_NAMES = {str(number): name for number, _code, name in SUPPLIERS}


def named_supplier(supplier_id: object) -> Json:
    """A supplier by its id, given as number or text."""
    text = str(supplier_id)
    number = int(text) if text.isascii() and text.isdigit() else 0
    return {"id": number, "name": _NAMES.get(text, f"Supplier {text}")}


def shown_allocations(allocations: Json, group_id: str) -> Json:
    """Allocations of a draft as the contract shows them."""
    opened = allocations.get("open_exchange_allocations") or {}
    private = allocations.get("private_exchange_allocations") or {}
    blocked = [str(i) for i in opened.get("blocked_supplier_ids") or []]
    groups = list(enumerate(opened.get("groups") or []))
    grouped = {str(i) for _n, g in groups for i in g.get("suppliers") or []}
    free = [i for i in _NAMES if i not in blocked and i not in grouped]
    return {
        "open_exchange_allocations": {
            "blocked_suppliers": [named_supplier(i) for i in blocked],
            "exchange_suppliers": [named_supplier(i) for i in free],
            "exchange_min_percentage": opened.get("exchange_min_percentage", 0),
            "exchange_max_percentage": opened.get("exchange_max_percentage", 100),
            "groups": [
                _group_of(g, f"{group_id}-{n}")
                | {"suppliers": [named_supplier(i) for i in g.get("suppliers") or []]}
                for n, g in groups
            ],
        },
        "private_exchange_allocations": {
            "blocked_suppliers": [
                named_supplier(i) for i in private.get("blocked_supplier_ids") or []
            ],
            "groups": [
                _group_of(g, f"{group_id}-p{n}")
                | {"supplier": named_supplier(g.get("supplier_id", 0))}
                for n, g in enumerate(private.get("groups") or [])
            ],
        },
    }


def _group_of(allocation: Json, group_id: str) -> Json:
    return {
        "group_id": str(allocation.get("group_id") or group_id),
        "group_name": str(allocation.get("group_name") or "Group"),
        "min_percentage": allocation.get("min_percentage", 0),
        "max_percentage": allocation.get("max_percentage", 100),
    }


@route("get_target_group_allocation_specification", "GET", f"{_GROUP}/allocation-specification")
def get_target_group_allocation_specification(
    world: World, ask: SimulatedRequest
) -> SimulatedAnswer:
    """Who delivers to the group, and how much each delivered."""
    group = world.group(ask.params)
    body = shown_allocations(group.allocations, group.id)
    _count_suppliers(group, body, figures_of_group(group, ask.now))
    return json_answer(body, headers=trace_headers(ask))


def _count_suppliers(group: SimulatedGroup, body: Json, figures: SimulatedFigures) -> None:
    opened = body["open_exchange_allocations"]
    suppliers = [s for part in opened["groups"] for s in part["suppliers"]]
    suppliers += opened["exchange_suppliers"]
    weights = [1.0 + seed_of(group.id, s["id"]) % 9 for s in suppliers]
    completes = split_total(figures.counts.completes, weights)
    prescreens = split_total(figures.counts.prescreens, weights)
    for supplier, done, entered in zip(suppliers, completes, prescreens, strict=True):
        supplier["completes"], supplier["pre_screens"] = done, entered
    for part in opened["groups"]:
        done = sum(s["completes"] for s in part["suppliers"])
        entered = sum(s["pre_screens"] for s in part["suppliers"])
        maximum = group.filling_goal * part["max_percentage"] // 100
        part["completes"], part["prescreens"] = done, entered
        part["total_remaining"] = max(0, maximum - done)
        part["conversion_rate"] = round(min(1, done / entered), 4) if entered else 0.0


@route(
    "get_rate_card",
    "GET",
    "/demand/accounts/{account_id}/business-units/{business_unit_id}/rate-card",
)
def get_rate_card(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The card of a business unit for a country."""
    unit = business_unit(ask.account_id, ask.params["business_unit_id"])
    country = (ask.query_value("country_code") or "").lower()
    if not country:
        raise bad_request("the country is missing", [("country_code", "is required")])
    if unit is None or "rate_card" not in unit.pricing_models:
        raise not_found("a rate card of the business unit")
    if country not in {place.country for place in LOCALES.values()}:
        raise not_found("a rate card for the country")
    body = {
        "country_code": country,
        "token": rate_cards.edition_name(unit.currency, country, 1),
        "rate_card_data": rate_cards.card_of_country(unit.currency, country),
    }
    return json_answer(body)


@route("get_target_group_rate_card", "GET", f"{_GROUP}/rate-card")
def get_target_group_rate_card(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The group's card: predicted until it was first live, then bound."""
    group = world.group(ask.params)
    unit = business_unit(group.account_id, group.business_unit_id)
    if unit is None or "rate_card" not in unit.pricing_models:
        raise not_found("a rate card of the target group")
    figures_of_group(group, ask.now)
    country = group.locale.country
    kind = "predicted" if group.first_live is None else "bound"
    body = {
        "country_code": country,
        f"{kind}_rate_card_token": rate_cards.edition_name(group.currency, country, 1),
        f"{kind}_rate_card": rate_cards.card_of_country(group.currency, country),
    }
    return json_answer(body)
