"""The page of a group in a browser: verdict and actions in the first screen, panels that stay."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.exchange.errors import TimedOut
from dashboard.fielding.models import Change, TargetGroup
from dashboard.sync.lookup import on_demand
from dashboard.sync.lookup.on_demand import SupplierCount
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNTS = [
    SupplierCount("Atlas " + "x" * 100, 60, 80, group_name="Fast ones " * 8, share=(10, 60)),
    SupplierCount("Blocked", 0, 0, is_blocked=True),
]


class Suppliers(NamedTuple):
    """What the exchange answers, in this order, and the groups that it was asked of."""

    answers: list[list[SupplierCount] | Exception]
    asked: list[int]


@pytest.fixture
def suppliers(monkeypatch: pytest.MonkeyPatch) -> Suppliers:
    """An exchange that answers late once, and then with two suppliers."""
    exchange = Suppliers([TimedOut(), COUNTS], [])

    def read(group: TargetGroup) -> list[SupplierCount]:
        exchange.asked.append(group.pk)
        answer = exchange.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(on_demand, "read_suppliers", read)
    return exchange


@pytest.fixture
def group() -> TargetGroup:
    """A live group that misses its goal, with an item to do and a changed CPI."""
    account = factories.account()
    factories.person("editor", account, username="anna")
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    project = factories.project(account, read_at=timezone.now())
    group = factories.group(
        project,
        name="Japan 25–54",
        insight={"forecast": {"at_end": [150, 160, 170]}},
        short_at_end=40,
        ends_at=now + timedelta(days=7),
    )
    factories.completes(group, until=now, counts=range(100))
    price = {"currency_code": "USD"}
    Change.objects.create(
        account=account,
        group=group,
        batch_id="b",
        occurred_at=now - timedelta(days=2),
        seen_at=now,
        kind="cpi_change",
        old=price | {"value": "2.70"},
        new=price | {"value": "3.10"},
    )
    factories.item(group, critical=True)
    return group


def refresh(page: Page, group: TargetGroup) -> None:
    """Let the page see that its group has one more complete."""
    group.refresh_from_db()
    group.completes = (group.completes or 0) + 1
    group.save()
    group.project.version += 1
    group.project.save()
    page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    page.wait_for_selector(f"text={group.completes} / 200")


def wrong(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']} {one['nodes'][0]['target']}" for one in found]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (375, "dark")])
def test_verdict_and_action_stand_in_the_first_screen_and_all_is_accessible(
    open_page: Open, group: TargetGroup, suppliers: Suppliers, width: int, theme: str
) -> None:
    suppliers.answers.pop(0)
    page = open_page(width=width, theme=theme)
    sign_in(page, "anna")
    page.goto(f"/groups/{group.pk}/")
    for seen in (page.locator("#verdict"), page.locator(".to-do-item .button.primary")):
        expect(seen).to_be_in_viewport(ratio=1)
    expect(page.locator("#verdict")).to_contain_text("Will miss: about 160 of 200 by")
    page.click("#suppliers-panel > summary")
    expect(page.locator("#suppliers-here")).to_contain_text("60 completes from 1 of 2 suppliers")
    page.click(".effects summary")
    expect(page.locator(".effects dl")).to_be_visible()
    assert wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_action_opens_its_form_on_the_page(open_page: Open, group: TargetGroup) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/groups/{group.pk}/")
    page.click(".to-do-item .button.primary")
    expect(page.locator("#form-here [data-form]")).to_be_visible()
    assert page.url.endswith(f"/groups/{group.pk}/")


def test_suppliers_are_asked_for_once_and_again_by_hand(
    open_page: Open, group: TargetGroup, suppliers: Suppliers
) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/groups/{group.pk}/")
    page.wait_for_load_state("networkidle")
    assert suppliers.asked == []
    page.click("#suppliers-panel > summary")
    here = page.locator("#suppliers-here")
    expect(here).to_contain_text("Cint did not answer in time.")
    here.get_by_role("link", name="Try again").click()
    expect(here).to_contain_text("60 completes from 1 of 2 suppliers, 1 blocked")
    refresh(page, group)
    expect(here).to_contain_text("60 completes from 1 of 2 suppliers, 1 blocked")
    expect(page.locator("#suppliers-panel")).to_have_attribute("open", "")
    assert suppliers.asked == [group.pk] * 2
