"""The to-do list in a browser: emptied by keys, without a reload, and undone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dashboard.fielding.models import Item
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_list_is_emptied_by_keys_and_each_step_can_be_undone(open_page: Open) -> None:
    account = factories.account()
    factories.person("editor", account, username="anna", exchange_user_id="pm")
    project = factories.project(account)
    for number in range(3):
        factories.item(factories.group(project, project_manager_id="pm", name=f"Group {number}"))
    page = open_page()
    sign_in(page, "anna")
    loads = page.evaluate("performance.getEntriesByType('navigation').length")
    key, count = page.keyboard, page.locator("#tab-todo")
    expect(count).to_contain_text("3")
    key.press("j")
    key.press("Enter")
    key.press("j")
    key.press("e")
    expect(count).to_contain_text("2")
    expect(page.locator("#r-raise_cpi")).to_have_attribute("open", "")
    expect(page.locator("tr[data-line]:focus")).to_contain_text("Group 1")
    key.press("u")
    expect(count).to_contain_text("3")
    assert not Item.objects.filter(state="waiting").exists()
    for _ in range(2):
        key.press("x")
        key.press("j")
    expect(page.locator("[data-picked]")).to_contain_text("2 selected")
    key.press("s")
    expect(count).to_contain_text("1")
    page.click("text=Too slow at this CPI >> xpath=ancestor::section >> text=Acknowledge >> nth=0")
    expect(page.locator("#live")).to_contain_text("Nothing to do")
    key.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert page.evaluate("performance.getEntriesByType('navigation').length") == loads
