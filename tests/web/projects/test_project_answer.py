"""The first screen of a project: verdict, tiles, what it needs; and its verdict in the list."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import ExchangeAccount, Item, Project, TargetGroup
from tests import factories
from tests.web.one_story.surfaces import cells_of, strip_of, text_of
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
NOW = factories.NOW
DAY = timedelta(days=1)


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account)


@pytest.fixture
def viewer(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("viewer", account, time_zone="Europe/Berlin"))
    client.get("/words/")
    return client


def short_group(project: Project, **fields: Any) -> TargetGroup:
    """One that is projected 50 short of 200."""
    given: dict[str, Any] = {"insight": {"forecast": {"at_end": [140, 150, 160]}}}
    return factories.group(project, **(given | fields))


def item(project: Project, remedy: str, value: float, **fields: Any) -> Item:
    number = Item.objects.count()
    given: dict[str, Any] = {
        "account": project.account,
        "project": project,
        "key": f"{remedy}:{number}",
        "remedy": remedy,
        "state": "to_do",
        "sentence": "No complete for 5 h.",
        "value": value,
        "opened_at": NOW,
        "changed_at": NOW,
    }
    return Item.objects.create(**(given | fields))


def page(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return fold_white_space(response.content.decode())


def verdict_on(html: str) -> str:
    return text_of(html.partition('class="verdict')[2].partition(">")[2].partition("</p>")[0])


def work_out(project: Project) -> None:
    refresh_project_outlook(project.pk, now=NOW)


def test_the_page_answers_before_it_shows(viewer: Client, project: Project) -> None:
    short_group(project, finish_at=NOW + 40 * DAY)
    short_group(project, status="paused", status_changed_by="system_user")
    work_out(project)
    html = page(viewer, f"/projects/{project.pk}/")
    assert verdict_on(html) == (
        "Will miss: about 300 of 400 by 27 Nov, 100 short. 2 of 2 open groups fall short. "
        "1 of 2 open groups is paused by Cint; 100 completes are missing in paused groups. "
        "The cost by end date is 815 USD."
    )
    order = ["answer", "project-chart", "needs", "countries", "filters", "live"]
    places = [html.index(f'id="{name}"') for name in order]
    assert places == sorted(places)


def test_the_tiles_have_the_figures_of_the_outlook(viewer: Client, project: Project) -> None:
    short_group(project, finish_at=NOW + 9 * DAY)
    short_group(project, status="paused", status_changed_by="system_user")
    Project.objects.filter(pk=project.pk).update(budget=Decimal(700), budget_currency="USD")
    work_out(project)
    strip = strip_of(page(viewer, f"/projects/{project.pk}/"))
    assert strip == {
        "Completes": "200 of 400 50 % of goal",
        "Target by now": "200 exactly as many",
        "Projected at end": "300 285–316 shortfall 100",
        "Late groups": "2 of 2 up to 2 d late 1 with no finish in sight",
        "Paused groups": "1 1 by Cint 100 missing in paused groups",
        "Spend": "540 USD cost by end date 815 USD budget 700 USD",
    }


def test_a_project_that_is_behind_says_by_how_much(viewer: Client, project: Project) -> None:
    factories.group(project, completes=60, starts_at=NOW - 3 * DAY, ends_at=NOW + DAY)
    work_out(project)
    strip = strip_of(page(viewer, f"/projects/{project.pk}/"))
    assert strip["Target by now"] == "150 90 behind"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (None, "Not read yet: its figures come with the first sync."),
        ({"status": "draft"}, "Nothing is planned: no group is scheduled, live, paused"),
        ({"filling_goal": None, "completes_goal": None}, "No group has a goal. There are 100"),
        ({"status": "completed"}, "Ended short: 100 of 200 completes, 100 short."),
        ({"status": "completed", "completes": 200}, "Completed: 200 of 200 completes."),
        ({"status": "scheduled"}, "Nothing is live yet: 1 open group is scheduled."),
        ({"status": "paused"}, "Nothing is live: 100 of 200 completes so far."),
        ({}, "No forecast yet: 100 of 200 completes so far, and no open group is projected."),
    ],
)
def test_a_page_without_a_forecast_says_why(
    viewer: Client, project: Project, fields: dict[str, Any] | None, said: str
) -> None:
    if fields is not None:
        factories.group(project, **fields)
        work_out(project)
    html = page(viewer, f"/projects/{project.pk}/")
    assert verdict_on(html).startswith(said)
    has_tiles = fields is not None and fields.get("status") != "draft"
    assert ('class="strip answer"' in html) is has_tiles


def test_what_it_needs_is_the_to_do_list_of_the_project(
    viewer: Client, project: Project, account: ExchangeAccount
) -> None:
    groups = [factories.group(project) for _ in range(2)]
    for group in groups:
        item(project, "raise_cpi", 40.0, target_group=group, critical=True)
    item(project, "extend", 500.0, target_group=groups[0], ends_at=NOW)
    item(project, "resume", 90.0, target_group=groups[0], state="waiting")
    item(project, "fix_loi", 90.0, target_group=groups[0], state="closed", closed_at=NOW)
    item(factories.project(account), "fix_ir", 90.0)
    html = page(viewer, f"/projects/{project.pk}/")
    needs = html.partition('id="needs"')[2].partition("</section>")[0]
    lines = [text_of(line) for line in needs.split("<li>")[1:]]
    assert lines == [
        "Too little time left: extend the end date 1 group · 500 completes at risk · ended "
        "Review : Too little time left: extend the end date",
        "Too slow at this CPI: raise the CPIs 2 critical 2 groups · 80 completes at risk "
        "Review : Too slow at this CPI: raise the CPIs",
    ]
    assert f'href="/?scope={project.pk}&amp;remedy=extend"' in needs
    listed = page(viewer, f"/?scope={project.pk}&remedy=raise_cpi")
    assert "2 groups · 80 completes at risk" in listed


def test_five_remedies_are_shown_and_the_rest_is_counted(viewer: Client, project: Project) -> None:
    keys = ("extend", "resume", "fix_loi", "fix_ir", "raise_cpi", "relax_quotas", "read_issue")
    for value, key in enumerate(keys):
        item(project, key, float(value))
    html = page(viewer, f"/projects/{project.pk}/")
    needs = html.partition('id="needs"')[2].partition("</section>")[0]
    assert needs.count("<li>") == 5
    assert f'href="/?scope={project.pk}">2 more in To do</a>' in needs
    assert "remedy=extend" not in needs


def test_a_project_without_items_says_so(viewer: Client, project: Project) -> None:
    assert "Nothing to do in this project now." in page(viewer, f"/projects/{project.pk}/")


def test_a_refresh_renews_the_answer_and_the_needs(viewer: Client, project: Project) -> None:
    group = short_group(project)
    work_out(project)
    address = f"/projects/{project.pk}/"
    etag = viewer.get(address).headers["ETag"]
    seen = {"HX-Request": "true", "If-None-Match": etag}
    assert viewer.get(address, headers=seen).status_code == 304
    item(project, "extend", 50.0, target_group=group)
    part = page(viewer, address, **seen)
    assert '<div id="answer" hx-swap-oob="true">' in part
    assert 'id="needs" aria-labelledby="needs-title" hx-swap-oob="true"' in part
    assert "Too little time left: extend the end date" in part
    assert verdict_on(part).startswith("Will miss: about 150 of 200")
    whole = page(viewer, address)
    assert 'id="answer" hx-swap-oob' not in whole
    assert whole.count('id="answer"') == whole.count('id="needs"') == 1


@pytest.mark.parametrize("change", [{"state": "closed"}, {"changed_at": NOW + DAY}])
def test_an_item_that_changes_ends_the_304(
    viewer: Client, project: Project, change: dict[str, Any]
) -> None:
    item(project, "extend", 50.0)
    address = f"/projects/{project.pk}/"
    etag = viewer.get(address).headers["ETag"]
    Item.objects.update(**change)
    seen = {"HX-Request": "true", "If-None-Match": etag}
    assert viewer.get(address, headers=seen).status_code == 200


@pytest.mark.parametrize("number", [1, 30])
def test_items_cost_one_query_whatever_their_number(
    viewer: Client,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
) -> None:
    for _ in range(number):
        item(project, "extend", 50.0, target_group=short_group(project))
    work_out(project)
    with django_assert_num_queries(10):
        viewer.get(f"/projects/{project.pk}/")


def test_countries_come_by_themselves_and_as_a_page(viewer: Client, project: Project) -> None:
    short_group(project, country_code="de", ends_at=NOW - DAY)
    factories.group(project, country_code="fr", status="completed", completes=200)
    factories.group(project, country_code="jp", status="draft", cost=None)
    part = page(viewer, f"/projects/{project.pk}/countries/", **{"HX-Request": "true"})
    assert "<html" not in part
    rows = [text_of(row) for row in part.partition("<tbody>")[2].split("<tr>")[1:]]
    assert rows == [
        "Germany 100 200 100 100 0 of 0 270 USD",
        "France 200 200 200 0 0 of 0 270 USD",
    ]
    assert "<h1>By country</h1>" in page(viewer, f"/projects/{project.pk}/countries/")


def test_the_chart_of_a_page_is_the_sum_and_by_group_is_a_choice(
    viewer: Client, project: Project
) -> None:
    factories.completes(short_group(project), counts=[1, 4, 9])
    address = f"/projects/{project.pk}/"
    assert f'data-chart="{address}chart.json"' in page(viewer, address)
    chosen = page(viewer, f"{address}?q=&chart=group&status=live")
    assert f'data-chart="{address}chart.json?per=group"' in chosen
    assert 'href="?status=live&amp;chart=group" aria-current="true"' in chosen
    whole = viewer.get(f"{address}chart.json").json()["data"]
    assert [trace["name"] for trace in whole][:2] == ["Completes", "Target"]
    by_group = viewer.get(f"{address}chart.json?per=group").json()["data"]
    assert by_group[0]["stackgroup"] == "completes"


# The list


def test_the_list_has_the_verdict_in_short_sorted_by_the_shortfall(
    viewer: Client, account: ExchangeAccount
) -> None:
    late, tight, fine, fresh = (factories.project(account, name=name) for name in "abcd")
    short_group(late, finish_at=NOW + 19 * DAY)
    short_group(tight, completes_goal=1000, filling_goal=1000, finish_at=None)
    short_group(fine, insight={"forecast": {"at_end": [200, 210, 220]}})
    Project.objects.filter(pk=fine.pk).update(budget=Decimal(400), budget_currency="USD")
    for one in (late, tight, fine):
        work_out(one)
    html = page(viewer, "/projects/?sort=short")
    cells = [
        cells_of(html, f'href="/projects/{one.pk}/"')["Verdict"]
        for one in (late, tight, fine, fresh)
    ]
    assert cells == [
        "Late 12 d projected shortfall 50",
        "Short 850",
        "Over budget 145 USD",
        "Not read yet",
    ]
    order = sorted((late, tight, fine), key=lambda one: html.index(f'"/projects/{one.pk}/"'))
    assert order == [tight, late, fine]
    response: Any = viewer.get("/projects/export.csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    rows = {row["Project"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {name: row["Verdict"] for name, row in rows.items()} == {
        "a": "Late 12 d",
        "b": "Short 850",
        "c": "Over budget 145 USD",
        "d": "Not read yet",
    }
    assert rows["a"]["Projected shortfall (completes)"] == "50"


def test_a_short_project_that_is_over_budget_says_both(viewer: Client, project: Project) -> None:
    short_group(project, finish_at=None)
    Project.objects.filter(pk=project.pk).update(budget=Decimal(300), budget_currency="USD")
    work_out(project)
    html = page(viewer, "/projects/")
    cell = cells_of(html, f'href="/projects/{project.pk}/"')["Verdict"]
    assert cell == "Short 50 over budget 108 USD"
