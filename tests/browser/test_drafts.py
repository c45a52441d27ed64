"""Drafts in a real browser and on a simulated exchange: each way that their forms can end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from dashboard.fielding.models import (
    BusinessUnit,
    Edit,
    ExchangeAccount,
    ExchangeUser,
    Project,
    TargetGroup,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.edits import create, launch, send
from tests import factories
from tests.browser.conftest import SQUEEZED, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SOON = timedelta(minutes=1)


def clock_ahead(by: timedelta) -> Callable[[], datetime]:
    return lambda: timezone.now() + by


@pytest.fixture
def simulator(settings: Settings) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    cache.clear()
    with Simulator(projects=1, groups=3, history_days=1, seed=7) as running:
        yield running


@pytest.fixture
def project(simulator: Simulator) -> Project:
    """A project that was read, with its people and business units."""
    account = factories.account(base_url=simulator.base_url, requests_per_minute=0, read_at=None)
    with pytest.raises(SystemExit):
        call_command("pull", account.name)
    factories.person("editor", account, username="anna", first_name="Anna", last_name="Weber")
    return account.projects.get()


@pytest.fixture
def tab(
    chromium: Browser, live_server: LiveServer, project: Project, answered: None
) -> Iterator[Page]:
    """Anna's browser."""
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(60_000)
    for chart in ("**/plotly*", "**/chart.json*", "**/trend.json*"):  # nothing is drawn here
        context.route(chart, lambda route: route.abort())
    page = context.new_page()
    sign_in(page, "anna")
    yield page
    context.close()


def fill(page: Page, **typed: str) -> None:
    """120 completes in Germany, and what is typed otherwise, by the fields' ids."""
    euros = BusinessUnit.objects.get(currency="EUR").exchange_id
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    chosen = {"d-locale": "ger_de", "d-unit": euros, "d-manager": manager}
    given = {
        "d-name": "Germany adults",
        "d-goal": "120",
        "d-loi": "12",
        "d-ir": "60",
        "d-cpi": "3.20",
        "d-live": "https://surveys.example.com/live",
        "d-test": "https://surveys.example.com/test",
    }
    for field, value in chosen.items():
        page.select_option(f"#{field}", value)
    for field, value in (given | {f"d-{name}": told for name, told in typed.items()}).items():
        page.fill(f"#{field}", value)


def nothing_wrong(page: Page) -> None:
    """Nothing for axe, and no sideways scroll on a desk or a phone."""
    for width in (1440, 375):
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [f"{one['id']} {one['nodes'][0]['target']}" for one in found] == []
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert page.evaluate(SQUEEZED) == []
    page.set_viewport_size({"width": 1440, "height": 900})


def down(simulator: Simulator, operation: str) -> None:
    """The exchange does not answer this, not even when it is asked four times."""
    simulator.fault("http_503", operation=operation, count=4)


def made_by_hand(tab: Page, project: Project) -> TargetGroup:
    """A draft made through the form."""
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab)
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("Draft saved on Cint")
    return TargetGroup.objects.get(name="Germany adults")


def a_colleague_wants_555(group: TargetGroup) -> None:
    """The goal of the draft is changed by somebody else."""
    seen = send.read_current_value(group=group, kind="draft")
    by = factories.person("editor", group.account)
    theirs: Any = seen | {"completes_goal": 555}
    send.send_edit(group=group, kind="draft", seen=seen, wanted=theirs, by=by, token="theirs")


