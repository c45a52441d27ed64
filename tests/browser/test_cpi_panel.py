"""The forms of a group in a browser: beside its tiles, in sight and focused; the CPI panel."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard.fielding.domain.what_if import WhatIf, WhatIfState
from dashboard.fielding.models import Edit, GroupPanels, LearnedElasticity, TargetGroup
from dashboard.fielding.queries.what_if import NOT_OFFERED
from dashboard.fielding.series.holidays import GroupCalendar, Holiday, format_days
from dashboard.web.edits.forms import FORMS
from tests import factories
from tests.browser.conftest import Open, sign_in
from tests.fakes.edit_gateway import FakeExchange

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 375)
NEARLY = {"at_end": [175, 190, 215], "chance": 0.35, "note": "high confidence"}


@pytest.fixture
def group() -> TargetGroup:
    """A live group at 2.70 USD with 100 of 200 completes, 160 of them projected."""
    account = factories.account()
    factories.person("editor", account, username="anna")
    now = timezone.now()
    return factories.group(
        factories.project(account, read_at=now),
        cpi=Decimal("2.70"),
        ends_at=now + timedelta(hours=100),
        insight={
            "forecast": {"at_end": [150, 160, 170], "chance": 0.12, "note": "high confidence"},
            "cost": {"p10": "400", "p50": "432", "p90": "460"},
        },
    )


@pytest.fixture
def page(open_page: Open, group: TargetGroup) -> Page:
    return opened(open_page, group)


def opened(open_page: Open, group: TargetGroup, width: int = 1440, theme: str = "light") -> Page:
    page = open_page(width=width, theme=theme)
    sign_in(page, "anna")
    page.goto(f"/groups/{group.pk}/")
    return page


def new_figure(page: Page, row: str) -> str:
    """What stands under *New* in a row of the table."""
    return page.locator(".outlook tr", has_text=row).locator("td").last.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_form_opens_in_sight_and_focused_wherever_its_button_is(
    open_page: Open, group: TargetGroup, width: int
) -> None:
    page = open_page(width=width)
    sign_in(page, "anna")
    failed = {}
    for form in (name for name in FORMS if name != "draft"):
        page.goto(f"/groups/{group.pk}/")
        try:
            opens_in_sight_and_focused(page, form)
        except AssertionError as error:
            failed[form] = str(error)[:600]
    assert failed == {}


def opens_in_sight_and_focused(page: Page, form: str) -> None:
    """Open a form of the group's page by its button."""
    page.click(f"#open-{form}")
    panel = page.locator("#form-here .edit")
    expect(panel.locator("form")).to_be_visible()
    page.wait_for_function("document.activeElement.closest('#form-here .edit form')")
    for seen in (
        panel.locator("#form-title"),
        panel.locator("button.primary"),
        page.locator(":focus"),
    ):
        expect(seen).to_be_in_viewport(ratio=0.9)
    expect(panel).to_be_in_viewport(ratio=0.99)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_panel_stands_beside_the_tiles(page: Page) -> None:
    open_panel(page)
    expect(page.locator("#form-here .edit")).to_be_visible()
    tiles = page.locator(".first-screen > .strip").bounding_box()
    panel = page.locator("#form-here .edit").bounding_box()
    assert tiles is not None
    assert panel is not None
    assert tiles["x"] + tiles["width"] <= panel["x"]
    assert tiles["y"] < panel["y"] + panel["height"]
    expect(page.locator("#verdict")).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_panel_is_a_sheet_at_the_foot(open_page: Open, group: TargetGroup) -> None:
    page = opened(open_page, group, 375)
    open_panel(page)
    expect(page.locator("#form-here .edit")).to_be_visible()
    sheet = page.locator("#form-here .edit").bounding_box()
    assert sheet is not None
    assert (sheet["x"], sheet["width"]) == (0, 375)
    assert sheet["y"] + sheet["height"] == pytest.approx(900)
    assert sheet["y"] > 100  # what is changed stays to be seen


def test_a_quick_choice_fills_the_field_and_the_table_follows(page: Page) -> None:
    open_panel(page)
    expect(page.locator(".outlook thead")).not_to_contain_text("USD")
    for choice, price, at_goal in (
        ("−5 %", "2.57", "527 USD"),
        ("+5 %", "2.84", "554 USD"),
        ("+10 %", "2.97", "567 USD"),
        ("+25 %", "3.38", "608 USD"),
    ):
        page.click(f"#form-here a:has-text('{choice}')")
        expect(page.locator("#cpi")).to_have_value(price)
        expect(page.locator("#cpi")).to_be_focused()
        expect(page.locator(".outlook thead")).to_contain_text(f"{price} USD")
        assert " USD" in new_figure(page, "Cost by end date")
        assert at_goal in new_figure(page, "Cost if the goal is reached")
        assert "–" in new_figure(page, "Completes an hour")
        assert "%" in new_figure(page, "Chance")
    assert page.url.endswith(f"/groups/{TargetGroup.objects.get().pk}/")


