"""Ten questions of a project manager: each answer is in sight within two clicks from home."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from dashboard.fielding.figures.price_effects import measure_due_price_changes
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import Change, GroupPanels, Project, TargetGroup
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DAY = timedelta(days=1)
PROFILES = [
    {
        "id": "1",
        "name": "Gender",
        "quotas": True,
        "targets": [
            {"id": "a", "name": "Women 25–34", "completes": 12, "goal": 100},
            {"id": "b", "name": "Men 25–34", "completes": 88, "goal": 100},
        ],
    }
]


class World(NamedTuple):
    """A project with a group that is too slow at its CPI, and one that waits for a quota."""

    project: Project
    slow: TargetGroup
    quota: TargetGroup


@pytest.fixture
def world() -> World:
    """Two items to do; the CPI of the slow group was raised last week."""
    account = factories.account(poll_seconds=300)
    anna = factories.person("editor", account, username="anna", first_name="Anna")
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    project = factories.project(account, name="Coffee W3", read_at=timezone.now())
    forecast = {"forecast": {"at_end": [150, 160, 170], "chance": 0.01}}
    cause = {
        "sentence": "CPI below comparable groups",
        "observed": "CPI 2.75 USD",
        "expected": "comparable groups: 3.60 USD",
        "advice": "Raise the CPI.",
    }
    slow = _group(project, "Japan 25–54", now, insight=forecast | {"causes": [cause]})
    factories.item(slow, critical=True)
    cells = {"at_end": {"a": [20, 30, 40, 0.05, None]}, "last": "a"}
    quota = _group(project, "Germany", now, insight=forecast | {"quotas": cells})
    GroupPanels.objects.create(group=quota, profiles=PROFILES)
    factories.item(quota, remedy="relax_quotas", sentence="Women 25–34: 12 of 100 now.")
    _raise_cpi(slow, now - 5 * DAY)
    factories.edit(
        slow, by=anna, started_at=now - timedelta(hours=3), settled_at=now - timedelta(hours=3)
    )
    refresh_project_outlook(project.pk, now=now)
    measure_due_price_changes(now=timezone.now())
    return World(project, slow, quota)


def _group(project: Project, name: str, now: datetime, **fields: object) -> TargetGroup:
    """A live group with a tenth of what it needs to come, which ends in some days."""
    days = 3 if name.startswith("Japan") else 9
    group = factories.group(
        project,
        name=name,
        short_at_end=40.0 if days == 3 else 90.0,
        starts_at=now - 12 * DAY,
        ends_at=now + days * DAY,
        completes_read_at=now,
        details_read_at=now,
        currency="USD",
        cpi=Decimal("2.75"),
        **fields,
    )
    rate = np.where(np.arange(12 * 24) < 7 * 24, 24, 72) / 24
    counts = np.cumsum(np.random.default_rng(3).poisson(rate))
    factories.completes(group, until=now, counts=counts.tolist())
    return group


def _raise_cpi(group: TargetGroup, at: datetime) -> None:
    price = {"currency_code": "USD"}
    Change.objects.create(
        account=group.account,
        group=group,
        batch_id="b",
        occurred_at=at,
        seen_at=at,
        kind="cpi_change",
        actor_type="las_user",
        old=price | {"value": "2.25"},
        new=price | {"value": "2.75"},
    )


class Visit:
    """A person who starts at home and counts the clicks."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0
        page.goto("/?scope=all")

    def click(self, target: Locator) -> None:
        """Click what is in sight; the page does not count as searched."""
        expect(target).to_be_in_viewport()
        target.click()
        self.clicks += 1

    def place(self, name: str) -> None:
        """Go to a page of the navigation; on a phone it is behind the menu."""
        menu = self.page.get_by_role("button", name="Menu")
        if menu.is_visible():
            self.click(menu)
        self.click(self.page.get_by_role("navigation", name="Main").get_by_text(name, exact=True))

    def open_remedy(self, title: str) -> None:
        """Open a remedy of the list."""
        self.click(self.page.locator(".remedy summary", has_text=title))

    def sees(self, text: str, within: str = "main") -> None:
        """The answer is in sight, after two clicks at most."""
        answer = self.page.locator(within).get_by_text(text).locator("visible=true").first
        expect(answer).to_be_in_viewport()
        assert self.clicks <= 2, self.clicks


