"""Files for spreadsheets: what is on screen, and never a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client

from dashboard.fielding.models import Edit
from dashboard.web.tables.exports import neutral_cell
from tests import factories

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "\uff1d1",
        "\u3000\uff0b1",
        "\uff20A",
    ],
)
def test_text_that_begins_like_a_formula_is_neutral(text: str) -> None:
    assert neutral_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("number", "cell"), [(-3, "-3"), (Decimal("-2.50"), "-2.50"), (0.5, "0.5")]
)
def test_negative_numbers_stay_numbers(number: int | Decimal | float, cell: str) -> None:
    assert neutral_cell(number) == cell


@pytest.mark.parametrize("name", ['P1"; x="', "P1\r\nX-Evil: 1", "P1/../../x", "P1;é 🙂"])
def test_the_name_of_a_file_is_plain_whatever_the_exchange_calls_a_project(
    client: Client, name: str
) -> None:
    project = factories.project(factories.account(), human_readable_id=name)
    client.force_login(factories.person("viewer", project.account))
    for kind in ("csv", "xlsx"):
        told = client.get(f"/projects/{project.pk}/export.{kind}").headers["Content-Disposition"]
        assert re.fullmatch(r'attachment; filename="[A-Za-z0-9._-]+"', told), told


def rows(answer: object) -> list[dict[str, str]]:
    assert isinstance(answer, StreamingHttpResponse)
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_a_project_exports_what_is_filtered_on_screen(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account)
    factories.group(project, name="=cmd", status="paused", cpi=Decimal("2.735200"))
    factories.group(project)
    found = rows(client.get(f"/projects/{project.pk}/export.csv?status=paused"))
    assert [row["Group"] for row in found] == ["'=cmd"]
    assert found[0]["CPI"] == "2.7352"
    assert found[0]["Currency"] == "USD"


def test_a_file_tells_who_paused_and_why_as_the_screen_does(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account)
    factories.group(project, name="A", status="paused", status_reason="high_median_loi")
    factories.group(project, name="B", status="paused", status_changed_by="pm-1")
    found = rows(client.get("/groups/export.csv?sort=name"))
    assert [row["Status"] for row in found] == ["Paused by Cint", "Paused"]
    assert [bool(row["Pause reason"]) for row in found] == [True, False]


def workbook(answer: object) -> list[list[object]]:
    """The cells of the one sheet: numbers as numbers, text as text."""
    assert isinstance(answer, FileResponse)
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    rows: list[list[object]] = []
    for row in sheet.iter(f"{MAIN}row"):
        cells: list[object] = []
        for cell in row.iter(f"{MAIN}c"):
            text = "".join(cell.itertext())
            cells.append(text if cell.get("t") == "inlineStr" else float(text))
        rows.append(cells)
    return rows


def test_a_file_has_the_columns_of_the_screen_with_units_in_their_headings(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account, name="Tracker")
    factories.group(project, name="=1+1", median_loi_seconds=852, cost=Decimal("-3.5"))
    address = f"/projects/{project.pk}/export.{{}}?cols=loi.spend.end"
    (row,) = rows(client.get(address.format("csv")))
    assert list(row) == [
        "Project",
        "Group",
        "ID",
        "Exchange ID",
        "LOI (min)",
        "Bid LOI (min)",
        "Spend",
        "Currency",
        "End date (UTC)",
        "Read (UTC)",
    ]
    headings, cells = workbook(client.get(address.format("xlsx")))
    assert headings == list(row)
    assert cells[1] == "=1+1"
    assert cells[4:8] == [14.2, 10.0, -3.5, "USD"]


def test_a_file_has_the_rows_of_all_pages_in_the_order_of_the_screen(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account)
    for number in range(3):
        factories.group(project, name=f"Group {number}", short_at_end=number)
    found = rows(client.get("/groups/export.csv?page=7&sort=name"))
    assert [row["Group"] for row in found] == ["Group 0", "Group 1", "Group 2"]
    found = rows(client.get("/groups/export.csv"))
    assert [row["Group"] for row in found] == ["Group 2", "Group 1", "Group 0"]


def test_projects_have_a_column_of_spend_for_each_currency(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account, name="Tracker")
    factories.group(project, currency="EUR", cost=Decimal("50"))
    factories.group(project, currency="USD", cost=Decimal("7.25"))
    (row,) = rows(client.get("/projects/export.csv"))
    assert (row["Spend (EUR)"], row["Spend (USD)"]) == ("50", "7.25")


def test_an_export_holds_nothing_of_other_accounts(client: Client) -> None:
    account, other = factories.account(), factories.account()
    client.force_login(factories.person("viewer", account))
    for one in (account, other):
        group = factories.group(factories.project(one), name=one.name)
        Edit.objects.create(
            account=one,
            group=group,
            kind="cpi",
            token=one.name,
            state="confirmed",
            before="a",
            wanted="b",
            started_at=factories.NOW,
        )
    assert [row["Group"] for row in rows(client.get("/groups/export.csv"))] == [account.name]
    assert [row["Group"] for row in rows(client.get("/activity/export.csv"))] == [account.name]
    assert len(rows(client.get("/spend/export.csv?month=all"))) == 1


def test_spend_keeps_currencies_apart(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    project = factories.project(account)
    for currency, cost in (("USD", "100.10"), ("EUR", "50"), ("USD", "0.20")):
        factories.group(project, currency=currency, cost=Decimal(cost))
    page = client.get("/spend/?month=all").content.decode()
    assert "50.00 EUR + 100.30 USD" in page


def test_money_has_the_decimals_of_its_currency(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("viewer", account))
    factories.group(factories.project(account), cost=Decimal("1204.5"), completes=7, currency="JPY")
    page = client.get("/spend/?month=all").content.decode()
    assert "1,204 JPY" in page
    assert "172 JPY" in page
