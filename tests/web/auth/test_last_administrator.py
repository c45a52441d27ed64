"""A connection keeps an administrator who can sign in, whatever is asked for, and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client

from dashboard.fielding import audit, people
from dashboard.fielding.models import AuditEvent, ExchangeAccount, Membership, User
from dashboard.fielding.people import LastAdministrator
from tests import factories


def by_role(user: User, account: ExchangeAccount) -> None:
    people.set_role(
        user=user, account=account, role="editor", origin=audit.SYSTEM, now=factories.NOW
    )


def by_leaving(user: User, account: ExchangeAccount) -> None:
    membership = Membership.objects.get(user=user, account=account)
    people.remove_member(membership=membership, origin=audit.SYSTEM, now=factories.NOW)


def by_closing(user: User, account: ExchangeAccount) -> None:
    people.close(user=user, origin=audit.SYSTEM, now=factories.NOW)


def by_deletion(user: User, account: ExchangeAccount) -> None:
    people.delete(user=user, origin=audit.SYSTEM, now=factories.NOW)


WAYS = [by_role, by_leaving, by_closing, by_deletion]
Way = Callable[[User, ExchangeAccount], None]


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_the_last_one_stays(way: Way) -> None:
    account = factories.account(name="main")
    boss = factories.person("administrator", account)
    factories.person("editor", account)
    with pytest.raises(LastAdministrator, match="last administrator of main"):
        way(boss, account)
    assert list(people.administrators_of(account.pk).values_list("user", flat=True)) == [boss.pk]
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_one_whose_account_is_closed_does_not_count(way: Way) -> None:
    account = factories.account()
    boss, leaver = (factories.person("administrator", account) for _ in range(2))
    by_closing(leaver, account)
    with pytest.raises(LastAdministrator):
        way(boss, account)


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_with_another_one_anybody_may_go(way: Way) -> None:
    account = factories.account()
    boss, other = (factories.person("administrator", account) for _ in range(2))
    way(boss, account)
    assert list(people.administrators_of(account.pk).values_list("user", flat=True)) == [other.pk]
    assert AuditEvent.objects.filter(subject_id=boss.pk).count() == 1


@pytest.mark.django_db
def test_the_last_one_of_one_of_several_connections_stays_on_all() -> None:
    here, there = factories.account(), factories.account()
    boss = factories.person("administrator", here)
    factories.person("administrator", here)
    Membership.objects.create(user=boss, account=there, role="administrator")
    with pytest.raises(LastAdministrator):
        by_closing(boss, here)
    assert User.objects.get(pk=boss.pk).closed_at is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ["add", "boss", "boss@example.com", "--role", "viewer", "--on", "main"],
        ["take-off", "boss", "--on", "main"],
        ["close", "boss"],
        ["delete", "boss", "--yes"],
    ],
    ids=lambda words: words[0],
)
def test_no_command_takes_the_last_one(words: list[str]) -> None:
    account = factories.account(name="main")
    boss = factories.person("administrator", account, username="boss", email="boss@example.com")
    with pytest.raises(CommandError, match="last administrator of main"):
        call_command("person", *words)
    boss.refresh_from_db()
    assert (boss.memberships.get().role, boss.is_active) == ("administrator", True)


@pytest.mark.django_db
@pytest.mark.parametrize("do", ["viewer", "editor", "remove"])
def test_no_form_takes_the_last_one(client: Client, do: str) -> None:
    account = factories.account()
    boss = factories.person("administrator", account)
    client.force_login(boss)
    address = f"/connections/{account.pk}/people/{boss.memberships.get().pk}/"
    assert "last administrator" in client.post(address, {"do": do}, follow=True).content.decode()
    assert boss.memberships.get().role == "administrator"


def patiently(work: Callable[[], None]) -> None:
    """Do it as soon as the table is free: SQLite in memory refuses where a file would wait."""
    while True:
        try:
            return work()
        except OperationalError as exc:
            if "is locked" not in str(exc):
                raise


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_two_who_let_each_other_go_at_the_same_moment_leave_one(way: Way) -> None:
    account = factories.account()
    both = [factories.person("administrator", account) for _ in range(2)]
    gate = threading.Barrier(2)
    refused: list[Any] = []

    def run(user: User) -> None:
        try:
            gate.wait()
            patiently(lambda: way(user, account))
        except LastAdministrator as exc:
            refused.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(user,)) for user in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert people.administrators_of(account.pk).count() == 1