def test_the_good_way_from_the_project_to_the_field(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto(f"/projects/{project.pk}/")
    tab.click("text=New target group")
    fill(tab, cpi="")
    tab.click("button:has-text('Feasibility')")
    expect(tab.locator("#beside")).to_contain_text("Suggested CPI")
    tab.click("#beside button")
    expect(tab.locator("#d-cpi")).not_to_have_value("")
    tab.click("button:has-text('Rate card')")
    expect(tab.locator("#beside table")).to_contain_text("LOI up to")
    nothing_wrong(tab)
    tab.fill("#d-cpi", "3.20")
    tab.click("text=Check days and holidays")
    expect(tab.locator("#calendar")).to_contain_text("Cint suggests")
    expect(tab.locator("#calendar")).to_contain_text(
        re.compile("olidays? in Germany on these dates")
    )
    nothing_wrong(tab)
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("Draft saved on Cint")
    nothing_wrong(tab)
    tab.click("text=Launch or schedule")
    expect(tab.locator("main")).to_contain_text("120 completes × 3.20 = 384 EUR")
    nothing_wrong(tab)
    tab.check("#l-later")
    expect(tab.locator("#l-start")).to_be_visible()
    tab.check("#l-now")
    expect(tab.locator("#l-start")).to_be_hidden()  # what is typed there would not count
    tab.click("text=Launch group")
    expect(tab.locator("#made")).to_contain_text("keeps checking even if you leave")
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + SOON)
    expect(tab.locator("#made")).to_contain_text("Cint has launched the group.")
    nothing_wrong(tab)
    tab.click("text=View group")
    expect(tab.locator(".strip .status")).to_have_text("Live")
    expect(tab.locator("table", has_text="Outcome")).to_contain_text("New draft")


def test_what_we_refuse_stays_in_its_field_with_a_sentence(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab, cpi="1e309", goal="many")
    tab.click("text=Save draft")
    expect(tab.locator("#d-cpi-error")).to_contain_text("“1e309” is not an amount")
    expect(tab.locator("#d-goal-error")).to_contain_text("as a whole number")
    expect(tab.locator("#d-goal")).to_have_value("many")
    expect(tab.locator("#d-name")).to_have_value("Germany adults")
    expect(tab.locator("#d-locale")).to_have_value("ger_de")
    nothing_wrong(tab)
    assert "create_target_group" not in simulator.requests()


def test_what_the_exchange_refuses_stands_at_the_field(tab: Page, project: Project) -> None:
    gone = ExchangeUser.objects.create(
        account=project.account, exchange_id="00000000-0000-4000-8000-000000000001", name="Gone"
    )
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab)
    tab.select_option("#d-manager", gone.exchange_id)
    tab.click("text=Save draft")
    expect(tab.locator("#d-manager-error")).to_be_visible()
    expect(tab.locator("#d-name")).to_have_value("Germany adults")
    manager = ExchangeUser.objects.exclude(pk=gone.pk).order_by("exchange_id")[0].exchange_id
    tab.select_option("#d-manager", manager)
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("saved on Cint")


def test_an_exchange_that_is_away_costs_nothing_that_was_typed(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab)
    down(simulator, "get_list_target_groups")
    tab.click("text=Save draft")
    expect(tab.locator("[role=alert]").first).to_contain_text("Nothing was sent")
    expect(tab.locator("#d-live")).to_have_value("https://surveys.example.com/live")
    assert not TargetGroup.objects.filter(name="Germany adults").exists()
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("saved on Cint")


