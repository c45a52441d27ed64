"""What was typed when a session ended, or Fieldwatch did not answer, is still there to be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from dashboard.fielding.models import Edit, Note, Project, TargetGroup, User
from dashboard.simulator.harness import Simulator
from dashboard.web.http import resubmission
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def group(simulator: Simulator, anna: User) -> TargetGroup:
    row = simulator.groups(status="live", pricing_model="dynamic")[0]
    project = factories.project(anna.memberships.get().account, exchange_id=row["project_id"])
    return factories.group(project, exchange_id=row["id"], currency=row["currency_code"])


def opened_in_place(page: Page, group: TargetGroup, form: str) -> None:
    page.goto(f"/groups/{group.pk}/")
    page.click(f"#open-{form}")


class Case(NamedTuple):
    """A form: how it is opened, a field of it, and what is typed there."""

    open: Callable[[Page, TargetGroup], object]
    field: str
    typed: str


CASES = {
    "cpi": Case(lambda page, group: opened_in_place(page, group, "cpi"), "#cpi", "3.17"),
    "note": Case(
        lambda page, group: opened_in_place(page, group, "note"), "#note-text", "Call\nthem"
    ),
    "budget": Case(
        lambda page, group: page.goto(f"/projects/{group.project_id}/budget/"), "#budget", "812"
    ),
    "draft": Case(
        lambda page, group: page.goto(f"/projects/{group.project_id}/groups/new/?from={group.pk}"),
        "#d-name",
        "The next wave",
    ),
    "project": Case(
        lambda page, group: page.goto(f"/connections/{group.account_id}/projects/new/"),
        "#p-name",
        "Tracker W24",
    ),
}


def sign_in_again(page: Page, name: str = "anna") -> None:
    page.fill("#id_username", name)
    page.fill("#id_password", "demo")
    page.press("#id_password", "Enter")


@pytest.mark.parametrize("name", CASES)
def test_a_form_whose_session_has_ended_is_back_as_it_was_typed_after_signing_in(
    name: str, signed_in: Page, group: TargetGroup
) -> None:
    case = CASES[name]
    case.open(signed_in, group)
    signed_in.fill(case.field, case.typed)
    Session.objects.all().delete()
    signed_in.click("main form[data-keep] button.primary")
    expect(signed_in.locator("[data-kept]")).to_be_visible()
    sign_in_again(signed_in)
    expect(signed_in.locator(case.field)).to_have_value(case.typed)
    expect(signed_in.locator("[role=status]").first).to_have_text(resubmission.SAID)
    assert (Edit.objects.count(), Note.objects.count(), Project.objects.count()) == (0, 0, 1)


def test_what_somebody_typed_is_not_shown_to_who_signs_in_next(
    signed_in: Page, group: TargetGroup, anna: User
) -> None:
    factories.person("editor", group.account, username="ben")
    CASES["budget"].open(signed_in, group)
    signed_in.fill("#budget", "812")
    Session.objects.all().delete()
    signed_in.click("main form[data-keep] button.primary")
    sign_in_again(signed_in, "ben")
    expect(signed_in.locator("#budget")).to_have_value("")
    signed_in.wait_for_load_state()  # its scripts ran
    assert signed_in.evaluate("sessionStorage.kept") is None


def test_a_form_from_before_a_new_sign_in_is_back_as_it_was_typed(
    signed_in: Page, group: TargetGroup
) -> None:
    opened_in_place(signed_in, group, "cpi")
    signed_in.fill("#cpi", "3.17")
    token = "[...document.querySelectorAll('[name=csrfmiddlewaretoken]')].map((f) => f.value = 'x')"
    signed_in.evaluate(token)
    signed_in.click("button:has-text('Apply')")
    expect(signed_in.locator("[role=status]").first).to_have_text(resubmission.SAID)
    expect(signed_in.locator("#cpi")).to_have_value("3.17")


def test_a_form_that_fieldwatch_does_not_answer_says_so_and_can_be_sent_again(
    signed_in: Page, group: TargetGroup
) -> None:
    opened_in_place(signed_in, group, "note")
    signed_in.fill("#note-text", "Call them")
    for fails in (lambda route: route.abort(), lambda route: route.fulfill(status=502)):
        signed_in.route("**/notes/", fails, times=1)
        signed_in.click("#note-here button.primary")
        expect(signed_in.locator("#note-here [role=alert]")).to_contain_text("did not answer")
        expect(signed_in.locator("#note-text")).to_have_value("Call them")
        signed_in.evaluate("document.querySelector('.unanswered').remove()")
    signed_in.click("#note-here button.primary")
    expect(signed_in.locator(".note-text")).to_contain_text("Call them")
    assert Note.objects.count() == 1


def test_a_filter_that_fieldwatch_does_not_answer_says_that_the_table_is_as_before(
    signed_in: Page, group: TargetGroup
) -> None:
    signed_in.goto(f"/projects/{group.project_id}/")
    signed_in.route("**/projects/*/?q=W23", lambda route: route.abort(), times=1)
    said = signed_in.locator("#filters [role=alert]")
    signed_in.fill("#q", "W23")
    expect(said).to_contain_text("the table has not changed")
    signed_in.locator("#filters").evaluate("form => form.requestSubmit()")
    expect(said).to_have_count(0)
    expect(signed_in).to_have_url(re.compile("q=W23"))


def test_a_form_that_was_answered_in_its_place_is_not_kept(
    signed_in: Page, group: TargetGroup
) -> None:
    address = f"/groups/{group.pk}/edit/cpi/"
    signed_in.goto(address)
    signed_in.fill("#cpi", "a lot")
    signed_in.click("button:has-text('Apply')")
    expect(signed_in.locator("#cpi-error")).to_be_visible()
    signed_in.goto(address)
    expect(signed_in.locator("#cpi")).not_to_have_value("a lot")
    expect(signed_in.locator("[role=status]", has_text=resubmission.SAID)).to_have_count(0)


def test_a_page_takes_neither_typing_nor_a_second_click_while_its_form_is_sent(
    signed_in: Page, group: TargetGroup
) -> None:
    CASES["budget"].open(signed_in, group)
    signed_in.fill("#budget", "812")
    stays = """addEventListener('submit', (event) => {
        document.body.dataset.inert = event.target.inert;
        event.preventDefault();
    })"""
    signed_in.evaluate(stays)
    signed_in.click("main form[data-keep] button.primary")
    assert signed_in.evaluate("document.body.dataset.inert") == "true"


@pytest.mark.parametrize("name", ["budget", "cpi"])
def test_a_form_that_arrived_is_not_back_though_its_answer_was_left_before_it_could_be_read(
    name: str, signed_in: Page, group: TargetGroup
) -> None:
    address = {
        "budget": f"/projects/{group.project_id}/budget/",
        "cpi": f"/groups/{group.pk}/edit/cpi/",
    }[name]
    signed_in.goto(address)
    signed_in.fill(CASES[name].field, CASES[name].typed)
    signed_in.route("**/app*.js", lambda route: route.abort())
    signed_in.click("main form[data-keep] button.primary")
    signed_in.wait_for_url(lambda now: not now.endswith(address))
    assert signed_in.evaluate("sessionStorage.kept") is not None
    edit = Edit.objects.get()
    signed_in.unroute("**/app*.js")
    signed_in.goto(address)
    expect(signed_in.locator("[role=status]").first).to_contain_text(resubmission.ARRIVED)
    expect(signed_in.locator("[role=status] a").first).to_have_attribute(
        "href", f"/edits/{edit.pk}/"
    )
    assert signed_in.evaluate("sessionStorage.kept") is None
    assert Edit.objects.get() == edit
