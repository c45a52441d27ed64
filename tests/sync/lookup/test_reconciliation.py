"""Completes that can still be reconciled, as a person asks for them, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.lookup.reconciliation import Eligibility, due_dates, read_eligibility
from tests.contract import validate
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, money

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/demand/accounts/101/reconciliations/eligible-target-groups"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOVEMBER_END = datetime(2026, 11, 26, 6, tzinfo=UTC)  # midnight in Chicago
DECEMBER_END = datetime(2026, 12, 26, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def row(number: int, completes: str, **fields: Any) -> dict[str, Any]:
    return {
        "target_group_id": ulid(number),
        "name": f"Group {number}",
        "project_id": ulid(1),
        "project_name": "Project 1",
        "eligible_completes": completes,
        "monetary_amount": money("12.5000", "EUR"),
    } | fields


def answers(exchange: Exchange, *rows: dict[str, Any], status: int = 200) -> None:
    """The exchange lists these for this month, and none for the next."""
    body = {"target_groups": list(rows), "has_more": False, "page_size": 10}
    validate.validate_response("get_eligible_target_groups", 200, body)
    empty = {"target_groups": [], "has_more": False}
    exchange.special.clear()
    exchange.on("GET", f"{PATH}.*due_month=current_month", lambda: (status, body))
    exchange.on("GET", f"{PATH}.*due_month=next_month", lambda: (status, empty))


def count_requests(exchange: Exchange) -> int:
    return sum(PATH in path for _, path in exchange.log)


def test_each_group_has_its_completes_cost_and_deadline(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"), row(12, "0"), row(13, "many"))
    result = read_eligibility(account, now=NOW)
    (group,) = result.groups
    assert (group.exchange_id, group.completes, group.cost, group.currency) == (
        ulid(11),
        40,
        Decimal("12.5000"),
        "EUR",
    )
    assert (group.name, group.project_name) == ("Group 11", "Project 1")
    assert group.until == NOVEMBER_END
    assert (result.read_at, result.trouble, result.reason) == (NOW, "", "")


def test_what_cint_does_not_say_of_a_group_is_left_empty(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    said = ("target_group_id", "eligible_completes")
    answers(exchange, {name: row(11, "40")[name] for name in said})
    (group,) = read_eligibility(account, now=NOW).groups
    assert (group.name, group.project_name, group.cost, group.currency) == ("", "", None, "")


def test_an_answer_is_asked_for_again_only_after_half_an_hour_or_on_demand(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"))
    read_eligibility(account, now=NOW)
    asked = count_requests(exchange)
    later = read_eligibility(account, now=NOW + timedelta(minutes=29))
    assert (later.read_at, count_requests(exchange)) == (NOW, asked)
    again = read_eligibility(account, now=NOW + timedelta(minutes=29), again=True)
    assert again.read_at == NOW + timedelta(minutes=29)
    half_an_hour_later = NOW + timedelta(minutes=59)
    assert read_eligibility(account, now=half_an_hour_later).read_at == half_an_hour_later


def test_an_account_without_the_feature_is_no_error(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, status=403)
    result = read_eligibility(account, now=NOW)
    assert (result.trouble, result.groups) == ("not offered", [])
    asked = count_requests(exchange)
    assert read_eligibility(account, now=NOW).trouble == "not offered"
    assert count_requests(exchange) == asked


def test_an_error_shows_the_last_answer_with_its_age(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"))
    read_eligibility(account, now=NOW)
    answers(exchange, status=400)
    result = read_eligibility(account, now=NOW + timedelta(hours=2))
    assert (result.trouble, result.read_at, len(result.groups)) == ("error", NOW, 1)
    assert result.reason


def test_an_error_without_an_earlier_answer_has_no_groups(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, status=400)
    result = read_eligibility(account, now=NOW)
    assert result == Eligibility(trouble="error", reason=result.reason)


def test_what_is_past_its_deadline_is_left_out(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"))
    just_before = NOVEMBER_END - timedelta(minutes=1)
    assert len(read_eligibility(account, now=just_before).groups) == 1
    assert read_eligibility(account, now=NOVEMBER_END + timedelta(minutes=1)).groups == []


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (NOW, [NOVEMBER_END, DECEMBER_END]),
        (datetime(2026, 11, 29, tzinfo=UTC), [DECEMBER_END]),
        # The last evening of November in Chicago, when it is December in UTC already.
        (datetime(2026, 12, 1, 2, tzinfo=UTC), [DECEMBER_END]),
        (
            datetime(2026, 12, 1, 7, tzinfo=UTC),
            [DECEMBER_END, datetime(2027, 1, 26, 6, tzinfo=UTC)],
        ),
        (
            datetime(2026, 3, 2, tzinfo=UTC),
            [datetime(2026, 3, 26, 5, tzinfo=UTC), datetime(2026, 4, 26, 5, tzinfo=UTC)],
        ),
    ],
)
def test_deadlines_are_the_ends_of_the_25th_in_us_central(
    now: datetime, ends: list[datetime]
) -> None:
    assert list(due_dates(now).values()) == ends


def test_an_answer_is_fresh_for_half_an_hour_and_no_longer(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"))
    read_eligibility(account, now=NOW)
    for minutes, read_at in ((29.9, NOW), (30, NOW + timedelta(minutes=30))):
        later = read_eligibility(account, now=NOW + timedelta(minutes=minutes))
        assert later.read_at == read_at


@pytest.mark.parametrize(("status", "can_retry"), [(400, False), (401, False), (500, True)])
def test_an_error_says_whether_waiting_helps(
    exchange: Exchange, account: ExchangeAccount, settings: Any, status: int, can_retry: bool
) -> None:
    settings.EXCHANGE_TIMEOUT_SECONDS = 0.3
    answers(exchange, status=403)
    read_eligibility(account, now=NOW)
    answers(exchange, status=status)
    result = read_eligibility(account, now=NOW + timedelta(hours=1))
    assert result == Eligibility((), None, "error", result.reason, can_retry)


def test_a_list_with_items_that_cannot_be_read_says_how_many(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    bad = [{"name": "no id"}, {"name": "nor this"}]
    body = {"target_groups": [bad[0], row(11, "40"), bad[1]], "has_more": False}
    more = {"target_groups": [row(12, "5")], "has_more": True}
    exchange.on("GET", f"{PATH}.*due_month=current_month", lambda: (200, body))
    exchange.on("GET", f"{PATH}.*due_month=next_month", lambda: (200, body))
    result = read_eligibility(account, now=NOW)
    assert result.reason == "2 groups of Cint's list could not be read"
    assert [group.until for group in result.groups] == [NOVEMBER_END, DECEMBER_END]
    exchange.on("GET", f"{PATH}.*due_month=next_month", lambda: (200, more))
    result = read_eligibility(account, now=NOW, again=True)
    assert result.reason == "2 groups of Cint's list could not be read"
    assert [group.completes for group in result.groups] == [40, 5]
    exchange.on("GET", f"{PATH}.*due_month=current_month", lambda: (200, more))
    reason = "Cint says that there are more pages but gives no cursor"
    assert read_eligibility(account, now=NOW, again=True).reason == reason


def test_a_group_is_left_out_from_its_deadline_on(
    exchange: Exchange, account: ExchangeAccount
) -> None:
    answers(exchange, row(11, "40"))
    read_eligibility(account, now=NOVEMBER_END - timedelta(minutes=2))
    for seconds, number in ((-1, 1), (0, 0)):
        at = NOVEMBER_END + timedelta(seconds=seconds)
        assert len(read_eligibility(account, now=at).groups) == number
    assert list(due_dates(NOVEMBER_END)) == ["next_month"]
    assert list(due_dates(NOVEMBER_END - timedelta(seconds=1))) == ["current_month", "next_month"]
