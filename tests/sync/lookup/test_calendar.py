"""The exchange's calendar as a person asks for it, over real HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    BadAnswer,
    HostRefused,
    NotOffered,
    RateLimited,
    Unavailable,
)
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.fielding.series.holidays import NO_CALENDAR, GroupCalendar, Holiday
from dashboard.sync.lookup import calendar
from dashboard.sync.lookup.calendar import DaysInField, FieldTime, LocalHolidays
from tests import factories
from tests.contract import validate
from tests.fakes.canned_exchange import Exchange, Reply

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)
START, END = datetime(2026, 10, 28, 8, tzinfo=UTC), datetime(2026, 11, 6, 17, tzinfo=UTC)
PRICE = calendar.PlannedPrice(Decimal("2.50"), "USD", 12, 0.35, 400)
DAYS, RANGE = "/suggest-days", "/suggest-time-range"
HOLIDAYS: dict[str, Any] = {
    "start": "2026-10-28T07:00:00.000Z",
    "end": "2026-11-06T21:00:00.000Z",
    "holidays": [
        {
            "date": "2026-11-01",
            "name": "All Saints' Day",
            "respondent_rate": 0.7,
            "completes_rate": 0.65,
        }
    ],
    "timezone": "Europe/Warsaw",
}
SAINTS = Holiday(date(2026, 11, 1), "All Saints' Day", 0.65)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def serve(
    exchange: Exchange, *, days: Reply = (200, {"days": 7}), holidays: Reply = (200, HOLIDAYS)
) -> None:
    exchange.on("POST", DAYS, lambda: days)
    exchange.on("GET", RANGE, lambda: holidays)


def client_of(exchange: Exchange, policy: GatePolicy | None = None) -> ExchangeClient:
    """A client that gives up soon, behind a gate of its own."""
    return ExchangeClient(
        account_id="101",
        auth=ApiKey("key"),
        base_url=exchange.url,
        gate=LocalGate(policy),
        allowed_hosts=["127.0.0.1:*"],
        timeout=1.0,
    )


def read(
    exchange: Exchange,
    account: ExchangeAccount,
    *,
    policy: GatePolicy | None = None,
    **more: Any,
) -> FieldTime:
    asked = {"locale": "pol_pl", "start": START, "end": END, "price": PRICE, "now": NOW}
    return calendar.read_field_time(
        account=account, client=client_of(exchange, policy), **{**asked, **more}
    )


def counts(exchange: Exchange) -> tuple[int, int]:
    return exchange.asked(DAYS, "POST"), exchange.asked(RANGE)


def test_days_and_holidays_are_read(exchange: Exchange, account: ExchangeAccount) -> None:
    validate.validate_response("suggest_time_range", 200, HOLIDAYS)
    serve(exchange)
    assert read(exchange, account) == FieldTime(DaysInField(7, NOW), LocalHolidays((SAINTS,), NOW))


def test_both_are_cached_with_the_time_of_their_reading(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    serve(exchange)
    first = read(exchange, account)
    assert read(exchange, account, now=NOW + timedelta(hours=5)) == first
    assert counts(exchange) == (1, 1)


def test_another_draft_is_another_question(exchange: Exchange, account: ExchangeAccount) -> None:
    serve(exchange)
    read(exchange, account)
    read(exchange, account, end=END + timedelta(days=1))
    read(exchange, account, locale="ger_de")
    yen = calendar.PlannedPrice(Decimal(375), "JPY", 12, 0.35, 400)
    read(exchange, account, price=yen)
    assert counts(exchange) == (3, 3)


def test_without_a_price_only_holidays_are_read(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    serve(exchange)
    answer = read(exchange, account, price=None)
    assert answer.days is None
    assert counts(exchange) == (0, 1)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_account_without_the_calendar_is_asked_once_an_hour(
    exchange: Exchange, account: ExchangeAccount, status: int
) -> None:
    serve(exchange, days=(status, {}), holidays=(status, {}))
    for locale in ("pol_pl", "ger_de"):
        answer = read(exchange, account, locale=locale)
        assert isinstance(answer.days, NotOffered)
        assert isinstance(answer.holidays, NotOffered)
        assert str(answer.holidays) == calendar.NOT_OFFERED
    assert counts(exchange) == (1, 1)


def test_one_question_does_not_need_the_other(exchange: Exchange, account: ExchangeAccount) -> None:
    serve(exchange, days=(500, {}))
    answer = read(exchange, account)
    assert isinstance(answer.days, Unavailable)
    assert answer.holidays == LocalHolidays((SAINTS,), NOW)
    serve(exchange, days=(200, {"days": 3}))
    assert read(exchange, account).days == DaysInField(3, NOW)  # a failure is not cached


@pytest.mark.parametrize("body", [{}, {"days": 0}, {"days": "soon"}, {"days": 99999}, [], "{"])
def test_garbage_is_no_number_of_days(
    exchange: Exchange, account: ExchangeAccount, body: object
) -> None:
    serve(exchange, days=(200, body))
    assert isinstance(read(exchange, account).days, BadAnswer)


@pytest.mark.parametrize("body", [{}, {"holidays": []}, {"start": "soon"}, [], "<html>"])
def test_garbage_is_no_calendar(exchange: Exchange, account: ExchangeAccount, body: object) -> None:
    serve(exchange, holidays=(200, body))
    assert isinstance(read(exchange, account).holidays, BadAnswer)


def test_garbage_among_the_holidays_costs_only_itself(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    holidays = [
        {"date": "2026-11-11", "name": "Independence\0  Day", "completes_rate": -4},
        *HOLIDAYS["holidays"],
        *HOLIDAYS["holidays"],
        {"date": "31 October", "name": "Halloween"},
        {"date": "2026-11-02"},
        {"name": "Nowhen"},
        7,
    ]
    serve(exchange, holidays=(200, HOLIDAYS | {"holidays": holidays}))
    answer = read(exchange, account).holidays
    assert isinstance(answer, LocalHolidays)
    assert [(each.day.day, each.completes_rate) for each in answer.holidays] == [
        (1, 0.65),
        (11, None),
    ]


def test_a_spent_budget_is_an_error_that_passes(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    serve(exchange)
    answer = read(exchange, account, policy=GatePolicy(requests_per_minute=1))
    assert isinstance(answer.holidays, LocalHolidays)
    assert isinstance(answer.days, RateLimited)
    assert counts(exchange) == (0, 1)


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    """A group in Poland at 2.50 USD that ends on 28 October and misses 100 completes."""
    return factories.group(
        factories.project(account),
        locale="pol_pl",
        cpi=Decimal("2.50"),
        ends_at=START,
        expected_loi_minutes=12,
        expected_incidence_rate=0.35,
    )


def test_a_group_is_asked_about_once_until_four_weeks_after_its_end(
    exchange: Exchange, group: TargetGroup
) -> None:
    serve(exchange)
    assert calendar.stored_group_calendar(group) == NO_CALENDAR
    read = calendar.read_group_calendar(group, client=client_of(exchange), now=NOW)
    assert read == GroupCalendar((SAINTS,), 7, 100, is_read=True)
    (asked,) = (path for _, path in exchange.log if RANGE in path)
    assert "start=2026-10-20T00" in asked
    assert "end=2026-11-26T00" in asked
    group.completes = 120
    assert calendar.stored_group_calendar(group) == read
    assert calendar.read_group_calendar(group, client=client_of(exchange), now=NOW) == read
    assert counts(exchange) == (1, 1)
    group.cpi = Decimal("2.60")
    assert calendar.stored_group_calendar(group) == NO_CALENDAR


@pytest.mark.parametrize(
    ("reply", "asked"),
    [((403, {}), (1, 1)), ((503, {}), (2, 2))],
    ids=["not offered", "out of order"],
)
def test_a_calendar_that_cannot_be_read_is_missing(
    exchange: Exchange, group: TargetGroup, reply: Reply, asked: tuple[int, int]
) -> None:
    serve(exchange, days=reply, holidays=reply)
    for _ in range(2):
        read = calendar.read_group_calendar(group, client=client_of(exchange), now=NOW)
        assert read == GroupCalendar(completes=100, is_read=True)
    assert counts(exchange) >= asked
    assert calendar.stored_group_calendar(group).is_read == (reply[0] == 403)


def test_a_group_without_a_locale_or_end_date_is_not_asked_about(
    exchange: Exchange, group: TargetGroup
) -> None:
    for name, value in (("locale", ""), ("ends_at", None)):
        kept = getattr(group, name)
        setattr(group, name, value)
        assert calendar.read_group_calendar(group, now=NOW) == NO_CALENDAR
        setattr(group, name, kept)
    assert counts(exchange) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "completes"),
    [
        ({}, 100),
        ({"completes": None}, 200),
        ({"completes": 199}, 1),
        ({"completes": 200}, None),
        ({"completes": 201}, None),
        ({"filling_goal": None, "completes_goal": None}, None),
        ({"pricing_model": "rate_card"}, None),
        ({"cpi": None}, None),
        ({"cpi": Decimal(0)}, None),
        ({"expected_loi_minutes": None}, None),
        ({"expected_loi_minutes": 45}, 100),
        ({"expected_loi_minutes": 46}, None),
        ({"expected_incidence_rate": None}, None),
        ({"expected_incidence_rate": 0.0}, None),
    ],
)
def test_days_are_asked_for_the_completes_that_a_group_misses_if_it_has_all_that_a_request_needs(
    exchange: Exchange, group: TargetGroup, fields: dict[str, Any], completes: int | None
) -> None:
    serve(exchange)
    for name, value in fields.items():
        setattr(group, name, value)
    read = calendar.read_group_calendar(group, client=client_of(exchange), now=NOW)
    assert read == GroupCalendar((SAINTS,), 7 if completes else None, completes or 0, is_read=True)
    assert counts(exchange) == (1 if completes else 0, 1)


@pytest.mark.parametrize(
    ("ends_at", "end"),
    [
        (NOW - timedelta(days=9), "2026-11-18"),
        (NOW.replace(hour=0), "2026-11-18"),
        (NOW + timedelta(days=2, hours=11), "2026-11-20"),
    ],
)
def test_holidays_are_asked_for_from_today_even_after_the_end_of_a_group(
    exchange: Exchange, group: TargetGroup, ends_at: datetime, end: str
) -> None:
    serve(exchange)
    group.ends_at = ends_at
    now = NOW.replace(minute=5, second=7, microsecond=9)
    calendar.read_group_calendar(group, client=client_of(exchange), now=now)
    (asked,) = (path for _, path in exchange.log if RANGE in path)
    assert f"start=2026-10-20T00%3A00%3A00.000Z&end={end}T00%3A00%3A00.000Z" in asked


def test_holidays_have_a_short_name_and_a_rate_that_can_be_true(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    rows = [
        {"date": "2026-11-03T00:00:00Z", "name": "x" * 81, "completes_rate": 10},
        {"date": "soon", "name": "Never"},
        {"date": "2026-11-02", "name": " All  Souls ", "completes_rate": 0},
        {"date": "2026-11-02", "name": "Another", "completes_rate": 10.1},
        {"date": "2026-11-02", "name": "No rate"},
        {"date": "2026-11-02", "name": " "},
    ]
    serve(exchange, holidays=(200, HOLIDAYS | {"holidays": rows}))
    answer = read(exchange, account, price=None).holidays
    assert isinstance(answer, LocalHolidays)
    assert answer.holidays == (
        Holiday(date(2026, 11, 2), "All Souls", 0.0),
        Holiday(date(2026, 11, 2), "Another", None),
        Holiday(date(2026, 11, 2), "No rate", None),
        Holiday(date(2026, 11, 3), "x" * 80, 10.0),
    )


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        ({"start": HOLIDAYS["start"]}, True),
        ({"end": HOLIDAYS["end"]}, True),
        ({"holidays": HOLIDAYS["holidays"]}, True),
        ({"timezone": "Europe/Warsaw"}, False),
    ],
)
def test_a_calendar_says_at_least_one_thing(
    exchange: Exchange, account: ExchangeAccount, body: dict[str, Any], is_read: bool
) -> None:
    serve(exchange, holidays=(200, body))
    answer = read(exchange, account, price=None).holidays
    assert isinstance(answer, LocalHolidays) is is_read


@pytest.mark.parametrize(("days", "is_read"), [(1, True), (3650, True), (3651, False)])
def test_up_to_ten_years_are_a_number_of_days(
    exchange: Exchange, account: ExchangeAccount, days: int, is_read: bool
) -> None:
    serve(exchange, days=(200, {"days": days}))
    answer = read(exchange, account).days
    assert (answer == DaysInField(days, NOW)) is is_read


def test_an_address_that_is_not_allowed_is_the_error_of_both_questions(db: None) -> None:
    account = factories.account(base_url="http://elsewhere.example")
    asked: dict[str, Any] = {"account": account, "locale": "pol_pl", "start": START, "end": END}
    answer = calendar.read_field_time(**asked, price=PRICE)
    assert isinstance(answer.days, HostRefused)
    assert answer.days is answer.holidays
    assert calendar.read_field_time(**asked).days is None