def test_a_launch_waits_for_an_exchange_that_is_away_and_is_not_made_of_another_draft(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    group = made_by_hand(tab, project)
    tab.click("text=Launch or schedule")
    tab.check("#l-now")
    end = f"{timezone.now() + timedelta(days=9):%Y-%m-%dT18:00}"
    tab.fill("#l-end", end)
    down(simulator, "get_target_group")
    tab.click("text=Launch group")
    expect(tab.locator("[role=alert]").first).to_contain_text("Nothing was sent")
    expect(tab.locator("#l-end")).to_have_value(end)
    a_colleague_wants_555(group)
    tab.click("text=Launch group")
    expect(tab.locator("main")).to_contain_text("Someone else changed the draft: Completes goal")
    expect(tab.locator("main")).to_contain_text("555 completes × 3.20 = 1,776 EUR")
    assert "create_launch_fielding_run_from_draft_job" not in simulator.requests()
    tab.check("#l-now")
    tab.fill("#l-end", end)
    tab.click("text=Launch group")
    expect(tab.locator("#made")).to_contain_text("keeps checking even if you leave")


def test_a_double_click_makes_one_draft(tab: Page, project: Project, simulator: Simulator) -> None:
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab)
    tab.dblclick("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("saved on Cint")
    assert simulator.requests()["create_target_group"] == 1


def test_a_lost_answer_is_told_and_the_page_follows(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab)
    simulator.fault("lost_answer", operation="create_target_group", count=1)
    simulator.fault("http_403", operation="get_target_group")
    tab.click("text=Save draft")
    expect(tab.locator("#made")).to_contain_text("never sends it twice")
    nothing_wrong(tab)
    simulator.clear_faults()
    create.settle_due(clock=lambda: timezone.now() + SOON)
    tab.click("text=View draft")
    expect(tab.locator("h1")).to_have_text("Germany adults")


def test_a_colleagues_change_of_another_field_stays(tab: Page, project: Project) -> None:
    group = made_by_hand(tab, project)
    tab.click("text=Edit draft")
    tab.fill("#d-name", "Mine it is")
    a_colleague_wants_555(group)
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("confirmed by Cint")
    tab.click("text=Edit draft")
    expect(tab.locator("#d-goal")).to_have_value("555")
    expect(tab.locator("#d-name")).to_have_value("Mine it is")


def test_a_colleagues_change_of_the_same_field_is_shown_beside_yours(
    tab: Page, project: Project
) -> None:
    group = made_by_hand(tab, project)
    tab.click("text=Edit draft")
    tab.fill("#d-name", "Mine it is")
    tab.fill("#d-goal", "444")
    a_colleague_wants_555(group)
    tab.click("text=Save draft")
    expect(tab.locator(".three")).to_contain_text("555")
    expect(tab.locator("#d-name")).to_have_value("Mine it is")
    expect(tab.locator("#d-goal")).to_have_value("444")
    nothing_wrong(tab)
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("confirmed by Cint")


def test_a_launch_that_fails_leads_back_to_the_field(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab, test="")
    tab.click("text=Save draft")
    tab.click("text=Launch or schedule")
    expect(tab.locator("main")).to_contain_text("The draft has no test URL")
    tab.check("#l-now")
    end = tab.input_value("#l-end")
    tab.fill("#l-end", "2020-01-01T00:00")
    tab.click("text=Launch group")  # which we refuse ourselves
    expect(tab.locator("#l-end-error")).to_be_visible()
    expect(tab.locator("#l-end")).to_have_value("2020-01-01T00:00")
    assert not Edit.objects.filter(kind="launch").exists()
    tab.fill("#l-end", end)
    tab.click("text=Launch group")
    expect(tab.locator("#made")).to_be_visible()
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + SOON)
    tab.click("text=Edit draft")
    expect(tab.locator("#d-test-error")).to_contain_text("is missing")
    nothing_wrong(tab)
    assert Edit.objects.get(kind="launch").state == "rejected"


def two_drafts(tab: Page, project: Project) -> None:
    """The preview of launching a draft at once, and one that has no survey."""
    tab.goto(f"/projects/{project.pk}/groups/new/")
    fill(tab, name="Without a survey", live="")
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_be_visible()
    tab.wait_for_load_state()  # its scripts ran: what was typed for the first is forgotten
    made_by_hand(tab, project)
    tab.goto(f"/projects/{project.pk}/?status=draft")
    for one in TargetGroup.objects.filter(name__in=("Germany adults", "Without a survey")):
        tab.check(f"input[name=pick][value='{one.pk}']")
    tab.click(".act-bar button[value=drafts]")


def test_drafts_are_launched_together_each_with_its_result(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    two_drafts(tab, project)
    end = f"{timezone.now() + timedelta(days=9):%Y-%m-%dT18:00}"
    tab.fill("#to", end)
    tab.click("button:has-text('Preview')")
    expect(tab.locator("#when_error")).to_have_text("Choose when the drafts start.")
    expect(tab.locator("#to")).to_have_value(end)
    tab.select_option("#when", "now")
    tab.click("button:has-text('Preview')")
    expect(tab.locator("h1")).to_have_text("Launch drafts: 1 of 2 groups")
    expect(tab.locator(".reasons")).to_contain_text("Without a survey: has no live URL")
    expect(tab.locator("main")).to_contain_text("384 EUR at most")
    nothing_wrong(tab)
    tab.dblclick("form:has([name=sealed]) button.primary")
    expect(tab.locator("#batch")).to_contain_text("In progress on Cint.")
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + SOON)
    expect(tab.locator("#batch [role=status]")).to_have_text("1 of 1 finished: 1 done")
    assert simulator.requests()["create_launch_fielding_run_from_draft_job"] == 1


