"""Accounts, people, business units and the exchange's code lists."""

from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.people import ACCOUNTS, Person
from dashboard.simulator.catalogue.places import (
    CLIENTS,
    COUNTRY_NUMBERS,
    INDUSTRIES,
    LOCALES,
    LOCKOUTS,
    STUDY_TYPES,
    SUPPLIERS,
)
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    not_found,
)
from dashboard.simulator.world.world import World


@route("get_user_accounts", "GET", "/accounts")
def get_user_accounts(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Every account: the simulated credentials may see both."""
    return json_answer({"accounts": [{"id": a.id, "name": a.name} for a in ACCOUNTS.values()]})


def _people(people: tuple[Person, ...]) -> SimulatedAnswer:
    return json_answer({"users": [{"id": p.id, "name": p.name, "email": p.email} for p in people]})


def _check_type(ask: SimulatedRequest) -> None:
    if ask.query_value("user_type") not in (None, "project_manager"):
        raise bad_request("the user type is unknown", [("user_type", "must be project_manager")])


@route("get_account_users", "GET", "/accounts/{account_id}/users")
def get_account_users(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The people of the account."""
    _check_type(ask)
    return _people(ACCOUNTS[ask.account_id].users)


@route("get_account_service_clients", "GET", "/accounts/{account_id}/service-clients")
def get_account_service_clients(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The machines of the account."""
    _check_type(ask)
    return _people(ACCOUNTS[ask.account_id].service_clients)


@route(
    "get_user_account_business_unit_id",
    "GET",
    "/accounts/{account_id}/users/{user_id}/business-units",
)
def get_user_business_unit(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The business unit in which a person works."""
    account = ACCOUNTS[ask.account_id]
    ids = [person.id for person in (*account.users, *account.service_clients)]
    if ask.params["user_id"] not in ids:
        raise not_found("the user")
    place = ids.index(ask.params["user_id"]) % len(account.business_units)
    return json_answer({"business_unit_id": account.business_units[place].id})


@route("get_business_units", "GET", "/accounts/{account_id}/business-units")
def get_business_units(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The business units of the account with their currencies."""
    units = [
        {
            "id": unit.id,
            "name": unit.name,
            "currency_code": unit.currency,
            "pricing_models": list(unit.pricing_models),
        }
        for unit in ACCOUNTS[ask.account_id].business_units
    ]
    return json_answer({"business_units": units})


@route("get_clients", "GET", "/accounts/{account_id}/clients")
def get_clients(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The clients of the account, by page number from 0."""
    size, number = ask.query_value("page_size") or "10", ask.query_value("page_number") or "0"
    if not (size.isdigit() and number.isdigit() and 1 <= int(size) <= 100):
        raise bad_request("the page is out of range", [("page_size", "must be from 1 to 100")])
    first = int(size) * int(number)
    shown = CLIENTS[first : first + int(size)] if ask.account_id == 101 else ()
    return json_answer({"clients": [{"id": i, "name": n} for i, n in shown]})


def _codes(rows: tuple[tuple[str, str], ...]) -> list[Json]:
    return [{"id": i + 1, "code": code, "name": name} for i, (code, name) in enumerate(rows)]


@route("get_countries", "GET", "/countries")
def get_countries(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Countries in which the simulated exchange has respondents."""
    names = {place.country: place.country_name for place in LOCALES.values()}
    rows = [
        {"id": COUNTRY_NUMBERS[code], "code": code.upper(), "name": name}
        for code, name in names.items()
    ]
    return json_answer({"countries": rows})


@route("get_locales", "GET", "/locales")
def get_locales(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Countries with their languages."""
    rows: dict[str, Json] = {}
    for place in LOCALES.values():
        country = {"code": place.country, "name": place.country_name}
        entry = rows.setdefault(place.country, {"country": country, "languages": []})
        entry["languages"].append(
            {
                "is_preferred": not entry["languages"],
                "name": place.language_name,
                "code": place.language,
            }
        )
    return json_answer({"locales": list(rows.values())})


@route("get_industries", "GET", "/industries")
def get_industries(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Industries by code."""
    return json_answer({"industries": _codes(INDUSTRIES)})


@route("get_industry_lockouts", "GET", "/industry-lockouts")
def get_industry_lockouts(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Industries whose recent respondents can be kept out."""
    return json_answer({"industry_lockouts": _codes(LOCKOUTS)})


@route("get_study_types", "GET", "/study-types")
def get_study_types(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Kinds of study."""
    return json_answer({"study_types": _codes(STUDY_TYPES)})


@route("get_suppliers", "GET", "/suppliers")
def get_suppliers(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """Suppliers of respondents."""
    return json_answer({"suppliers": [{"id": i, "code": c, "name": n} for i, c, n in SUPPLIERS]})


@route("get_integration_use_cases", "GET", "/integration-use-cases")
def get_integration_use_cases(_world: World, _ask: SimulatedRequest) -> SimulatedAnswer:
    """What an integration may be used for."""
    return json_answer(
        {
            "integration_use_cases": [
                {"id": "fielding", "name": "Fielding", "description": "Watch and steer fieldwork"},
                {"id": "setup", "name": "Set-up", "description": "Make projects and groups"},
            ]
        }
    )
