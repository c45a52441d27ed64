"""How connections do, and what was set aside: for their administrators alone."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.models import ExchangeAccount, Quarantine
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return make.account(secret="a-secret-that-nobody-sees")


@pytest.fixture
def administrator(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(make.person("administrator", account))
    return client


def set_aside(account: ExchangeAccount, number: int = 1, raw: str = "{}") -> None:
    for each in range(number):
        Quarantine.objects.create(
            account=account,
            operation="get_list_target_groups",
            item_id=f"item-{each}",
            reason="Expected `int`, got `str`",
            raw=raw,
            first_seen_at=make.NOW,
            last_seen_at=make.NOW,
        )


def page(client: Client, account: ExchangeAccount) -> str:
    return client.get(f"/connections/{account.pk}/").content.decode()


def test_what_was_set_aside_is_shown_as_it_came_and_does_no_harm(
    administrator: Client, account: ExchangeAccount
) -> None:
    set_aside(account, raw='{"name": "<script>alert(1)</script>"}')
    shown = page(administrator, account)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert" not in shown
    assert "get_list_target_groups" in shown


def test_nothing_set_aside_is_said_in_words(
    administrator: Client, account: ExchangeAccount
) -> None:
    shown = page(administrator, account)
    assert "Everything was understood" in shown
    assert "Not read yet" in shown


def test_the_last_rounds_say_how_they_ended(
    administrator: Client, account: ExchangeAccount
) -> None:
    project = make.project(account, name="Tracker W23")
    make.cycle(project, complete=False, errors=["The exchange did not answer in time"], requests=7)
    shown = page(administrator, account)
    assert "Tracker W23" in shown
    assert "Incomplete" in shown
    assert "did not answer in time" in shown


def test_a_project_that_waits_is_told_with_since_when(
    administrator: Client, account: ExchangeAccount
) -> None:
    assert "<dt>Longest overdue</dt><dd>none</dd>" in page(administrator, account)
    make.project(account, due_at=make.NOW)
    assert f'<time datetime="{make.NOW:%Y-%m-%dT%H:%M}' in page(administrator, account)


def test_no_page_of_a_connection_shows_its_secret(
    administrator: Client, account: ExchangeAccount
) -> None:
    for address in ("/connections/", f"/connections/{account.pk}/"):
        assert "a-secret" not in administrator.get(address).content.decode()


def test_the_list_leads_to_what_was_set_aside(
    administrator: Client, account: ExchangeAccount
) -> None:
    set_aside(account, 3)
    listed = administrator.get("/connections/").content.decode()
    assert f'<a href="/connections/{account.pk}/#set-aside">3</a>' in listed


def test_only_administrators_are_led_to_connections(
    client: Client, account: ExchangeAccount
) -> None:
    for role, led in (("viewer", False), ("editor", False), ("administrator", True)):
        client.force_login(make.person(role, account))
        assert ('href="/connections/"' in client.get("/mails/").content.decode()) is led


def test_an_administrator_of_one_account_sees_no_other_in_the_list(
    administrator: Client, account: ExchangeAccount
) -> None:
    other = make.account(name="somebody-elses")
    make.person("administrator", other)
    assert "somebody-elses" not in administrator.get("/connections/").content.decode()


def test_a_viewer_is_told_that_this_is_for_administrators(
    client: Client, account: ExchangeAccount
) -> None:
    client.force_login(make.person("viewer", account))
    answer = client.get(f"/connections/{account.pk}/")
    assert answer.status_code == 403
    assert "Only administrators" in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 40])
def test_the_number_of_queries_does_not_grow(
    rows: int,
    administrator: Client,
    account: ExchangeAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    set_aside(account, rows)
    for _ in range(rows):
        make.cycle(make.project(account))
    with django_assert_num_queries(11):
        page(administrator, account)
    with django_assert_num_queries(4):
        administrator.get("/connections/")
