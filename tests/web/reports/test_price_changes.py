"""The page of price changes: whose, of how many days, and what they add up to."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import AdviceRecord, ExchangeAccount, PriceChange, Project
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
QUERIES = 7


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account, name="Coffee W3")


def repriced(project: Project, *, days: float = 1, **fields: Any) -> PriceChange:
    group_fields = fields.pop("group", {})
    group = factories.group(project, **group_fields)
    return factories.price_change(group, timezone.now() - days * DAY, **fields)


def page(client: Client, query: str = "whose=all") -> str:
    answer = client.get(f"/activity/prices/?{query}")
    assert answer.status_code == 200
    return fold_white_space(answer.content.decode())


def test_a_line_says_what_the_change_did_and_what_was_corrected(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    change = repriced(project, group={"name": "Germany"})
    text = page(client)
    for part in (
        "Germany",
        "Coffee W3",
        "2.50",
        "2.75 USD",
        "+10 %",
        "21 → 35",
        "× 1.50, own trend +11 %",
        "More completes",
        "+30",
        "+95 USD",
    ):
        assert part in text
    anchor = f"effect-cpi-{change.at:%Y%m%d%H%M%S}"
    assert f"/groups/{change.group_id}/#{anchor}" in text


def test_a_line_says_what_was_foretold_and_what_was_seen(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    change = repriced(project)
    edit = factories.edit(change.group)
    PriceChange.objects.update(edit=edit)
    AdviceRecord.objects.create(
        account=account,
        group=change.group,
        edit=edit,
        kind="raise",
        followed_at=change.at,
        goal=200,
        completes=100,
        currency="USD",
        old_cpi=change.old_cpi,
        new_cpi=change.new_cpi,
        an_hour_low=1.0,
        an_hour_middle=1.2,
        an_hour_high=1.6,
        ratio_low=1.1,
        ratio_high=1.6,
        chance=0.8,
    )
    assert "Expected +10 to +60 %, seen +50 %." in page(client)


def test_raises_and_cuts_are_summed_by_currency(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    repriced(project)
    repriced(project)
    repriced(project, effect={"verdict": "too early", "extra": None, "extra_cost": None})
    repriced(
        project,
        old_cpi=Decimal("3.00"),
        effect={"extra": [-9, -5, -1], "extra_cost": [-40, -30, -20]},
    )
    repriced(project, group={"currency": "EUR"})
    text = page(client)
    assert "3 raises: about +60 completes for 190 USD more." in text
    assert "1 not counted (no verdict yet)" in text
    assert "1 cut: about −5 completes for 30 USD less." in text
    assert "1 raise: about +30 completes for 95 EUR more." in text


def test_a_sum_that_may_be_nothing_says_so(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    repriced(project, effect={"extra": [-20, 10, 30]})
    assert "1 raise: no clear change in completes, about 95 USD more spent." in page(client)


def test_mine_are_those_of_my_sign_in_and_of_my_exchange_user(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    user = factories.person("editor", account, exchange_user_id="me")
    client.force_login(user)
    group = factories.group(project, name="By edit")
    edit = factories.edit(group, by=user)
    factories.price_change(group, timezone.now() - DAY, by=user, edit=edit)
    repriced(project, actor_id="me", group={"name": "On Cint"})
    repriced(project, actor_id="another", group={"name": "Not mine"})
    repriced(project, days=20, actor_id="me", group={"name": "Long ago"})
    by_default = page(client, "q=")
    assert "By edit" in by_default
    assert "On Cint" in by_default
    assert "Not mine" not in by_default
    assert "Long ago" not in by_default
    assert "Long ago" in page(client, "days=30")


def test_my_groups_are_those_that_i_manage(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account, exchange_user_id="me"))
    repriced(project, group={"name": "Managed", "project_manager_id": "me"})
    repriced(project, group={"name": "Other"})
    text = page(client, "whose=groups")
    assert "Managed" in text
    assert ">Other<" not in text


def test_a_change_outside_fieldwatch_is_marked(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    change = repriced(project)
    assert ">on Cint<" in page(client)
    PriceChange.objects.update(actor_type="system_user")
    assert "Cint (automatic)" in page(client)
    assert "by Cint" in page(client)
    PriceChange.objects.update(edit=factories.edit(change.group))
    assert ">on Cint<" not in page(client)


def test_nobody_sees_the_changes_of_another_account(client: Client, project: Project) -> None:
    repriced(project, group={"name": "Secret"})
    client.force_login(factories.person("administrator", factories.account()))
    assert "Secret" not in page(client)
    assert (
        "Secret"
        not in b"".join(
            client.get("/activity/prices/export.csv?whose=all").streaming_content  # type: ignore[attr-defined]
        ).decode()
    )


def test_an_empty_page_says_what_comes_next(client: Client, account: ExchangeAccount) -> None:
    client.force_login(factories.person("viewer", account))
    assert "No price changes in the last 14 days" in page(client)
    assert "Change a CPI on a group's page" in page(client).replace("&#x27;", "'")
    assert "not linked to an exchange user" in page(client, "whose=mine")


def test_wrong_choices_fall_back_to_the_usual_ones(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    repriced(project, group={"name": "Germany"})
    assert "Germany" in page(client, "whose=nobody&days=900&project=x&page=0")


def test_a_file_has_every_figure_with_its_interval(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    repriced(project, group={"name": "Germany"})
    answer = client.get("/activity/prices/export.csv?whose=all")
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")  # type: ignore[attr-defined]
    (line,) = csv.DictReader(text.splitlines())
    assert line["Group"] == "Germany"
    assert (line["CPI before"], line["CPI after"], line["Currency"]) == ("2.50", "2.75", "USD")
    assert (line["Extra completes"], line["Extra completes, low"]) == ("30", "10")
    assert (line["Extra cost"], line["Extra cost, high"]) == ("95", "132.50")
    assert line["Made in"] == "Cint"
    assert client.get("/activity/prices/export.xlsx?whose=all").status_code == 200


def test_more_changes_take_no_more_queries(
    client: Client, account: ExchangeAccount, project: Project, django_assert_num_queries: Any
) -> None:
    client.force_login(factories.person("viewer", account))
    repriced(project)
    page(client)
    for number in range(2):
        for _ in range(10):
            repriced(factories.project(account) if number else project)
        with django_assert_num_queries(QUERIES):
            page(client)
