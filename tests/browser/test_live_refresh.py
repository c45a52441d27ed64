"""A page refreshes by itself under the hands of whoever reads it: nothing of theirs is lost."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from dashboard.fielding.models import BatchGroup, BatchJob, Project
from tests import factories
from tests.browser.conftest import Open, sign_in
from tests.fakes.edit_gateway import FakeExchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REGION = "[data-live], #batch, #made, #first-sync"
PAGES = {
    "to do": "/?scope=all",
    "to do, waiting": "/?tab=waiting&scope=all",
    "to do, changes": "/?tab=changes",
    "to do, closed": "/?tab=closed",
    "groups": "/groups/",
    "project": "/projects/{project}/?by=country",
    "live group": "/groups/{group}/?per=1h&span=7d",
    "draft": "/groups/{draft}/",
    "running bulk change": "/jobs/{job}/",
    "running edit": "/edits/{edit}/",
    "first sync": "/connections/{new}/first-sync/",
}
# Puts the page into another state than it came in, as far as it can be: opens what is closed and
# closes what is open, types, goes down the page and sideways, and leaves the focus far below.
HANDLE = """
(region) => {
  const main = document.getElementById("main"), place = document.querySelector(region);
  const all = (names) => [...place.querySelectorAll(names)];
  document.documentElement.style.minHeight = "3000px";
  for (const details of main.querySelectorAll("details:not([hx-trigger])")) {
    details.open = !details.open;
  }
  for (const field of all("input:not([type=hidden], [type=checkbox], [type=range])")) {
    field.value = "37";
  }
  for (const choice of all("select")) choice.selectedIndex = choice.options.length - 1;
  all("a[href]").filter((link) => link.checkVisibility()).at(-1)?.focus();
  for (const each of main.querySelectorAll("*")) {
    const isWide = each.scrollWidth > each.clientWidth;
    if (isWide && getComputedStyle(each).overflowX === "auto") each.scrollLeft = 15;
  }
  scrollTo(0, Math.min(900, document.documentElement.scrollHeight / 3));
  place.dataset.old = "yes";
}
"""
SEEN = """
(region) => {
  const all = (names) => [...document.getElementById("main").querySelectorAll(names)];
  const fields = "input:not([type=hidden]), select, textarea";
  return {
    place: Math.round(scrollY),
    sideways: all("*").map((each) => each.scrollLeft).filter((left) => left),
    open: all("details").map((details) => details.open),
    typed: all(fields).map((field) => field.value),
    focus: document.activeElement.getAttribute("href"),
  };
}
"""
REFRESH = """
(region) => {
  const place = document.querySelector(region);
  if (!place.matches("[data-live]")) return; // it asks by itself
  place.dataset.etag = "of another state";
  document.dispatchEvent(new Event("fieldwatch:tick"));
}
"""
SETTLED = f":is({REGION}):not([data-old], .htmx-added, .htmx-settling)"
EMPTY = "getSelection().removeAllRanges()"
UNTICK = "{ const pick = document.querySelector('#live [name=pick]'); pick.click(); pick.blur(); }"
PLOT = "document.querySelector('#completes-chart .plot')"
RANGE = f"{PLOT}.layout.xaxis.range"
HIDDEN = f"{PLOT}._fullData.filter(({{ visible }}) => visible === 'legendonly')"
VIEW_OF_CHART = """
(id) => {
  const { layout, _fullData } = document.querySelector(`#${id} .plot`);
  const hidden = _fullData.filter(({ visible }) => visible === "legendonly");
  return { range: layout.xaxis.range, hidden: hidden.map(({ name }) => name) };
}
"""


class World(NamedTuple):
    """Ids for the addresses of the pages."""

    ids: dict[str, int]
    project: Project


@pytest.fixture
def world(exchange: FakeExchange) -> World:
    """A project whose pages have everything that refreshes, and changes under way."""
    now = timezone.now()
    account = factories.account()
    factories.person("administrator", account, username="anna", exchange_user_id="pm")
    project = factories.project(account, read_at=now)
    groups = [
        factories.group(project, name=f"Group {number} " + "x" * 60, project_manager_id="pm")
        for number in range(30)
    ]
    for group in groups:
        factories.item(group)
        factories.item(
            group, remedy="fix_loi", state="waiting", waiting="snoozed", waiting_value=50
        )
        factories.item(group, remedy="resume", state="closed", closed_at=now)
    first = groups[0]
    hour = now.replace(minute=0, second=0, microsecond=0)
    factories.completes(first, until=hour, counts=range(100))
    job = factories.batch(first, created_at=now)
    BatchJob.objects.filter(batch=job).update(finished_at=None)
    BatchGroup.objects.filter(job__batch=job).update(state=BatchGroup.State.WAITING)
    edit = factories.edit(first, state="unknown", started_at=now, settled_at=None, after=None)
    new = factories.account(name="New", exchange_id="new", read_at=None)
    factories.person("administrator", new, username="ben")
    ids = {
        "project": project.pk,
        "group": first.pk,
        "draft": factories.group(project, status="draft", completes=None).pk,
        "job": job.pk,
        "edit": edit.pk,
        "new": new.pk,
    }
    return World(ids, project)


def refresh(page: Page) -> None:
    """Let the live region be replaced, and wait until it has settled."""
    page.evaluate(REFRESH, REGION)
    page.wait_for_selector(SETTLED, state="attached")


def wait_for_charts(page: Page) -> None:
    for chart in page.query_selector_all("[data-chart]"):
        chart.wait_for_selector(".wait[hidden], .wait:not(:has-text('Loading'))", state="attached")


@pytest.mark.parametrize("width", [1440, 375])
def test_a_refresh_keeps_place_opened_details_entries_and_focus_on_every_live_page(
    open_page: Open, world: World, width: int
) -> None:
    page = open_page(width=width)
    lost = {}
    for name, address in PAGES.items():
        sign_in(page, "ben" if name == "first sync" else "anna")
        page.goto(address.format(**world.ids))
        wait_for_charts(page)
        page.evaluate(HANDLE, REGION)
        before = page.evaluate(SEEN, REGION)
        refresh(page)
        wait_for_charts(page)
        if (after := page.evaluate(SEEN, REGION)) != before:
            lost[name] = {
                each: (before[each], after[each]) for each in before if before[each] != after[each]
            }
    assert lost == {}


def test_what_a_page_asks_by_itself_says_so_and_a_click_does_not(
    open_page: Open, world: World
) -> None:
    page = open_page()
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)
    counted = {}
    for name, address in PAGES.items():
        sign_in(page, "ben" if name == "first sync" else "anna")
        page.goto(address.format(**world.ids))
        wait_for_charts(page)
        page.evaluate("region => document.querySelector(region).dataset.old = 'yes'", REGION)
        asked.clear()
        refresh(page)
        wait_for_charts(page)
        by_scripts = [each for each in asked if each.resource_type in ("xhr", "fetch")]
        assert by_scripts, name
        as_use = [each.url for each in by_scripts if "x-automatic" not in each.headers]
        if as_use:
            counted[name] = as_use
    assert counted == {}
    sign_in(page, "anna")
    page.goto("/groups/")
    with page.expect_request("**/groups/?*") as typed:
        page.fill("#q", "Group 7")
    assert "x-automatic" not in typed.value.headers


@pytest.mark.parametrize("width", [1440, 375])
def test_a_refresh_keeps_what_was_zoomed_in_and_hidden_in_a_chart(
    open_page: Open, world: World, width: int
) -> None:
    page = open_page(width=width)
    sign_in(page, "anna")
    page.goto(f"/groups/{world.ids['group']}/")
    wait_for_charts(page)
    page.locator("#completes-chart .legendtoggle").first.click()
    page.wait_for_function(f"() => {HIDDEN}.length === 1")
    whole = page.evaluate(VIEW_OF_CHART, "completes-chart")["range"]
    page.locator("#completes-chart .nsewdrag").scroll_into_view_if_needed()
    box = page.locator("#completes-chart .nsewdrag").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => {RANGE}[0] !== '{whole[0]}'")
    before = page.evaluate(VIEW_OF_CHART, "completes-chart")
    page.evaluate(f"document.querySelector('{REGION}').dataset.old = 'yes'")
    page.evaluate(f"{PLOT}.on('plotly_afterplot', () => {{ window.isDrawnAgain = true; }})")
    refresh(page)
    page.wait_for_function("() => window.isDrawnAgain")
    assert page.evaluate(VIEW_OF_CHART, "completes-chart") == before
    page.click("#completes-panel >> text=7 days")  # another choice is another view
    page.wait_for_function(f"() => {RANGE}[0] !== '{before['range'][0]}'")


def test_what_is_selected_or_ticked_is_not_taken_away(open_page: Open, world: World) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto("/groups/")
    asked: list[str | None] = []
    page.on("request", lambda request: asked.append(request.headers.get("hx-request")))
    for act, undo in (
        ("getSelection().selectAllChildren(document.querySelector('#live td.name'))", EMPTY),
        ("document.querySelector('#live [name=pick]').click()", UNTICK),
    ):
        page.evaluate(act)
        page.evaluate(REFRESH, REGION)
        page.evaluate(f"document.querySelector('{REGION}').dataset.old = 'yes'")
        assert "true" not in asked
        page.evaluate(undo)
        refresh(page)
        assert "true" in asked
        asked.clear()


def test_ages_go_by_the_servers_clock_whatever_the_computers(open_page: Open, world: World) -> None:
    page = open_page()
    sign_in(page, "anna")
    read_at = timezone.now() - timedelta(minutes=20)
    Project.objects.filter(pk=world.project.pk).update(read_at=read_at)
    for days in (-1, 1):
        page.add_init_script(
            f"{{ const now = Date.now; Date.now = () => now() + {days} * 864e5; }}"
        )
        page.goto(f"/groups/{world.ids['group']}/")
        age = page.locator("time[data-read]")
        expect(age).to_have_text(re.compile("^2[0-3] min ago$"))
        page.evaluate(f"document.querySelector('{REGION}').dataset.old = 'yes'")
        refresh(page)
        expect(age).to_have_text(re.compile("^2[0-3] min ago$"))
