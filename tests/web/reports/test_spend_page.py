"""The Spend page: a month or the whole field, subtotals, shares, margins, what is still open."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.sync.lookup.reconciliation import Eligibility, EligibleGroup
from dashboard.web.reports.reconciliation import SHOWN_GROUPS, panel_of_account
from tests import factories
from tests.web.one_story.surfaces import text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
NOW = factories.NOW
UNTIL = datetime(2026, 12, 26, 6, tzinfo=UTC)


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account))
    return client


def spent(project: Project, cost: str, completes: int, **fields: Any) -> TargetGroup:
    """A group whose completes all came just now, within this month."""
    now = timezone.now()
    began = max(now - timedelta(minutes=3), now.astimezone(UTC).replace(day=1, hour=0, minute=0))
    given = {"starts_at": began, "first_complete_at": began, "last_complete_at": now}
    return factories.group(project, cost=Decimal(cost), completes=completes, **(given | fields))


def spent_in_march(project: Project, cost: str, **fields: Any) -> TargetGroup:
    """A group whose ten completes all came on 10 March 2026."""
    then = datetime(2026, 3, 10, tzinfo=UTC)
    period = {"starts_at": then, "first_complete_at": then, "last_complete_at": then + DAY}
    return spent(project, cost, 10, **period, **fields)


def page(client: Client, query: str = "month=all") -> str:
    answer = client.get(f"/spend/?{query}")
    assert answer.status_code == 200
    return fold_white_space(answer.content.decode())


def exported_lines(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/spend/export.csv?{query}")
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")  # type: ignore[attr-defined]
    return list(csv.DictReader(text.splitlines()))


def rows_of(html: str) -> list[list[str]]:
    """The cells of the table's rows, as text."""
    body = html.partition("</thead>")[2].partition("</table>")[0]
    return [
        [text_of(cell.partition(">")[2]) for cell in row.split("<td")[1:]]
        for row in body.split("<tr")[1:]
    ]


def test_projects_have_subtotals_with_their_share_and_countries_below(
    viewer: Client, account: ExchangeAccount
) -> None:
    large, small = (factories.project(account, name=name) for name in ("Large", "Small"))
    spent(large, "200", 80, country_code="us")
    spent(large, "100", 20, country_code="de")
    spent(small, "100", 50, country_code="fr")
    rows = rows_of(page(viewer))
    assert [row[0] for row in rows] == [
        "All USD",
        "Large 2 countries of Large",
        "United States",
        "Germany",
        "Small France",
    ]
    assert [row[4] for row in rows] == [
        "400.00 USD",
        "300.00 USD",
        "200.00 USD",
        "100.00 USD",
        "100.00 USD",
    ]
    assert [row[5] for row in rows] == ["", "75 %", "50 %", "25 %", "25 %"]
    assert rows[1][1:4] == ["2", "100", "3.00 USD"]


@pytest.mark.parametrize(
    ("grouping", "names"),
    [
        (
            "reference",
            ["All USD", "PO-7 2 projects of PO-7", "Coffee", "Tea", "No reference Water"],
        ),
        (
            "country",
            [
                "All USD",
                "United States 3 projects of United States",
                "Coffee PO-7",
                "Tea PO-7",
                "Water",
            ],
        ),
    ],
)
def test_subtotals_can_be_by_reference_or_country(
    viewer: Client, account: ExchangeAccount, grouping: str, names: list[str]
) -> None:
    for number, (name, reference) in enumerate(
        (("Coffee", "PO-7"), ("Tea", "PO-7"), ("Water", ""))
    ):
        project = factories.project(account, name=name, reference_number=reference)
        spent(project, str(300 - number * 100), 10)
    assert [row[0] for row in rows_of(page(viewer, f"month=all&by={grouping}"))] == names


def test_the_present_month_is_the_usual_one_and_others_can_be_chosen(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account)
    spent(project, "100", 10, name="Now")
    spent_in_march(project, "50", name="Then")
    month = f"{timezone.now():%Y-%m}"
    usual = page(viewer, "q=")
    assert f'<option value="{month}" selected>' in usual
    assert "All USD" in usual
    assert "100.00 USD" in usual
    assert "150.00 USD" not in usual
    march = page(viewer, "month=2026-03")
    assert "50.00 USD" in march
    assert "Final: its reconciliation ended on 25 Apr 2026." in march
    assert "150.00 USD" in page(viewer, "month=all")
    assert "150.00 USD" in page(viewer, "per=all")  # as saved views of earlier releases ask
    months = [row[0] for row in rows_of(page(viewer, "month=all&by=month"))]
    assert months[0] == "All USD"
    assert months[1].startswith("Mar 2026")


