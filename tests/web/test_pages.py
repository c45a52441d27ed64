"""What pages show, how many queries each takes, and that hostile or missing values do no harm."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.models import (
    Change,
    Edit,
    ExchangeAccount,
    Incident,
    Item,
    Project,
    TargetGroup,
    User,
)
from tests import factories

pytestmark = pytest.mark.django_db

HOSTILE = [
    "<script>alert(1)</script>",
    "x" * 128,
    "שלום \u202egnirts",
    "{{ 7|add:7 }}",
    '"><img src=x>',
]


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(poll_seconds=300)


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account, time_zone="Europe/Berlin"))
    client.get("/words/")  # puts the session on record, which no page asked for later pays
    return client


def incident(group: TargetGroup, **fields: Any) -> Incident:
    given = {
        "rule": "stalled",
        "key": f"k{group.pk}{fields.get('rule', '')}",
        "state": "firing",
        "severity": 1,
        "sentence": f"{group.name}: no complete for 5 h.",
        "breached_at": factories.NOW,
        "fired_at": factories.NOW,
    }
    return Incident.objects.create(
        account=group.account, project=group.project, group=group, **(given | fields)
    )


def filled(project: Project, number: int) -> list[TargetGroup]:
    """Groups with history (of more than a month), incidents, changes and edits."""
    given = {
        "starts_at": factories.NOW - timedelta(days=40),
        "insight": {"spark": [1, 2], "today": 3},
    }
    groups = [factories.group(project, **given) for _ in range(number)]
    for group in groups:
        incident(group)
        factories.completes(group, counts=range(50))
        Change.objects.create(
            account=group.account,
            group=group,
            batch_id="b",
            occurred_at=factories.NOW,
            seen_at=factories.NOW,
            kind="cpi_change",
            actor_type="las_user",
        )
        Edit.objects.create(
            account=group.account,
            group=group,
            by=None,
            kind="cpi",
            token=f"t{group.pk}",
            state="unknown",
            before="a",
            wanted="b",
            started_at=factories.NOW,
        )
    return groups


@pytest.mark.parametrize("rows", [1, 40])
@pytest.mark.parametrize(
    "page",
    [
        ("/", 11),
        ("/projects/", 7),
        ("/projects/{project}/", 9),
        ("/projects/{project}/?by=country", 10),
        ("/groups/", 7),
        ("/groups/{group}/", 14),
        ("/projects/{project}/chart.json", 5),
        ("/projects/{project}/completes/", 6),
        ("/projects/{project}/countries/", 5),
        ("/groups/{group}/chart.json", 6),
        ("/groups/{group}/trend.json?trend=ir", 4),
        ("/projects/{project}/history/", 8),
        ("/activity/", 7),
        ("/spend/?month=all&by=month", 10),
        ("/spend/?month=all", 8),
        ("/activity/prices/?whose=all", 7),
        ("/views/", 4),
        ("/projects/{project}/compare/", 6),
        ("/search/?q=Group", 5),
    ],
    ids=lambda page: page[0],
)
def test_a_page_takes_the_same_few_queries_whatever_the_rows(
    viewer: Client,
    account: ExchangeAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
    page: tuple[str, int],
    rows: int,
) -> None:
    address, queries = page
    project = factories.project(account)
    groups = filled(project, rows)
    address = address.format(project=project.pk, group=groups[0].pk)
    with django_assert_num_queries(queries):
        assert viewer.get(address).status_code == 200


def test_the_chart_of_a_group_with_a_forecast_takes_no_query_for_a_single_column(
    viewer: Client, account: ExchangeAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Every column that the forecast, or the phase of a soft launch, needs comes with the group."""
    forecast = {"at_end": [150.0, 170.0, 190.0], "finish": [None, None, None], "chance": 0.2}
    over = {"share": 0.1, "ends_at": "2026-11-18T12:00:00+00:00", "is_on": True}
    (group,) = filled(factories.project(account), 1)
    later = timezone.now() + timedelta(days=7)
    for status, launch in (("paused", {}), ("paused", {"soft_launch": over}), ("live", {})):
        insight = {"forecast": forecast, **launch}
        TargetGroup.objects.update(status=status, insight=insight, ends_at=later)
        with django_assert_num_queries(6):
            figure = viewer.get(f"/groups/{group.pk}/chart.json").json()
        assert ("Forecast" in [trace["name"] for trace in figure["data"]]) is (not launch)


