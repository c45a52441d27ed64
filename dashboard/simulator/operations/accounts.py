"""Accounts, people, business units, the exchange's code lists, and what can be reconciled."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.money import PER_DOLLAR, monetary_amount
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
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    not_found,
    trace_headers,
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


_CENTRAL = ZoneInfo("America/Chicago")
_LAST_DAY = 25  # of the month after the completes
_CENT = Decimal("0.01")


class _Eligible(NamedTuple):
    """A group with its completes of the month that is due, and their cost."""

    group: SimulatedGroup
    completes: int
    cost: Decimal


@route(
    "get_eligible_target_groups",
    "GET",
    "/demand/accounts/{account_id}/reconciliations/eligible-target-groups",
)
def get_eligible_target_groups(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The groups with completes that are due this month or the next; 403 without the feature."""
    if world.reconciliation_status == 403:
        raise Refusal(403, "forbidden_error", "reconciliation is not enabled for the account")
    due = ask.query_value("due_month") or "current_month"
    if due not in ("current_month", "next_month"):
        raise bad_request("the month is unknown", [("due_month", "current_month or next_month")])
    rows = [row for row in _eligible_groups(world, ask, due) if _matches(world, row.group, ask)]
    page, more, cursor = cut_page(ask, rows, lambda row: row.group.id, size=page_size(ask))
    people = {person.id: person for person in ACCOUNTS[ask.account_id].users}
    body: Json = {
        "url": ask.path,
        "has_more": more,
        "page_size": len(page),
        "summary": _summary(rows),
        "target_groups": [
            {
                "target_group_id": row.group.id,
                "name": row.group.name,
                "project_id": row.group.project_id,
                "project_name": world.projects[row.group.project_id].name,
                "status": row.group.status,
                "eligible_completes": str(row.completes),
                "monetary_amount": monetary_amount(row.cost, row.group.currency),
                "project_manager": {
                    "id": row.group.project_manager_id,
                    "name": people[row.group.project_manager_id].name,
                    "email": people[row.group.project_manager_id].email,
                }
                if row.group.project_manager_id in people
                else {},
            }
            for row in page
        ],
    }
    return json_answer(
        body | ({"next_cursor": cursor} if cursor else {}), headers=trace_headers(ask)
    )


def _matches(world: World, group: SimulatedGroup, ask: SimulatedRequest) -> bool:
    """Whether a group passes the filters."""
    name, project = ask.query_value("name") or "", ask.query_value("project_name") or ""
    status, manager = ask.query_value("status"), ask.query_value("project_manager_id")
    return (
        name.lower() in group.name.lower()
        and project.lower() in world.projects[group.project_id].name.lower()
        and status in (None, "", group.status)
        and manager in (None, "", group.project_manager_id)
    )


def _summary(rows: list[_Eligible]) -> Json:
    """All groups together; the contract has one amount, so other currencies are converted."""
    dollars = sum((row.cost / PER_DOLLAR[row.group.currency] for row in rows), Decimal(0))
    return {
        "completes": str(sum(row.completes for row in rows)),
        "target_group_count": str(len(rows)),
        "monetary_amount": monetary_amount(dollars.quantize(_CENT), "USD"),
    }


def _eligible_groups(world: World, ask: SimulatedRequest, due: str) -> list[_Eligible]:
    """The groups of the account with completes of the month, by id."""
    months_back = 1 if due == "current_month" else 0
    today = datetime.fromtimestamp(ask.now / 1000, UTC).astimezone(_CENTRAL)
    if months_back and today.day > _LAST_DAY:
        return []
    begin, end = _month_start(today, months_back), _month_start(today, months_back - 1)
    rows = []
    for group in world.groups.values():
        if group.account_id != ask.account_id or group.hidden or group.status == "draft":
            continue
        figures = figures_of_group(group, ask.now)
        by_end = figures.counts.completes if end > ask.now else _completes_at(group, end)
        completes = min(by_end, figures.counts.completes) - _completes_at(group, begin)
        if completes > 0:
            cost = (figures.average_cpi or Decimal(0)) * completes
            rows.append(_Eligible(group, completes, cost.quantize(_CENT)))
    return sorted(rows, key=lambda row: row.group.id)


def _completes_at(group: SimulatedGroup, moment: int) -> int:
    """The completes by a moment, of a group that is settled."""
    stretch = group.stretch
    if stretch is not None and moment >= stretch.start:
        return group.tally.counts.completes + stretch.outcomes(moment)[0]
    return group.tally.completes_at(moment)


def _month_start(day: datetime, months_back: int) -> int:
    """The start of a month in US Central, counted back from that of a day (ms)."""
    number = day.year * 12 + day.month - 1 - months_back
    start = datetime(number // 12, number % 12 + 1, 1, tzinfo=_CENTRAL)
    return round(start.timestamp() * 1000)
