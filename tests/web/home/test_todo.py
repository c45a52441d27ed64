"""The to-do list: what it shows, what a click does, and who may click."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.models import (
    Change,
    ExchangeAccount,
    Incident,
    Item,
    Membership,
    Project,
    TargetGroup,
    User,
)
from tests import factories
from tests.web.white_space import strip_beside_tags

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account, name="Tracker W23")


@pytest.fixture
def anna(client: Client, account: ExchangeAccount) -> User:
    """An editor who manages the groups of `pm`."""
    user = factories.person("editor", account, first_name="Anna", exchange_user_id="pm")
    client.force_login(user)
    return user


def group(project: Project, **fields: Any) -> TargetGroup:
    given = {"project_manager_id": "pm", "ends_at": datetime.now(UTC) + 5 * DAY + DAY / 24}
    return factories.group(project, **(given | fields))


def page(client: Client, query: str = "") -> str:
    return strip_beside_tags(client.get(f"/{query}").content.decode())


def section(text: str, remedy: str) -> str:
    start = text.index(f'id="r-{remedy}"')
    return text[start : text.index("</section>", start)]


def click(client: Client, do: str, query: str = "", **fields: Any) -> str:
    answer = client.post(
        f"/items/act/{query}", {"do": do, **fields}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    return strip_beside_tags(answer.content.decode())


def test_items_are_listed_by_remedy_across_projects_the_most_savable_first(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    other = factories.project(account)
    for place, value in ((project, 30), (other, 25)):
        stopped = group(place, status="paused")
        factories.item(stopped, remedy="fix_signing_key", value=value, ends_at=stopped.ends_at)
    factories.item(group(project), value=50)
    text = page(client)
    assert text.index("r-fix_signing_key") < text.index("r-raise_cpi")
    keys = section(text, "fix_signing_key")
    assert "Encryption errors: fix the signing key" in keys
    assert "2 groups in 2 projects · 55 completes at risk · first ends in 5 days" in keys
    assert "for the client's survey programmer" in keys.replace("&#x27;", "'")
    assert "Resume all…" in keys
    assert "Too slow at this CPI: raise the CPI" in section(text, "raise_cpi")


def test_the_whole_remedy_is_resumed_through_a_preview(
    client: Client, project: Project, anna: User
) -> None:
    stopped = [group(project, status="paused") for _ in range(2)]
    for each in stopped:
        factories.item(each, remedy="fix_signing_key", ends_at=each.ends_at)
    (picks,) = re.findall(r'form="act-resume" name="pick" value="([\d,]+,[\d,]+)"', page(client))
    assert sorted(map(int, picks.split(","))) == sorted(each.pk for each in stopped)
    preview = client.post("/act/", {"do": "resume", "pick": picks}).content.decode()
    assert all(each.name in preview for each in stopped)


@pytest.mark.parametrize(
    ("remedy", "fields", "action"),
    [
        ("raise_cpi", {}, "edit/cpi/"),
        ("raise_cpi", {"pricing_model": "rate_card"}, "edit/dates/"),
        ("fix_loi", {}, "edit/details/"),
        ("resume", {"status": "paused"}, 'form="act-resume" name="pick"'),
        ("resume", {"status": "paused", "ends_at": factories.NOW - DAY}, "Extend, then resume"),
        ("raise_cpi", {"completes": 200}, ">Open<"),
    ],
)
@pytest.mark.usefixtures("anna")
def test_an_action_is_possible_or_not_offered(
    client: Client,
    project: Project,
    remedy: str,
    fields: dict[str, Any],
    action: str,
) -> None:
    of = group(project, **fields)
    factories.item(of, remedy=remedy, ends_at=of.ends_at)
    acts = section(page(client), remedy)
    acts = acts[acts.index('<td class="acts">') :]
    assert action in acts
    assert ("edit/cpi" in acts) is (action == "edit/cpi/")


def test_mine_is_the_default_once_linked_and_all_until_then(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    factories.exchange_user(account, exchange_id="pm", name="Anna A.")
    boss = factories.exchange_user(account, name="Boss")
    own, other = group(project, name="Own"), group(project, name="Other")
    TargetGroup.objects.filter(pk=other.pk).update(project_manager_id=boss.exchange_id)
    factories.person("editor", account, exchange_user_id=boss.exchange_id)
    for each in (own, other):
        factories.item(each)
    assert ("Own" in page(client), "Other" in page(client)) == (True, False)
    assert "Other" in page(client, "?scope=all")
    assert "Which exchange user are you" not in page(client)
    Membership.objects.filter(user=anna).update(exchange_user_id="")
    text = page(client)
    assert "Other" in text
    assert "Which exchange user are you" in text


def test_the_question_is_answered_in_place(
    client: Client, account: ExchangeAccount, anna: User
) -> None:
    Membership.objects.filter(user=anna).update(exchange_user_id="")
    person = factories.exchange_user(account, name="Anna A.", email=anna.email)
    assert f'<option value="{person.exchange_id}" selected>' in page(client)
    client.post("/items/link/", {"account": account.pk, "exchange_user": "nobody"})
    assert anna.memberships.get().exchange_user_id == ""
    client.post("/items/link/", {"account": account.pk, "exchange_user": person.exchange_id})
    assert anna.memberships.get().exchange_user_id == person.exchange_id
    foreign = factories.account()
    answer = client.post("/items/link/", {"account": foreign.pk, "exchange_user": "pm"})
    assert answer.status_code == 404


def test_a_click_takes_the_line_out_and_an_undo_brings_it_back(
    client: Client, project: Project, anna: User
) -> None:
    item = factories.item(group(project, name="Japan"))
    text = click(client, f"acknowledge:{item.pk}")
    assert "1 item acknowledged: returns in 24 hours, or sooner if it worsens." in text
    assert "Nothing to do" in text
    assert "Acknowledged by Anna" in page(client, "?tab=waiting")
    (undo,) = re.findall(r'value="(undo:[^"]+)"', text)
    text = click(client, undo)
    assert "1 item back in To do." in text
    assert "Japan" in section(text, "raise_cpi")


@pytest.mark.parametrize(
    ("do", "fields", "said"),
    [
        ("acknowledge", {}, "2 items acknowledged"),
        ("snooze-4h", {}, "2 items snoozed for 4 hours"),
        ("snooze-3d", {}, "2 items snoozed for 3 days"),
        ("snooze-worse", {"worse_by": "1.200"}, "2 items snoozed until 1,200 more completes"),
    ],
)
@pytest.mark.usefixtures("anna")
def test_what_is_selected_is_put_aside_together(
    client: Client, project: Project, do: str, fields: dict[str, str], said: str
) -> None:
    items = [factories.item(group(project)) for _ in range(3)]
    assert said in click(client, do, pick=[items[0].pk, items[1].pk], **fields)
    assert list(Item.objects.filter(state="to_do")) == [items[2]]


def test_a_whole_remedy_is_put_aside_within_the_scope_only(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    own = factories.item(group(project))
    other = factories.item(group(factories.project(account)))
    click(client, "acknowledge:raise_cpi", f"?scope={project.pk}")
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.state, other.state) == ("waiting", "to_do")


def test_what_is_assigned_is_on_the_other_persons_list(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    item = factories.item(group(project, name="Japan"))
    bo = factories.person("editor", account, first_name="Bo")
    assert "1 item assigned to Bo" in click(client, "assign", pick=item.pk, to=bo.pk)
    assert "Assigned to Bo" in page(client, "?tab=waiting")
    client.force_login(bo)
    assert "Japan" in section(page(client, "?scope=mine"), "raise_cpi")


@pytest.mark.parametrize(
    ("do", "fields", "said"),
    [
        ("acknowledge", {}, "Nothing was selected."),
        ("explode", {"pick": True}, "Nothing was selected."),
        ("assign", {"pick": True}, "Choose a person first."),
        ("assign", {"pick": True, "to": "colleague"}, "Mo has no access to these groups."),
        ("assign", {"pick": True, "to": "stranger"}, "Choose a person first."),
        ("assign", {"pick": True, "to": "of another account"}, "Choose a person first."),
        ("assign", {"pick": True, "to": "nobody"}, "Choose a person first."),
        ("snooze-worse", {"pick": True, "worse_by": "many"}, "Enter by how many completes"),
        ("snooze-worse", {"pick": True, "worse_by": "0"}, "must be 1 complete or more."),
    ],
)
def test_a_click_that_cannot_be_done_says_why(
    client: Client,
    project: Project,
    anna: User,
    *,
    do: str,
    fields: dict[str, Any],
    said: str,
) -> None:
    """Who shares no account with the person is not named: their name is nothing to learn here."""
    theirs = factories.account()
    shared = factories.account()
    anna.memberships.create(account=shared, role="viewer")
    people = {
        "colleague": factories.person("editor", shared, first_name="Mo").pk,
        "stranger": factories.person(first_name="Zed").pk,
        "of another account": factories.person("editor", theirs, first_name="Zed").pk,
        "nobody": 10**9,
    }
    item = factories.item(group(project))
    given = {name: value for name, value in fields.items() if name != "pick"}
    if "pick" in fields:
        given["pick"] = item.pk
    if "to" in fields:
        given["to"] = people[fields["to"]]
    answer = click(client, do, **given)
    assert said in answer
    assert "Zed" not in answer
    item.refresh_from_db()
    assert item.state == "to_do"


def test_an_item_of_another_account_is_not_found(
    client: Client, project: Project, anna: User
) -> None:
    foreign = factories.item(group(factories.project(factories.account())))
    for do in (f"acknowledge:{foreign.pk}", f"undo:{foreign.pk}"):
        assert client.post("/items/act/", {"do": do}).status_code == 404
    foreign.refresh_from_db()
    assert foreign.state == "to_do"


def test_a_viewer_sees_items_and_may_move_none(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    item = factories.item(group(project))
    text = page(client)
    assert "Projected 40 short" in text
    assert "Acknowledge" not in text[text.index('id="live"') : text.index("<dialog")]
    assert "/edit/" not in text
    assert client.post("/items/act/", {"do": f"acknowledge:{item.pk}"}).status_code == 403
    assert client.post("/items/act/", {"do": "acknowledge:raise_cpi"}).status_code == 403


@pytest.mark.parametrize("address", ["/items/act/", "/items/link/"])
def test_a_click_without_its_csrf_token_is_refused(
    account: ExchangeAccount, project: Project, anna: User, address: str
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    item = factories.item(group(project))
    given = {"do": f"acknowledge:{item.pk}", "account": account.pk, "exchange_user": "x"}
    assert strict.post(address, given).status_code == 403


def test_without_scripts_a_click_leads_back_to_the_list(
    client: Client, project: Project, anna: User
) -> None:
    item = factories.item(group(project))
    answer = client.post("/items/act/?scope=all", {"do": f"acknowledge:{item.pk}"}, follow=True)
    assert answer.redirect_chain == [("/?scope=all", 302)]
    assert "1 item acknowledged" in answer.content.decode()


def test_at_zero_the_page_says_what_is_likely_next(
    client: Client, project: Project, anna: User
) -> None:
    of = group(project)
    Incident.objects.create(
        account=of.account,
        project=project,
        group=of,
        rule="stalled",
        key="k",
        state="pending",
        severity=1,
        headline="No completes for 3 h: Japan",
        sentence="Japan: no completes.",
        breached_at=datetime.now(UTC),
        evaluate_at=datetime.now(UTC) + DAY / 24,
    )
    text = page(client)
    assert "Nothing to do" in text
    assert "Next likely:" in text
    assert "No completes for 3 h: Japan" in text


@pytest.mark.parametrize("rows", [1, 60])
@pytest.mark.parametrize("listing", [("todo", 8, 5), ("waiting", 8, 5), ("closed", 7, 0)])
@pytest.mark.usefixtures("anna")
def test_the_list_takes_the_same_few_queries_whatever_the_groups(
    client: Client,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
    listing: tuple[str, int, int],
    rows: int,
) -> None:
    tab, queries, for_prices = listing
    page(client)  # what the first visit and unread projects cost
    state = {"todo": "to_do"}.get(tab, tab)
    closed_at = datetime.now(UTC) if state == "closed" else None
    for _ in range(rows):
        factories.item(group(project), state=state, closed_at=closed_at)
    with django_assert_num_queries(queries + for_prices):
        page(client, f"?tab={tab}&scope=all")
    with django_assert_num_queries(queries):  # nothing changed: the prices are kept
        text = page(client, f"?tab={tab}&scope=all")
    assert text.count("<bdi>Projected 40 short") == (min(rows, 25) if tab != "closed" else rows)


def test_a_long_remedy_has_a_page_of_its_own(client: Client, project: Project, anna: User) -> None:
    for _ in range(30):
        factories.item(group(project))
    assert "5 more, with less at risk" in page(client)
    assert page(client, "?remedy=raise_cpi").count("<bdi>Projected 40 short") == 30


def test_a_refresh_of_an_unchanged_list_is_a_304_and_a_change_of_an_item_is_not(
    client: Client, project: Project, anna: User
) -> None:
    item = factories.item(group(project))

    def refreshed(etag: str) -> int:
        seen = {"HX-Request": "true", "If-None-Match": etag}
        return client.get("/", headers=seen).status_code

    etag = client.get("/").headers["ETag"]
    assert refreshed(etag) == 304
    click(client, f"acknowledge:{item.pk}")
    assert refreshed(etag) == 200


def test_the_bell_counts_ones_own_items(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    factories.item(group(project), critical=True)
    factories.item(group(project), state="waiting")
    factories.person("editor", account, exchange_user_id="boss")
    factories.item(group(project, project_manager_id="boss"))
    assert "1 to do, 1 critical" in page(client)
    assert "Too slow at this CPI" in client.get("/bell/").content.decode()


def test_changes_by_one_person_within_an_hour_are_one_line(
    client: Client, account: ExchangeAccount, project: Project, anna: User
) -> None:
    marek = factories.exchange_user(account, name="Marek Nowak")
    now = datetime.now(UTC)
    for number in range(6):
        Change.objects.create(
            account=account,
            group=group(project),
            batch_id=str(number),
            seen_at=now,
            occurred_at=now - timedelta(minutes=number),
            kind="status_change",
            old="draft",
            new="scheduled",
            actor_type="las_user",
            actor_id=marek.exchange_id,
        )
    text = page(client, "?tab=changes&since=24h")
    assert text.count("Marek Nowak") == 1
    assert "6 groups" in text


def test_closed_items_say_what_they_were(client: Client, project: Project, anna: User) -> None:
    factories.item(group(project, name="Japan"), state="closed", closed_at=datetime.now(UTC))
    factories.item(
        group(project, name="Old"), state="closed", closed_at=datetime.now(UTC) - 20 * DAY
    )
    text = page(client, "?tab=closed")
    assert "Too slow at this CPI: raise the CPI" in text
    assert "Old" not in text


def test_a_project_of_another_account_shows_nothing(
    client: Client, project: Project, anna: User
) -> None:
    foreign = factories.project(factories.account(), name="Secret")
    factories.item(group(foreign, name="Hidden"))
    text = page(client, f"?scope={foreign.pk}")
    assert "Secret" not in text
    assert "Hidden" not in text


def sheet(client: Client, item: Item) -> str:
    return strip_beside_tags(client.get(f"/items/{item.pk}/").content.decode())


def test_the_sheet_of_an_item_says_what_is_wrong_and_has_one_button(
    client: Client, anna: User, project: Project
) -> None:
    of = group(project, name="Japan 25–54")
    item = factories.item(of, critical=True)
    text = sheet(client, item)
    for part in (
        "<h1><bdi>Japan 25–54</bdi></h1>",
        "Tracker W23",
        "Too slow at this CPI: raise the CPI",
        "Projected 40 short of 200.",
        "<dt>Completes at risk</dt><dd>40</dd>",
        "5 days left",
        "Critical",
    ):
        assert part in text
    assert text.count('class="button primary"') + text.count('<button class="primary"') == 1
    assert f'href="/groups/{of.pk}/edit/cpi/"' in text
    client.post("/items/act/", {"do": f"acknowledge:{item.pk}"})
    assert "Acknowledged by Anna" in sheet(client, item)
    Item.objects.update(state="closed", closed_at=datetime.now(UTC), waiting="")
    text = sheet(client, item)
    assert "none of its alerts is open any more" in text
    assert "Change CPI" not in text


def test_the_sheet_of_a_pause_resumes_with_a_preview(
    client: Client, anna: User, project: Project
) -> None:
    of = group(project, status="paused", status_changed_by="system_user")
    text = sheet(client, factories.item(of, remedy="resume"))
    assert f'<button class="primary" name="pick" value="{of.pk}">Resume</button>' in text


def test_a_viewer_sees_the_sheet_without_buttons_and_a_stranger_nothing(
    client: Client, project: Project
) -> None:
    item = factories.item(group(project))
    client.force_login(factories.person("viewer", project.account))
    text = sheet(client, item)
    assert "Projected 40 short of 200." in text
    assert "Acknowledge" not in text
    client.force_login(factories.person("editor", factories.account()))
    assert client.get(f"/items/{item.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("remedy", "offered"), [("extend_or_close", True), ("stop_overfill", True), ("resume", False)]
)
def test_a_group_that_is_over_can_be_completed_from_its_line_and_its_sheet(
    client: Client, anna: User, project: Project, remedy: str, offered: bool
) -> None:
    of = group(project, status="paused", ends_at=datetime.now(UTC) - DAY)
    item = factories.item(of, remedy=remedy)
    assert (f'data-complete="{of.pk}"' in page(client)) is offered
    assert ("Complete…" in sheet(client, item)) is offered
    assert 'id="act-complete"' in page(client)
