"""The to-do list in a browser: emptied by keys, without a reload, and undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
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
    page.goto("/")
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


def test_a_key_does_what_a_line_offers_first(open_page: Open) -> None:
    account = factories.account()
    factories.person("editor", account, username="anna", exchange_user_id="pm")
    ends_at = timezone.now() + timedelta(days=7)
    group = factories.group(factories.project(account), project_manager_id="pm", ends_at=ends_at)
    factories.item(group)
    page = open_page()
    sign_in(page, "anna")
    page.goto("/")
    for key in ("j", "Enter", "j", "r"):
        page.keyboard.press(key)
    page.wait_for_url(f"**/groups/{group.pk}/edit/cpi/")


def test_a_list_of_groups_goes_by_keys_and_every_page_lists_them(open_page: Open) -> None:
    account = factories.account()
    factories.person("editor", account, username="anna")
    project = factories.project(account)
    names = [factories.group(project, name=f"Group {number}").name for number in range(3)]
    page = open_page()
    sign_in(page, "anna")
    page.goto("/groups/?sort=name")
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("tr[data-line]:focus")).to_contain_text(names[1])
    expect(page.locator("tr[data-line]:focus input[name=pick]")).to_be_checked()
    page.keyboard.press("e")  # a key of the to-do list alone
    page.keyboard.press("Enter")
    page.wait_for_url("**/groups/*/")
    expect(page.locator("h1")).to_contain_text(names[1])
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_one_line_is_snoozed_or_assigned_from_its_own_menu(open_page: Open) -> None:
    account = factories.account()
    factories.person("editor", account, username="anna", exchange_user_id="pm")
    ben = factories.person("editor", account, username="ben", first_name="Ben")
    project = factories.project(account)
    for number in range(3):
        factories.item(factories.group(project, project_manager_id="pm", name=f"Group {number}"))
    page = open_page()
    sign_in(page, "anna")
    page.goto("/")
    menu, live = page.locator("#line-menu"), page.locator("#live")
    for key in ("j", "Enter", "j", "a"):
        page.keyboard.press(key)
    expect(menu).to_be_visible()
    expect(menu.get_by_role("button", name="4 hours")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    first = page.locator("tr[data-line]").first
    name = first.locator("td.name bdi").first.inner_text()
    first.locator("[data-more]").click()
    menu.get_by_role("button", name="3 days").click()
    expect(live).to_contain_text("1 item snoozed for 3 days")
    expect(menu).to_be_hidden()
    assert Item.objects.get(target_group__name=name).waiting == "snoozed"
    page.locator("tr[data-line] [data-more]").first.click()
    menu.get_by_role("button", name="Assign").click()
    expect(live).to_contain_text("Choose a person first.")
    page.locator("tr[data-line] [data-more]").first.click()
    menu.locator("select").select_option(label="Ben")
    menu.get_by_role("button", name="Assign").click()
    expect(live).to_contain_text("1 item assigned to Ben")
    assert Item.objects.get(assigned_to=ben).target_group
