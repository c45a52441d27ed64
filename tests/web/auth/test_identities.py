"""Which outside identities open one's account: listed, joined with password and factor, removed."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from dashboard.fielding.models import User
from tests import factories
from tests.fakes.mailbox import delivered
from tests.fakes.openid_provider import OpenIdProvider
from tests.web.auth.single_sign_on import BACK, MINE, come_back, password_of, turn_on_factor, who
from tests.web.white_space import strip_beside_tags

pytestmark = pytest.mark.django_db
OWN = {"sub": "42", "email": "dana@example.com", "email_verified": True}
OUTSIDE = {"sub": "private", "email": "dana@home.example", "email_verified": False}


@pytest.fixture
def dana() -> User:
    return factories.person(username="dana", email="dana@example.com")


@pytest.fixture
def browser(client: Client, dana: User) -> Client:
    """A browser in which Dana signed in with her password."""
    return password_of(client, dana)


def joined(user: User, subject: str = "42", **kept: Any) -> SocialAccount:
    """An identity of this person."""
    return SocialAccount.objects.create(user=user, provider="sso", uid=subject, extra_data=kept)


def give(client: Client, location: str, **proof: str) -> Any:
    """The answer when the password or the code is given that the page asks for."""
    return client.post(location, proof)


def test_identities_are_listed_with_subject_address_and_dates(
    browser: Client, dana: User, provider: OpenIdProvider
) -> None:
    joined(dana, "42", issuer="i", email="dana@company.example")
    joined(dana, "43", userinfo={"email": "dana@old.example"}, id_token={})
    joined(dana, "<script>", email={"not": "text"})
    joined(factories.person(), "another person's")
    page = browser.get(MINE).content.decode()
    assert page.count(">Remove<") == 3 + 1  # and the heading of the column
    for words in ("42", "dana@company.example", "43", "dana@old.example", "&lt;script&gt;"):
        assert f"<bdi>{words}</bdi>" in page
    assert "not provided" in page
    assert "another person" not in page
    assert MINE in browser.get("/me/").content.decode()


def test_joining_asks_for_the_password_and_is_mailed(
    browser: Client, dana: User, provider: OpenIdProvider
) -> None:
    provider.claims = OUTSIDE
    asked = browser.post(MINE, {"do": "join"})
    assert asked.headers["Location"].startswith("/me/confirm/?")
    wrong = give(browser, asked.headers["Location"], password="wrong")
    assert wrong.status_code == 200
    away = give(browser, asked.headers["Location"], password="demo")
    assert away.headers["Location"].startswith(f"{provider.url}/authorize?")
    assert not SocialAccount.objects.exists()
    back = browser.get(BACK, provider.grant(away.headers["Location"]), follow=True)
    assert "Linked. You can now sign in with it" in back.content.decode()
    assert "dana@home.example" in back.content.decode()
    assert [message.to for message in delivered()] == [["dana@example.com"]]
    other = Client()
    come_back(other, provider)
    assert who(other) == str(dana.pk)


def test_joining_asks_for_the_second_factor_too(
    client: Client, dana: User, provider: OpenIdProvider
) -> None:
    codes = turn_on_factor(dana)
    password_of(client, dana)
    client.post("/sign-in/code/", {"code": codes[0]})
    provider.claims = OUTSIDE
    asked = client.post(MINE, {"do": "join"})
    asked = give(client, asked.headers["Location"], password="demo")
    assert asked.headers["Location"].startswith("/me/confirm/code/?")
    away = give(client, asked.headers["Location"], code=codes[1])
    assert away.headers["Location"].startswith(provider.url)


def test_a_code_alone_is_not_enough(client: Client, dana: User, provider: OpenIdProvider) -> None:
    codes = turn_on_factor(dana)
    password_of(client, dana)
    client.post("/sign-in/code/", {"code": codes[0]})
    give(client, f"/me/confirm/code/?next={MINE}", code=codes[1])
    assert client.post(MINE, {"do": "join"}).headers["Location"].startswith("/me/confirm/?")


def test_a_return_joins_nothing_to_whoever_is_signed_in_by_then(
    browser: Client, provider: OpenIdProvider
) -> None:
    provider.claims = OUTSIDE
    asked = browser.post(MINE, {"do": "join"})
    away = give(browser, asked.headers["Location"], password="demo")
    back = provider.grant(away.headers["Location"])
    kept = browser.session["socialaccount_states"]
    browser.force_login(factories.person())
    session = browser.session
    session["socialaccount_states"] = kept
    session.save()
    assert browser.get(BACK, back).status_code == 401
    assert not SocialAccount.objects.exists()


def test_an_identity_of_somebody_else_is_not_taken_from_them(
    browser: Client, dana: User, provider: OpenIdProvider
) -> None:
    other = joined(factories.person(), "private")
    provider.claims = OUTSIDE
    asked = browser.post(MINE, {"do": "join"})
    away = give(browser, asked.headers["Location"], password="demo")
    back = browser.get(BACK, provider.grant(away.headers["Location"]), follow=True)
    assert "linked to another account" in back.content.decode()
    assert [row.user_id for row in SocialAccount.objects.all()] == [other.user_id]
    assert delivered() == []


def test_removing_asks_for_the_password_ends_other_sessions_and_is_mailed(
    browser: Client, dana: User, provider: OpenIdProvider
) -> None:
    provider.claims = OWN
    elsewhere = Client()
    come_back(elsewhere, provider)
    delivered().clear()
    asked = browser.post(MINE, {"remove": str(SocialAccount.objects.get().pk)})
    assert asked.headers["Location"].startswith("/me/confirm/?")
    assert SocialAccount.objects.exists()
    page = browser.post(asked.headers["Location"], {"password": "demo"}, follow=True)
    assert "Use your password to sign in" in page.content.decode()
    assert not SocialAccount.objects.exists()
    assert "removed from your account" in delivered()[0].body
    assert elsewhere.get("/me/").status_code == 302
    assert browser.get("/me/").status_code == 200


def test_what_was_removed_is_not_joined_again_by_its_address_and_says_so(
    browser: Client, dana: User, provider: OpenIdProvider
) -> None:
    provider.claims = OWN
    come_back(Client(), provider)
    asked = browser.post(MINE, {"remove": str(SocialAccount.objects.get().pk)})
    give(browser, asked.headers["Location"], password="demo")
    other = Client()
    answer = come_back(other, provider)
    assert (answer.status_code, who(other)) == (403, None)
    assert "you removed it" in answer.content.decode()
    assert "Sign in with your password" in strip_beside_tags(answer.content.decode())
    away = browser.post(MINE, {"do": "join"}).headers["Location"]
    browser.get(BACK, provider.grant(away))
    come_back(other, provider)
    assert who(other) == str(dana.pk)


@pytest.mark.parametrize("forged", ["", "0", "-1", "x", "9" * 30])
def test_a_key_that_names_none_removes_none(
    browser: Client, dana: User, provider: OpenIdProvider, forged: str
) -> None:
    joined(dana)
    asked = browser.post(MINE, {"remove": forged})
    assert give(browser, asked.headers["Location"], password="demo").status_code == 400
    assert SocialAccount.objects.exists()


def test_nobody_removes_what_is_somebody_elses(browser: Client, provider: OpenIdProvider) -> None:
    row = joined(factories.person())
    asked = browser.post(MINE, {"remove": str(row.pk)})
    give(browser, asked.headers["Location"], password="demo")
    assert SocialAccount.objects.get() == row
    assert delivered() == []


def test_who_has_no_password_cannot_lock_themselves_out_nor_be_joined_to(
    client: Client, dana: User, provider: OpenIdProvider
) -> None:
    dana.set_unusable_password()
    dana.save()
    provider.claims = OWN
    come_back(client, provider)
    page = client.get(MINE).content.decode()
    assert "You have no password yet" in page
    assert "<button" not in page.split("<main")[1].split("</main")[0]
    row = SocialAccount.objects.get()
    for form in ({"remove": str(row.pk)}, {"do": "join"}):
        assert client.post(MINE, form).status_code == 200
    assert SocialAccount.objects.get() == row
    assert provider.asked.count("/.well-known/openid-configuration") == 2


def test_without_single_sign_on_what_was_joined_can_still_be_removed(
    browser: Client, dana: User, settings: Settings
) -> None:
    row = joined(dana)
    page = browser.get(MINE).content.decode()
    assert "Link my <bdi>" not in page
    asked = browser.post(MINE, {"remove": str(row.pk)})
    give(browser, asked.headers["Location"], password="demo")
    assert not SocialAccount.objects.exists()
    assert browser.post(MINE, {"do": "join"}).status_code == 400
