"""How connections do, and what was set aside: for their administrators alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.models import ExchangeAccount, Incident, Project, Quarantine
from tests import factories
from tests.web.white_space import strip_beside_tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(secret="a-secret-that-nobody-sees")


@pytest.fixture
def administrator(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("administrator", account))
    client.get("/words/")  # puts the session on record, which no page asked for later pays
    return client


def set_aside(account: ExchangeAccount, number: int = 1, raw: str = "{}") -> None:
    for each in range(number):
        Quarantine.objects.create(
            account=account,
            operation="get_list_target_groups",
            item_id=f"item-{each}",
            reason="Expected `int`, got `str`",
            raw=raw,
            first_seen_at=factories.NOW,
            last_seen_at=factories.NOW,
        )


def page(client: Client, account: ExchangeAccount) -> str:
    return client.get(f"/connections/{account.pk}/").content.decode()


def test_what_was_set_aside_is_shown_as_it_came_and_does_no_harm(
    administrator: Client, account: ExchangeAccount
) -> None:
    set_aside(account, raw='{"name": "<script>alert(1)</script>"}')
    shown = page(administrator, account)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert" not in shown
    assert "get_list_target_groups" in shown


def test_nothing_set_aside_is_said_in_words(
    administrator: Client, account: ExchangeAccount
) -> None:
    shown = page(administrator, account)
    assert "No data errors" in shown
    assert "Not synced yet" in shown


def test_the_last_rounds_say_how_they_ended(
    administrator: Client, account: ExchangeAccount
) -> None:
    project = factories.project(account, name="Tracker W23")
    factories.cycle(project, complete=False, errors=["Cint did not answer in time"], requests=7)
    shown = page(administrator, account)
    assert "Tracker W23" in shown
    assert "Incomplete" in shown
    assert "did not answer in time" in shown


def test_a_project_that_waits_is_told_with_since_when(
    administrator: Client, account: ExchangeAccount
) -> None:
    shown = strip_beside_tags(page(administrator, account))
    assert "<dt>Longest overdue</dt><dd>None</dd>" in shown
    factories.project(account, due_at=factories.NOW)
    assert f'<time datetime="{factories.NOW:%Y-%m-%dT%H:%M}' in page(administrator, account)


def test_no_page_of_a_connection_shows_its_secret(
    administrator: Client, account: ExchangeAccount
) -> None:
    for address in ("/connections/", f"/connections/{account.pk}/"):
        assert "a-secret" not in administrator.get(address).content.decode()


def test_the_list_leads_to_what_was_set_aside(
    administrator: Client, account: ExchangeAccount
) -> None:
    set_aside(account, 3)
    listed = administrator.get("/connections/").content.decode()
    assert f'<a href="/connections/{account.pk}/#set-aside">3</a>' in listed


def test_only_administrators_are_led_to_connections(
    client: Client, account: ExchangeAccount
) -> None:
    for role, led in (("viewer", False), ("editor", False), ("administrator", True)):
        client.force_login(factories.person(role, account))
        assert ('href="/connections/"' in client.get("/mails/").content.decode()) is led


def test_an_administrator_of_one_account_sees_no_other_in_the_list(
    administrator: Client, account: ExchangeAccount
) -> None:
    other = factories.account(name="somebody-elses")
    factories.person("administrator", other)
    assert "somebody-elses" not in administrator.get("/connections/").content.decode()


def test_a_viewer_is_told_that_this_is_for_administrators(
    client: Client, account: ExchangeAccount
) -> None:
    client.force_login(factories.person("viewer", account))
    answer = client.get(f"/connections/{account.pk}/")
    assert answer.status_code == 403
    assert "Only administrators" in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 40])
def test_the_number_of_queries_does_not_grow(
    rows: int,
    administrator: Client,
    account: ExchangeAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    set_aside(account, rows)
    for _ in range(rows):
        factories.cycle(factories.project(account))
    with django_assert_num_queries(13):
        page(administrator, account)
    with django_assert_num_queries(4):
        administrator.get("/connections/")


def test_the_budget_that_is_used_and_what_waits_are_told(
    administrator: Client, account: ExchangeAccount
) -> None:
    now = timezone.now()
    ExchangeAccount.objects.update(requests_per_minute=600)
    project = factories.project(account, due_at=now - timedelta(minutes=4))
    factories.cycle(project, now - timedelta(minutes=5), requests=3000)
    factories.cycle(project, now - timedelta(minutes=30), requests=200)
    factories.cycle(project, now - timedelta(minutes=61), requests=7000)
    shown = strip_beside_tags(page(administrator, account))
    assert '300<span class="of">of 600</span>' in shown
    assert "50 % of the limit" in shown
    assert "3,200 in the last hour" in shown
    assert "<dt>Projects overdue</dt><dd>1</dd>" in shown


def test_the_age_of_the_oldest_live_numbers_is_told(
    administrator: Client, account: ExchangeAccount
) -> None:
    for days, status in ((1, "live"), (9, "completed")):
        factories.group(
            factories.project(account, read_at=factories.NOW - timedelta(days=days)), status=status
        )
    oldest = page(administrator, account).partition("Oldest live data")[2][:80]
    assert f"{factories.NOW - timedelta(days=1):%Y-%m-%dT}" in oldest


def test_administrators_pause_polling_and_go_on_with_it(
    administrator: Client, account: ExchangeAccount
) -> None:
    for do, polls in (("pause", False), ("pause", False), ("resume", True)):
        administrator.post(f"/connections/{account.pk}/polling/", {"do": do})
        account.refresh_from_db()
        assert account.polling is polls
    assert "Pause polling" in page(administrator, account)


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_nobody_else_pauses_polling(role: str, client: Client, account: ExchangeAccount) -> None:
    client.force_login(factories.person(role, account))
    assert client.post(f"/connections/{account.pk}/polling/", {"do": "pause"}).status_code == 403
    account.refresh_from_db()
    assert account.polling


def test_the_test_of_a_connection_says_what_keeps_it_from_working(
    administrator: Client, account: ExchangeAccount
) -> None:
    shown = administrator.post(f"/connections/{account.pk}/test/").content.decode()
    assert "cannot use this connection" in shown
    assert "This address is not allowed" in shown or "not on the list of allowed hosts" in shown


def test_a_first_pull_says_how_far_it_is_and_a_finished_one_nothing(
    administrator: Client, account: ExchangeAccount
) -> None:
    ExchangeAccount.objects.update(first_pull_completed_at=None)
    done = factories.project(account, group_count=1)
    factories.group(done)
    under_way = factories.project(account, group_count=3000, pass_started_at=factories.NOW)
    factories.group(under_way)
    factories.group(under_way, retry_at=factories.NOW)
    factories.project(account, group_count=999, read_at=None)
    words = "1 of 3 projects, 2 of 4,000 groups"
    for address in ("/", "/projects/", f"/connections/{account.pk}/"):
        assert words in administrator.get(address).content.decode(), address
    Project.objects.update(read_at=factories.NOW, pass_started_at=None)
    for address in ("/", "/projects/", f"/connections/{account.pk}/"):
        assert "Initial sync" not in administrator.get(address).content.decode(), address


def test_a_first_pull_that_knows_of_no_group_yet_counts_projects_alone(
    administrator: Client, account: ExchangeAccount
) -> None:
    ExchangeAccount.objects.update(first_pull_completed_at=None)
    factories.project(account, read_at=None)
    page = administrator.get("/").content.decode()
    assert "0 of 1 projects.</strong>" in page


@pytest.fixture
def quiet(account: ExchangeAccount) -> Project:
    """A project with a group, read ten minutes ago and due in twenty."""
    now = timezone.now()
    read_at, due_at = now - timedelta(minutes=10), now + timedelta(minutes=20)
    return factories.project(account, read_at=read_at, due_at=due_at, urgency=1)


LOOK = re.compile(r'hx-post="([^"]*look/)" hx-trigger="load"')


def opened(client: Client, address: str) -> None:
    """Open a page, and let it tell that it is open as a browser does."""
    told = LOOK.search(client.get(address).content.decode())
    assert told
    assert client.post(told[1]).status_code == 204


def urgency(project: Project) -> int:
    project.refresh_from_db()
    return project.urgency


def test_opening_a_project_has_it_read_before_all_others(
    administrator: Client, quiet: Project
) -> None:
    opened(administrator, f"/projects/{quiet.pk}/")
    assert urgency(quiet) == 0
    assert quiet.due_at
    assert quiet.due_at <= timezone.now()


def test_opening_a_group_has_it_asked_again(administrator: Client, quiet: Project) -> None:
    group = factories.group(quiet, retry_at=timezone.now() + timedelta(hours=9), error="not yours")
    opened(administrator, f"/groups/{group.pk}/")
    group.refresh_from_db()
    assert urgency(quiet) == 0
    assert group.retry_at
    assert group.retry_at <= timezone.now()


def test_opening_the_home_page_has_projects_with_incidents_read(
    administrator: Client, quiet: Project
) -> None:
    other = factories.project(quiet.account, read_at=quiet.read_at, due_at=quiet.due_at, urgency=1)
    Incident.objects.create(
        account=quiet.account,
        project=quiet,
        group=factories.group(quiet),
        rule="stalled",
        severity=Incident.Severity.CRITICAL,
        key="one",
        state="firing",
        sentence="It stands still.",
        breached_at=factories.NOW,
        fired_at=factories.NOW,
    )
    opened(administrator, "/")
    assert (urgency(quiet), urgency(other)) == (0, 1)


def test_the_refresh_of_an_open_page_is_no_look(administrator: Client, quiet: Project) -> None:
    group = factories.group(quiet)
    for address in ("/", f"/projects/{quiet.pk}/", f"/groups/{group.pk}/"):
        part = administrator.get(address, headers={"HX-Request": "true"}).content.decode()
        assert LOOK.search(part) is None
    assert urgency(quiet) == 1


def test_a_page_whose_numbers_are_fresh_asks_for_no_round(
    administrator: Client, quiet: Project
) -> None:
    Project.objects.update(read_at=timezone.now())
    page = administrator.get(f"/projects/{quiet.pk}/").content.decode()
    assert LOOK.search(page) is None
    administrator.post(f"/projects/{quiet.pk}/look/")
    assert urgency(quiet) == 1
