"""What a person asks the exchange for by looking, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from dashboard.exchange.errors import BadAnswer, NotFound
from dashboard.fielding.models import BusinessUnit, ExchangeAccount, Project
from dashboard.sync.lookup import code_lists, on_demand
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import PM, Exchange, Reply, money

pytestmark = pytest.mark.django_db(transaction=True)
ULID = ulid(11)


def tells(exchange: Exchange, *, account_id: int = 101, status: int = 200) -> None:
    """The exchange knows the group, as one of this account."""
    overview = {
        "account_id": account_id,
        "project_id": ulid(1),
        "project_name": "Project 1",
        "target_group_name": "Japan",
        "project_manager_id": PM,
        "progress": {
            "current_completes": 1,
            "current_prescreens": 3,
            "filling_goal": 9,
            "filling_strategy": "completes",
        },
        "status": "live",
        "created_at": "2026-11-06T09:00:00.000Z",
    }
    exchange.on("GET", f"/demand/target-groups/{ULID}/overview", lambda: (status, overview))


def look_up(*accounts: ExchangeAccount) -> on_demand.LookupAnswer:
    return on_demand.group_by_id(ulid=ULID, accounts=accounts)


def test_a_group_of_a_known_project_makes_the_project_due(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    tells(exchange)
    late = timezone.now() + timedelta(hours=1)
    project = factories.project(account, exchange_id=ulid(1), due_at=late, read_at=None)
    match = look_up(account).found
    assert match is not None
    assert (match.project, match.name, match.status) == (project, "Japan", "live")
    due_at = Project.objects.get().due_at
    assert due_at is not None
    assert due_at < late


def test_a_group_of_another_account_of_the_exchange_is_not_there(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    tells(exchange, account_id=999)
    assert look_up(account) == on_demand.LookupAnswer(None, [])


def test_an_account_that_cannot_be_asked_is_named_and_the_next_is_asked(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    down = factories.account(base_url="http://elsewhere.example", requests_per_minute=0)
    tells(exchange)
    answer = look_up(down, account)
    assert [account for account, _ in answer.failed] == [down]
    assert answer.found is not None


def test_a_rate_card_is_read_as_a_table(exchange: Exchange, account: ExchangeAccount) -> None:
    data = {
        "length_of_interview_minutes": [5],
        "incidence_rate_percents": [50],
        "pricing_table_currency_code": "USD",
        "pricing_table_data": [[178]],
    }
    card = {"country_code": "DE", "token": "t", "rate_card_data": data}
    exchange.on("GET", "/business-units/7/rate-card.country_code=de", lambda: (200, card))
    unit = BusinessUnit.objects.create(account=account, exchange_id="7")
    assert on_demand.read_rate_card(unit=unit, country="de")["prices"] == [[178]]
    with pytest.raises(NotFound):
        on_demand.read_rate_card(unit=unit, country="fr")


VALUE: dict[str, Any] = {
    "locale": "eng_us",
    "expected_length_of_interview_minutes": 12,
    "expected_incidence_rate": 0.35,
    "completes_goal": 200,
    "business_unit_id": "7",
    "fielding_specification": {"start_at": "2026-03-01", "end_at": "2026-03-09"},
    "collects_pii": False,
    "pricing_model": "dynamic",
}


@pytest.mark.parametrize(
    ("prices", "goal", "found"),
    [
        ({"min": money("2"), "max": money("4")}, {"min": 0, "max": 9},
         ((Decimal(2), Decimal(4)), (0, 9))),
        ({"min": money("2")}, {"min": 5}, (None, None)),
        ({"max": money("2")}, {"max": 5}, (None, None)),
        (None, None, (None, None)),
    ],
)  # fmt: skip
def test_an_estimate_has_its_ranges_where_both_ends_are_given(
    exchange: Exchange, account: ExchangeAccount, prices: Any, goal: Any, found: tuple[Any, Any]
) -> None:
    body = {
        "suggested_price": money("3.10", "EUR"),
        "suggested_price_range": prices,
        "suggested_completes_goal_range": goal,
    }
    exchange.on("POST", "calculate-feasibility", lambda: (200, body))
    estimate = on_demand.estimate_feasibility(account=account, value=VALUE)
    assert estimate == on_demand.Feasible("EUR", Decimal("3.10"), *found)
    exchange.on("POST", "calculate-feasibility", lambda: (200, body | {"suggested_price": None}))
    with pytest.raises(BadAnswer, match="no price"):
        on_demand.estimate_feasibility(account=account, value=VALUE)


def test_questions_of_the_library_are_profiles_as_a_draft_takes_them(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    ranged = {"object": "range", "question_id": 42, "min": 18, "max": 65, "option": "x"}
    opened = {"object": "open_ended", "question_id": 45}
    chosen = {"object": "option", "question_id": 43, "option": 1}
    targets = [
        {"text": "Men", "text_translated": "Männer", "conditions": [chosen]},
        {"text": "All", "conditions": [ranged, opened]},
        {"text": "None", "conditions": []},
        {"conditions": [chosen]},
    ]
    questions = [
        {"name": "Gender", "description": "", "description_translated": "G", "targets": targets},
        {"name": "Nothing to choose", "targets": [{"text": "None"}]},
    ]
    exchange.on("GET", "questions-translation", lambda: (200, {"profiles": questions}))
    option = {"object": "option", "question_id": 43, "option": "1"}
    found = on_demand.find_questions(account=account, locale="ger_de", ids=[42, 43])
    assert found == [
        {
            "name": "Gender",
            "description_translated": "G",
            "object": "regular",
            "quotas_enabled": False,
            "targets": [
                {"text": "Männer", "object": "nominal", "conditions": [option]},
                {
                    "text": "All",
                    "object": "nominal",
                    "conditions": [
                        {"object": "range", "question_id": 42, "min": 18, "max": 65},
                        opened | {"allow_all_values": True, "open_ended_values": None},
                    ],
                },
                {"object": "nominal", "conditions": [option]},
            ],
        }
    ]
    assert "id=42%2C43" in exchange.log[-1][1]


def test_accounts_are_asked_in_turn_until_one_has_the_group(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    tells(exchange)
    other = factories.account(base_url=exchange.url, requests_per_minute=0, exchange_id="102")
    down = factories.account(base_url="http://elsewhere.example", requests_per_minute=0)
    answer = on_demand.group_by_id(ulid=ULID, accounts=[other, down, account, down], now=NOW)
    assert answer.found == on_demand.LookupMatches(account, None, "Japan", "Project 1", "live")
    assert [failed for failed, _ in answer.failed] == [down]
    for status, failures in ((404, 0), (403, 0), (400, 2)):
        tells(exchange, status=status)
        answer = look_up(other, account)
        assert (answer.found, len(answer.failed)) == (None, failures)


def clients_page(rows: list[dict[str, Any]]) -> Callable[[], Reply]:
    return lambda: (200, {"clients": rows})


def test_the_lists_of_a_draft_are_in_order_and_requested_once(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    cache.clear()
    countries = [
        {"country": {"code": "US", "name": "united States"}, "languages": [
            {"code": "SPA", "name": "Spanish"},
            {"code": "ENG", "name": "English", "is_preferred": True},
            {"name": "no code"},
        ]},
        {"country": {"code": "de"}, "languages": [{"code": "ger"}]},
        {"country": {"name": "Nowhere"}, "languages": [{"code": "x"}]},
        {"languages": [{"code": "y"}]},
        {"country": {"code": "at", "name": "Austria"}, "languages": [{"code": "ger"}]},
    ]  # fmt: skip
    codes = [
        {"code": "b", "name": "zebra"},
        {"name": "no code"},
        {"code": "c"},
        {"code": "a", "name": "Ant"},
    ]
    pages: list[list[dict[str, Any]]] = [
        [{"id": n, "name": f"C{n:03}"} for n in range(100)],
        [{"id": 7}],
        [],
    ]
    exchange.on("GET", "/locales", lambda: (200, {"locales": countries}))
    exchange.on("GET", "/study-types", lambda: (200, {"study_types": codes}))
    exchange.on("GET", "/industries", lambda: (403, {}))
    exchange.on("GET", "/industry-lockouts", lambda: (200, {"industry_lockouts": []}))
    for number, page in enumerate(pages):
        exchange.on("GET", f"/clients.*page_number={number}", clients_page(page))
    assert code_lists.cached_names(account) == code_lists.CachedNames({}, was_tried=False)
    lists = code_lists.lists_of_account(account)
    assert lists.locales == [
        ("ger_at", "Austria, ger"),
        ("ger_de", "DE, ger"),
        ("eng_us", "united States, English"),
        ("spa_us", "united States, Spanish"),
    ]
    assert lists.study_types == [("a", "Ant"), ("c", "c"), ("b", "zebra")]
    assert (lists.industries, lists.lockouts) == ([], [])
    assert lists.clients[:2] == [("7", "7"), ("0", "C000")]
    assert (len(lists.clients), exchange.asked("/clients")) == (101, 2)
    assert exchange.asked("page_number=0") == exchange.asked("page_size=100") - 1 == 1
    assert code_lists.lists_of_account(account) == lists
    assert (exchange.asked("/locales"), exchange.asked("/industries")) == (1, 2)
    assert code_lists.client_names(account)["0"] == "C000"
    cached = code_lists.cached_names(account)
    assert (sorted(cached.lists), cached.was_tried) == (
        ["clients", "lockouts", "study_types"],
        False,
    )
    assert code_lists.read_names(account, ["study_types"]) == {
        "study_types": {"a": "Ant", "c": "c", "b": "zebra"}
    }
    assert code_lists.cached_names(account).was_tried is True


def test_without_an_address_that_may_be_asked_every_list_is_empty(db: None) -> None:
    cache.clear()
    account = factories.account(base_url="http://elsewhere.example")
    assert code_lists.lists_of_account(account) == code_lists.Lists()
    assert code_lists.client_names(account) == {}
    assert code_lists.read_names(account, ["clients"]) == {}
    assert code_lists.cached_names(account).was_tried is True
