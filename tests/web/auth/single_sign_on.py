"""What tests of single sign-on share: the way to the provider and back, in a browser."""

from __future__ import annotations

from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils.http import urlencode

from dashboard.fielding.models import User
from tests.fakes.openid_provider import OpenIdProvider

START, BACK, MINE = "/sign-in/with/sso/", "/sign-in/with/sso/back/", "/me/single-sign-on/"


def depart(client: Client, form: dict[str, str] | None = None, **query: str) -> str:
    """Where the browser is sent when somebody starts to sign in."""
    away = client.post(f"{START}?{urlencode(query)}", form or {})
    assert away.status_code == 302, away.status_code
    return str(away.headers["Location"])


def come_back(
    client: Client, provider: OpenIdProvider, form: dict[str, str] | None = None, **query: str
) -> Any:
    """Go to the provider, be signed in there and return; our answer."""
    return client.get(BACK, provider.grant(depart(client, form, **query)))


def who(client: Client) -> str | None:
    """The key of who is signed in in this browser, as the session keeps it."""
    return client.session.get("_auth_user_id")


def password_of(client: Client, user: User) -> Client:
    """The browser after this person signed in with their password."""
    answer = client.post("/sign-in/", {"username": user.username, "password": "demo"})
    assert answer.status_code == 302
    return client


def turn_on_factor(user: User) -> list[str]:
    """Turn on a second factor; the recovery codes, each good for once."""
    TOTP.activate(user, generate_totp_secret())
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes
