"""What a person asks the exchange for by looking, over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.exchange.errors import NotFound
from dashboard.fielding.models import BusinessUnit, ExchangeAccount, Project
from dashboard.sync.lookup import on_demand
from tests import factories
from tests.factories import ulid
from tests.fakes.canned_exchange import PM, Exchange

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
