"""The intelligent calendar: days in field, holidays, and what it refuses."""

from datetime import date
from typing import Any

import pytest

from dashboard.simulator.catalogue.holidays import holidays_between
from dashboard.simulator.catalogue.places import LOCALES
from tests.simulator.caller import Caller

DAYS = "/demand/intelligent-calendar/suggest-days"
RANGE = "/demand/intelligent-calendar/suggest-time-range"
PLANNED: dict[str, Any] = {
    "locale": "pol_pl",
    "price": {"value": "2.50", "currency_code": "USD"},
    "length_of_interview": 12,
    "incidence_rate": 0.35,
    "completes": 400,
}
AUTUMN = {"start": "2026-10-28T08:00:00.000Z", "end": "2026-11-12T22:00:00.000Z"}


def test_more_completes_need_more_days_and_a_higher_price_fewer(caller: Caller) -> None:
    def days(**changes: Any) -> int:
        return int(caller.post(DAYS, PLANNED | changes)["days"])

    assert days(completes=4000) > days() > days(completes=10) == 1
    assert days(price={"value": "1.20", "currency_code": "USD"}) > days()
    assert days(price={"value": "375", "currency_code": "JPY"}) == days()


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_a_field_that_is_missing_is_named(caller: Caller, name: str) -> None:
    body = {key: value for key, value in PLANNED.items() if key != name}
    answer = caller.post(DAYS, body, expect=400)
    assert answer["invalid_params"][0]["name"].startswith(name)


def test_the_holidays_of_the_dates_are_named(caller: Caller) -> None:
    answer = caller.get(RANGE, locale="pol_pl", **AUTUMN)
    assert answer["timezone"] == "Europe/Warsaw"
    assert [(one["date"], one["name"]) for one in answer["holidays"]] == [
        ("2026-11-01", "All Saints' Day"),
        ("2026-11-11", "Independence Day"),
    ]
    assert all(0 < one["completes_rate"] < 1 for one in answer["holidays"])
    assert answer["start"] == "2026-10-28T07:00:00.000Z"  # 8:00 in Warsaw


def test_a_number_of_days_begins_today(caller: Caller) -> None:
    answer = caller.get(RANGE, locale="jpn_jp", days=10)
    assert answer["start"] < answer["end"]


def test_easter_moves_with_the_year() -> None:
    for year, monday in ((2025, date(2025, 4, 21)), (2026, date(2026, 4, 6))):
        spring = holidays_between("pl", date(year, 3, 1), date(year, 4, 30))
        assert monday in {holiday.day for holiday in spring}


def test_every_country_has_holidays() -> None:
    for place in LOCALES.values():
        assert len(holidays_between(place.country, date(2026, 1, 1), date(2026, 12, 31))) >= 4


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"days": 3, **AUTUMN},
        {"start": AUTUMN["start"]},
        {"days": 0},
        {"days": "many"},
        {"start": "yesterday", "end": AUTUMN["end"]},
        {"start": AUTUMN["end"], "end": AUTUMN["start"]},
        {"start": "0001-01-01T00:00:00.000Z", "end": "9999-01-01T00:00:00.000Z"},
        {"days": 3, "locale": "xxx_xx"},
    ],
)
def test_wrong_dates_are_refused(caller: Caller, query: dict[str, object]) -> None:
    caller.get(RANGE, expect=400, **({"locale": "pol_pl"} | query))