def test_a_price_is_previewed_while_it_is_typed_and_nothing_is_shown_for_a_wrong_one(
    page: Page,
) -> None:
    open_panel(page)
    page.fill("#cpi", "3.70")
    expect(page.locator(".outlook thead")).to_contain_text("3.70 USD")
    assert "640 USD" in new_figure(page, "Cost if the goal is reached")
    page.fill("#cpi", "3,80 $")
    expect(page.locator(".outlook thead")).to_contain_text("3.80 USD")
    page.fill("#cpi", "3,8,0")
    expect(page.locator(".outlook thead")).not_to_contain_text("USD")
    assert new_figure(page, "Cost by end date").strip() == "—"


def test_escape_and_cancel_close_the_panel_and_give_the_focus_back(page: Page) -> None:
    open_panel(page)
    page.click("#form-here a:has-text('+10 %')")  # taken over, not typed
    page.keyboard.press("Escape")
    expect(page.locator("#form-here .edit")).to_have_count(0)
    expect(page.locator("#quick-cpi")).to_be_focused()
    page.click("#open-cpi")
    expect(page.locator("#cpi")).to_be_focused()
    page.fill("#cpi", "3.70")
    page.keyboard.press("Escape")
    expect(page.locator("#cpi")).to_have_value("3.70")  # a key throws away nothing that was typed
    page.click("#form-here >> text=Cancel")
    expect(page.locator("#form-here .edit")).to_have_count(0)
    expect(page.locator("#open-cpi")).to_be_focused()


def test_a_confirmed_price_is_named_on_the_page_and_undone_from_there(
    page: Page, exchange: FakeExchange
) -> None:
    open_panel(page)
    page.click("#form-here a:has-text('+10 %')")
    page.click("#form-here button:has-text('Apply')")
    line = page.locator("main > .note.good")
    expect(line).to_contain_text("2.70 USD → 2.97 USD: confirmed by Cint.")
    line.get_by_role("link", name="Undo").click()
    expect(page.locator("#form-here #cpi")).to_have_value("2.70")
    expect(page.locator("#cpi")).to_be_focused()
    page.click("#form-here button:has-text('Apply')")
    expect(page.locator("main > .note.good")).to_contain_text("2.97 USD → 2.70 USD: confirmed")
    assert [sent["value"] for sent in exchange.sent] == ["2.97", "2.70"]


def test_the_undo_of_a_line_opens_its_form_where_the_page_has_no_panel(
    page: Page, group: TargetGroup, exchange: FakeExchange, complaints: list[str]
) -> None:
    exchange.state, exchange.facts = Edit.State.UNKNOWN, {"started_at": timezone.now()}
    open_panel(page)
    page.click("#form-here a:has-text('+10 %')")
    page.click("#form-here button:has-text('Apply')")
    expect(page.locator("main > .note.warn")).to_contain_text("not confirmed yet")
    page.evaluate("document.getElementById('live').remove()")
    new = {"value": "2.97", "currency_code": "USD"}
    exchange.values["cpi"] = new
    Edit.objects.update(state=Edit.State.CONFIRMED, after=new, settled_at=timezone.now())
    page.locator("main > .note.good").get_by_role("link", name="Undo").click(timeout=20_000)
    page.wait_for_url(re.compile(r"/edit/cpi/\?undo="))
    expect(page.locator("#cpi")).to_have_value("2.70")
    assert all("htmx:targetError" in complaint for complaint in complaints)
    complaints.clear()


def test_a_large_step_is_asked_again_in_the_panel_with_the_focus_at_it(
    page: Page, exchange: FakeExchange
) -> None:
    open_panel(page)
    page.fill("#cpi", "5.40")
    page.click("#form-here button:has-text('Apply')")
    expect(page.locator("#cpi_again")).to_be_focused()
    expect(page.locator("#cpi")).to_have_value("5.40")
    expect(page.locator(".outlook thead")).to_contain_text("5.40 USD")
    assert exchange.sent == []


def test_without_scripts_the_form_is_a_page_with_the_same_table(
    open_page: Open, group: TargetGroup
) -> None:
    page = open_page(scripts=False)
    sign_in(page, "anna")
    page.goto(f"/groups/{group.pk}/")
    page.click("#quick-cpi")
    assert page.url.endswith("/edit/cpi/")
    page.click("a:has-text('+25 %')")
    expect(page.locator("#cpi")).to_have_value("3.38")
    assert "608 USD" in new_figure(page, "Cost if the goal is reached")
    page.click("button:has-text('Apply')")
    expect(page.locator(".note.good")).to_contain_text("2.70 USD → 3.38 USD: confirmed by Cint.")


