"""The notification settings in a browser: the count follows what is typed, before it is saved."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dashboard.fielding.models import Mail, MailPreferences
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_count_follows_the_choices_and_nothing_is_saved(open_page: Open) -> None:
    account = factories.account()
    factories.person("editor", account, username="anna")
    factories.project(account, name="Tracker W23")
    page = open_page()
    sign_in(page, "anna")
    page.goto("/me/mail/")
    count, projects = page.locator("#would"), page.locator("input[name=chosen_projects]")
    expect(count).to_contain_text("10 emails: 0 immediate, 10 digests")
    expect(projects).to_be_hidden()
    page.locator("input[name=digest_days][value='1']").uncheck()
    expect(count).to_contain_text("8 emails: 0 immediate, 8 digests")
    page.locator("input[name=about][value=chosen]").check()
    expect(count).to_contain_text("Projects: Choose at least one project.")
    projects.check()
    expect(count).to_contain_text("8 emails: 0 immediate, 8 digests")
    assert not MailPreferences.objects.exists()
    page.locator("button.primary", has_text="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(projects).to_be_checked()
    assert MailPreferences.objects.get().digest_days == "2345"
    assert not Mail.objects.exists()