def test_a_refresh_of_an_unchanged_page_costs_four_queries_and_no_rendering(
    viewer: Client, account: ExchangeAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    project = factories.project(account)
    filled(project, 3)
    address = f"/projects/{project.pk}/"
    etag = viewer.get(address).headers["ETag"]
    with django_assert_num_queries(4):
        answer = viewer.get(address, headers={"HX-Request": "true", "If-None-Match": etag})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["Read-At"] == "2026-11-20T12:00:00Z"


def test_a_write_of_the_pull_an_incident_or_another_person_ends_the_304(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account)
    (group,) = filled(project, 1)
    address = f"/groups/{group.pk}/"

    def refreshed(client: Client, etag: str) -> int:
        seen = {"HX-Request": "true", "If-None-Match": etag}
        return client.get(address, headers=seen).status_code

    etag = viewer.get(address).headers["ETag"]
    assert refreshed(viewer, etag) == 304
    Incident.objects.update(acknowledged_at=factories.NOW)
    assert refreshed(viewer, etag) == 200
    etag = viewer.get(address).headers["ETag"]
    Project.objects.update(version=7)
    assert refreshed(viewer, etag) == 200
    etag = viewer.get(address).headers["ETag"]
    Edit.objects.update(settled_at=factories.NOW)
    assert refreshed(viewer, etag) == 200
    etag = viewer.get(address).headers["ETag"]
    item = factories.item(group)
    assert refreshed(viewer, etag) == 200
    etag = viewer.get(address).headers["ETag"]
    Item.objects.filter(pk=item.pk).update(changed_at=timezone.now())
    assert refreshed(viewer, etag) == 200
    other = Client()
    other.force_login(factories.person("viewer", account))
    assert refreshed(other, viewer.get(address).headers["ETag"]) == 200


@pytest.mark.parametrize("path", ["/", "/groups/", "/projects/{project}/", "/groups/{group}/"])
def test_a_part_carries_no_csrf_token(viewer: Client, account: ExchangeAccount, path: str) -> None:
    project = factories.project(account)
    (group,) = filled(project, 1)
    address = path.format(project=project.pk, group=group.pk)
    part = viewer.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "csrfmiddlewaretoken" not in part
    assert "<html" not in part


@pytest.mark.parametrize(("role", "offered"), [("viewer", False), ("editor", True)])
def test_a_project_without_groups_offers_the_first_to_who_may(
    client: Client, account: ExchangeAccount, role: str, offered: bool
) -> None:
    client.force_login(factories.person(role, account))
    page = client.get(f"/projects/{factories.project(account).pk}/").content.decode()
    empty = page.partition("No groups yet")[2].partition("</div>")[0]
    assert ("New target group" in empty) is offered


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_and_does_nothing(
    viewer: Client, account: ExchangeAccount, name: str
) -> None:
    project = factories.project(account, name=name)
    group = factories.group(project, name=name, error=name)
    incident(group, sentence=name)
    for address in (
        "/",
        "/projects/",
        "/groups/",
        f"/projects/{project.pk}/",
        f"/groups/{group.pk}/",
    ):
        page = viewer.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x>" not in page
        assert "14" not in re.findall(r"<bdi>(.*?)</bdi>", page)


NOTHING_SAID = {
    field.name: None
    for field in TargetGroup._meta.get_fields()
    if getattr(field, "null", False) and field.concrete and not field.is_relation
}


@pytest.mark.parametrize(
    "insight", [{}, [], {"pace": None, "forecast": {"at_end": [1]}}, {"spark": [None, 1]}]
)
def test_a_group_of_which_nothing_is_known_yet_has_its_pages(
    viewer: Client, account: ExchangeAccount, insight: Any
) -> None:
    group = factories.group(
        factories.project(account, read_at=None),
        **NOTHING_SAID,
        status="frozen_by_vendor",
        country_code="",
        currency="",
        filling_strategy="quantum",
        insight=insight,
        issues={"epc": [{"type": "warning", "code": "x"}], "loi": None},
        details={},
    )
    for address in (f"/groups/{group.pk}/", f"/projects/{group.project_id}/", "/groups/", "/"):
        assert viewer.get(address).status_code == 200
    assert "Frozen by vendor" in viewer.get(f"/groups/{group.pk}/").content.decode()
    assert viewer.get(f"/groups/{group.pk}/chart.json").json()["data"] == []


def test_changes_of_any_shape_are_told_in_words(viewer: Client, account: ExchangeAccount) -> None:
    group = factories.group(factories.project(account))
    values: list[tuple[Any, Any]] = [
        (None, {"value": "2.7352", "currency_code": "USD"}),
        ("live", "paused"),
        (True, False),
        ({"las_user_id": None}, {"las_user_id": "77"}),
        ("2026-11-20T12:00:00.000Z", [1, {"a": 2}]),
        ({"value": "junk", "currency_code": "USD"}, 0.35),
    ]
    for i, (old, new) in enumerate(values):
        Change.objects.create(
            account=account,
            group=group,
            batch_id=str(i),
            occurred_at=factories.NOW,
            seen_at=factories.NOW,
            kind="quantum_flux_change",
            old=old,
            new=new,
            reason_code="high_median_loi" if i == 1 else "",
        )
    page = viewer.get(f"/groups/{group.pk}/").content.decode()
    for said in ("2.7352 USD", "Quantum flux change", "20 Nov 12:00 UTC", "LOI well above bid"):
        assert said in page


def test_the_exchanges_word_of_an_edit_of_ours_is_one_line(
    viewer: Client, account: ExchangeAccount
) -> None:
    group = factories.group(factories.project(account))
    old, new = ({"value": v, "currency_code": "USD"} for v in ("2.70", "3.10"))
    Edit.objects.create(
        account=account,
        group=group,
        by=factories.person(first_name="Anna"),
        kind="cpi",
        token="t",
        state="confirmed",
        before=old,
        wanted=new,
        after=new,
        started_at=factories.NOW,
        settled_at=factories.NOW + timedelta(seconds=2),
    )
    Change.objects.create(
        account=account,
        group=group,
        batch_id="b",
        occurred_at=factories.NOW + timedelta(seconds=1),
        seen_at=factories.NOW,
        kind="cpi_change",
        old=old,
        new={**new, "value": "3.1000"},
        actor_type="las_user",
    )
    page = viewer.get(f"/groups/{group.pk}/").content.decode()
    assert page.split('id="history"')[1].count("3.10 USD") == 1
    assert "after 2 s" in page


def drawn_with(page: str) -> dict[str, Any]:
    """The figure that a page brings along."""
    found = re.search(r'<script id="completes-chart-drawn"[^>]*>(.*?)</script>', page)
    told: dict[str, Any] = json.loads(found.group(1)) if found else {}
    return told


def test_a_groups_page_brings_the_figure_that_its_chart_would_ask_for(
    viewer: Client, account: ExchangeAccount
) -> None:
    (group,) = filled(factories.project(account), 1)
    for query in ("", "?per=day&span=7d"):
        page = viewer.get(f"/groups/{group.pk}/{query}").content.decode()
        asked = viewer.get(f"/groups/{group.pk}/chart.json{query}").json()
        assert drawn_with(page)["figure"] == asked
    part = viewer.get(f"/groups/{group.pk}/", headers={"HX-Request": "true"})
    assert drawn_with(part.content.decode()) == {}


def test_the_figure_of_a_page_turns_dark_where_the_device_is(
    viewer: Client, account: ExchangeAccount
) -> None:
    group = factories.group(factories.project(account))
    factories.completes(group, counts=[1, 4, 9])
    told = drawn_with(viewer.get(f"/groups/{group.pk}/").content.decode())
    dark = viewer.get(f"/groups/{group.pk}/chart.json?theme=dark").json()
    assert darkened(told["figure"], told["dark"]) == dark
    User.objects.update(theme="dark")
    told = drawn_with(viewer.get(f"/groups/{group.pk}/").content.decode())
    assert (told["figure"], told["dark"]) == (dark, {})


def darkened(part: Any, dark: dict[str, str]) -> Any:
    """As the page's script does it."""
    if isinstance(part, dict):
        return {key: darkened(value, dark) for key, value in part.items()}
    if isinstance(part, list):
        return [darkened(value, dark) for value in part]
    return dark.get(part, part) if isinstance(part, str) else part


def test_times_are_in_the_groups_zone_first_and_then_the_persons(
    viewer: Client, account: ExchangeAccount
) -> None:
    group = factories.group(factories.project(account), country_code="jp", ends_at=factories.NOW)
    page = viewer.get(f"/groups/{group.pk}/").content.decode()
    assert "Fri 20 Nov 21:00 Tokyo, 13:00 Berlin" in page


def test_moments_that_changed_are_told_in_the_groups_zone_or_else_the_persons(
    viewer: Client, account: ExchangeAccount
) -> None:
    group = factories.group(factories.project(account), country_code="jp")
    Change.objects.create(
        account=account,
        group=group,
        batch_id="b",
        occurred_at=timezone.now(),
        seen_at=factories.NOW,
        kind="fielding_period_end_date_change",
        actor_type="las_user",
        old="2026-11-20T12:00:00.000Z",
        new="2026-11-21T12:00:00.000Z",
    )
    on_page = viewer.get(f"/groups/{group.pk}/").content.decode()
    assert "Sat 21 Nov 2026 21:00 Tokyo" in on_page
    for path in (f"/projects/{group.project_id}/history/", "/?tab=changes&since=24h"):
        assert "Sat 21 Nov 2026 13:00 Berlin" in viewer.get(path).content.decode()


def test_filters_sort_and_pages_live_in_the_address(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account)
    factories.group(project, name="Aachen", status="paused", country_code="de", short_at_end=1)
    factories.group(project, name="Zagreb", country_code="hr", short_at_end=9)
    address = f"/projects/{project.pk}/"

    def names(query: str) -> list[str]:
        page = viewer.get(address + query).content.decode()
        return re.findall(r'<bdi class="clamp">(.*?)</bdi>', page)

    assert names("") == ["Zagreb", "Aachen"]
    assert names("?sort=name") == ["Aachen", "Zagreb"]
    assert names("?sort=-name") == ["Zagreb", "Aachen"]
    assert names("?status=paused") == ["Aachen"]
    assert names("?country=hr") == ["Zagreb"]
    assert names("?q=zag") == ["Zagreb"]
    assert names("?incidents=1") == []
    assert names("?sort=nonsense&page=-1&by=nothing") == ["Zagreb", "Aachen"]
    assert names("?page=2") == []


def test_subtotals_never_add_one_currency_to_another(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account)
    for currency, cost in (("USD", 100), ("EUR", 50), ("USD", 11)):
        factories.group(project, country_code="de", currency=currency, cost=cost)
    page = viewer.get(f"/projects/{project.pk}/?by=country").content.decode()
    assert "50\N{NO-BREAK SPACE}EUR + 111\N{NO-BREAK SPACE}USD" in page


def test_a_list_without_items_says_that_all_is_well(
    viewer: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account)
    factories.group(project)
    factories.group(project)
    assert "All 2 live groups are on track" in viewer.get("/").content.decode()


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ("new", "initial sync of"),
        ("stale", "out of date"),
        ("error", "Cint refuses access"),
    ],
)
def test_an_account_that_is_not_well_is_said(
    viewer: Client, account: ExchangeAccount, health: str, said: str
) -> None:
    ExchangeAccount.objects.update(health=health)
    for page in ("/", "/projects/"):
        assert said in viewer.get(page).content.decode()


