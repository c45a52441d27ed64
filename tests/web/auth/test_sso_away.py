"""Single sign-on while the provider is down, answers nonsense or says no: a page, and a way on."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from dashboard.web.auth.sso.provider import read_address
from dashboard.web.auth.sso.wire import LARGEST, ProviderAway
from tests import factories
from tests.fakes.openid_provider import STEPS, OpenIdProvider, Reply
from tests.web.auth.single_sign_on import BACK, MINE, START, come_back, depart, password_of, who

pytestmark = pytest.mark.django_db
JSON, HTML = "application/json", "text/html"
GARBAGE: dict[str, Reply] = {
    "500 and a page": (500, HTML, b"<h1>Internal Server Error</h1>"),
    "500 and an object": (500, JSON, b'{"error": "server_error"}'),
    "503 and nothing": (503, HTML, b""),
    "404 and an object": (404, HTML, b"<h1>Not found</h1>"),
    "a sign-in page": (200, HTML, b"<html><form>Please sign in to the network</form></html>"),
    "nothing": (200, JSON, b""),
    "null": (200, JSON, b"null"),
    "true": (200, JSON, b"true"),
    "a list": (200, JSON, b"[]"),
    "a text": (200, JSON, b'"ok"'),
    "half an object": (200, JSON, b'{"issuer": "'),
    "bytes that are no text": (200, JSON, b'{"issuer": "\xff\xfe"}'),
    "very deep": (200, JSON, b'{"a":' * 100_000),
    "no JSON": (200, JSON, b"{'issuer': None}"),
    "too much": (200, JSON, b'{"a": "' + b"a" * LARGEST + b'"}'),
    "compressed": (200, JSON, gzip.compress(b"{}")),
    "a redirect": (302, HTML, b""),
}
ENDPOINTS = {
    "token": "token_endpoint",
    "keys": "jwks_uri",
    "userinfo": "userinfo_endpoint",
}
NO_ADDRESS: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    [],
    ["http://127.0.0.1/"],
    {},
    "",
    "token",
    "/token",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "http://",
    "http://[::1",
    "http://127.0.0.1:99999999/",
    "http://a b/",
]


@pytest.fixture(autouse=True)
def invited() -> Any:
    return factories.person(username="dana", email="dana@example.com")


@pytest.fixture
def provider(provider: OpenIdProvider) -> OpenIdProvider:
    """One that vouches for somebody who was invited."""
    provider.claims = {"sub": "42", "email": "dana@example.com", "email_verified": True}
    return provider


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens, for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def is_away(answer: Any, client: Client) -> bool:
    """Whether the answer says that single sign-on does not answer, and leads to the password."""
    page = answer.content.decode()
    assert who(client) is None
    assert 'href="/sign-in/"' in page
    assert 'href="/sign-in/forgotten/"' in page
    return answer.status_code == 503 and "Single sign-on is not available" in page


@pytest.mark.parametrize("reply", GARBAGE)
@pytest.mark.parametrize("step", STEPS)
def test_an_answer_that_cannot_be_used_is_a_page_at_every_step(
    client: Client, provider: OpenIdProvider, step: str, reply: str
) -> None:
    back = provider.grant(depart(client))
    provider.replies = {step: GARBAGE[reply]}
    assert is_away(client.get(BACK, back), client)
    if step == "discovery":
        assert is_away(client.post(START), client)


@pytest.mark.parametrize("step", ENDPOINTS)
def test_a_provider_that_refuses_the_connection_is_a_page_at_every_step(
    client: Client, provider: OpenIdProvider, nowhere: str, step: str
) -> None:
    provider.configuration = {ENDPOINTS[step]: f"{nowhere}/"}
    assert is_away(come_back(client, provider), client)


def test_a_provider_that_is_gone_is_a_page_before_and_after(
    client: Client, provider: OpenIdProvider, nowhere: str, settings: Settings
) -> None:
    back = provider.grant(depart(client))
    settings.OIDC_URL = nowhere
    assert is_away(client.post(START), client)
    assert is_away(client.get(BACK, back), client)


@pytest.mark.parametrize("step", STEPS)
def test_an_answer_that_trickles_is_waited_for_a_moment_at_every_step(
    client: Client, provider: OpenIdProvider, settings: Settings, step: str
) -> None:
    back = provider.grant(depart(client))
    provider.trickles = {step}
    settings.OIDC_PATIENCE = 0.5
    begun = time.monotonic()
    assert is_away(client.get(BACK, back), client)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("value", NO_ADDRESS, ids=repr)
@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
def test_an_address_that_is_none_is_not_asked(
    client: Client, provider: OpenIdProvider, name: str, value: object
) -> None:
    provider.configuration = {name: value}
    assert is_away(come_back(client, provider), client)


@pytest.mark.parametrize("value", NO_ADDRESS[:-2], ids=repr)
def test_nobody_is_sent_to_an_address_that_is_none(
    client: Client, provider: OpenIdProvider, value: object
) -> None:
    provider.configuration = {"authorization_endpoint": value}
    assert is_away(client.post(START), client)


def test_a_safe_provider_names_safe_addresses_alone() -> None:
    known = {"token_endpoint": "http://login.example.com/token"}
    with pytest.raises(ProviderAway, match="must use https"):
        read_address(known, "token_endpoint", provider_url="https://login.example.com")
    safe = {"token_endpoint": "https://tokens.example.com/"}
    assert read_address(safe, "token_endpoint", provider_url="https://login.example.com")


@pytest.mark.parametrize("value", [None, True, 1, "", [], {}], ids=repr)
@pytest.mark.parametrize("name", ["issuer", "token_endpoint_auth_methods_supported"])
def test_an_odd_description_breaks_nothing(
    client: Client, provider: OpenIdProvider, name: str, value: object
) -> None:
    provider.configuration = {name: value}
    if name == "issuer":
        assert client.post(START).status_code == 503
    else:
        assert come_back(client, provider).status_code == 302


@pytest.mark.parametrize("issuer", ["https://other.example", "{}/realm", "{}.other.example", "{}#"])
@pytest.mark.parametrize("step", ["there", "back"])
def test_a_description_that_is_of_another_provider_leads_nowhere(
    client: Client, provider: OpenIdProvider, issuer: str, step: str
) -> None:
    another = {"issuer": issuer.format(provider.url)}
    if step == "there":
        provider.configuration = another
        answer = client.post(START)
    else:
        returned = provider.grant(depart(client))
        provider.configuration = another
        provider.changes = {"iss": another["issuer"]}
        answer = client.get(BACK, returned)
    assert answer.status_code == 503
    assert who(client) is None


def test_a_slash_behind_the_providers_name_is_no_other_provider(
    client: Client, provider: OpenIdProvider
) -> None:
    provider.configuration = {"issuer": f"{provider.url}/"}
    assert client.post(START).status_code == 302


@pytest.mark.parametrize("value", [None, True, 1, "", [], {}, "\n", "ü", "a" * 200_000], ids=repr)
def test_an_odd_access_token_breaks_nothing(
    client: Client, provider: OpenIdProvider, value: object
) -> None:
    provider.tokens = {"access_token": value}
    assert is_away(come_back(client, provider), client)


@pytest.mark.parametrize("value", [None, True, "soon", -1, [], 1e300], ids=repr)
def test_what_is_not_needed_of_the_tokens_is_not_read(
    client: Client, provider: OpenIdProvider, value: object, invited: Any
) -> None:
    provider.tokens = {"expires_in": value, "token_type": value, "refresh_token": value}
    come_back(client, provider)
    assert who(client) == str(invited.pk)


def refused(answer: Any) -> bool:
    """Whether the answer says that the other side did not confirm, and offers the password."""
    page = answer.content.decode()
    return (
        answer.status_code == 401
        and "did not confirm your identity" in page
        and "sign in with your password" in page
    )


def test_who_leaves_at_the_provider_is_back_at_signing_in(
    client: Client, provider: OpenIdProvider
) -> None:
    state = provider.grant(depart(client))["state"]
    answer = client.get(BACK, {"error": "access_denied", "state": state}, follow=True)
    assert answer.status_code == 200
    assert "You are not signed in" in answer.content.decode()


@pytest.mark.parametrize(
    "error",
    ["server_error", "login_required", "temporarily_unavailable", "<script>", "", "a" * 9000],
)
def test_an_error_of_the_provider_is_a_page(
    client: Client, provider: OpenIdProvider, error: str
) -> None:
    state = provider.grant(depart(client))["state"]
    answer = client.get(BACK, {"error": error, "error_description": "<b>", "state": state})
    assert refused(answer)
    assert "<script>" not in answer.content.decode()


@pytest.mark.parametrize("code", ["", "unknown", "a" * 5000, "ü", "true"])
def test_a_code_that_the_provider_did_not_give_is_a_page(
    client: Client, provider: OpenIdProvider, code: str
) -> None:
    state = provider.grant(depart(client))["state"]
    assert refused(client.get(BACK, {"code": code, "state": state}))


def test_the_password_opens_the_account_while_the_provider_is_down(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.replies = dict.fromkeys(STEPS, GARBAGE["500 and a page"])
    assert is_away(client.post(START), client)
    assert who(password_of(client, invited)) == str(invited.pk)


def test_joining_while_the_provider_is_down_keeps_the_person_signed_in(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    password_of(client, invited)
    asked = client.post(MINE, {"do": "join"}).headers["Location"]
    provider.replies = dict.fromkeys(STEPS, GARBAGE["500 and a page"])
    answer = client.post(asked, {"password": "demo"})
    assert answer.status_code == 503
    assert f'href="{MINE}"' in answer.content.decode()
    assert who(client) == str(invited.pk)


@pytest.mark.parametrize("joined", [False, True])
def test_a_step_that_fails_leaves_nothing_behind(
    client: Client, provider: OpenIdProvider, joined: bool, invited: Any
) -> None:
    if joined:
        come_back(Client(), provider)
    back = provider.grant(depart(client))
    provider.replies = {"userinfo": GARBAGE["nothing"]}
    assert is_away(client.get(BACK, back), client)
    provider.replies = {}
    come_back(client, provider)
    assert who(client) == str(invited.pk)


SILENT = {"sub": "42", "email": "dana@example.com"}


@pytest.mark.parametrize("domain", ["example.com", "example.org,example.com"])
def test_a_provider_that_never_says_is_trusted_for_the_domains_that_are_named(
    client: Client, provider: OpenIdProvider, settings: Settings, invited: Any, domain: str
) -> None:
    settings.OIDC_TRUSTED_DOMAINS = frozenset(domain.split(","))
    provider.claims = SILENT | {"email": "Dana@EXAMPLE.com"}
    come_back(client, provider)
    assert who(client) == str(invited.pk)


@pytest.mark.parametrize("source", ["ID token", "userinfo"])
@pytest.mark.parametrize("value", [False, "false", "no", None, 0, 1, [], {}, ""], ids=repr)
def test_an_address_that_is_called_unverified_is_never_trusted(
    client: Client, provider: OpenIdProvider, settings: Settings, value: object, source: str
) -> None:
    settings.OIDC_TRUSTED_DOMAINS = frozenset({"example.com"})
    told = SILENT | {"email_verified": value}
    provider.claims, provider.userinfo = (told, SILENT) if source == "ID token" else (SILENT, told)
    assert come_back(client, provider).status_code == 403
    assert who(client) is None


@pytest.mark.parametrize(
    "trusted", ["", "example.org", "com", "ample.com", "www.example.com", "a.example.com"]
)
def test_no_other_domain_is_trusted(
    client: Client, provider: OpenIdProvider, settings: Settings, trusted: str
) -> None:
    settings.OIDC_TRUSTED_DOMAINS = frozenset({trusted})
    provider.claims = SILENT
    assert come_back(client, provider).status_code == 403


def test_a_trusted_domain_opens_nobody_who_was_not_invited(
    client: Client, provider: OpenIdProvider, settings: Settings
) -> None:
    settings.OIDC_TRUSTED_DOMAINS = frozenset({"example.com"})
    provider.claims = SILENT | {"email": "stranger@example.com"}
    answer = come_back(client, provider)
    assert answer.status_code == 403
    assert "No Fieldwatch invitation exists" in answer.content.decode()
