"""Who signs out leaves nothing behind: neither in the browser's storage nor in another tab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_other_tabs_leave_their_pages_and_storage_is_empty(open_page: Open) -> None:
    factories.person("viewer", factories.account(), username="dana")
    here = open_page()
    sign_in(here, "dana")
    here.goto("/projects/")
    other = here.context.new_page()
    other.goto("/me/")
    expect(other.locator("h1")).to_be_visible()
    here.evaluate("localStorage.setItem('chart-width x', '7'); sessionStorage.setItem('kept', '1')")
    here.get_by_role("button", name="Sign out").click()
    here.wait_for_url("**/sign-in/")
    other.wait_for_url("**/sign-in/?next=/me/")
    assert here.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
