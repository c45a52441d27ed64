"""A PM's way through the running product: from sign-in to three confirmed changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.http_user import Desk, sit_down
from tests.end_to_end.product import Product

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
]


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("on_servers", marks=pytest.mark.services)]
)
def product(request: pytest.FixtureRequest) -> Product:
    """The product on embedded defaults, then on PostgreSQL and Redis."""
    found: Product = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def page(chromium: Browser, product: Product) -> Iterator[Page]:
    """Signed in as an editor; a complaint in the console fails the test."""
    complaints: list[str] = []
    context = chromium.new_context(base_url=product.url.rstrip("/"))
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/sign-in/")
    page.fill("#id_username", "demo-editor")
    page.fill("#id_password", "demo")
    page.press("#id_password", "Enter")
    page.wait_for_url("**/")
    yield page
    context.close()
    assert complaints == []


def open_a_live_group(page: Page, *, currency: str = "") -> None:
    """From the projects to a live group whose price can be changed."""
    until = time.monotonic() + 300
    page.goto("/projects/")
    while not page.locator("main table a[href^='/projects/']").count():
        assert time.monotonic() < until, "no project was read"
        page.wait_for_timeout(1000)
        page.goto("/projects/")
    rows = page.locator("main tbody tr", has_text=currency or None)
    projects = page.locator("main table a[href^='/projects/']")
    addresses = [link.get_attribute("href") for link in projects.all()]
    while time.monotonic() < until:  # the first read of 400 groups goes on meanwhile
        for address in addresses:
            page.goto(f"{address}?status=live")
            if rows.count():
                break
        links = rows.locator("a[href^='/groups/']").all()
        for group in [str(link.get_attribute("href")) for link in links[:15]]:
            page.goto(group)
            if page.locator("#open-cpi").count() and page.locator("#open-re_entry").count():
                return
        page.wait_for_timeout(1000)
    pytest.fail("no live group offers its price")


def price(page: Page) -> tuple[Decimal, str]:
    """The present CPI on the page, with its currency."""
    amount, currency = (
        page.locator("dl.settings > div", has_text="CPI")
        .locator("dd")
        .first.inner_text()
        .split()[:2]
    )
    return Decimal(amount.replace(",", "")), currency


def test_the_chart_of_a_group_is_drawn(page: Page) -> None:
    open_a_live_group(page)
    page.wait_for_selector("[data-drawn=total] .main-svg")


def test_a_price_is_changed_on_the_exchange_and_stands_in_the_history(page: Page) -> None:
    open_a_live_group(page)
    now, currency = price(page)
    wanted = (now * Decimal("1.1")).quantize(Decimal("0.01") if currency != "JPY" else Decimal(1))
    page.click("#open-cpi")
    page.fill("#cpi", str(wanted))
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("confirmed by Cint")
    expect(page.locator("table", has_text="Outcome").first).to_contain_text("Eddie Editor")
    page.reload()
    assert price(page) == (wanted, currency)


def test_a_filling_strategy_is_changed(page: Page) -> None:
    open_a_live_group(page)
    page.click("#open-filling_strategy")
    page.locator("#form-here input[type=radio]:not(:checked)").first.check()
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("confirmed")


def test_re_entry_is_changed(page: Page) -> None:
    open_a_live_group(page)
    page.click("#open-re_entry")
    cell = page.locator("#form-here input[type=checkbox]").first
    cell.set_checked(not cell.is_checked())
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("confirmed")


NO_PRICES = ("abc", "-1", "0", "NaN", "1e309", "1_0", "1E+2", "100000", "2.50 XXX", "２.50")


def test_a_wrong_price_is_refused_at_its_field_and_stays(page: Page) -> None:
    open_a_live_group(page, currency="USD")
    page.click("#open-cpi")
    for typed in NO_PRICES:
        page.fill("#cpi", typed)
        sent = page.locator("#cpi").element_handle()
        page.click("button:has-text('Apply')")
        sent.wait_for_element_state("hidden")  # the answer brings a field of its own
        expect(page.locator("#cpi-error")).to_be_visible()
        expect(page.locator("#cpi")).to_have_value(typed)


def test_a_refusal_of_the_exchange_itself_shows_at_the_field(page: Page) -> None:
    """A price above the exchange's limit in a currency whose limit Fieldwatch does not know."""
    open_a_live_group(page, currency="EUR")
    page.click("#open-cpi")
    page.fill("#cpi", "104.99")
    page.click("button:has-text('Apply')")
    page.fill("#cpi_again", "104.99")  # so large a jump is typed again
    page.click("button:has-text('Apply')")
    expect(page.locator("#cpi-error")).to_contain_text("must not exceed")
    expect(page.locator("#cpi")).to_have_value("104.99")