def test_yen_are_previewed_without_decimals(
    page: Page, group: TargetGroup, exchange: FakeExchange
) -> None:
    TargetGroup.objects.update(currency="JPY", cpi=300, cost=27000, insight={})
    exchange.values["cpi"] = {"value": "300", "currency_code": "JPY"}
    page.reload()
    open_panel(page)
    page.click("#form-here a:has-text('+5 %')")
    expect(page.locator("#cpi")).to_have_value("315")
    expect(page.locator(".outlook thead")).to_contain_text("315 JPY")
    assert "58,500 JPY" in new_figure(page, "Cost if the goal is reached")


def test_a_rate_card_group_says_which_price_applies(page: Page, group: TargetGroup) -> None:
    TargetGroup.objects.update(pricing_model="rate_card")
    card = {"bound": True, "currency": "USD", "minutes": [15], "percents": [30], "prices": [[345]]}
    GroupPanels.objects.create(group=group, rate_card=card)
    page.reload()
    expect(page.locator("#quick-cpi")).to_have_count(0)
    page.goto(f"/groups/{group.pk}/edit/cpi/")
    expect(page.locator(".edit")).to_contain_text("The rate card sets this group's CPI")
    expect(page.locator(".edit")).to_contain_text("at 30 % IR or more costs 3.45 USD")


def test_the_slider_moves_the_field_and_the_table_follows(page: Page) -> None:
    open_panel(page)
    page.locator("#cpi-slide").focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#cpi")).to_have_value("3.24")
    expect(page.locator(".slide output")).to_have_text("+20 %")
    expect(page.locator(".outlook thead")).to_contain_text("3.24 USD")
    page.fill("#cpi", "2.97")
    expect(page.locator(".slide output")).to_have_text("+10 %")
    page.keyboard.press("Escape")
    expect(page.locator("#cpi")).to_have_value("2.97")  # a key throws away nothing that was typed


@pytest.mark.parametrize("width", WIDTHS)
def test_the_slider_stands_on_one_line(open_page: Open, group: TargetGroup, width: int) -> None:
    page = opened(open_page, group, width)
    open_panel(page)
    slide = page.locator("#form-here .slide")
    expect(slide).to_be_visible()
    box = slide.bounding_box()
    assert box is not None
    assert box["height"] < 50


def open_panel(page: Page) -> None:
    """Open the panel of the CPI; what is typed before its field has the focus is not previewed."""
    page.click("#quick-cpi")
    expect(page.locator("#cpi")).to_be_focused()


def fits(page: Page) -> bool:
    """Whether nothing of the panel is cut off at its side."""
    wide: bool = page.evaluate(
        "[...document.querySelectorAll('.edit, .ways')]"
        ".every((panel) => panel.scrollWidth <= panel.clientWidth)"
    )
    return wide


