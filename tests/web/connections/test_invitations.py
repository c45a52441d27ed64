"""Administrators invite people, change roles and let people go; one administrator stays."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dashboard.fielding.models import ExchangeAccount, Membership, User
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(name="main")


@pytest.fixture
def boss(client: Client, account: ExchangeAccount) -> User:
    user = factories.person("administrator", account, username="boss")
    client.force_login(user)
    return user


def test_an_administrator_invites_and_the_invited_chooses_a_password(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    form = {"email": "new@example.com", "name": "Nia New", "role": "editor"}
    client.post(f"/connections/{account.pk}/people/", form)
    sent = delivered()[-1]
    assert sent.subject == "boss invites you to Fieldwatch"
    link = re.search(r"http://127.0.0.1:8000(/sign-in/new/\S+)", str(sent.body))
    assert link
    guest = Client()
    set_form = guest.get(link[1]).headers["Location"]
    guest.post(set_form, {"password1": "a-longer-one-7", "password2": "a-longer-one-7"})
    form = {"username": "new@example.com", "password": "a-longer-one-7"}
    assert guest.post("/sign-in/", form).status_code == 302
    assert Membership.objects.get(user__email="new@example.com").role == "editor"


def invited(client: Client, account: ExchangeAccount, email: str = "new@example.com") -> str:
    """Invite somebody; the page on which they choose a password."""
    client.post(f"/connections/{account.pk}/people/", {"email": email, "role": "editor"})
    link = re.search(r"http://127.0.0.1:8000(/sign-in/new/\S+)", str(delivered()[-1].body))
    assert link
    return link[1]


def test_an_invitation_names_the_address_once_where_it_is_the_sign_in_name(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    invited(client, account)
    body = str(delivered()[-1].body)
    assert "You sign in with your email address, new@example.com." in body
    assert body.count("new@example.com") == 2  # after "Hello" and here
    nia = User.objects.create(username="nia", email="nia@example.com", password="!")
    invited(client, account, nia.email)
    assert "Your username is nia. You can also sign in with your email address." in str(
        delivered()[-1].body
    )


def test_a_first_password_is_set_with_the_rules_in_sight_and_without_alarm(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    form, guest = invited(client, account), Client()
    page = guest.get(form, follow=True)
    assert "At least 12 characters" in page.content.decode()
    new = {"password1": "a-longer-one-7", "password2": "a-longer-one-7"}
    done = guest.post(page.request["PATH_INFO"], new, follow=True).content.decode()
    assert "Your password has been set." in done
    assert "have ended" not in done
    assert [one.subject for one in delivered()] == ["boss invites you to Fieldwatch"]


def test_people_are_listed_with_their_last_sign_in(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    assert "Last sign-in" in client.get(f"/connections/{account.pk}/people/").content.decode()


def test_an_invitation_of_somebody_on_the_account_is_told_at_the_field(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    form = {"email": boss.email.upper(), "role": "viewer", "name": "typed"}
    page = client.post(f"/connections/{account.pk}/people/", form).content.decode()
    assert "already has access to the account" in page
    assert 'value="typed"' in page


def test_somebody_of_another_account_is_added_without_a_new_password(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    factories.person("viewer", factories.account(), email="there@example.com")
    form = {"email": "there@example.com", "role": "viewer"}
    client.post(f"/connections/{account.pk}/people/", form)
    assert "/sign-in/new/" not in str(delivered()[-1].body)
    assert account.memberships.count() == 2


def test_roles_change_and_people_leave_but_one_administrator_stays(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    factories.person("viewer", account)
    other, own = account.memberships.get(role="viewer"), boss.memberships.get()
    address = f"/connections/{account.pk}/people"
    for wanted in ("viewer", "remove"):
        page = client.post(f"{address}/{own.pk}/", {"do": wanted}, follow=True).content.decode()
        assert "last administrator" in page
    client.post(f"{address}/{other.pk}/", {"do": "administrator"})
    client.post(f"{address}/{own.pk}/", {"do": "remove"})
    assert [row.role for row in account.memberships.all()] == ["administrator"]
    assert client.get(f"{address}/").status_code == 404


def test_a_membership_of_another_account_is_not_found(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    other = factories.account()
    there = factories.person("viewer", other).memberships.get()
    answer = client.post(f"/connections/{account.pk}/people/{there.pk}/", {"do": "remove"})
    assert answer.status_code == 404
    assert Membership.objects.filter(pk=there.pk).exists()


def test_who_moved_to_another_address_keeps_their_name_and_the_old_address_can_be_invited(
    client: Client, boss: User, account: ExchangeAccount
) -> None:
    factories.person(username="old@example.com", email="moved@example.com")
    form = {"email": "old@example.com", "role": "viewer"}
    assert client.post(f"/connections/{account.pk}/people/", form).status_code == 302
    assert User.objects.get(email="old@example.com").username == "old@example.com 2"
