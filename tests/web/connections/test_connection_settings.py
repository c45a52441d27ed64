"""A connection is added, changed and removed in the browser, by administrators alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding.models import (
    AuditEvent,
    ExchangeAccount,
    Membership,
    TargetGroup,
    User,
    Webhook,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import remove
from dashboard.web.connections import sync_progress
from tests import factories

pytestmark = pytest.mark.django_db
KEY = "a-key-that-nobody-sees"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(projects=1, groups=6, history_days=1, speed=0) as running:
        yield running


@pytest.fixture
def url(simulator: Simulator, settings: Settings) -> Iterator[str]:
    """The address of an exchange that connections may use."""
    settings.EXCHANGE_ALLOWED_HOSTS = [simulator.base_url.removeprefix("http://"), "127.0.0.1:*"]
    settings.EXCHANGE_TIMEOUT_SECONDS = 5.0
    yield f"{simulator.base_url}/v1"
    simulator.clear_faults()


@pytest.fixture
def founder(client: Client) -> Client:
    """Somebody who has proved a moment ago who they are, and may add connections."""
    factories.person(username="founder", may_add_connections=True)
    client.post("/sign-in/", {"username": "founder", "password": "demo"})
    client.post("/me/confirm/", {"password": "demo"})
    return client


def typed(url: str, **changes: str) -> dict[str, str]:
    given = {"name": "main", "account_id": "101", "base_url": url, "auth": "api_key"}
    return given | {"api_key": KEY} | changes


def age_the_proof(client: Client) -> None:
    """Let the last proof of identity be an hour old."""
    session = client.session
    for record in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        record["at"] -= 3600
    session.save()


def test_a_connection_that_works_is_stored_and_its_first_sync_shown(
    founder: Client, url: str
) -> None:
    page = founder.get("/connections/add/").content.decode()
    assert f'value="{url}"' in page  # the first of EXCHANGE_ALLOWED_HOSTS
    answer = founder.post("/connections/add/", typed(f"{url}/"))
    account = ExchangeAccount.objects.get()
    assert answer["Location"] == f"/connections/{account.pk}/first-sync/"
    assert (account.name, account.exchange_id, account.base_url, account.secret) == (
        "main", "101", url, KEY,
    )  # fmt: skip
    assert account.due_at
    membership = Membership.objects.get()
    assert membership.may_administer
    assert not User.objects.get().may_add_connections  # the role is the right from now on
    page = founder.get(answer["Location"]).content.decode()
    assert "The account is connected." in page
    assert "every 3s" in page
    assert KEY not in page
    kinds = set(AuditEvent.objects.values_list("kind", flat=True))
    assert {"connection-added", "role-changed"} <= kinds
    assert KEY not in str(list(AuditEvent.objects.values()))


def test_every_failure_says_why_and_keeps_what_was_typed(
    founder: Client, url: str, simulator: Simulator
) -> None:
    factories.account(name="taken")
    cases: tuple[tuple[str, dict[str, str], str], ...] = (
        ("http_401", {}, "Cint does not accept the API key."),
        ("skew", {}, "The clock of this machine is 10 minutes behind Cint"),
        ("", {"account_id": "999"}, "do not open account 999"),
        ("", {"base_url": "https://elsewhere.example/v1"}, "EXCHANGE_ALLOWED_HOSTS"),
        ("", {"base_url": "http://127.0.0.1:1/v1"}, "Nothing answers at 127.0.0.1:1."),
        ("", {"name": "taken"}, "There is already a connection named taken."),
        ("", {"api_key": ""}, "Enter the API key."),
        ("", {"auth": "client_credentials"}, "Client credentials need it."),
        ("", {"api_key": "ключ"}, "a character that no key has"),
    )
    for fault, changes, sentence in cases:
        if fault:
            simulator.fault(fault, value="600" if fault == "skew" else "")
        answer = founder.post("/connections/add/", typed(url, **changes))
        simulator.clear_faults()
        page = answer.content.decode()
        assert answer.status_code == 200
        assert sentence in page, (sentence, page)
        assert f'value="{changes.get("base_url", url)}"' in page
        assert KEY not in page
        is_typed = changes.get("api_key", KEY) and "auth" not in changes
        assert ("Enter it again" in page) is bool(is_typed)
    assert ExchangeAccount.objects.filter(name="main").count() == 0


def test_a_right_that_is_missing_is_a_line_with_its_remedy(
    founder: Client, url: str, simulator: Simulator
) -> None:
    simulator.fault("http_403", operation="get_target_group_performance")
    page = founder.post("/connections/add/", typed(url)).content.decode()
    assert "Cint does not give access to everything that Fieldwatch needs." in page
    assert "Ask Cint to allow this for the credentials." in page
    assert not ExchangeAccount.objects.exists()


def test_only_administrators_may_add_and_others_are_told_whom_to_ask(client: Client) -> None:
    account = factories.account()
    for role, allowed in (("viewer", False), ("editor", False), ("administrator", True)):
        client.force_login(factories.person(role, account))
        status = client.get("/connections/add/").status_code
        assert status == (302 if allowed else 403)  # 302: the password is asked for first
        offered = "/connections/add/" in client.get("/connections/").content.decode()
        assert offered is allowed
    client.force_login(factories.person())
    assert "Ask a colleague who is an administrator" in client.get("/").content.decode()


def test_a_form_that_waits_for_the_password_is_kept_without_its_secret(
    founder: Client, url: str
) -> None:
    age_the_proof(founder)
    answer = founder.post("/connections/add/", typed(url))
    assert answer["Location"].startswith("/me/confirm/")
    for session in Session.objects.all():
        assert KEY not in str(session.get_decoded())
    page = founder.post(answer["Location"], {"password": "demo", "next": "/connections/add/"})
    assert "Enter the API key." in page.content.decode()
    assert 'value="main"' in page.content.decode()
    assert not ExchangeAccount.objects.exists()


@pytest.fixture
def account(founder: Client, url: str) -> ExchangeAccount:
    """A connection of the founder that works."""
    founder.post("/connections/add/", typed(url))
    return ExchangeAccount.objects.get()


def changed(account: ExchangeAccount, **changes: str) -> dict[str, str]:
    given = {"account_id": "101", "base_url": account.base_url, "auth": "api_key"}
    return given | changes


def test_a_key_is_changed_once_the_new_one_works(
    founder: Client, account: ExchangeAccount, simulator: Simulator
) -> None:
    page = f"/connections/{account.pk}/change/"
    assert KEY not in founder.get(page).content.decode()
    simulator.fault("http_401")
    shown = founder.post(page, changed(account, api_key="wrong")).content.decode()
    assert "Nothing was changed." in shown
    account.refresh_from_db()
    assert account.secret == KEY
    simulator.clear_faults()
    assert (
        founder.post(page, changed(account, api_key="newer", poll_seconds="60")).status_code == 302
    )
    account.refresh_from_db()
    assert (account.secret, account.poll_seconds) == ("newer", 60)
    kinds = list(AuditEvent.objects.values_list("kind", flat=True))
    assert kinds.count("connection-key-changed") == 1
    assert "newer" not in str(list(AuditEvent.objects.values()))


def test_a_stored_key_is_kept_and_sent_to_no_other_host(
    founder: Client, account: ExchangeAccount
) -> None:
    page = f"/connections/{account.pk}/change/"
    assert founder.post(page, changed(account)).status_code == 302
    account.refresh_from_db()
    assert account.secret == KEY
    elsewhere = changed(account, base_url="http://127.0.0.1:1/v1")
    assert "is sent to no other" in founder.post(page, elsewhere).content.decode()
    to_client = changed(
        account, auth="client_credentials", token_url=f"{account.base_url}/token", client_id="we"
    )
    assert "Enter the client secret." in founder.post(page, to_client).content.decode()


def test_another_account_id_is_refused_once_something_was_read(
    founder: Client, account: ExchangeAccount
) -> None:
    factories.project(account)
    page = founder.post(
        f"/connections/{account.pk}/change/", changed(account, account_id="202")
    ).content.decode()
    assert "already holds data of account 101" in page
    account.refresh_from_db()
    assert account.exchange_id == "101"


def test_a_connection_is_removed_by_its_name_and_disappears(
    founder: Client, account: ExchangeAccount
) -> None:
    factories.group(factories.project(account))
    page = f"/connections/{account.pk}/remove/"
    assert "1 target group" in founder.get(page).content.decode()
    assert "This is not the name" in founder.post(page, {"name": "Main?"}).content.decode()
    assert Membership.objects.exists()
    assert founder.post(page, {"name": "main"}).status_code == 302
    account.refresh_from_db()
    assert (account.polling, account.removed_at is None) == (False, False)
    assert founder.get(page).status_code == 404
    assert founder.get("/connections/add/").status_code == 200  # they may add another
    remove.finish_removal(account.pk)
    assert not TargetGroup.objects.exists()
    assert not ExchangeAccount.objects.exists()
    removed = AuditEvent.objects.get(kind="connection-removed")
    assert (removed.account_name, removed.details) == (
        "main", {"held": "1 project, 1 target group, 0 edits, 1 membership"},
    )  # fmt: skip


def test_removing_and_changing_ask_for_the_password_again(
    founder: Client, account: ExchangeAccount
) -> None:
    age_the_proof(founder)
    Webhook.objects.create(account=account, key="k", secret="s")
    for page, data in (
        ("change", changed(account)),
        ("remove", {"name": "main"}),
        ("webhook/rotate", {}),
        ("webhook/add", {}),
    ):
        answer = founder.post(f"/connections/{account.pk}/{page}/", data)
        assert answer["Location"].startswith("/me/confirm/"), page
    assert ExchangeAccount.objects.get().removed_at is None


def test_a_webhook_is_registered_rotated_and_removed(
    founder: Client, account: ExchangeAccount, settings: Settings
) -> None:
    settings.FIELDWATCH_URL = "https://fieldwatch.example.com"
    page = f"/connections/{account.pk}/"
    assert "Register webhook" in founder.get(page).content.decode()
    founder.post(f"{page}webhook/add/")
    first = Webhook.objects.get().secret
    assert "Rotate secret" in founder.get(page).content.decode()
    founder.post(f"{page}webhook/rotate/")
    assert Webhook.objects.get().secret != first
    founder.post(f"{page}webhook/remove/")
    assert not Webhook.objects.exists()
    kinds = AuditEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in kinds if "webhook" in kind] == [
        "webhook-added", "webhook-secret-changed", "webhook-removed",
    ]  # fmt: skip
    assert founder.post(f"{page}webhook/steal/").status_code == 404


def test_the_progress_of_a_first_sync_goes_from_nothing_to_complete() -> None:
    account = factories.account(
        health="new", read_at=None, first_pull_completed_at=None, created_at=timezone.now()
    )

    def progress() -> dict[str, Any]:
        account.refresh_from_db()
        found = sync_progress.sync_progress(account)
        return {"percent": found.percent, "is_done": found.is_done, "groups": found.groups}

    assert progress() == {"percent": 0, "is_done": False, "groups": 0}
    project = factories.project(account, read_at=None, group_count=4)
    ExchangeAccount.objects.update(read_at=factories.NOW, health="fresh")
    for _ in range(3):
        factories.group(project)
    assert progress() == {"percent": 75, "is_done": False, "groups": 3}
    account.projects.update(read_at=factories.NOW + timedelta(minutes=1))
    assert progress() == {"percent": 100, "is_done": True, "groups": 3}
