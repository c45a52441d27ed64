"""A new administrator's first day: from an empty database to an alert mail whose links work."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.simulator.harness import Simulator
from tests.end_to_end.product import Product
from tests.end_to_end.smtp_server import Post, links, post_office, text

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
]
CLIENT, SECRET = "a-client", "the-secret-of-the-client"
PASSWORD = "correct horse battery"
GROUPS = 12


@pytest.fixture
def exchange() -> Iterator[Simulator]:
    """The exchange of a company that has client credentials."""
    known: dict[str, Any] = {"client_id": CLIENT, "client_secret": SECRET}
    with Simulator(process=True, projects=1, groups=GROUPS, **known) as simulator:
        yield simulator


@pytest.fixture
def post() -> Iterator[Post]:
    """The company's mail server."""
    with post_office() as office:
        yield office


@pytest.fixture
def product(tmp_path: Path, exchange: Simulator, post: Post) -> Iterator[Product]:
    """A state folder with nothing in it, and the environment that the administrator sets."""
    given = {
        "EXCHANGE_ALLOWED_HOSTS": urlsplit(exchange.base_url).netloc,
        "EMAIL_URL": post.url,
        "BEAT_SECONDS": "1",
        "CINT_SECRET": SECRET,
        "ANNAS_PASSWORD": PASSWORD,
    }
    product = Product(tmp_path / "home", given, demo=False, is_prepared=False)
    yield product
    if product.process and product.process.poll() is None:
        product.stop()


def by_and_by(what: Callable[[], Any], seconds: float = 300) -> Any:
    """What comes to be within this time."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.3)
    return found


def pass_a_quarter_of_an_hour(product: Product) -> bool:
    """Put what was found back in time, once the pause is an item: its mail waits ten minutes."""
    with contextlib.closing(sqlite3.connect(product.home / "fieldwatch.sqlite3", 20)) as tables:
        moved = tables.execute(
            "UPDATE fielding_notice SET created_at = datetime(created_at, '-15 minutes')"
            " WHERE EXISTS (SELECT 1 FROM fielding_item WHERE remedy = 'reduce_drop_off')"
        )
        column = "first_pull_completed_at"
        tables.execute(
            f"UPDATE fielding_exchangeaccount SET {column} = datetime({column}, '-15 minutes')"  # noqa: S608
        )
        if moved.rowcount > 0:
            tables.commit()
        return moved.rowcount > 0


def sign_in(page: Page) -> None:
    """As the README's Anna."""
    page.fill("#id_username", "anna")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")


def set_up(product: Product, exchange: Simulator) -> None:
    """The commands of the README, with client credentials."""
    product.manage("migrate", "--verbosity", "0")
    base = f"{exchange.base_url}/v1"
    where = ["--account-id", "101", "--base-url", base]
    token = ["--token-url", f"{exchange.base_url}/oauth/token", "--client-id", CLIENT]
    how = [*token, "--client-secret-env", "CINT_SECRET"]
    product.manage("exchange", "add", "main", *where, *how)
    assert "12 groups" in product.manage("exchange", "check", "main")
    product.manage(
        "exchange", "change", "main", "--poll-seconds", "5", "--requests-per-minute", "0"
    )
    who = ["anna", "anna@example.com", "--role", "administrator", "--on", "main"]
    product.manage("person", "add", *who, "--password-env", "ANNAS_PASSWORD")
    pulled = json.loads(product.manage("pull", "main"))
    assert (pulled["complete"], pulled["groups_seen"]) == (True, GROUPS)


def test_from_an_empty_database_to_the_first_alert_mail(
    product: Product, exchange: Simulator, post: Post, chromium: Browser
) -> None:
    paused = exchange.groups(status="live")[0]["id"]
    exchange.force(paused, "pause", reason_code="high_drop_rates")
    set_up(product, exchange)
    product.start()
    assert "sign in as one of your people" in product.said

    page = chromium.new_context(base_url=product.url).new_page()
    page.goto("/")
    sign_in(page)
    expect(page.locator("h1")).to_have_text("To do")
    page.goto("/projects/")
    page.locator("main td.name a").first.click()
    expect(page.locator("main input[name=pick]")).to_have_count(GROUPS)
    page.goto("/connections/")
    expect(page.locator("main")).to_contain_text("main")

    page.goto(f"/search/?q={paused}")
    page.locator("main td.name a").click()
    name = page.locator("main h1").inner_text()
    expect(page.locator("main")).to_contain_text("Paused by Cint")

    page.goto("/me/mail/")  # whatever day and hour it is
    for day in page.locator("input[name=quiet_days]").all():
        day.uncheck()
    page.fill("input[name=quiet_from]", "00:00")
    page.fill("input[name=quiet_until]", "00:00")
    page.locator("main form", has=page.locator("input[name=quiet_from]")).locator(
        "button.primary"
    ).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("input[name=quiet_days]:checked")).to_have_count(0)
    page.context.close()

    by_and_by(lambda: pass_a_quarter_of_an_hour(product))
    mail: EmailMessage = by_and_by(lambda: post.to("anna@example.com", about="/items/"))
    assert name in text(mail)
    after_the_name = links(text(mail).partition(name)[2])
    to_the_item = next(link for link in after_the_name if "/items/" in link)
    page = chromium.new_context().new_page()  # her phone, where nobody is signed in
    page.goto(to_the_item)
    sign_in(page)
    expect(page.locator("main h1")).to_have_text(name)
    assert page.url == to_the_item
    expect(page.locator("main")).to_contain_text("High drop-off")
    page.locator("main button", has_text="Acknowledge").click()
    expect(page.locator("main")).to_contain_text("1 item acknowledged")
    page.goto(to_the_item)
    expect(page.locator("main")).to_contain_text("Acknowledged by anna")
    page.context.close()
