"""The first page of a demo offers both ways, and the pages of a first run fit and read well."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.fielding import setup
from dashboard.management import demo
from tests import factories
from tests.browser.conftest import Open, sign_in
from tests.browser.test_accessibility_and_layout import wrong

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_demo_is_one_click_away_and_so_is_ones_own_account(open_page: Open) -> None:
    demo.ensure_demo(base_url="http://127.0.0.1:1/v1")
    setup.create_setup_code(now=timezone.now())
    for width, theme in ((1440, "light"), (375, "dark")):
        page = open_page(width=width, theme=theme)
        page.goto("/")
        assert wrong(page, "/sign-in/") == []
        page.click("text=Connect your exchange account")
        expect(page.locator("h1")).to_have_text("Set up Fieldwatch")
        expect(page.locator("main")).to_contain_text("This ends the demo")
        page.fill("#id_code", "AAAA")
        page.fill("#id_name", "Anna")
        page.fill("#id_email", "anna@example.com")
        page.fill("#id_password", "short")
        page.fill("#id_repeated", "another")
        page.click("button:has-text('Continue')")
        expect(page.locator("main")).to_contain_text("This is not the code")
        assert wrong(page, "/setup/") == []
        page.click("text=Back to the demo")
        page.click("text=Look around the demo")
        expect(page.locator("h1")).to_have_text("To do")


def test_of_two_kinds_of_credentials_the_chosen_one_is_asked_for(open_page: Open) -> None:
    account = factories.account()
    factories.person("administrator", account, username="anna")
    page = open_page(width=375, theme="dark")
    sign_in(page, "anna")
    page.goto("/connections/")
    page.click("text=Add connection")
    page.fill("#id_password", "demo")
    page.click("button:has-text('Continue')")
    expect(page.locator("h1")).to_have_text("Connect your exchange account")
    expect(page.locator("#id_api_key")).to_be_visible()
    expect(page.locator("#id_client_secret")).to_be_hidden()
    page.check("input[value=client_credentials]")
    expect(page.locator("#id_client_secret")).to_be_visible()
    expect(page.locator("#id_api_key")).to_be_hidden()
    assert wrong(page, "/connections/add/") == []
    for below in ("change", "remove", "first-sync"):
        page.goto(f"/connections/{account.pk}/{below}/")
        assert wrong(page, below) == []
