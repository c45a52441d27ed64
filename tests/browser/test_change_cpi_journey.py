"""The way of a PM: sign in, find a group, see its chart, change it, see it confirmed."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.fielding.models import Edit, Project, TargetGroup, User
from tests import factories
from tests.browser.conftest import Open, sign_in
from tests.fakes.edit_gateway import FakeExchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def group() -> TargetGroup:
    account = factories.account()
    factories.person("editor", account, username="anna", first_name="Anna", last_name="Weber")
    group = factories.group(factories.project(account, name="Brand tracker"), name="Japan 25–54")
    factories.completes(group, counts=range(0, 100, 1))
    return group


@pytest.fixture
def page(open_page: Open, group: TargetGroup) -> Page:
    page = open_page()
    sign_in(page, "anna")
    page.goto("/")
    return page


def open_group(page: Page) -> None:
    page.click("nav >> text=Projects")
    page.click("text=Brand tracker")
    page.click("text=Japan 25–54")


def test_the_chart_is_drawn_and_its_numbers_are_behind_it(page: Page) -> None:
    open_group(page)
    page.wait_for_selector("[data-drawn=total] .main-svg")
    page.click("text=Daily")
    page.wait_for_selector("[data-drawn=day] .bars path", state="attached")
    page.click("text=Show data")
    expect(page.locator("details table")).to_contain_text("99")


def test_moments_are_those_of_the_persons_own_zone_wherever_the_browser_is(
    open_page: Open, group: TargetGroup
) -> None:
    User.objects.filter(username="anna").update(time_zone="Asia/Tokyo")
    page = open_page()
    sign_in(page, "anna")
    page.goto("/projects/")
    said = page.locator("main time[data-local]").first
    friday = datetime.fromisoformat(str(said.get_attribute("datetime")))
    assert said.inner_text() == f"{friday.astimezone(ZoneInfo('Asia/Tokyo')):%a %-d %b %H:%M}"


def test_a_cpi_is_changed_in_place_and_seen_in_the_history(
    page: Page, exchange: FakeExchange
) -> None:
    open_group(page)
    page.click("#open-cpi")
    expect(page.locator("#cpi")).to_be_focused()
    for text in ("-1", "0"):
        page.fill("#cpi", text)
        expect(page.locator("#cpi-help")).to_have_text(re.compile(r"^\s*More than 0[^×]*$"))
    page.fill("#cpi", "3.10")
    expect(page.locator("#cpi-help")).to_contain_text("100 × 3.10 = 310 USD")
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("confirmed by Cint")
    expect(page.locator("table", has_text="Outcome")).to_contain_text("Anna Weber")
    assert exchange.sent == [{"value": "3.10", "currency_code": "USD"}]


def test_a_change_that_is_not_confirmed_yet_turns_green_by_itself(
    page: Page, exchange: FakeExchange
) -> None:
    exchange.state, exchange.facts = Edit.State.UNKNOWN, {"started_at": timezone.now()}
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.10")
    page.click("button:has-text('Apply')")
    line = page.locator("main > .note")
    expect(line).to_contain_text("sent, not confirmed yet")
    expect(line).to_have_class("note warn")
    now = timezone.now()
    Edit.objects.update(state=Edit.State.CONFIRMED, started_at=now, settled_at=now)
    TargetGroup.objects.update(cpi="3.10")
    Project.objects.update(version=F("version") + 1)
    expect(line).to_have_class("note good", timeout=20_000)
    expect(line).to_contain_text("confirmed by Cint")
    expect(page.locator(".settings").first).to_contain_text("3.10")  # drawn anew with it


def test_a_wrong_cpi_stays_in_its_field_with_a_sentence(page: Page, exchange: FakeExchange) -> None:
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "1e309")
    page.click("button:has-text('Apply')")
    expect(page.locator("#cpi-error")).to_contain_text("“1e309” is not an amount")
    expect(page.locator("#cpi")).to_have_value("1e309")
    assert exchange.sent == []


def test_a_refusal_of_the_exchange_shows_at_the_field(page: Page, exchange: FakeExchange) -> None:
    exchange.state = Edit.State.REJECTED
    exchange.reasons = [{"name": "value", "reason": "must be at least 4.00"}]
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.10")
    page.click("button:has-text('Apply')")
    expect(page.locator("#cpi-error")).to_contain_text("must be at least 4.00")


def test_three_values_beside_the_chart_wrap_between_words(
    page: Page, exchange: FakeExchange
) -> None:
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.10")
    exchange.state = Edit.State.CONFLICT
    exchange.values["cpi"] = {"value": "12.90", "currency_code": "USD"}
    page.click("button:has-text('Apply')")
    word = page.locator(".three tbody td").first
    expect(word).to_have_text("CPI")
    text = (
        "const range = new Range(); range.selectNodeContents(cell); return range.getClientRects()"
    )
    assert word.evaluate(f"(cell) => {{ {text}.length }}") == 1
    beyond = "(table) => table.scrollWidth - table.parentElement.clientWidth"
    assert page.locator(".three").evaluate(beyond) <= 0


def test_a_new_strategy_is_confirmed(page: Page, exchange: FakeExchange) -> None:
    open_group(page)
    page.click("#open-filling_strategy")
    page.check("#strategy-prescreens")
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("By completes → By prescreens")
    assert exchange.sent == ["prescreens"]


def test_re_entry_is_changed_cell_by_cell(page: Page, exchange: FakeExchange) -> None:
    open_group(page)
    page.click("#open-re_entry")
    page.uncheck("[name='overquota.client_side.allow_for_current_target_group']")
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("Re-entry (1 setting): confirmed")
    side = exchange.sent[0]["overquota"]["client_side"]
    assert side == {"allow_for_current_target_group": False, "allow_for_other_target_groups": False}


def test_a_double_click_sends_once(page: Page, exchange: FakeExchange) -> None:
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.10")
    page.dblclick("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_be_visible()
    assert len(exchange.sent) == 1


def test_everything_works_without_scripts(
    open_page: Open, group: TargetGroup, exchange: FakeExchange
) -> None:
    page = open_page(scripts=False)
    sign_in(page, "anna")
    page.goto("/")
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.10")
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("confirmed by Cint")


def test_a_form_can_be_opened_sent_and_closed_by_keyboard(page: Page) -> None:
    open_group(page)
    page.focus("#open-cpi")
    page.keyboard.press("Enter")
    expect(page.locator("#cpi")).to_be_focused()
    for _ in ("slider", "Apply", "Cancel"):
        page.keyboard.press("Tab")
    expect(page.locator("text=Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#open-cpi")).to_be_focused()


def test_a_refresh_leaves_a_half_typed_form_alone(page: Page) -> None:
    open_group(page)
    page.click("#open-cpi")
    page.fill("#cpi", "3.1")
    page.wait_for_selector("[data-drawn=total]")
    TargetGroup.objects.update(completes=150)
    page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    expect(page.locator("#cpi")).to_have_value("3.1")


def test_an_unchanged_page_is_not_swapped_and_a_changed_one_is(
    page: Page, group: TargetGroup
) -> None:
    open_group(page)
    page.wait_for_selector("[data-drawn=total]")
    page.evaluate("document.getElementById('live').dataset.old = 'yes'")
    with page.expect_response(lambda answer: answer.status == 304):
        page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    expect(page.locator("#live[data-old=yes]")).to_have_count(1)
    TargetGroup.objects.update(completes=150)
    group.project.version += 1
    group.project.save()
    page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    expect(page.locator("#live")).to_contain_text("150 / 200")
    expect(page.locator("#live[data-old=yes]")).to_have_count(0)
    page.wait_for_selector("[data-drawn=total] .main-svg")


@pytest.mark.parametrize("form", ["cpi", "filling_strategy", "re_entry"])
def test_the_forms_that_matter_most_are_two_clicks_from_the_project(
    page: Page, group: TargetGroup, form: str
) -> None:
    more = "sessionStorage.clicks = +(sessionStorage.clicks || 0) + 1"
    page.add_init_script(f"addEventListener('click', () => {more}, true)")
    page.goto(f"/projects/{group.project_id}/")
    page.click("text=Japan 25–54")
    page.click(f"#open-{form}")
    expect(page.locator(f".edit form [name^='{form}'], .edit table.grid").first).to_be_visible()
    expect(page.locator(".edit [data-focus], .edit table.grid").first).to_be_visible()
    assert page.evaluate("sessionStorage.clicks") == "2"
