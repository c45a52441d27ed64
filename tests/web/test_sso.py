"""Single sign-on with a provider that speaks OpenID Connect over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from tests import make

pytestmark = pytest.mark.django_db


class Provider(ThreadingHTTPServer):
    """Vouches for whoever it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.claims: dict[str, Any] = {}
        self.token_requests: list[dict[str, list[str]]] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class Asked(BaseHTTPRequestHandler):
    """One request to the provider."""

    server: Provider

    def do_GET(self) -> None:
        """Its configuration, or who the token belongs to."""
        if self.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": self.server.url,
                    "authorization_endpoint": f"{self.server.url}/authorize",
                    "token_endpoint": f"{self.server.url}/token",
                    "userinfo_endpoint": f"{self.server.url}/userinfo",
                    "jwks_uri": f"{self.server.url}/keys",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }
            )
        else:
            self._answer(self.server.claims)

    def do_POST(self) -> None:
        """A code for a token."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.token_requests.append(parse_qs(body))
        self._answer({"access_token": "at", "token_type": "Bearer", "expires_in": 60})

    def _answer(self, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    server = Provider()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = {
        "provider_id": "sso",
        "name": "Company",
        "client_id": "fieldwatch",
        "secret": "very-secret",
        "settings": {"server_url": server.url},
    }
    settings.OIDC_URL = server.url
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    yield server
    server.shutdown()


def come_back(client: Client, provider: Provider, **claims: Any) -> Any:
    """Go to the provider and return with who it vouches for; our last answer."""
    provider.claims = {"sub": "42", **claims}
    away = client.post("/sign-in/with/sso/?next=/spend/")
    assert away.status_code == 302
    sent = parse_qs(urlsplit(away.headers["Location"]).query)
    assert sent["code_challenge_method"] == ["S256"]
    back = {"code": "c", "state": sent["state"][0]}
    return client.get("/sign-in/with/sso/back/", back)


def test_who_was_invited_comes_in_under_their_verified_address(
    client: Client, provider: Provider
) -> None:
    make.person(email="dana@example.com")
    answer = come_back(client, provider, email="Dana@Example.com", email_verified=True)
    assert answer.status_code == 302
    assert client.get("/me/").status_code == 200
    assert provider.token_requests[0]["code_verifier"]


def test_the_next_time_it_is_the_same_person_whatever_the_address(
    client: Client, provider: Provider
) -> None:
    user = make.person(email="dana@example.com")
    come_back(client, provider, email="dana@example.com", email_verified=True)
    again = Client()
    come_back(again, provider, email="married@example.com", email_verified=True)
    assert again.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": "stranger@example.com", "email_verified": True}, "Nobody was invited"),
        ({"email": "dana@example.com", "email_verified": False}, "has not verified"),
        ({"email": "dana@example.com"}, "has not verified"),
        ({}, "names no e-mail address"),
    ],
)
def test_nobody_else_comes_in(
    client: Client, provider: Provider, claims: dict[str, Any], words: str
) -> None:
    make.person(email="dana@example.com")
    answer = come_back(client, provider, **claims)
    assert answer.status_code == 403
    assert words in answer.content.decode()
    assert client.get("/me/").status_code == 302


def test_whose_address_is_not_verified_hears_the_same_whether_invited_or_not(
    client: Client, provider: Provider
) -> None:
    make.person(email="dana@example.com")
    invited, stranger = (
        come_back(client, provider, email=f"{name}@example.com").content.decode()
        for name in ("dana", "stranger")
    )
    assert "sign in with your password" in invited
    assert "Ask an administrator" not in invited
    assert invited == stranger


def test_who_left_does_not_come_back_this_way(client: Client, provider: Provider) -> None:
    make.person(email="dana@example.com", is_active=False)
    assert (
        come_back(client, provider, email="dana@example.com", email_verified=True).status_code
        == 403
    )


def test_a_return_without_its_beginning_is_refused(client: Client, provider: Provider) -> None:
    answer = client.get("/sign-in/with/sso/back/", {"code": "c", "state": "forged"})
    assert answer.status_code in (401, 403)
    assert "did not confirm who you are" in answer.content.decode()


def test_another_provider_is_not_there(client: Client, provider: Provider) -> None:
    assert client.post("/sign-in/with/evil/").status_code == 404
