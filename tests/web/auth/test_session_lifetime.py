"""A session ends by its age and without use, and its key changes with each proof of who it is."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from dashboard.fielding.models import User
from dashboard.web.auth import sessions
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = 3600
START = 1_800_000_000.0


class Clock:
    """The time of the sessions; tests set it."""

    now = START

    def __call__(self) -> float:
        """The time (Unix seconds)."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sessions, "clock", clock)
    return clock


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person(username="dana")


def signed_in() -> Client:
    """A browser in which Dana signed in with her password."""
    client = Client()
    assert client.post("/sign-in/", {"username": "dana", "password": "demo"}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/views/").status_code == 200  # a small page


def use_every_half_hour(client: Client, clock: Clock, hours: int) -> list[bool]:
    """Whether the session was open at each of the visits."""
    answers = []
    for _ in range(hours * 2):
        clock.now += HOUR / 2
        answers.append(is_in(client))
    return answers


def test_a_session_ends_at_its_age_however_busy_it_is(
    dana: User, clock: Clock, settings: Settings
) -> None:
    settings.SESSION_HOURS = 12
    client = signed_in()
    assert all(use_every_half_hour(client, clock, 12))
    clock.now += 60
    assert not is_in(client)
    assert not Session.objects.exists()


def test_a_session_ends_without_use(dana: User, clock: Clock, settings: Settings) -> None:
    settings.SESSION_IDLE_MINUTES = 60
    client = signed_in()
    clock.now += HOUR
    assert is_in(client)
    clock.now += HOUR + sessions.EVERY + 1
    assert not is_in(client)
    assert not Session.objects.exists()


@pytest.mark.parametrize("header", sessions.AUTOMATIC)
def test_what_a_page_asks_by_itself_is_no_use(
    header: str, dana: User, clock: Clock, settings: Settings
) -> None:
    settings.SESSION_IDLE_MINUTES = 60
    client = signed_in()
    for _ in range(14):
        clock.now += 5 * 60
        client.get("/", headers={header: "1"})
    assert not is_in(client)


def test_a_session_that_is_over_leads_to_the_sign_in_and_back(dana: User, clock: Clock) -> None:
    client = signed_in()
    clock.now += 30 * HOUR
    assert client.get("/spend/").headers["Location"] == "/sign-in/?next=/spend/"


def test_each_sign_in_begins_a_lifetime_of_its_own(dana: User, clock: Clock) -> None:
    client = signed_in()
    clock.now += 30 * HOUR
    assert not is_in(client)
    client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert all(use_every_half_hour(client, clock, 12))


def test_a_session_of_an_earlier_release_begins_when_it_is_used(dana: User, clock: Clock) -> None:
    client = Client()
    client.force_login(dana)  # leaves no mark, as earlier releases did
    assert all(use_every_half_hour(client, clock, 12))
    clock.now += HOUR
    assert not is_in(client)


def test_a_sign_in_takes_a_new_key_and_the_old_one_opens_nothing(dana: User) -> None:
    client = Client()
    client.get("/sign-in/")
    session = client.session
    session["kept"] = "from before"
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert client.cookies["sessionid"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_a_confirmed_password_takes_a_new_key_and_the_old_one_opens_nothing(dana: User) -> None:
    client = signed_in()
    before, row = client.cookies["sessionid"].value, UserSession.objects.get()
    client.post("/me/confirm/?next=/me/", {"password": "wrong"})
    assert client.cookies["sessionid"].value == before
    client.post("/me/confirm/?next=/me/", {"password": "demo"})
    after = client.cookies["sessionid"].value
    assert after != before
    copied = Client()
    copied.cookies["sessionid"] = before
    assert [is_in(client), is_in(copied)] == [True, False]
    row.refresh_from_db()
    assert row.session_key == after


def test_the_key_of_a_session_is_long_and_random(dana: User) -> None:
    keys = {signed_in().cookies["sessionid"].value for _ in range(3)}
    assert len(keys) == 3
    assert all(len(key) == 32 and key.isalnum() for key in keys)  # of 36 characters: 165 bits


def test_a_session_that_is_signed_out_opens_nothing_and_the_browser_keeps_nothing(
    dana: User,
) -> None:
    client = signed_in()
    copied = Client()
    copied.cookies["sessionid"] = client.cookies["sessionid"].value
    answer = client.post("/sign-out/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_in(copied)
    assert not Session.objects.exists()


@pytest.mark.parametrize("change", ["on", "off", "codes/new"])
def test_other_sessions_end_when_two_factor_authentication_changes(
    change: str,
    dana: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    here, other = signed_in(), signed_in()
    here.post("/me/confirm/", {"password": "demo"})
    form = {}
    if change == "on":
        page = here.get("/me/second-factor/on/").content.decode()
        secret = re.findall(r"<code>([A-Z2-7]+)</code>", page)[0]
        form = {"code": format_hotp_value(hotp_value(secret, int(time.time()) // 30))}
    else:
        TOTP.activate(dana, generate_totp_secret())
    with django_capture_on_commit_callbacks(execute=True):
        assert here.post(f"/me/second-factor/{change}/", form).status_code == 302
    assert [is_in(here), is_in(other)] == [True, False]
    assert Authenticator.objects.filter(user=dana).exists() == (change != "off")