@pytest.mark.parametrize(("role", "led"), [("viewer", False), ("administrator", True)])
@pytest.mark.parametrize("path", ["/", "/projects/", "/groups/", "/projects/{p}/", "/groups/{g}/"])
def test_that_polling_is_paused_is_said_with_the_way_to_go_on_for_who_may(
    client: Client, account: ExchangeAccount, path: str, role: str, led: bool
) -> None:
    client.force_login(factories.person(role, account))
    project = factories.project(account)
    address = path.format(p=project.pk, g=factories.group(project).pk)
    assert "is paused" not in client.get(address).content.decode()
    ExchangeAccount.objects.update(polling=False, health="new")
    page = client.get(address).content.decode()
    note = page.partition(f"Polling of {account.name} is paused.")[2].partition("</div>")[0]
    assert "are not updated" in note
    assert (f'href="/connections/{account.pk}/"' in note) is led
    assert "initial sync of" not in page


@pytest.mark.parametrize("worse", [{"polling": False}, {"health": "error"}])
@pytest.mark.parametrize("path", ["/", "/groups/", "/projects/{p}/", "/groups/{g}/"])
def test_a_page_is_another_when_its_account_is_worse_or_well_again(
    viewer: Client, account: ExchangeAccount, path: str, worse: dict[str, Any]
) -> None:
    project = factories.project(account)
    address = path.format(p=project.pk, g=factories.group(project).pk)
    marks = []
    well = {"polling": True, "health": "fresh"}
    for now in (well, worse, well):
        ExchangeAccount.objects.update(**now)
        marks.append(viewer.get(address).headers["ETag"])
        seen = {"HX-Request": "true", "If-None-Match": marks[0]}
        assert viewer.get(address, headers=seen).status_code == (304 if now is well else 200)
    assert marks[0] == marks[2] != marks[1]