@pytest.mark.parametrize("fault", ["http_422", "http_503"])
def test_drafts_that_the_exchange_refuses_or_is_away_for_tell_so(
    tab: Page, project: Project, simulator: Simulator, fault: str
) -> None:
    two_drafts(tab, project)
    tab.select_option("#when", "now")
    tab.fill("#to", f"{timezone.now() + timedelta(days=9):%Y-%m-%dT18:00}")
    tab.click("button:has-text('Preview')")
    simulator.fault(fault, operation="create_launch_*")
    tab.click("form:has([name=sealed]) button.primary")
    if fault == "http_422":
        expect(tab.locator("#batch [role=status]")).to_have_text(
            "1 of 1 finished: 0 done, 1 refused"
        )
        expect(tab.locator("#batch")).to_contain_text("simulated 422")
        return
    expect(tab.locator("#batch")).to_contain_text("In progress")
    simulator.clear_faults()
    for seconds in (60, 120):
        launch.run_due_launches(clock=clock_ahead(timedelta(seconds=seconds)))
        simulator.advance(seconds=5)
    expect(tab.locator("#batch [role=status]")).to_have_text("1 of 1 finished: 1 done")


def test_a_copy_is_begun_from_a_groups_page(tab: Page, project: Project) -> None:
    source = project.target_groups.filter(status="live")[0]
    tab.goto(f"/groups/{source.pk}/")
    tab.click("main >> text=Duplicate >> nth=0")
    expect(tab.locator("h1")).to_have_text("New target group")
    expect(tab.locator("#d-name")).to_have_value(f"{source.name} copy")
    nothing_wrong(tab)
    tab.fill("#d-name", "The next wave")
    tab.click("text=Save draft")
    expect(tab.locator(".note.good")).to_contain_text("saved on Cint")


def test_a_new_project_takes_its_first_draft(
    tab: Page, project: Project, simulator: Simulator
) -> None:
    tab.goto("/projects/")
    tab.click("text=New project")
    tab.click("text=Create project")
    expect(tab.locator("#p-name-error")).to_contain_text("5–128 characters")
    nothing_wrong(tab)
    tab.fill("#p-name", "Tracker W24")
    tab.select_option("#p-manager", index=1)
    simulator.fault("http_422", operation="create_project")
    tab.click("text=Create project")
    expect(tab.locator("main")).to_contain_text("simulated 422")
    expect(tab.locator("#p-name")).to_have_value("Tracker W24")
    simulator.clear_faults()
    simulator.fault("http_429", operation="create_project", value="60")
    tab.click("text=Create project")
    expect(tab.locator("[role=alert]")).to_contain_text("Nothing was created; it can be sent again")
    expect(tab.locator("#p-name")).to_have_value("Tracker W24")
    simulator.clear_faults()
    ExchangeAccount.objects.update(secret="new")  # a client of its own, which does not rest
    tab.click("text=Create project")
    expect(tab.locator("h1")).to_have_text("Tracker W24")
    tab.click("text=New target group")
    expect(tab.locator("#d-name")).to_be_visible()


def test_everything_works_without_scripts(
    chromium: Browser, live_server: LiveServer, project: Project
) -> None:
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "anna")
    page.goto(f"/projects/{project.pk}/groups/new/")
    fill(page)
    page.click("button:has-text('Feasibility')")
    expect(page.locator("#beside")).to_contain_text("Suggested CPI")
    expect(page.locator("#d-name")).to_have_value("Germany adults")
    page.click("text=Save draft")
    expect(page.locator(".note.good")).to_contain_text("saved on Cint")
    context.close()