PRICED = """SELECT id, exchange_id FROM fielding_targetgroup WHERE status = 'live'
AND pricing_model = ? AND currency = 'USD' AND cpi BETWEEN 1 AND 30 ORDER BY id DESC"""
PROJECT_OF = """SELECT p.exchange_id FROM fielding_project p
JOIN fielding_targetgroup g ON g.project_id = p.id WHERE g.exchange_id = ?"""


@pytest.fixture
def desk(embedded: Product) -> Iterator[Desk]:
    """An editor's desk; the exchange is well again afterwards."""
    found = sit_down(embedded)
    yield found
    found.simulator.clear_faults()
    found.browser.close()


def priced_group(desk: Desk, number: int, model: str = "dynamic") -> tuple[str, str]:
    """The address of the price of a live group, and the exchange's id of the group."""
    until = time.monotonic() + 240
    while len(rows := desk.table(PRICED, model)) <= number:
        assert time.monotonic() < until, "no such group was read"
        time.sleep(0.5)
    pk, ulid = rows[number]
    return f"/groups/{pk}/edit/cpi/", str(ulid)


def raised(price: str, per_cent: str) -> str:
    """A price that much higher, with digits that nobody else would choose."""
    return f"{Decimal(price) * (100 + Decimal(per_cent)) / 100:.2f}17"


def test_a_form_that_is_sent_eight_times_at_once_is_one_put(desk: Desk) -> None:
    address, _ = priced_group(desk, 0)
    form, price = desk.opened(address)
    wanted = raised(price, "3")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.post(address, form=form, cpi=wanted), range(8)))
    assert {answer.status_code for answer in answers} == {302}
    assert desk.puts(wanted) == 1


def test_of_two_forms_the_later_one_shows_three_values_and_overwrites_nothing(desk: Desk) -> None:
    address, _ = priced_group(desk, 1)
    mine, price = desk.opened(address)
    theirs, _ = desk.opened(address)
    assert desk.post(address, form=theirs, cpi=raised(price, "4")).status_code == 302
    page = desk.post(address, form=mine, cpi=raised(price, "5")).text
    assert "Someone else changed this" in page
    assert all(value in page for value in (raised(price, "4"), raised(price, "5")))
    assert desk.puts(raised(price, "5")) == 0


def test_an_answer_that_is_not_known_is_settled_by_the_worker_and_never_sent_again(
    desk: Desk,
) -> None:
    address, ulid = priced_group(desk, 2)
    form, price = desk.opened(address)
    wanted = raised(price, "6")
    desk.simulator.fault("http_502", operation="update_cost*", group=ulid, count=1)
    assert desk.post(address, form=form, cpi=wanted).status_code == 302
    state = "SELECT state FROM fielding_edit WHERE wanted LIKE ?"
    assert desk.table(state, f"%{wanted}%") == [("unknown",)]
    sent = desk.simulator.requests()["update_cost_per_interview"]
    (project,) = desk.table(PROJECT_OF, ulid)[0]
    path = f"/v1/demand/accounts/101/projects/{project}/target-groups/{ulid}/cost-per-interview"
    late = {"target_group_cpi": {"value": wanted, "currency_code": "USD"}}
    headers = {"Authorization": "Bearer late", "Cint-API-Version": "2025-12-18"}
    assert httpx.put(desk.simulator.base_url + path, json=late, headers=headers).status_code == 200
    until = time.monotonic() + 240
    while desk.table(state, f"%{wanted}%") != [("confirmed",)]:
        assert time.monotonic() < until, "the worker does not settle it"
        time.sleep(0.5)
    assert desk.simulator.requests()["update_cost_per_interview"] == sent + 1  # the late one


def test_a_jump_is_typed_again_before_it_is_sent(desk: Desk) -> None:
    address, _ = priced_group(desk, 3)
    form, price = desk.opened(address)
    wanted = raised(price, "90")
    page = desk.post(address, form=form, cpi=wanted).text
    assert "re-enter the CPI" in page
    assert desk.puts(wanted) == 0
    assert desk.post(address, form=form, cpi=wanted, cpi_again=wanted).status_code == 302
    assert desk.puts(wanted) == 1


def test_a_rate_card_group_takes_no_price_even_with_a_form_of_another_one(desk: Desk) -> None:
    form, _ = desk.opened(priced_group(desk, 4)[0])
    address, ulid = priced_group(desk, 0, "rate_card")
    assert desk.opened(address) == ("", "")
    assert "rate card sets this group" in desk.post(address, form=form, cpi="3.3317").text
    assert desk.simulator.edits(ulid) == []
