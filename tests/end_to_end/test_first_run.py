"""A stranger's first run: from an empty state folder to their own account and its first item.

Nothing but the browser, and the one-time code that the terminal shows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from dashboard.simulator.harness import Simulator
from tests.end_to_end.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.timeout(700)]
CLIENT, SECRET = "a-client", "the-secret-of-the-client"
PASSWORD = "correct horse battery"
GROUPS = 12
TEN_MINUTES = 600


@pytest.fixture
def exchange() -> Iterator[Simulator]:
    """The exchange of a company that has client credentials, on a port of its own."""
    known: dict[str, Any] = {"client_id": CLIENT, "client_secret": SECRET}
    with Simulator(process=True, projects=1, groups=GROUPS, **known) as simulator:
        yield simulator


@pytest.fixture
def product(tmp_path: Path, exchange: Simulator) -> Iterator[Product]:
    """A state folder with nothing in it; only the exchange's host is allowed by the environment."""
    allowed = {"EXCHANGE_ALLOWED_HOSTS": urlsplit(exchange.base_url).netloc}
    product = Product(tmp_path / "home", allowed, demo=False)
    yield product
    if product.process and product.process.poll() is None:
        product.stop()


def test_from_an_empty_folder_to_the_first_item_in_the_browser(
    product: Product, exchange: Simulator, chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    paused = exchange.groups(status="live")[0]["id"]
    exchange.force(paused, "pause", reason_code="high_drop_rates")
    began = time.monotonic()
    product.start()
    code = re.search(r"/setup/  one-time code: (\S+)", product.said)
    assert code, product.said
    page = chromium.new_context(base_url=product.url).new_page()

    page.goto("/")
    expect(page.locator("h1")).to_have_text("Set up Fieldwatch")
    assert_is_clean(page)
    page.fill("#id_code", code[1])
    page.fill("#id_name", "Anna Weber")
    page.fill("#id_email", "anna@example.com")
    page.fill("#id_password", PASSWORD)
    page.fill("#id_repeated", PASSWORD)
    page.click("button:has-text('Continue')")

    expect(page.locator("h1")).to_have_text("Connect your exchange account")
    expect(page.locator("#id_base_url")).to_have_value(f"{exchange.base_url}/v1")
    page.fill("#id_name", "Meridian")
    page.fill("#id_account_id", "101")
    page.check("input[value=client_credentials]")
    page.fill("#id_token_url", f"{exchange.base_url}/oauth/token")
    page.fill("#id_client_id", CLIENT)
    page.fill("#id_client_secret", "a wrong one")
    page.click("button:has-text('Test and connect')")
    expect(page.locator(".note.bad")).to_contain_text("does not accept the client id and secret")
    expect(page.locator("#id_client_secret")).to_have_value("")
    expect(page.locator("#id_client_id")).to_have_value(CLIENT)
    assert_is_clean(page)
    page.fill("#id_client_secret", SECRET)
    page.click("button:has-text('Test and connect')")

    expect(page.locator("h1")).to_have_text("Initial sync")
    assert_is_clean(page)
    expect(page.locator("main")).to_contain_text("The initial sync is complete.", timeout=300_000)
    link = page.locator("a:has-text('Open To do')")
    deadline = began + TEN_MINUTES
    while not link.count():  # items follow what was read
        assert time.monotonic() < deadline, "no item within ten minutes"
        page.wait_for_timeout(500)
        page.reload()
    link.click()
    expect(page.locator("h1")).to_have_text("To do")
    expect(page.locator("main .items")).not_to_have_count(0)
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\nfirst_run_seconds={took:.0f} goal=600")  # noqa: T201  the figure of this run
    assert took < TEN_MINUTES
    page.context.close()
    assert SECRET not in product.said
    assert SECRET.encode() not in (product.home / "fieldwatch.sqlite3").read_bytes()


def assert_is_clean(page: Page) -> None:
    """Nothing for axe at the width of a desk and of a phone, and nothing beyond its edge."""
    for width in (1440, 375):
        page.set_viewport_size({"width": width, "height": 900})
        violations = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1440, "height": 900})
