"""The page behind "stop these mails"."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.alerts.mail import unsubscribe
from dashboard.fielding.models import MailPreferences, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return factories.person()


def address(user: User, kind: str = unsubscribe.NOW) -> str:
    return f"/mail/stop/{unsubscribe.unsubscribe_token(user, kind)}/"


def test_looking_stops_nothing(client: Client, user: User) -> None:
    assert user.email in client.get(address(user)).content.decode()
    assert not MailPreferences.objects.filter(now=MailPreferences.Now.NOTHING).exists()


def test_one_post_without_signing_in_stops(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(address(user), {"List-Unsubscribe": "One-Click"})
    assert "Unsubscribed" in answer.content.decode()
    assert MailPreferences.objects.get(user=user).now == MailPreferences.Now.NOTHING


def test_the_digest_is_stopped_alone(client: Client, user: User) -> None:
    client.post(address(user, unsubscribe.DIGEST))
    choice = MailPreferences.objects.get(user=user)
    assert (choice.digest, choice.now == MailPreferences.Now.NOTHING) == (False, False)


def test_a_token_that_we_never_signed_is_nothing(client: Client, user: User) -> None:
    assert client.post(address(user)[:-4] + "abc/").status_code == 404
