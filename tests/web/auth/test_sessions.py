"""Where a person is signed in, and how they end what is not theirs; guessing from within."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client

from dashboard.fielding.models import User
from dashboard.web.auth import sessions, throttle
from tests import factories

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1 Safari/604.1"


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person(username="dana", email="dana@example.com")


def signed_in(agent: str = FIREFOX, name: str = "dana") -> Client:
    """A browser in which somebody signed in with their password."""
    client = Client(headers={"user-agent": agent})
    answer = client.post("/sign-in/", {"username": name, "password": "demo"})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    """Whether the browser is still signed in."""
    return client.get("/me/").status_code == 200


def end(client: Client, what: str) -> str:
    """End sessions, giving the password when it is asked for; the page afterwards."""
    answer = client.post("/me/sessions/", {"end": what})
    assert answer.headers["Location"].startswith("/me/confirm/")
    return client.post(
        answer.headers["Location"], {"password": "demo"}, follow=True
    ).content.decode()


def test_every_session_is_listed_with_what_it_is(dana: User) -> None:
    here, _ = signed_in(), signed_in(PHONE)
    page = here.get("/me/sessions/").content.decode()
    assert "Firefox on Linux</strong> <span" in page  # this one
    assert "Safari on iPhone" in page
    assert page.count("End session") == 1


def test_one_session_ends_after_the_password_was_given_once_more(dana: User) -> None:
    here, phone, other = signed_in(), signed_in(PHONE), signed_in()
    row = UserSession.objects.get(user_agent=PHONE)
    assert is_in(phone)
    assert "1 session ended." in end(here, str(row.pk))
    assert [is_in(client) for client in (here, phone, other)] == [True, False, True]


def test_all_others_end_at_once(dana: User) -> None:
    here, phone, other = signed_in(), signed_in(PHONE), signed_in()
    assert "2 sessions ended." in end(here, "others")
    assert [is_in(client) for client in (here, phone, other)] == [True, False, False]


def test_without_the_password_nothing_ends(dana: User) -> None:
    here, phone = signed_in(), signed_in(PHONE)
    here.post("/me/sessions/", {"end": "others"})
    here.post("/me/confirm/?next=/me/sessions/", {"password": "wrong"})
    assert is_in(phone)


def test_nobody_ends_the_session_of_another(dana: User) -> None:
    factories.person(username="eve")
    here, theirs = signed_in(name="eve"), signed_in()
    row = UserSession.objects.get(user=dana)
    assert "No other sessions." in end(here, str(row.pk))
    assert is_in(theirs)


@pytest.mark.parametrize("what", ["", "all", "-1", "1 OR 1=1"])
def test_what_is_no_session_is_refused(dana: User, what: str) -> None:
    here = signed_in()
    here.post("/me/confirm/", {"password": "demo"})
    assert here.post("/me/sessions/", {"end": what}).status_code == 400


def test_a_session_that_ended_is_gone_from_the_list(dana: User) -> None:
    here, phone = signed_in(), signed_in(PHONE)
    phone.post("/sign-out/")
    assert "iPhone" not in here.get("/me/sessions/").content.decode()


def test_a_session_from_before_an_upgrade_is_listed_once_it_is_used(dana: User) -> None:
    phone = Client(headers={"user-agent": PHONE})
    phone.force_login(dana)  # leaves no mark, as earlier releases did
    assert is_in(phone)
    assert "Safari on iPhone" in signed_in().get("/me/sessions/").content.decode()


@pytest.mark.parametrize("what", ["9" * 5000, "٣"])
def test_what_no_database_numbers_is_no_session(dana: User, what: str) -> None:
    here = signed_in()
    here.post("/me/confirm/", {"password": "demo"})
    assert here.post("/me/sessions/", {"end": what}).status_code == 400


def test_a_changed_password_leaves_this_session_alone_in_the_list(dana: User) -> None:
    here = signed_in()
    signed_in(PHONE)
    new = {"new_password1": "a-longer-one-7", "new_password2": "a-longer-one-7"}
    here.post("/me/password/", {"old_password": "demo", **new})
    page = here.get("/me/sessions/").content.decode()
    assert "this session" in page
    assert "iPhone" not in page
    assert UserSession.objects.count() == 1


def test_when_it_was_used_is_kept_every_few_minutes_and_costs_no_query_in_between(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = signed_in()
    began = UserSession.objects.get().last_seen_at
    here.get("/me/")
    assert UserSession.objects.get().last_seen_at == began
    now = began.timestamp() + timedelta(minutes=6).total_seconds()
    monkeypatch.setattr(sessions, "clock", lambda: now)
    here.get("/me/")
    assert UserSession.objects.get().last_seen_at > began
    assert here.session[sessions.USED] == int(now)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5", "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)
def test_a_browser_is_named_as_far_as_it_says(agent: str, name: str) -> None:
    assert sessions.browser_name(agent) == name


def test_wrong_passwords_from_within_get_slow_and_hold_up_nobody_else(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "clock", lambda: 1000.0)
    stolen, owner = signed_in(), signed_in(PHONE)
    new = {"new_password1": "a-longer-one-7", "new_password2": "a-longer-one-7"}
    for _ in range(throttle.FREE_PER_NAME):
        page = stolen.post("/me/password/", {"old_password": "wrong", **new}).content.decode()
        assert "Too many" not in page
    page = stolen.post("/me/password/", {"old_password": "demo", **new}).content.decode()
    assert "Too many wrong passwords. Please try again in 1 s." in page
    assert owner.post("/me/password/", {"old_password": "demo", **new}).status_code == 302