def test_before_the_first_complete_of_a_month_the_latest_one_with_spend_is_shown(
    viewer: Client, account: ExchangeAccount
) -> None:
    present = f"{timezone.now():%b %Y}"
    spent_in_march(factories.project(account, name="Coffee W3"), "50")
    usual = page(viewer, "q=")
    assert '<option value="2026-03" selected>' in usual
    assert rows_of(usual)[1][0].startswith("Coffee W3")
    assert f"Mar 2026: 50.00 USD · No spend in {present} yet" in text_of(usual)
    (line,) = exported_lines(viewer)
    assert (line["Project"], line["Month (UTC)"]) == ("Coffee W3", "2026-03")
    chosen = page(viewer, f"month={timezone.now():%Y-%m}")
    assert f"No spend in {present}" in chosen
    assert "50.00 USD" not in chosen


def test_filters_decide_which_month_with_spend_is_the_latest(
    viewer: Client, account: ExchangeAccount
) -> None:
    old = factories.project(account, name="Old")
    spent_in_march(old, "50")
    spent(factories.project(account, name="New"), "100", 10)
    text = text_of(page(viewer, "q="))
    assert f"{timezone.now():%b %Y}: 100.00 USD" in text
    assert "yet" not in text.partition("Open to reconciliation")[0]
    assert "Mar 2026: 50.00 USD" in text_of(page(viewer, f"project={old.pk}"))


def test_the_present_month_says_until_when_it_can_change(
    viewer: Client, account: ExchangeAccount
) -> None:
    spent(factories.project(account), "100", 10)
    assert "(US Central), when its reconciliation ends." in page(viewer, "q=")


@pytest.mark.parametrize("month", ["2026-13", "0000-01", "x", "2026-1"])
def test_a_wrong_month_is_the_present_one(
    viewer: Client, account: ExchangeAccount, month: str
) -> None:
    spent(factories.project(account), "100", 10)
    assert "100.00 USD" in page(viewer, f"month={month}")


def test_a_month_without_spend_offers_the_whole_field(
    viewer: Client, account: ExchangeAccount
) -> None:
    spent(factories.project(account), "100", 10)
    text = page(viewer, "month=2020-02")
    assert "No spend in Feb 2020" in text
    assert 'href="?month=all"' in text


def test_margin_is_what_the_client_pays_less_the_spend(
    viewer: Client, account: ExchangeAccount
) -> None:
    priced = factories.project(
        account, name="Priced", client_cpi=Decimal("5.00"), client_cpi_currency="USD"
    )
    spent(priced, "300", 100)
    spent(priced, "10", 4, currency="EUR")
    spent(factories.project(account, name="Unpriced"), "90", 25)
    rows = {row[0]: row for row in rows_of(page(viewer))}
    assert rows["Priced United States"][6] == "200 USD 40 %"
    assert rows["Unpriced United States"][6] == "—"
    assert rows["All USD"][6] == "200 USD 40 % partly of 100 of 125 completes"
    assert rows["All EUR"][6] == "—"


def test_without_a_client_cpi_there_is_no_column_of_margins(
    viewer: Client, account: ExchangeAccount
) -> None:
    spent(factories.project(account), "300", 100)
    assert "Margin" not in page(viewer)


def test_a_project_has_its_cost_by_the_end_date_against_its_budget(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account, budget=Decimal(250), budget_currency="USD")
    spent(project, "300", 100, ends_at=timezone.now() - timedelta(seconds=1))
    refresh_project_outlook(project.pk, now=timezone.now())
    (_, row) = rows_of(page(viewer))
    assert row[-1] == "300 of 250 USD 50 over"
    # The project's figures are not those of a country.
    assert rows_of(page(viewer, "month=all&country=us"))[1][-1] == ""


def test_a_file_has_the_margin_of_each_line(viewer: Client, account: ExchangeAccount) -> None:
    project = factories.project(account, client_cpi=Decimal("5.00"), client_cpi_currency="USD")
    spent(project, "300", 100)
    spent(project, "10", 4, currency="EUR")
    by_currency = {row["Currency"]: row for row in exported_lines(viewer, "month=all")}
    assert by_currency["USD"]["Client pays"] == "500"
    assert by_currency["USD"]["Margin"] == "200"
    assert (by_currency["EUR"]["Margin"], by_currency["EUR"]["Completes without a client CPI"]) == (
        "",
        "4",
    )