@pytest.mark.parametrize("width", WIDTHS)
def test_without_evidence_the_panel_names_the_usual_range(
    open_page: Open, group: TargetGroup, width: int
) -> None:
    page = opened(open_page, group, width)
    open_panel(page)
    ways = page.locator(".edit .ways")
    expect(ways).to_contain_text("How completes follow CPI: no evidence yet: the usual range.")
    expect(ways.locator("li").first).to_contain_text("Chance ")
    expect(page.locator(".edit")).to_have_count(1)
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_estimate_leaves_the_panel_and_its_ways(
    open_page: Open, group: TargetGroup, exchange: FakeExchange, width: int
) -> None:
    exchange.what_if = WhatIf(WhatIfState.NOT_OFFERED, "USD", reason=NOT_OFFERED)
    page = opened(open_page, group, width)
    open_panel(page)
    ways = page.locator(".edit .ways")
    expect(ways).to_contain_text(NOT_OFFERED)
    expect(ways.locator("li").first).to_contain_text("Chance ")
    expect(ways.get_by_text("Ask Cint again")).to_have_count(0)
    page.click("#form-here a:has-text('+10 %')")
    expect(page.locator(".outlook thead")).to_contain_text("2.97 USD")
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_price_that_meets_the_deadline_is_one_click(
    open_page: Open, group: TargetGroup, exchange: FakeExchange, width: int
) -> None:
    TargetGroup.objects.update(insight=group.insight | {"forecast": NEARLY})
    LearnedElasticity.objects.create(
        account=group.account, mean=1.2, sd=0.2, in_country=41, learned_at=timezone.now()
    )
    page = opened(open_page, group, width)
    open_panel(page)
    expect(page.locator(".edit .ways")).to_contain_text("from 41 changes in United States")
    expect(page.locator("#cpi-ways[hx-trigger]")).to_have_count(0)  # Cint's part has come
    choice = page.locator("#cpi-needed a")
    expect(choice).to_have_count(1)
    expect(choice).to_contain_text("Meets the deadline: ")
    price = choice.inner_text().rpartition(" ")[2]
    choice.click()
    expect(page.locator("#cpi")).to_have_value(price)
    expect(page.locator(".outlook thead")).to_contain_text(f"{price} USD")
    assert int(new_figure(page, "Chance").strip().removesuffix(" %")) >= 80
    assert exchange.sent == []
    page.locator(".ways a", has_text="Extend").first.click()
    expect(page.locator("#form-title")).to_have_text("Fielding dates")
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_relaxed_quotas_open_their_form_with_new_goals_and_holidays_are_named(
    open_page: Open, group: TargetGroup, exchange: FakeExchange, width: int
) -> None:
    targets = [
        {"id": "t1", "name": "18–34", "goal": 80, "completes": 75},
        {"id": "t2", "name": "35–54", "goal": 120, "completes": 25},
    ]
    profiles = [{"id": "p1", "name": "Age", "quotas": True, "targets": targets}]
    GroupPanels.objects.create(group=group, profiles=profiles)
    held = {"forecast": NEARLY, "quotas": {"unstopped": [230, 260, 290]}}
    TargetGroup.objects.update(insight=group.insight | held)
    assert group.ends_at is not None
    days = [(group.ends_at + timedelta(days=number)).date() for number in (-2, 1)]
    exchange.calendar = GroupCalendar(
        holidays=tuple(Holiday(day, "Midsummer", 0.02) for day in days), is_read=True
    )
    page = opened(open_page, group, width)
    open_panel(page)
    ways = page.locator(".edit .ways")
    expect(ways).to_contain_text(f"Before the end date: {format_days(days[:1])} (Midsummer).")
    expect(ways).to_contain_text(f"Leaves out {format_days(days[1:])} (Midsummer).")
    way = ways.locator("li", has_text=re.compile("Relax the quota 18–34 to "))
    goal = way.locator("strong").inner_text().rpartition(" ")[2]
    assert fits(page)
    way.get_by_role("link").click()
    expect(page.locator("#form-title")).to_have_text("Goals")
    expect(page.get_by_label("Goal for 18–34")).to_have_value(goal)
    expect(page.get_by_label("Goal for 35–54")).to_have_value("120")
    assert int(goal) > 80
    assert exchange.sent == []


@pytest.mark.parametrize("width", WIDTHS)
def test_yen_are_advised_without_decimals(
    open_page: Open, group: TargetGroup, exchange: FakeExchange, width: int
) -> None:
    insight = {"forecast": NEARLY, "cost": {"p10": "40000", "p50": "54000", "p90": "58000"}}
    TargetGroup.objects.update(currency="JPY", cpi=300, cost=27000, insight=insight)
    exchange.values["cpi"] = {"value": "300", "currency_code": "JPY"}
    page = opened(open_page, group, width)
    open_panel(page)
    page.locator("#cpi-needed a").click()
    price = page.locator("#cpi").input_value()
    assert price.isdigit()
    expect(page.locator(".ways")).to_contain_text(f"Raise the CPI to {price} JPY")
    expect(page.locator(".outlook thead")).to_contain_text(f"{price} JPY")
    assert fits(page)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_rate_card_group_has_the_other_ways(
    open_page: Open, group: TargetGroup, width: int
) -> None:
    TargetGroup.objects.update(pricing_model="rate_card")
    card = {"bound": True, "currency": "USD", "minutes": [15], "percents": [30], "prices": [[345]]}
    GroupPanels.objects.create(group=group, rate_card=card)
    page = opened(open_page, group, width)
    page.goto(f"/groups/{group.pk}/edit/cpi/")
    ways = page.locator(".ways")
    expect(ways).to_contain_text("The rate card sets the CPI. Other ways to the goal:")
    expect(ways.locator("li", has_text="Extend the end date by")).to_have_count(1)
    expect(page.locator(".edit")).not_to_contain_text("Raise the CPI")
    expect(page.locator("#cpi-slide")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (375, "light")])
def test_the_panel_is_accessible(
    open_page: Open, group: TargetGroup, width: int, theme: str
) -> None:
    page = opened(open_page, group, width, theme)
    open_panel(page)
    page.click("#form-here a:has-text('+10 %')")
    expect(page.locator(".outlook thead")).to_contain_text("2.97 USD")
    answer = Axe().run(page, options={"resultTypes": ["violations"]}).response
    wrong = [f"{one['id']} {one['nodes'][0]['target']}" for one in answer["violations"]]
    assert wrong == []
