"""A status in a real browser: copied with its format, opened by a client, on one sheet of paper."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import Project, SharedStatus, TargetGroup
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNTRIES = ("de", "jp", "us", "br", "fr", "gb", "it", "es", "pl", "se", "nl", "in", "mx", "kr")
LISTEN = """() => document.addEventListener("paste", ({ clipboardData }) => {
    window.pasted = ["text/html", "text/plain"].map((type) => clipboardData.getData(type));
})"""


@pytest.fixture
def project(exchange: object) -> Project:
    """A project in 14 countries, one of which falls short, with 60 hours of completes."""
    account = factories.account()
    anna = factories.person("editor", account, username="anna", last_name="Colleague")
    now = datetime.now(UTC)
    project = factories.project(account, name="Brand tracker W23", read_at=now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    for number, country in enumerate(COUNTRIES):
        end = 120 if number == 3 else 210
        group = factories.group(
            project,
            country_code=country,
            starts_at=now - timedelta(days=4),
            ends_at=now + timedelta(days=number + 2),
            insight={"forecast": {"at_end": [end - 10, end, end + 10]}},
        )
        factories.completes(group, until=hour, counts=[hours * 2 for hours in range(60)])
    TargetGroup.objects.update(completes=118)
    refresh_project_outlook(project.pk, now=now)
    shared = factories.shared_status(
        Project.objects.get(pk=project.pk), closing="Questions? Ask us.\nYour field team"
    )
    factories.status_link(shared, anna, token="t0ken")
    return project


def settled(page: Page, address: str) -> None:
    """Open a page and wait for its chart."""
    page.goto(address)
    page.wait_for_selector(".chart[data-drawn]")


def count_pages(pdf: bytes) -> int:
    """Count the pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_status_of_14_countries_is_one_sheet_of_a4(
    open_page: Open, project: Project, theme: str
) -> None:
    page = open_page(theme=theme)
    settled(page, "/s/t0ken/")
    assert count_pages(page.pdf(format="A4", print_background=True)) == 1
    sign_in(page, "anna")
    settled(page, f"/projects/{project.pk}/share/")
    assert count_pages(page.pdf(format="A4", print_background=True)) == 1
    assert page.evaluate("document.querySelector('.plot').layout.width") is None
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    ground = page.evaluate("document.querySelector('.plot').layout.paper_bgcolor")
    assert ground == "#ffffff"
    for absent in (".side", ".top", ".head", ".crumbs"):
        expect(page.locator(absent).first).to_be_hidden()
    expect(page.locator(".client h1")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (1440, "dark"), (375, "dark")])
def test_a_client_reads_everything_at_any_width(
    open_page: Open, project: Project, width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    settled(page, "/s/t0ken/")
    assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []
    right = "[...document.querySelectorAll('.client td:last-child')].map(td => %s)"
    edges = page.evaluate(right % "td.getBoundingClientRect().right")
    panel = page.evaluate(right % "td.closest('section').getBoundingClientRect().right")
    assert len(edges) == 14
    assert max(edges) <= max(panel)
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")
    page.wait_for_timeout(300)  # the chart is drawn again, from what came with the page
    expect(page.locator(".chart .wait")).to_be_hidden()


def test_an_email_is_copied_with_its_format(open_page: Open, project: Project) -> None:
    page = open_page()
    sign_in(page, "anna")
    settled(page, f"/projects/{project.pk}/share/")
    page.click("[data-copy-email]")
    expect(page.locator("[data-copied]").first).to_have_text("Copied. Paste it into your email.")
    page.evaluate(LISTEN)
    page.focus("#id_closing")
    page.keyboard.press("Control+V")
    html, text = page.evaluate("window.pasted")
    assert '<table cellpadding="0" cellspacing="0" style="border-collapse' in html
    for part in ("Brand tracker W23", "Fieldwork is", "Japan", "Your field team"):
        assert part in html
        assert part in text
    assert "Colleague" not in html + text


def test_without_a_clipboard_the_text_is_selected(open_page: Open, project: Project) -> None:
    page = open_page()
    sign_in(page, "anna")
    settled(page, f"/projects/{project.pk}/share/")
    page.evaluate("() => { document.execCommand = () => false; }")
    page.click("[data-copy-email]")
    expect(page.locator("#email-text")).to_be_focused()
    assert "Brand tracker W23" in page.evaluate("getSelection().toString()")


def test_a_link_from_creation_to_revocation(open_page: Open, project: Project) -> None:
    page, client = open_page(), open_page(width=375)
    sign_in(page, "anna")
    settled(page, f"/projects/{project.pk}/share/")
    page.select_option("#id_days", "7")
    page.click("text=Create link")
    address = page.input_value("#new-link")
    path = "/s/" + address.partition("/s/")[2]
    settled(client, path)
    expect(client.locator("h1")).to_have_text("Brand tracker W23")
    page.click("text=Revoke >> nth=0")
    page.wait_for_selector("text=Link revoked.")
    assert client.request.get(path).status == 404


def test_selected_groups_are_shared_from_their_table(open_page: Open, project: Project) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/projects/{project.pk}/")
    page.check("input[name=pick] >> nth=0")
    page.check("input[name=pick] >> nth=1")
    page.click(".act-bar button:has-text('Share status')")
    page.wait_for_url("**/shares/*/")
    shared = SharedStatus.objects.get(project=None)
    assert shared.groups.count() == 2
    expect(page.locator(".client tbody tr")).to_have_count(2)
