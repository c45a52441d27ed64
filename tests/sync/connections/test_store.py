"""Connections are stored, changed and removed as a person may, and nothing else of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from dashboard.fielding import audit
from dashboard.fielding.models import (
    AuditEvent,
    BusinessUnit,
    ExchangeAccount,
    Membership,
    Project,
    TargetGroup,
    User,
    Webhook,
)
from dashboard.sync.connections import clients, remove, store
from dashboard.sync.connections.store import ConnectionRefused
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def new(**fields: Any) -> ExchangeAccount:
    given = {
        "name": "main",
        "exchange_id": "101",
        "base_url": "https://api.cint.com/v1",
        "auth": "api_key",
        "secret": "key",
    }
    return ExchangeAccount(**(given | fields))


def add(account: ExchangeAccount, administrator: User | None = None) -> ExchangeAccount:
    return store.add_connection(
        account=account, origin=audit.SYSTEM, now=NOW, administrator=administrator
    )


def change(account: ExchangeAccount, **columns: Any) -> None:
    store.change_connection(account=account, columns=columns, origin=audit.SYSTEM, now=NOW)


def log() -> list[tuple[str, Any]]:
    return list(AuditEvent.objects.order_by("pk").values_list("kind", "details"))


def test_a_new_connection_is_due_and_whoever_adds_it_administers_it() -> None:
    anna = factories.person(may_add_connections=True)
    account = add(new(), anna)
    account.refresh_from_db()
    assert (account.due_at, account.health) == (NOW, "new")
    assert Membership.objects.get().role == Membership.Role.ADMINISTRATOR
    anna.refresh_from_db()
    assert anna.may_add_connections is False
    assert log()[0] == ("connection-added", {"to": "api.cint.com"})
    add(new(name="other", exchange_id="102"))
    assert Membership.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "column", "reason"),
    [
        ({"name": "MAIN", "exchange_id": "102"}, "name", "already a connection named MAIN"),
        ({"name": "b"}, "exchange_id", "main already reads account 101 at this address"),
        ({"name": "b", "base_url": "https://API.cint.com/v1"}, "exchange_id", "already reads"),
        ({"name": "b", "exchange_id": "1a"}, "exchange_id", "is a number"),
        ({"name": "b", "exchange_id": "a1"}, "exchange_id", "is a number"),
        ({"name": "", "exchange_id": "102"}, "name", "cannot be blank"),
    ],
)
def test_a_connection_that_cannot_be_stored_says_which_field_is_wrong(
    fields: dict[str, str], column: str, reason: str
) -> None:
    add(new())
    with pytest.raises(ConnectionRefused, match=reason) as caught:
        add(new(**fields))
    assert list(caught.value.reasons) == [column]
    assert ExchangeAccount.objects.count() == 1


def test_an_account_of_another_address_or_of_a_removed_connection_may_be_read() -> None:
    account = add(new())
    add(new(name="elsewhere", base_url="https://other.example/v1"))
    ExchangeAccount.objects.filter(pk=account.pk).update(removed_at=NOW)
    add(new(name="again"))
    assert ExchangeAccount.objects.count() == 3


def test_a_change_does_not_make_two_connections_read_the_same_account() -> None:
    add(new())
    for fields, column in (
        ({"base_url": "https://other.example/v1"}, {"base_url": "https://api.cint.com/v1"}),
        ({"exchange_id": "102"}, {"exchange_id": "101"}),
    ):
        other = add(new(name=f"other {column}"[:20], **fields))
        with pytest.raises(ConnectionRefused, match="main already reads account 101"):
            change(other, **column)


def test_a_change_is_stored_and_recorded_without_the_secret() -> None:
    account = add(new())
    ExchangeAccount.objects.update(due_at=None, read_at=NOW, health="fresh")
    account.refresh_from_db()
    change(account, secret="other", poll_seconds=60)
    account.refresh_from_db()
    assert (account.secret, account.poll_seconds, account.due_at) == ("other", 60, NOW)
    assert (account.read_at, account.health) == (NOW, "fresh")
    assert log()[1:] == [
        ("connection-key-changed", {}),
        ("connection-changed", {"poll_seconds": "60"}),
    ]
    change(account, name="renamed")
    assert log()[3:] == [("connection-changed", {"name": "renamed"})]


def test_another_account_id_begins_anew_while_nothing_was_read() -> None:
    account = add(new())
    ExchangeAccount.objects.update(
        read_at=NOW, names_at=NOW, first_pull_completed_at=NOW, health="error", attempts=3
    )
    account.refresh_from_db()
    change(account, exchange_id="102")
    account.refresh_from_db()
    assert (account.exchange_id, account.health, account.attempts) == ("102", "new", 0)
    assert (account.read_at, account.names_at, account.first_pull_completed_at) == (
        None,
        None,
        None,
    )
    assert log()[1:] == [("connection-changed", {"exchange_id": "102"})]


def hold_project(account: ExchangeAccount) -> None:
    factories.project(account)


def hold_person(account: ExchangeAccount) -> None:
    factories.exchange_user(account)


def hold_unit(account: ExchangeAccount) -> None:
    BusinessUnit.objects.create(account=account, exchange_id="7")


def hold_webhook(account: ExchangeAccount) -> None:
    Webhook.objects.create(account=account, key="key", registered_at=NOW)


def hold_unregistered_webhook(account: ExchangeAccount) -> None:
    Webhook.objects.create(account=account, key="key")


def be_at_work(account: ExchangeAccount) -> None:
    ExchangeAccount.objects.filter(pk=account.pk).update(lease="token", leased_until=NOW + SECOND)


def be_overdue(account: ExchangeAccount) -> None:
    ExchangeAccount.objects.filter(pk=account.pk).update(lease="token", leased_until=NOW)


def be_queued(account: ExchangeAccount) -> None:
    ExchangeAccount.objects.filter(pk=account.pk).update(lease="queued", leased_until=NOW + SECOND)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (hold_project, "already holds data of account 101"),
        (hold_person, "already holds data of account 101"),
        (hold_unit, "already holds data of account 101"),
        (hold_webhook, "has a webhook at account 101"),
        (be_at_work, "is being synced at the moment"),
        (hold_unregistered_webhook, ""),
        (be_overdue, ""),
        (be_queued, ""),
    ],
)
def test_another_account_id_is_refused_once_anything_belongs_to_the_present_one(
    prepare: Any, reason: str
) -> None:
    account = add(new())
    prepare(account)
    account.refresh_from_db()
    store.check_settings(account=account, now=NOW)
    other = ExchangeAccount.objects.get(pk=account.pk)
    other.exchange_id = "102"
    if not reason:
        store.check_settings(account=other, now=NOW)
        change(account, exchange_id="102")
        return
    for attempt in (
        lambda: store.check_settings(account=other, now=NOW),
        lambda: change(account, exchange_id="102"),
    ):
        with pytest.raises(ConnectionRefused, match=reason):
            attempt()
    account.refresh_from_db()
    change(account, exchange_id="101", poll_seconds=60)  # the same id is no other


def test_a_connection_is_removed_with_its_memberships_and_its_name_is_free() -> None:
    account = factories.account(name="n" * 41, exchange_id="102")
    other = factories.account()
    for _ in range(2):
        factories.group(factories.project(account))
    factories.edit(factories.group(Project.objects.filter(account=account).earliest("pk")))
    alone = factories.person("administrator", account)
    elsewhere = factories.person("administrator", account)
    Membership.objects.create(user=elsewhere, account=other, role="viewer")
    viewer = factories.person("viewer", account)
    assert remove.describe_removal(account) == (
        "2 projects, 3 target groups, 1 edit, 3 memberships"
    )
    for _ in range(2):
        remove.start_removal(account=account, origin=audit.SYSTEM, now=NOW)
    stored = ExchangeAccount.objects.get(pk=account.pk)
    assert stored.name == f"{'n' * 40} (removed {account.pk})"
    assert (stored.removed_at, stored.due_at, stored.polling) == (NOW, NOW, False)
    assert [kind for kind, _ in log()] == ["connection-removed"]
    assert list(Membership.objects.values_list("user", flat=True)) == [elsewhere.pk]
    may_add = set(User.objects.filter(may_add_connections=True))
    assert may_add == {alone}
    assert viewer not in may_add
    assert remove.pending_removals() == [account.pk]
    for pk in (account.pk, other.pk):
        remove.finish_removal(pk)
    assert list(ExchangeAccount.objects.all()) == [other]
    assert not TargetGroup.objects.exists()
    assert not Project.objects.exists()
    assert remove.pending_removals() == []


def test_who_administered_a_demonstration_alone_may_add_no_connection() -> None:
    account = factories.account(is_demo=True)
    factories.person("administrator", account)
    remove.start_removal(account=account, origin=audit.SYSTEM, now=NOW)
    assert not User.objects.filter(may_add_connections=True).exists()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("base_url", "https://other.example/v1"),
        ("exchange_id", "102"),
        ("secret", "another"),
        ("requests_per_minute", 7),
        ("api_version", "2026-01-01"),
    ],
)
def test_a_client_is_shared_until_the_settings_of_its_connection_change(
    settings: Settings, column: str, value: object
) -> None:
    settings.EXCHANGE_ALLOWED_HOSTS = ["api.cint.com", "other.example"]
    account = add(new())
    first = clients.client_for(account)
    assert clients.client_for(ExchangeAccount.objects.get(pk=account.pk)) is first
    setattr(account, column, value)
    second = clients.client_for(account)
    assert second is not first
    assert clients.client_for(account) is second
    assert second.account_id == account.exchange_id
    assert clients.reason_to_refuse_url("https://api.cint.com/v1") == ""
    assert "not on the list" in clients.reason_to_refuse_url("https://elsewhere.example")
