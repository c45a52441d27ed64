"""Single sign-on with a provider that speaks OpenID Connect over real HTTP: who gets in."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from pytest_django import Settings

from tests import factories
from tests.fakes.mailbox import delivered
from tests.fakes.openid_provider import OpenIdProvider
from tests.web.auth.single_sign_on import (
    BACK,
    START,
    come_back,
    depart,
    password_of,
    turn_on_factor,
    who,
)

pytestmark = pytest.mark.django_db
VERIFIED = {"sub": "42", "email": "dana@example.com", "email_verified": True}
STRANGER = {"sub": "666", "email": "evil@example.org", "email_verified": True}


def test_who_was_invited_comes_in_under_their_verified_address(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    provider.claims = VERIFIED | {"email": "Dana@Example.com"}
    answer = come_back(client, provider, next="/spend/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/spend/")
    assert who(client) == str(user.pk)
    assert provider.token_requests[0]["code_verifier"]
    assert [message.to for message in delivered()] == [["dana@example.com"]]
    assert "Single sign-on was linked to your account" in delivered()[0].body


def test_the_way_leads_through_the_providers_own_page(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    back = httpx.get(depart(client)).headers["Location"]
    assert back.startswith(f"http://testserver{BACK}?code=")
    client.get(back.removeprefix("http://testserver"))
    assert who(client) == str(user.pk)


def test_the_next_time_it_is_the_same_person_whatever_the_address(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    come_back(client, provider)
    again = Client()
    provider.claims = {"sub": "42", "email": "married@example.com", "email_verified": False}
    come_back(again, provider)
    assert who(again) == str(user.pk)
    assert len(delivered()) == 1


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (STRANGER, "No Fieldwatch invitation exists"),
        (VERIFIED | {"email_verified": False}, "has not verified"),
        ({"sub": "42", "email": "dana@example.com"}, "has not verified"),
        ({"sub": "42"}, "did not send an email address"),
    ],
)
def test_nobody_else_comes_in(
    client: Client, provider: OpenIdProvider, claims: dict[str, object], words: str
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = claims
    answer = come_back(client, provider)
    assert answer.status_code == 403
    assert words in answer.content.decode()
    assert who(client) is None
    assert not SocialAccount.objects.exists()


def test_whose_address_is_not_verified_hears_the_same_whether_invited_or_not(
    client: Client, provider: OpenIdProvider
) -> None:
    factories.person(email="dana@example.com")
    pages = []
    for name in ("dana", "stranger"):
        provider.claims = {"sub": "42", "email": f"{name}@example.com"}
        page = come_back(client, provider).content.decode()
        pages.append(re.sub(r'data-now="\d+"', "", page))  # they may lie in two seconds
    assert "sign in with your password" in pages[0]
    assert "Ask an administrator" not in pages[0]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("joined", [False, True])
def test_who_left_does_not_come_back_this_way(
    client: Client, provider: OpenIdProvider, joined: bool
) -> None:
    user = factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    if joined:
        come_back(Client(), provider)
    user.is_active = False
    user.save()
    come_back(client, provider)
    assert who(client) is None


@pytest.mark.parametrize(
    ("invited", "named"),
    [
        ("diana@example.com", "d\u0131ana@example.com"),
        ("kim@example.com", "\u212aim@example.com"),
        ("sam@example.com", "\u017fam@example.com"),
        ("kim@example.com", "kim@e\u0445ample.com"),
    ],
)
def test_an_address_with_letters_that_only_look_alike_is_another(
    client: Client, provider: OpenIdProvider, invited: str, named: str
) -> None:
    factories.person(email=invited)
    provider.claims = VERIFIED | {"email": named}
    assert come_back(client, provider).status_code == 403
    assert who(client) is None


@pytest.mark.parametrize("process", ["connect", "redirect", "join", "CONNECT", "login", ""])
@pytest.mark.parametrize("where", ["query", "form", "both"])
def test_an_identity_is_never_joined_to_a_session_by_what_the_address_asks_for(
    client: Client, provider: OpenIdProvider, process: str, where: str
) -> None:
    victim = factories.person(email="dana@example.com")
    password_of(client, victim)
    provider.claims = STRANGER
    asked = {"process": process, "next": "/me/"}
    sent = asked if where != "query" else {}
    answer = come_back(client, provider, sent, **(asked if where != "form" else {}))
    assert answer.status_code == 403
    assert not SocialAccount.objects.exists()
    assert delivered() == []
    assert who(client) == str(victim.pk)


def test_what_else_the_address_asks_for_does_not_reach_the_provider(
    client: Client, provider: OpenIdProvider
) -> None:
    forged = {
        "scope": "admin",
        "action": "rerequest",
        "auth_params": "redirect_uri=https://evil.example/&state=s&nonce=n&prompt=none",
        "state": "s",
        "nonce": "n",
    }
    sent = parse_qs(urlsplit(depart(client, forged, **forged)).query)
    assert sent["redirect_uri"] == [f"http://testserver{BACK}"]
    assert sent["scope"] == ["openid profile email"]
    assert sent["code_challenge_method"] == ["S256"]
    assert sent["state"] != ["s"]
    assert sent["nonce"] != ["n"]
    assert "prompt" not in sent


@pytest.mark.parametrize(
    "forged",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https:///evil.example",
    ],
)
@pytest.mark.parametrize("signed_in", [False, True])
def test_next_never_leaves_our_pages(
    client: Client, provider: OpenIdProvider, forged: str, signed_in: bool
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    if signed_in:
        come_back(client, provider)
    for form, query in (({"next": forged}, {}), ({}, {"next": forged})):
        answer = come_back(client, provider, form, **query)
        assert answer.headers["Location"] == "/"


def test_who_is_signed_in_already_goes_on_as_they_are(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    come_back(client, provider)
    before = client.session.session_key
    assert come_back(client, provider, next="/spend/").headers["Location"] == "/spend/"
    assert (client.session.session_key, who(client)) == (before, str(user.pk))


def test_who_comes_back_as_somebody_else_is_somebody_else_from_then_on(
    client: Client, provider: OpenIdProvider
) -> None:
    dana, erik = (
        factories.person(email="dana@example.com"),
        factories.person(email="erik@example.com"),
    )
    password_of(client, dana)
    provider.claims = {"sub": "7", "email": "erik@example.com", "email_verified": True}
    come_back(client, provider)
    assert who(client) == str(erik.pk)
    assert SocialAccount.objects.get().user == erik


def test_an_address_that_was_given_to_somebody_new_does_not_open_the_old_account(
    client: Client, provider: OpenIdProvider
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    come_back(Client(), provider)
    provider.claims = VERIFIED | {"sub": "43"}
    answer = come_back(client, provider)
    assert answer.status_code == 403
    assert "This sign-in is not linked to your account" in answer.content.decode()
    assert (who(client), SocialAccount.objects.count()) == (None, 1)


def test_the_same_subject_of_another_provider_is_another_person(
    client: Client, provider: OpenIdProvider, settings: Settings
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    come_back(Client(), provider)
    settings.OIDC_URL = other = provider.url.replace("127.0.0.1", "localhost")
    provider.configuration, provider.changes = {"issuer": other}, {"iss": other}
    answer = come_back(client, provider)
    assert "has changed its identity provider" in answer.content.decode()
    assert who(client) is None


def test_an_identity_that_an_earlier_release_joined_still_opens_its_account(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    SocialAccount.objects.create(user=user, provider="sso", uid="42", extra_data={"sub": "42"})
    provider.claims = {"sub": "42"}
    come_back(client, provider)
    assert who(client) == str(user.pk)


def test_a_second_factor_is_asked_for_and_joins_nothing_before_it_was_given(
    client: Client, provider: OpenIdProvider
) -> None:
    user = factories.person(email="dana@example.com")
    codes = turn_on_factor(user)
    provider.claims = VERIFIED
    answer = come_back(client, provider, next="/spend/")
    assert answer.headers["Location"] == "/sign-in/code/"
    assert who(client) is None
    assert not SocialAccount.objects.exists()
    assert delivered() == []
    answer = client.post("/sign-in/code/", {"code": codes[0]})
    assert answer.headers["Location"] == "/spend/"
    assert who(client) == str(user.pk)
    assert SocialAccount.objects.get().user == user
    assert len(delivered()) == 1
    again = Client()
    assert come_back(again, provider).headers["Location"] == "/sign-in/code/"
    assert who(again) is None


@pytest.mark.parametrize("forged", [{}, {"state": "forged"}, {"state": "forged", "code": "c"}])
def test_a_return_without_its_beginning_is_refused(
    client: Client, provider: OpenIdProvider, forged: dict[str, str]
) -> None:
    answer = client.get(BACK, forged)
    assert answer.status_code == 401
    assert "did not confirm your identity" in answer.content.decode()
    assert provider.asked == []


def test_a_return_counts_once_and_in_its_own_browser_only(
    client: Client, provider: OpenIdProvider
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    back = provider.grant(depart(client))
    assert Client().get(BACK, back).status_code == 401
    assert client.get(BACK, back).status_code == 302
    assert client.get(BACK, back).status_code == 401


def test_no_token_of_the_provider_is_kept_or_shown(
    client: Client, provider: OpenIdProvider
) -> None:
    factories.person(email="dana@example.com")
    provider.claims = VERIFIED
    answer = come_back(client, provider)
    stored = str(dict(client.session)) + str(list(SocialAccount.objects.values()))
    told = stored + str(answer.headers) + answer.content.decode() + str(client.cookies)
    assert who(client)
    assert SocialToken.objects.count() == 0
    for part in ("access_token", "id_token", "eyJ", "refresh"):
        assert part not in told


def test_another_provider_is_not_there(client: Client, provider: OpenIdProvider) -> None:
    assert client.post("/sign-in/with/evil/").status_code == 404
    assert client.get("/sign-in/with/evil/back/").status_code == 404


def test_the_start_is_asked_for_by_a_form_alone(
    client: Client, provider: OpenIdProvider, settings: Settings
) -> None:
    answer = client.get(START, {"process": "connect"})
    assert "Sign in with <bdi>Company</bdi>" in answer.content.decode()
    assert provider.asked == []
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(START).status_code == 403
