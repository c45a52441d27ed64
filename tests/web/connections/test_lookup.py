"""What is asked of the exchange by looking: an id that we do not know, and rate cards."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.exchange.errors import Forbidden, TimedOut
from dashboard.fielding.models import BusinessUnit, ExchangeAccount
from dashboard.sync.lookup.on_demand import LookupMatches
from dashboard.web.formatting import labels
from dashboard.web.formatting.glossary import GLOSSARY
from tests import factories
from tests.fakes.edit_gateway import FakeExchange

pytestmark = pytest.mark.django_db
ULID = "01M6SXXEZ0WZ5Y56T31XKB77E2"


@pytest.fixture
def account(exchange: FakeExchange) -> ExchangeAccount:
    return factories.account(name="main")


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account))
    return client


@pytest.fixture
def unit(account: ExchangeAccount) -> BusinessUnit:
    return BusinessUnit.objects.create(account=account, exchange_id="7", name="US", currency="USD")


def searched(viewer: Client, text: str) -> str:
    return viewer.get("/search/", {"q": text}).content.decode()


def test_an_unknown_ulid_is_found_on_the_exchange(
    viewer: Client, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    project = factories.project(account, name="Tracker")
    exchange.known[ULID] = LookupMatches(account, project, "<b>Japan", "Tracker", "live")
    page = searched(viewer, ULID.lower())
    for said in ("Found on Cint", "&lt;b&gt;Japan", f"/projects/{project.pk}/", "synced now"):
        assert said in page


def test_a_group_of_a_project_that_we_do_not_know_is_named_too(
    viewer: Client, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    exchange.known[ULID] = LookupMatches(account, None, "Japan", "New wave", "draft")
    assert "New wave" in searched(viewer, ULID)


def test_a_group_of_somebody_elses_account_is_nobodys(
    viewer: Client, exchange: FakeExchange
) -> None:
    exchange.known[ULID] = LookupMatches(factories.account(), None, "Secret", "Secret", "live")
    page = searched(viewer, ULID)
    assert "No match" in page
    assert "Secret" not in page


def test_an_exchange_that_is_away_is_said(viewer: Client, exchange: FakeExchange) -> None:
    exchange.down = TimedOut()
    assert "could not be reached" in searched(viewer, ULID)


def test_only_an_id_that_nobody_here_has_is_asked_for(
    viewer: Client, account: ExchangeAccount, exchange: FakeExchange
) -> None:
    group = factories.group(factories.project(account))
    for text in ("Japan", ULID[:-1], "8" + ULID[1:], group.exchange_id):
        searched(viewer, text)
    assert exchange.asked == []


def card(viewer: Client, **asked: Any) -> str:
    return viewer.get("/rate-cards/", asked).content.decode()


def test_a_rate_card_is_found_by_business_unit_and_country(
    viewer: Client, unit: BusinessUnit, exchange: FakeExchange
) -> None:
    exchange.cards["de"] = {
        "currency": "USD",
        "minutes": [5],
        "percents": [50],
        "prices": [[178]],
    }
    assert "1.78" in card(viewer, unit=unit.pk, country="de")


def test_every_country_has_a_name_and_may_be_asked_for(
    viewer: Client, unit: BusinessUnit, exchange: FakeExchange
) -> None:
    assert "US has no rate card for Kuwait" in card(viewer, unit=unit.pk, country="kw")
    assert (labels.country_name("uy"), labels.country_name("zz")) == ("Uruguay", "ZZ")


def test_no_card_a_wrong_choice_and_an_exchange_that_is_away_are_said(
    viewer: Client, unit: BusinessUnit, exchange: FakeExchange
) -> None:
    assert "US has no rate card for Japan" in card(viewer, unit=unit.pk, country="jp")
    assert "Choose a country." in card(viewer, unit=unit.pk, country="xx")
    assert "Choose one of your business units." in card(viewer, unit="", country="jp")
    exchange.down = TimedOut()
    assert "did not answer in time" in card(viewer, unit=unit.pk, country="jp")


def test_an_account_that_may_not_read_a_rate_card_is_not_told_that_there_is_none(
    viewer: Client, unit: BusinessUnit, exchange: FakeExchange
) -> None:
    exchange.down = Forbidden()
    page = card(viewer, unit=unit.pk, country="jp")
    assert "Cint does not allow this." in page
    assert "has no rate card" not in page
    assert "Try again" not in page


def test_a_business_unit_of_another_account_is_not_offered(
    viewer: Client, exchange: FakeExchange
) -> None:
    other = BusinessUnit.objects.create(account=factories.account(), exchange_id="9", name="Theirs")
    page = card(viewer, unit=other.pk, country="jp")
    assert "Theirs" not in page


def test_every_word_of_the_trade_is_explained_on_one_page(viewer: Client) -> None:
    page = viewer.get("/words/").content.decode()
    assert all(f"<dt>{word}</dt>" in page for word in GLOSSARY)
