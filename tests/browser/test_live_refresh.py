"""A page that refreshes by itself, under the hands of whoever reads it: nothing of theirs is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.fielding.models import BatchGroup, BatchJob, ExchangeAccount, Project
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
# Puts the page into another state than it came in, as far as it can be: opens what is closed and closes what
# is open, types, goes down the page and sideways, and leaves the focus on the last link, far below.
HANDLE = """
(region) => {
  const main = document.getElementById("main"), place = document.querySelector(region);
  document.documentElement.style.minHeight = "3000px";
  for (const details of main.querySelectorAll("details:not([hx-trigger])")) details.open = !details.open;
  for (const field of place.querySelectorAll("input:not([type=hidden], [type=checkbox], [type=range])")) {
    field.value = "37";
  }
  for (const choice of place.querySelectorAll("select")) choice.selectedIndex = choice.options.length - 1;
  [...place.querySelectorAll("a[href]")].filter((link) => link.checkVisibility()).at(-1)?.focus();
  for (const each of main.querySelectorAll("*")) {
    if (getComputedStyle(each).overflowX === "auto" && each.scrollWidth > each.clientWidth) each.scrollLeft = 15;
  }
  scrollTo(0, Math.min(900, document.documentElement.scrollHeight / 3));
  place.dataset.old = "yes";
}
"""
SEEN = """
(region) => {
  const main = document.getElementById("main"), all = (names) => [...main.querySelectorAll(names)];
  return {
    place: Math.round(scrollY),
    sideways: all("*").map((each) => each.scrollLeft).filter((left) => left),
    open: all("details").map((details) => details.open),
    typed: all("input:not([type=hidden]), select, textarea").map((field) => field.value),
    focus: document.activeElement.getAttribute("href"),
  };
}
"""
REFRESH = """
(region) => {
  const place = document.querySelector(region);
  if (!place.matches("[data-live]")) return;
  place.dataset.etag = "of another state";
  document.dispatchEvent(new Event("fieldwatch:tick"));
}
"""
VIEW_OF_CHART = """
(id) => {
  const { layout, data } = document.querySelector(`#${id} .plot`), { range } = layout.xaxis;
  return { range, hidden: data.filter(({ visible }) => visible === "legendonly").map(({ name }) => name) };
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
        factories.item(group, remedy="fix_loi", state="waiting", waiting="snoozed", waiting_value=50)
        factories.item(group, remedy="resume", state="closed", closed_at=now)
    first = groups[0]
    hour = now.replace(minute=0, second=0, microsecond=0)
    factories.completes(first, until=hour, counts=range(100))
    job = factories.batch(first, created_at=now)
    BatchJob.objects.filter(batch=job).update(finished_at=None)
    BatchGroup.objects.filter(job__batch=job).update(state=BatchGroup.State.WAITING)
    edit = factories.edit(first, state="unknown", started_at=now, settled_at=None, after=None)
    new = factories.account(name="New", exchange_id="new", health=ExchangeAccount.Health.FRESH)
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
    page.wait_for_selector(f":is({REGION}):not([data-old], .htmx-added, .htmx-settling)", state="attached")


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
            lost[name] = {each: (before[each], after[each]) for each in before if before[each] != after[each]}
    assert lost == {}
