"""Files for spreadsheets: what is on screen, and never a formula."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from dashboard.fielding.models import Edit
from dashboard.web.exports import neutral
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_text_that_begins_like_a_formula_is_neutral(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize(
    ("number", "cell"), [(-3, "-3"), (Decimal("-2.50"), "-2.50"), (0.5, "0.5")]
)
def test_negative_numbers_stay_numbers(number: int | Decimal | float, cell: str) -> None:
    assert neutral(number) == cell


def rows(answer: object) -> list[dict[str, str]]:
    assert isinstance(answer, StreamingHttpResponse)
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_a_project_exports_what_is_filtered_on_screen(client: Client) -> None:
    account = make.account()
    client.force_login(make.person("viewer", account))
    project = make.project(account)
    make.group(project, name="=cmd", status="paused", cpi=Decimal("2.735200"))
    make.group(project)
    found = rows(client.get(f"/projects/{project.pk}/export.csv?status=paused"))
    assert [row["Group"] for row in found] == ["'=cmd"]
    assert Decimal(found[0]["CPI"]) == Decimal("2.7352")
    assert found[0]["Currency"] == "USD"


def test_an_export_holds_nothing_of_other_accounts(client: Client) -> None:
    account, other = make.account(), make.account()
    client.force_login(make.person("viewer", account))
    for one in (account, other):
        group = make.group(make.project(one), name=one.name)
        Edit.objects.create(
            account=one, group=group, kind="cpi", token=one.name, state="confirmed",
            before="a", wanted="b", started_at=make.NOW,
        )  # fmt: skip
    assert [row["Group"] for row in rows(client.get("/groups/export.csv"))] == [account.name]
    assert [row["Group"] for row in rows(client.get("/activity/export.csv"))] == [account.name]
    assert len(rows(client.get("/spend/export.csv"))) == 1


def test_spend_keeps_currencies_apart(client: Client) -> None:
    account = make.account()
    client.force_login(make.person("viewer", account))
    project = make.project(account)
    for currency, cost in (("USD", "100.10"), ("EUR", "50"), ("USD", "0.20")):
        make.group(project, currency=currency, cost=Decimal(cost))
    page = client.get("/spend/").content.decode()
    assert "50.00 EUR + 100.30 USD" in page
