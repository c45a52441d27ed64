"""Every page in both themes and on a phone: nothing for axe, no sideways scroll, no complaint."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from allauth.socialaccount.models import SocialAccount
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import FloatRect, Page, expect

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    AccessToken,
    BatchGroup,
    BusinessUnit,
    Change,
    Channel,
    ExchangeAccount,
    GroupPanels,
    Incident,
    Item,
    Mail,
    Project,
    Quarantine,
    TargetGroup,
    User,
)
from tests import factories
from tests.browser.conftest import SQUEEZED, Open, sign_in, sign_in_by_form
from tests.fakes.edit_gateway import FakeExchange
from tests.fakes.mailbox import delivered

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/?scope=all",
    "/?remedy=raise_cpi&scope=all",
    "/?tab=waiting&scope=all",
    "/?tab=changes",
    "/?tab=closed",
    "/projects/",
    "/projects/{project}/",
    "/projects/{project}/?by=country",
    "/projects/{project}/?q=&chart=group",
    "/projects/{project}/completes/",
    "/projects/{project}/countries/",
    "/projects/{project}/compare/",
    "/projects/{project}/share/",
    "/shares/",
    "/shares/{share}/",
    "/s/t0ken/",
    "/projects/{project}/groups/new/",
    "/projects/{project}/groups/new/?from={awkward}",
    "/groups/",
    "/groups/{group}/",
    "/groups/{draft}/",
    "/groups/{draft}/draft/",
    "/groups/{draft}/launch/",
    "/groups/{awkward}/?per=6h&span=7d&trend=ir",
    "/groups/{group}/edit/cpi/",
    "/groups/{group}/edit/filling_strategy/",
    "/groups/{group}/edit/re_entry/",
    "/groups/{group}/edit/details/",
    "/groups/{group}/edit/dates/?hours=24",
    "/groups/{group}/edit/goals/",
    "/groups/{group}/edit/assistant/",
    "/groups/{group}/edit/time_zone/",
    "/groups/{group}/notes/",
    "/edits/{edit}/",
    "/projects/{project}/budget/",
    "/projects/{project}/client-cpi/",
    "/projects/{project}/history/",
    "/search/?q=Japan",
    "/search/?q=01M6SXXEZ0WZ5Y56T31XKB77E2",
    "/rate-cards/",
    "/rate-cards/?unit={unit}&country=de",
    "/words/",
    "/help/",
    "/help/operate/",
    "/activity/",
    "/activity/prices/?whose=all",
    "/spend/",
    "/spend/?month=all",
    "/connections/{connection}/reconciliation/",
    "/me/",
    "/me/password/",
    "/mails/",
    "/mails/{mail}/",
    "/connections/",
    "/connections/{connection}/",
    "/connections/{connection}/first-sync/",
    "/connections/{connection}/remove/",
    "/connections/{connection}/mail/",
    "/connections/{connection}/people/",
    "/connections/{connection}/projects/new/",
    "/jobs/",
    "/jobs/{job}/",
    "/jobs/{job}/undo/",
    "/views/",
    "/me/second-factor/",
    "/me/second-factor/on/",
    "/incidents/",
    "/incidents/{incident}/",
    "/incidents/{incident}/acknowledge/",
    "/incidents/{incident}/mute/",
    "/items/{item}/",
    "/rules/connections/{connection}/",
    "/rules/groups/{group}/drop_off/",
    "/rules/groups/{group}/told/",
    "/rules/connections/{connection}/channels/",
    "/rules/connections/{connection}/channels/{channel}/",
    "/rules/projects/{project}/channels/",
    "/me/channels/",
    "/me/mail/",
    "/me/address/",
    "/me/sessions/",
    "/me/api-tokens/",
    "/me/calendar/",
    "/me/single-sign-on/",
]


PROFILES = [
    {
        "id": "1",
        "name": "שלום " * 9,
        "quotas": True,
        "targets": [
            {"id": "a", "name": "x" * 128, "completes": 3, "goal": 50},
            {"id": "b", "name": "<b>Women</b>", "completes": 50, "goal": 50},
        ],
    },
    {"id": "2", "name": "State", "quotas": False, "targets": []},
]
CARD = {
    "bound": False,
    "currency": "USD",
    "minutes": [5, 10, 15],
    "percents": list(range(99, 0, -7)),
    "prices": [[1568 + 100 * row] * 15 for row in range(3)],
}


@pytest.fixture
def ids(exchange: FakeExchange) -> dict[str, int]:
    """A world with every awkward thing in it."""
    account = factories.account(name="An account with " + "a long name " * 6)
    names = {"first_name": "Anna", "last_name": "von Weber " * 12}
    anna = factories.person("administrator", account, username="anna", **names)
    SocialAccount.objects.create(
        user=anna, provider="sso", uid="00u" + "x" * 120, extra_data={"email": "a" * 60 + "@b.de"}
    )
    for purpose in AccessToken.Purpose:
        factories.access_token(anna, f"fw_{purpose}", purpose=purpose, name="x" * 60)
    client_cpi = {"client_cpi": Decimal("6.00"), "client_cpi_currency": "USD"}
    project = factories.project(account, name="Brand tracker " + "W23 " * 20, **client_cpi)
    group = factories.group(project, name="Japan 25–54", insight={"spark": [1, 5, 2], "today": 4})
    unit = BusinessUnit.objects.create(account=account, exchange_id="7", name="x" * 128)
    awkward = factories.group(
        project,
        name="<script>" + "x" * 120,
        country_code="de",
        pricing_model="rate_card",
        insight={"warnings": {"low_epc": 0.7, "high_drop_rates": 0.4, "high_median_loi": 0.1}},
    )
    GroupPanels.objects.create(group=awkward, profiles=PROFILES, rate_card=CARD)
    factories.completes(awkward, counts=range(200))
    Change.objects.create(
        account=account,
        group=awkward,
        batch_id="c",
        occurred_at=factories.NOW - timedelta(days=3),
        seen_at=factories.NOW,
        kind="filling_goal_change",
        old=100,
        new=200,
    )
    factories.group(project, name="Frozen", status="frozen_by_vendor", country_code="de")
    factories.group(project, name="נשים 25–54", country_code="il", error="Cint said 403")
    draft = factories.group(
        project, name="<script>alert(1)</script>", status="draft", completes=None
    )
    factories.completes(group, counts=range(100))
    exchange.cards["de"] = CARD
    start = factories.NOW - timedelta(days=60)
    earlier = factories.group(
        factories.project(account, name="Brand tracker W22"),
        name="Japan 25–54",
        starts_at=start,
        ends_at=start + timedelta(days=14),
        status="completed",
    )
    factories.completes(earlier, until=start + timedelta(days=10), counts=range(200))
    factories.price_change(awkward, datetime.now(UTC) - timedelta(days=2))
    no_verdict = {"verdict": "cannot tell", "ratio": None, "extra": None, "extra_cost": None}
    factories.price_change(group, datetime.now(UTC) - timedelta(days=1), effect=no_verdict)
    for one in (group, awkward):
        factories.item(one, critical=True)
        factories.item(one, remedy="fix_loi", state="waiting", waiting="snoozed", waiting_value=50)
        closed_at = datetime.now(UTC)
        factories.item(one, remedy="resume", state="closed", closed_at=closed_at)
    incident = Incident.objects.create(
        account=account,
        project=project,
        group=group,
        rule="stalled",
        key="k",
        state="firing",
        severity=1,
        sentence="No complete for 5 h.",
        breached_at=factories.NOW,
        fired_at=factories.NOW,
        facts={"figures": [["completes", "0", "15"]]},
    )
    Incident.objects.create(
        account=account,
        project=project,
        group=awkward,
        rule="drop_off",
        key="seen",
        state="firing",
        severity=2,
        sentence="Many leave.",
        breached_at=factories.NOW,
        fired_at=factories.NOW,
        acknowledged_at=factories.NOW,
        acknowledged_by=anna,
    )
    Change.objects.create(
        account=account,
        group=group,
        batch_id="b",
        occurred_at=factories.NOW,
        seen_at=factories.NOW,
        kind="status_change",
        old="live",
        new="paused",
        reason_code="high_median_loi",
    )
    mail = Mail.objects.create(
        account=account,
        recipient=anna,
        address=anna.email,
        message_id="<m>",
        subject="Paused",
        text="See http://127.0.0.1/",
        created_at=factories.NOW,
        next_try_at=factories.NOW,
    )
    Quarantine.objects.create(
        account=account,
        operation="get_list_target_groups",
        item_id="x" * 64,
        reason="No number",
        raw='{"name": "<b>' + "x" * 500 + '"}',
        first_seen_at=factories.NOW,
        last_seen_at=factories.NOW,
    )
    job = factories.batch(group, action="cpi")
    BatchGroup.objects.filter(job__batch=job).update(edit=factories.edit(group))
    factories.cycle(project, complete=False, errors=["Japan 25–54: Cint said 403"])
    shared = factories.shared_status(
        project, groups=[group, awkward], title="Wave " * 20, shows_groups=True, closing="x" * 400
    )
    factories.status_link(shared, anna, token="t0ken")
    factories.status_address(shared, anna, refused="550 unknown", address="a" * 60 + "@example.com")
    factories.status_address(shared, anna, stopped_at=factories.NOW)
    refused = factories.channel(
        account, name="#fieldwork " + "x" * 49, refused=True, error="Slack answered 404: no_service"
    )
    Channel.objects.filter(pk=refused.pk).update(failing_since=factories.NOW)
    factories.channel(account, project=project, last_sent_at=factories.NOW)
    factories.channel(owner=anna, service="webhook", sends="digest")
    return {
        "channel": refused.pk,
        "project": project.pk,
        "share": shared.pk,
        "group": group.pk,
        "draft": draft.pk,
        "mail": mail.pk,
        "connection": account.pk,
        "edit": factories.edit(group).pk,
        "job": job.pk,
        "incident": incident.pk,
        "item": Item.objects.get(target_group=awkward, remedy="raise_cpi").pk,
        "awkward": awkward.pk,
        "unit": unit.pk,
    }


VIOLATIONS = "axe.run({resultTypes: ['violations']}).then((results) => results.violations)"


def settled(page: Page, address: str) -> None:
    page.goto(address)
    for chart in page.query_selector_all("[data-chart]"):
        chart.wait_for_selector(".wait[hidden], .wait:not(:has-text('Loading'))", state="attached")


def wrong(page: Page, address: str) -> list[str]:
    """What axe finds on a page, and whether it scrolls sideways."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(VIOLATIONS)
    said = [f"{address}: {one['id']} {one['nodes'][0]['target']}" for one in found]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        said.append(f"{address}: scrolls sideways")
    said += [f"{address}: no room to type in {name}" for name in page.evaluate(SQUEEZED)]
    return said


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (375, "dark")])
def test_every_page_is_accessible_and_fits(
    open_page: Open, ids: dict[str, int], width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    page.add_init_script(AXE_SCRIPT)  # sent to the browser once
    page.goto("/sign-in/")
    said = wrong(page, "/sign-in/")
    sign_in_by_form(page, "anna")
    for address in PAGES:
        settled(page, address.format(**ids))
        said += wrong(page, address)
    assert said == []


def test_in_the_readers_own_colours_a_state_keeps_its_shape_and_a_choice_is_marked(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.emulate_media(forced_colors="active")
    page.goto(f"/groups/{ids['group']}/")
    colours = """() => {
        const drawn = (what, part) =>
            getComputedStyle(document.querySelector(what), part).backgroundColor;
        return [drawn(".strip .status", "::before"), drawn(".nav a[aria-current]"), drawn("body")];
    }"""
    state, chosen, ground = page.evaluate(colours)
    assert ground not in (state, chosen)


def test_no_table_makes_a_page_of_a_tablet_scroll_sideways(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page(width=800)
    sign_in(page, "anna")
    sideways = []
    for address in ("/", "/rules/", "/connections/{connection}/", "/projects/{project}/history/"):
        page.goto(address.format(**ids))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            sideways.append(address)
    assert sideways == []


@pytest.mark.parametrize(
    ("width", "density", "heights"),
    [
        (1440, "compact", (30, 40)),
        (375, "compact", (44, 64)),
        (1440, "comfortable", (41, 200)),
        (375, "comfortable", (100, 500)),
    ],
)
def test_a_row_of_groups_is_as_high_as_its_reader_chose(
    open_page: Open, ids: dict[str, int], width: int, density: str, heights: tuple[int, int]
) -> None:
    User.objects.filter(username="anna").update(density=density)
    page = open_page(width=width)
    sign_in(page, "anna")
    page.goto("/groups/")
    rows = "[...document.querySelectorAll('table.groups tbody tr')].map((row) => row.offsetHeight)"
    found = page.evaluate(rows)
    assert len(found) > 1
    assert heights[0] <= min(found)
    assert max(found) <= heights[1]


A4_ON_ITS_SIDE = 1032  # pixels between margins of 12 mm
CUT_OFF = """[...document.querySelectorAll(".scroll")]
    .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.scrollWidth)"""


def test_on_paper_long_lists_lie_on_their_side_and_charts_do_not(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page(width=1440, theme="light")
    sign_in(page, "anna")
    page.emulate_media(media="print")
    wide = ("/groups/", "/projects/", "/spend/")
    for address, lies in (*((one, "wide") for one in wide), ("/groups/{group}/", "auto")):
        settled(page, address.format(**ids))
        assert page.evaluate("getComputedStyle(document.documentElement).page") == lies
    settled(page, "/")
    assert page.locator(".remedy summary").first.is_visible()
    page.set_viewport_size({"width": A4_ON_ITS_SIDE, "height": 700})
    for address in (*wide, "/projects/{project}/", "/activity/prices/?whose=all"):
        settled(page, address.format(**ids))
        assert page.evaluate(CUT_OFF) == [], address


@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (375, "light")])
def test_forms_with_mistakes_are_accessible_too(
    open_page: Open, ids: dict[str, int], width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    sign_in(page, "anna")
    page.goto(f"/groups/{ids['group']}/edit/cpi/")
    page.fill("#cpi", "9")
    page.click("button:has-text('Apply')")
    page.wait_for_selector("#cpi_again")
    assert wrong(page, "a jump") == []


def test_slash_goes_to_the_search_from_any_page(open_page: Open, ids: dict[str, int]) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("japan")
    page.keyboard.press("Enter")
    page.click("text=Japan 25–54")
    page.wait_for_url(f"**/groups/{ids['group']}/")


def test_filters_answer_at_once_and_stand_in_the_address(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/projects/{ids['project']}/")
    page.click("#f-country summary")
    page.check("#f-country input[value=il]")
    page.wait_for_url("**?country=il")
    expect(page.locator("#said-country")).to_have_text("Israel")
    assert page.locator("#live tbody tr").count() == 1
    page.click("#by-name")
    page.wait_for_url("**?country=il&sort=name")
    page.go_back()
    page.wait_for_url("**?country=il")


def worked_out(project_pk: int, **changes: object) -> None:
    """A project of a short name, with one more group that is projected 50 short of its goal."""
    project = Project.objects.get(pk=project_pk)
    Project.objects.filter(pk=project_pk).update(name="Brand tracker W23", **changes)
    factories.group(
        project,
        ends_at=datetime.now(UTC) + timedelta(days=3),
        insight={"forecast": {"at_end": [140, 150, 160]}},
    )
    refresh_project_outlook(project_pk, now=datetime.now(UTC))


@pytest.mark.parametrize(("width", "screens"), [(1440, 1), (375, 2)])
def test_a_project_answers_in_its_first_screens(
    open_page: Open, ids: dict[str, int], width: int, screens: int
) -> None:
    worked_out(ids["project"])
    page = open_page(width=width)
    sign_in(page, "anna")
    settled(page, f"/projects/{ids['project']}/")
    ends = page.evaluate("""() => ["answer", "needs"].map(
        id => document.getElementById(id).getBoundingClientRect().bottom / innerHeight)""")
    assert ends[0] < 1
    assert ends[1] < screens + 0.1
    expect(page.locator(".verdict")).to_contain_text("Will miss: about")
    assert wrong(page, "a project with its verdict") == []


def test_a_refresh_brings_the_new_verdict_tiles_and_needs(
    open_page: Open, ids: dict[str, int]
) -> None:
    worked_out(ids["project"])
    page = open_page()
    sign_in(page, "anna")
    settled(page, f"/projects/{ids['project']}/")
    page.click("#countries summary")
    page.wait_for_selector("#countries td")
    worked_out(ids["project"], version=9)
    factories.item(TargetGroup.objects.get(pk=ids["group"]), remedy="extend", value=500.0)
    page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    expect(page.locator(".verdict")).to_contain_text(
        re.compile(r"2 of \d+ open groups fall short\.")
    )
    expect(page.locator(".strip.answer")).to_contain_text(re.compile(r"\b2\s+of \d+"))
    expect(page.locator("#needs li").first).to_contain_text("Too little time left")
    expect(page.locator("#countries td").first).to_be_visible()
    page.click("#needs a:has-text('Review') >> nth=0")
    page.wait_for_url(f"**/?scope={ids['project']}&remedy=extend")


@pytest.mark.parametrize("width", [1440, 375])
def test_the_bell_opens_in_view_with_the_way_to_all_of_them(
    open_page: Open, ids: dict[str, int], width: int
) -> None:
    page = open_page(width=width)
    sign_in(page, "anna")
    page.goto("/")
    page.click(".bell summary")
    expect(page.locator(".bell .box p:last-child a").first).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("name", ["Dana Demo", "W" * 128, "von Weber " * 12])
def test_an_open_menu_fits_a_phone_whatever_the_name(
    open_page: Open, ids: dict[str, int], name: str, scripts: bool
) -> None:
    User.objects.filter(username="anna").update(first_name=name, last_name="")
    page = open_page(width=375, scripts=scripts)
    sign_in(page, "anna")
    page.goto("/")
    if scripts:
        page.click(".menu")
    expect(page.locator(".menu")).to_be_visible(visible=scripts)
    expect(page.locator(".person")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_moment_is_typed_only_where_it_counts(open_page: Open, ids: dict[str, int]) -> None:
    page = open_page(scripts=False)
    sign_in(page, "anna")
    page.goto(f"/incidents/{ids['incident']}/mute/")
    expect(page.locator("#id_at")).to_be_hidden()
    page.check("[value=at]")
    expect(page.locator("#id_at")).to_be_visible()


def box(page: Page, what: str) -> FloatRect:
    """Where something is on the page."""
    found = page.locator(what).first.bounding_box()
    assert found
    return found


@pytest.mark.parametrize(
    ("address", "above", "words"),
    [
        ("/me/sessions/", "text=End all other sessions", "text=is accurate to five minutes"),
        ("/rules/groups/{group}/drop_off/", "button.primary", "text=Saving closes this rule"),
    ],
)
def test_what_stands_above_words_does_not_touch_them(
    open_page: Open, ids: dict[str, int], address: str, above: str, words: str
) -> None:
    for page in (open_page(), open_page()):  # another session can be ended
        sign_in(page, "anna")
        page.goto(address.format(**ids))
    upper, lower = box(page, above), box(page, words)
    assert lower["y"] - upper["y"] - upper["height"] >= 8


def test_on_a_phone_the_buttons_of_a_connection_stand_below_its_name(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page(width=375)
    sign_in(page, "anna")
    page.goto(f"/connections/{ids['connection']}/")
    name, button = box(page, "h1"), box(page, ".head button")
    assert button["x"] == name["x"]
    assert button["y"] > name["y"] + name["height"]


def test_an_invitation_is_mailed_again_from_the_list_of_people(
    open_page: Open, ids: dict[str, int]
) -> None:
    account = ExchangeAccount.objects.get(pk=ids["connection"])
    factories.person("viewer", account, username="ben", email="ben@example.com")
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/connections/{account.pk}/people/")
    page.get_by_role("button", name="Resend invitation to ben").click()
    notice = page.locator("[role=status]").first
    expect(notice).to_contain_text("Invitation sent to ben@example.com (viewer)")
    invitations = [mail.to for mail in delivered() if "invites you" in mail.subject]
    assert invitations == [["ben@example.com"]]


def test_the_theme_switch_is_remembered(open_page: Open, ids: dict[str, int]) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto("/")
    page.click("button[name=theme]")
    page.wait_for_selector("html[data-theme=dark]")
    page.goto("/projects/")
    page.wait_for_selector("html[data-theme=dark]")


def test_a_group_that_changes_under_a_reader_keeps_the_focus(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/projects/{ids['project']}/")
    page.wait_for_load_state("networkidle")
    link = f"#g{ids['group']}"
    page.focus(link)
    group = TargetGroup.objects.get(pk=ids["group"])
    group.completes = 150
    group.save()
    group.project.version += 1
    group.project.save()
    page.evaluate("document.dispatchEvent(new Event('fieldwatch:tick'))")
    page.wait_for_selector("text=150 / 200")
    assert page.evaluate("document.activeElement.id") == link[1:]


def test_a_word_is_explained_by_keyboard_and_closed_again(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page(width=375)
    sign_in(page, "anna")
    page.goto(f"/groups/{ids['group']}/")
    page.focus("[popovertarget=hint-epc]")
    page.keyboard.press("Enter")
    meaning = page.locator("#hint-epc")
    expect(meaning).to_be_visible()
    expect(meaning).to_be_in_viewport(ratio=1)
    assert wrong(page, "a hint") == []
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()


def test_a_choice_of_one_panel_leaves_an_open_form_alone(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page()
    sign_in(page, "anna")
    page.goto(f"/groups/{ids['group']}/")
    page.click("#open-cpi")
    page.fill("#cpi", "3.1")
    page.click("text=Show data")
    page.click("text=6-hourly")
    page.wait_for_url("**?per=6h")
    page.wait_for_selector("[data-drawn='6h'] .bars path", state="attached")
    expect(page.locator("#completes-numbers table")).to_contain_text("Completes per 6 hours")
    expect(page.locator("#completes-numbers table")).to_be_visible()
    page.click("#trends-panel >> text=EPC")
    page.wait_for_url("**?per=6h&trend=epc")
    expect(page.locator("#trend-epc")).to_be_focused()
    expect(page.locator("#cpi")).to_have_value("3.1")


def test_escape_closes_what_is_open_and_never_throws_away_what_was_typed(
    open_page: Open, ids: dict[str, int]
) -> None:
    page = open_page(width=375)
    sign_in(page, "anna")
    page.goto(f"/groups/{ids['group']}/")
    page.focus(".menu")
    page.keyboard.press("Enter")
    expect(page.locator(".person")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".person")).to_be_hidden()
    expect(page.locator(".menu")).to_be_focused()
    page.focus("#open-cpi")
    page.keyboard.press("Enter")
    expect(page.locator("#cpi")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#open-cpi")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#cpi").fill("3.1")
    page.keyboard.press("Escape")
    expect(page.locator("#cpi")).to_have_value("3.1")


def test_the_text_for_the_client_is_copied(open_page: Open, ids: dict[str, int]) -> None:
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page, "anna")
    page.goto(f"/groups/{ids['group']}/")
    page.click("text=Summary for client")
    page.click("text=Copy text")
    expect(page.locator("[data-copied]")).to_have_text("Copied")
    assert "Japan 25–54" in page.evaluate("navigator.clipboard.readText()")