def test_the_project_page_and_spend_have_the_same_margin(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(
        account, name="Coffee", client_cpi=Decimal("5.00"), client_cpi_currency="USD"
    )
    spent(project, "300", 100)
    refresh_project_outlook(project.pk, now=timezone.now())
    html = fold_white_space(viewer.get(f"/projects/{project.pk}/").content.decode())
    tiles = text_of(html.partition('class="strip answer"')[2].partition("</dl>")[0])
    assert "200 USD 40 % of what the client pays" in tiles.replace("\xa0", " ")
    assert "Paused groups" not in tiles
    assert "200 USD 40 %" in rows_of(page(viewer))[1][6]


# Open to reconciliation


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def eligible(number: int, **fields: Any) -> EligibleGroup:
    given: dict[str, Any] = {
        "exchange_id": factories.ulid(number),
        "name": f"On Cint {number}",
        "project_name": "Project on Cint",
        "completes": 40,
        "cost": Decimal("100.00"),
        "currency": "USD",
        "until": UNTIL,
    }
    return EligibleGroup(**(given | fields))


def test_what_is_open_is_summed_by_deadline_and_currency(account: ExchangeAccount) -> None:
    rows = [
        eligible(1),
        eligible(2, currency="EUR", cost=Decimal(20)),
        eligible(3, until=UNTIL + 31 * DAY, completes=1),
        eligible(4, cost=None, currency=""),
    ]
    panel = panel_of_account(account, Eligibility(rows, NOW))
    assert [due.sentence.replace("\xa0", " ") for due in panel.sums] == [
        "120 completes of 3 groups, 20 EUR + 100 USD, until the end of 25 Dec 2026 (US Central)",
        "1 complete of 1 group, 100 USD, until the end of 25 Jan 2027 (US Central)",
    ]
    assert [group.name for group in panel.groups] == [
        "On Cint 1",
        "On Cint 2",
        "On Cint 4",
        "On Cint 3",
    ]


def test_a_group_that_fieldwatch_has_is_linked_under_its_own_name(
    account: ExchangeAccount,
) -> None:
    group = factories.group(factories.project(account, name="Coffee"), name="Japan")
    other = factories.group(factories.project(factories.account()), exchange_id=factories.ulid(9))
    rows = [eligible(1, exchange_id=group.exchange_id), eligible(9)]
    panel = panel_of_account(account, Eligibility(rows, NOW))
    assert [(line.pk, line.name, line.project) for line in panel.groups] == [
        (group.pk, "Japan", "Coffee"),
        (None, "On Cint 9", "Project on Cint"),
    ]
    assert other.pk not in {line.pk for line in panel.groups}


def test_of_many_groups_the_first_are_listed(account: ExchangeAccount) -> None:
    rows = [eligible(number) for number in range(SHOWN_GROUPS + 3)]
    panel = panel_of_account(account, Eligibility(rows, NOW))
    assert (len(panel.shown), panel.more) == (SHOWN_GROUPS, 3)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Eligibility(read_at=NOW), "Nothing is open to reconciliation now."),
        (
            Eligibility(read_at=NOW, trouble="not offered"),
            "Reconciliation is not offered to this account.",
        ),
        (
            Eligibility(trouble="error", reason="Cint cannot be reached"),
            "Cint cannot be reached.",
        ),
        (
            Eligibility([eligible(1)], NOW, "error", "Cint cannot be reached"),
            "Cint cannot be reached; shown is the last answer.",
        ),
        (
            Eligibility([eligible(1)], NOW, reason="Cint's list repeats a page"),
            "The list is not complete: Cint's list repeats a page.",
        ),
    ],
)
def test_why_there_is_nothing_or_not_all_is_said(
    account: ExchangeAccount, answer: Eligibility, sentence: str
) -> None:
    assert panel_of_account(account, answer).trouble == sentence


def test_the_page_asks_for_what_is_open_when_it_is_shown(
    viewer: Client, account: ExchangeAccount
) -> None:
    text = page(viewer)
    assert f'hx-get="/connections/{account.pk}/reconciliation/"' in text
    assert "Open to reconciliation" in text


def test_an_exchange_that_cannot_be_reached_is_said_on_the_page(
    viewer: Client, account: ExchangeAccount, settings: Any
) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    ExchangeAccount.objects.update(base_url="http://127.0.0.1:9", requests_per_minute=0)
    answer = viewer.get(
        f"/connections/{account.pk}/reconciliation/", headers={"HX-Request": "true"}
    )
    text = fold_white_space(answer.content.decode())
    assert "Cint cannot be reached." in text
    assert "Try again" in text
    assert "<h1>" not in text


def test_what_is_open_of_another_account_is_not_found(viewer: Client) -> None:
    other = factories.account()
    assert viewer.get(f"/connections/{other.pk}/reconciliation/").status_code == 404