def test_a_project_says_that_its_account_is_refused(
    viewer: Client, account: ExchangeAccount
) -> None:
    ExchangeAccount.objects.update(health="error", health_reason="It does not accept the key")
    project = factories.project(account, error="It does not accept the key")
    page = viewer.get(f"/projects/{project.pk}/").content.decode()
    assert "Cint refuses access" in page
    assert "The last update was incomplete" not in page


def test_a_person_without_an_account_is_told_what_to_do(client: Client) -> None:
    client.force_login(factories.person())
    assert "no access to an exchange account yet" in client.get("/").content.decode()


def test_our_own_fault_has_a_page_of_its_own(client: Client) -> None:
    from dashboard.web.views import errors  # noqa: PLC0415 - the handler alone, without a request

    answer = errors.broken_page(None)  # type: ignore[arg-type]
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()


def test_a_search_finds_by_every_name_a_thing_has(viewer: Client, account: ExchangeAccount) -> None:
    project = factories.project(account, name="Brand tracker", reference_number="PO-9")
    group = factories.group(project, name="Japan 25–54", human_readable_id="T000777")
    factories.group(factories.project(factories.account()), name="Japan of somebody else")
    for text in ("japan", "t000777", group.exchange_id.lower(), "25–54"):
        page = viewer.get("/search/", {"q": text}).content.decode()
        assert f"/groups/{group.pk}/" in page
        assert "somebody else" not in page
    assert f"/projects/{project.pk}/" in viewer.get("/search/?q=po-9").content.decode()
    assert "No match" in viewer.get("/search/?q=100%25_").content.decode()


def test_a_pause_by_automation_or_staff_of_the_exchange_counts_as_its_own(client: Client) -> None:
    account = factories.account()
    project = factories.project(account)
    for actor in ("system_user", "system_marketplace_user", "las_user"):
        factories.group(project, status="paused", status_changed_by=actor)
    client.force_login(factories.person("viewer", account))
    strip = client.get("/").content.decode().split("Paused by Cint", 1)[1]
    assert ">2<" in strip[:400]


def test_a_cell_that_holds_nothing_reads_the_same_in_every_table() -> None:
    odd = re.compile(r"(?:[>%]\}?|default:\")[–-](?=[<{\"])")
    pages = (settings.BASE_DIR / "templates").rglob("*.html")
    assert [page.name for page in pages if odd.search(page.read_text())] == []