def what_must_i_do(visit: Visit, world: World) -> None:
    visit.sees("Too slow at this CPI: raise the CPI")


def will_the_project_make_it(visit: Visit, world: World) -> None:
    visit.place("Projects") if not _on_phone(visit) else visit.click(
        visit.page.locator(".summary a[href*='projects']").first
    )
    visit.click(visit.page.locator("td.name a", has_text="Coffee W3").first)
    visit.sees("Will miss: about")


def why_is_this_group_slow(visit: Visit, world: World) -> None:
    visit.open_remedy("Too slow")
    visit.click(visit.page.locator("td.name a", has_text="Japan 25–54"))
    visit.sees("Too slow at this CPI", within=".to-do")


def what_does_a_cpi_cost(visit: Visit, world: World) -> None:
    visit.open_remedy("Too slow")
    visit.click(visit.page.get_by_role("link", name="Change CPI Japan 25–54"))
    visit.page.get_by_label("New CPI").first.fill("3.50")
    visit.sees("Cost if the goal is reached")
    visit.sees("3.50 USD")


def did_the_price_help(visit: Visit, world: World) -> None:
    visit.click(visit.page.get_by_role("link", name="Changes"))
    visit.click(visit.page.get_by_role("link", name="What price changes brought"))
    visit.sees("More completes")


def where_did_the_money_go(visit: Visit, world: World) -> None:
    visit.place("Spend") if not _on_phone(visit) else visit.click(
        visit.page.locator(".summary a[href*='spend']")
    )
    visit.sees("Coffee W3")


def what_do_i_tell_the_client(visit: Visit, world: World) -> None:
    visit.place("Projects") if not _on_phone(visit) else visit.click(
        visit.page.locator(".summary a[href*='projects']").first
    )
    visit.click(visit.page.get_by_role("link", name="Share status of Coffee W3"))
    visit.sees("of 400 completes")


def which_quota_is_the_problem(visit: Visit, world: World) -> None:
    visit.open_remedy("Quotas full")
    visit.sees("Women 25–34")


def which_group_ends_first(visit: Visit, world: World) -> None:
    visit.click(visit.page.locator(".summary a[href*='sort=end']"))
    first = visit.page.locator("tr[data-line]").first
    expect(first).to_contain_text("Japan 25–54")
    expect(first).to_be_in_viewport()
    assert visit.clicks <= 2


def what_changed_since_yesterday(visit: Visit, world: World) -> None:
    visit.click(visit.page.get_by_role("link", name="Changes"))
    visit.sees("2.50 USD → 2.75 USD")


QUESTIONS: tuple[Callable[[Visit, World], None], ...] = (
    what_must_i_do,
    will_the_project_make_it,
    why_is_this_group_slow,
    what_does_a_cpi_cost,
    did_the_price_help,
    where_did_the_money_go,
    what_do_i_tell_the_client,
    which_quota_is_the_problem,
    which_group_ends_first,
    what_changed_since_yesterday,
)


def _on_phone(visit: Visit) -> bool:
    return visit.page.viewport_size == {"width": 375, "height": 900}


@pytest.mark.parametrize("width", [1440, 375])
def test_each_answer_is_in_sight_within_two_clicks_from_home(
    open_page: Open, world: World, width: int
) -> None:
    page = open_page(width=width)
    sign_in(page, "anna")
    failed = {}
    for question in QUESTIONS:
        try:
            question(Visit(page), world)
        except AssertionError as error:
            failed[question.__name__] = str(error)[:600]
    assert failed == {}
