"""The first administrator: a one-time code of the terminal, once, and the demo left behind."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding import setup
from dashboard.fielding.audit import command_line
from dashboard.fielding.models import (
    AuditEvent,
    ExchangeAccount,
    Membership,
    SetupCode,
    TargetGroup,
    User,
)
from dashboard.fielding.setup import SetupRefused
from dashboard.management import demo
from dashboard.sync.connections import remove
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def new_code() -> str:
    return setup.create_setup_code(now=timezone.now())


def typed(code: str, **changes: str) -> dict[str, str]:
    given = {
        "code": code,
        "name": "Anna Weber",
        "email": "anna@example.com",
        "password": PASSWORD,
        "repeated": PASSWORD,
    }
    return given | changes


def test_the_code_makes_the_first_administrator_and_signs_them_in(client: Client) -> None:
    code = new_code()
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[-1][0] == "/setup/"
    answer = client.post("/setup/", typed(code.lower().replace("-", " ")))
    assert (answer.status_code, answer["Location"]) == (302, "/connections/add/")
    anna = User.objects.get()
    assert (str(anna), anna.may_add_connections) == ("Anna Weber", True)
    page = client.get("/connections/add/").content.decode()  # no proof: she has just signed in
    assert "Connect your exchange account" in page
    home = client.get("/").content.decode()
    assert "No exchange account is connected yet" in home
    kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["person-added", "signed-in"]
    stored = " ".join(str(row.__dict__) for row in AuditEvent.objects.all())
    assert code not in stored
    assert PASSWORD not in stored
    assert code not in str(SetupCode.objects.values())


def test_a_code_works_once_and_setup_is_closed_afterwards(client: Client) -> None:
    code = new_code()
    client.post("/setup/", typed(code))
    other = Client()
    answer = other.post("/setup/", typed(code, email="eve@example.com"))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert other.get("/sign-in/").status_code == 200
    with pytest.raises(SetupRefused):
        new_code()
    with pytest.raises(CommandError, match="has an administrator"):
        call_command("setup")
    with pytest.raises(SetupRefused):  # two who sent it at the same moment: the second is refused
        setup.create_first_administrator(
            user=User(username="eve", email="eve@example.com"),
            code=code,
            origin=command_line(),
            now=timezone.now(),
        )
    assert User.objects.count() == 1


def test_a_code_has_more_than_128_random_bits() -> None:
    codes = {new_code().replace("-", "") for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code) * 5 > 128 for code in codes)  # 5 bits a letter, of 32
    assert len(set("".join(codes))) == 32


def test_each_start_ends_the_code_of_the_last(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = new_code()
    call_command("setup")
    printed = capsys.readouterr().out
    code = re.search(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){6}", printed)
    assert "/setup/" in printed
    assert code
    page = client.post("/setup/", typed(earlier)).content.decode()
    assert "This is not the code" in page
    assert client.post("/setup/", typed(code[0])).status_code == 302


def test_what_was_typed_comes_back_and_passwords_do_not(client: Client) -> None:
    code = new_code()
    for changes, sentence in (
        ({"password": "short", "repeated": "short"}, "at least 12 characters"),
        ({"password": "anna@example.com", "repeated": "anna@example.com"}, "too similar"),
        ({"repeated": "another"}, "The two passwords differ."),
        ({"email": "no address"}, "valid email address"),
        ({"name": "Anna\nWeber"}, "line breaks"),
    ):
        page = client.post("/setup/", typed(code, **changes)).content.decode()
        assert sentence in page, (sentence, page)
        assert f'value="{code}"' in page
        assert PASSWORD not in page
    assert not User.objects.exists()


def test_who_has_no_code_learns_no_address_and_costs_no_hash(client: Client) -> None:
    factories.person("viewer", factories.account(), email="known@example.com")
    code, weak = new_code(), {"email": "known@example.com", "password": "1", "repeated": "1"}
    wrong = client.post("/setup/", typed("WRONG", **weak)).content.decode()
    right = client.post("/setup/", typed(code, **weak)).content.decode()
    for sentence in ("exists already", "too short"):  # the password is judged with its hash
        assert sentence not in wrong
        assert sentence in right


def test_guessing_the_code_gets_slow_and_is_on_record(client: Client) -> None:
    code = new_code()
    for _ in range(5):
        assert client.post("/setup/", typed("AAAA-AAAA-AAAA-AAAA")).status_code == 200
    answer = client.post("/setup/", typed(code))
    assert answer.status_code == 429
    assert "Too many wrong codes" in answer.content.decode()
    assert AuditEvent.objects.filter(kind="setup-code-refused").count() == 5
    assert not User.objects.exists()


def test_there_is_no_setup_without_a_code_or_with_single_sign_on_only(
    client: Client, settings: Settings
) -> None:
    assert client.get("/setup/")["Location"] == "/"
    assert client.get("/sign-in/").status_code == 200
    new_code()
    settings.SSO_ONLY = True
    assert client.get("/setup/")["Location"] == "/"


def test_somebody_without_an_administrator_can_still_sign_in(client: Client) -> None:
    factories.person("viewer", factories.account())
    new_code()
    assert client.get("/sign-in/").status_code == 200
    assert client.get("/setup/").status_code == 200


def test_who_connected_by_command_gets_their_connection(client: Client) -> None:
    account = factories.account()
    client.post("/setup/", typed(new_code()))
    assert Membership.objects.get().account == account
    assert Membership.objects.get().role == Membership.Role.ADMINISTRATOR


def test_the_demo_offers_both_and_is_left_behind(client: Client) -> None:
    account = demo.ensure_demo(base_url="http://127.0.0.1:1/v1")
    factories.group(factories.project(account))
    code = new_code()
    page = client.get("/sign-in/").content.decode()
    assert "Look around the demo" in page
    assert 'href="/setup/"' in page
    stranger = Client()
    stranger.post("/sign-in/", {"username": "demo", "password": "demo"})
    assert stranger.get("/connections/").status_code == 200
    assert 'href="/setup/"' in stranger.get("/connections/").content.decode()
    assert stranger.get("/connections/add/").status_code == 403
    for page_of in ("change", "remove"):
        answer = stranger.get(f"/connections/{account.pk}/{page_of}/")
        assert answer["Location"] == f"/connections/{account.pk}/"

    assert client.post("/setup/", typed(code)).status_code == 302
    assert [user.username for user in User.objects.all()] == ["anna@example.com"]
    assert stranger.get("/connections/").status_code == 302  # their session ended
    account.refresh_from_db()
    assert (account.polling, account.removed_at is None) == (False, False)
    assert demo.has_own_data()
    assert "Look around the demo" not in Client().get("/sign-in/").content.decode()
    (pk,) = remove.pending_removals()
    remove.finish_removal(pk)
    assert not ExchangeAccount.objects.exists()
    assert not TargetGroup.objects.exists()


def test_a_demo_of_an_earlier_release_is_known_as_one() -> None:
    account = demo.ensure_demo(base_url="http://127.0.0.1:1/v1")
    ExchangeAccount.objects.update(is_demo=False)
    own = factories.account(name="demo-2")
    demo.mark_earlier_demo()
    flags = dict(ExchangeAccount.objects.values_list("pk", "is_demo"))
    assert flags == {account.pk: True, own.pk: False}
