"""Settings that narrow the ways in: a second factor for everybody, single sign-on alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.internal.flows import login
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern
from pytest_django import Settings

from dashboard.fielding.models import Mail, User
from dashboard.urls import urlpatterns
from dashboard.web.auth.factor import ALLOWED_PAGES
from dashboard.web.auth.permissions import WITHOUT_SESSION, Permission
from tests import factories
from tests.fakes.mailbox import delivered
from tests.web.auth.test_permissions import World, address_of, named
from tests.web.auth.test_permissions import world as world  # noqa: PLC0414  a fixture
from tests.web.auth.test_sign_in import turn_on

pytestmark = pytest.mark.django_db
SET_UP = "/me/second-factor/on/"
RIGHT = "demo"


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person(username="dana", email="dana@example.com")


def signed_in(name: str = "dana", password: str = RIGHT, **form: str) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": password} | form)
    return client


def by_provider(user: User) -> Client:
    """A session that began at the identity provider."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "socialaccount", "at": 0.0}]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()
    return client


# A second factor for everybody


def is_closed_off(pattern: URLPattern) -> bool:
    """Neither open without a session nor needed to set a second factor up."""
    rule: Permission = pattern.callback.rule  # type: ignore[attr-defined]
    return rule not in WITHOUT_SESSION and pattern.name not in ALLOWED_PAGES


CLOSED_OFF = [
    pattern for pattern in urlpatterns if isinstance(pattern, URLPattern) and is_closed_off(pattern)
]


@pytest.mark.parametrize("pattern", CLOSED_OFF, ids=named)
def test_without_a_second_factor_nothing_else_is_reached(
    pattern: URLPattern, world: World, client: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    address = address_of(pattern, world, "administrator")
    client.force_login(world.people["administrator"])
    for verb in ("GET", "POST"):
        answer = client.generic(verb, address)
        assert (answer.status_code, answer.headers.get("Location")) == (302, SET_UP), address


def test_it_is_set_up_after_signing_in_and_then_everything_is_there(
    dana: User, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    client = signed_in()
    page = client.get("/projects/", follow=True).content.decode()
    assert "Two-factor authentication is required." in page
    turn_on(client)
    assert client.get("/projects/").status_code == 200


def test_who_turns_it_off_is_led_back(
    dana: User, settings: Settings, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    client = signed_in()
    turn_on(client)
    client.post("/me/second-factor/off/")
    assert client.get("/projects/").headers["Location"] == SET_UP


def test_a_part_of_a_page_leads_the_whole_window_there(dana: User, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    answer = signed_in().get("/bell/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, SET_UP)


def test_who_comes_by_single_sign_on_answers_to_the_provider(
    dana: User, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    assert by_provider(dana).get("/projects/").status_code == 200


def test_a_session_that_began_with_a_password_is_not_let_off_by_a_later_visit_there(
    dana: User, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    client = by_provider(dana)
    session = client.session
    methods = [{"method": "password", "at": 0.0}, {"method": "socialaccount", "at": 1.0}]
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = methods
    session.save()
    assert client.get("/projects/").headers["Location"] == SET_UP


def test_where_it_is_not_required_nobody_is_led_anywhere(dana: User) -> None:
    assert signed_in().get("/projects/").status_code == 200


# Single sign-on alone


@pytest.fixture
def sso_only(settings: Settings) -> Settings:
    settings.SSO_ONLY, settings.SSO_ONLY_EXCEPT = True, []
    settings.OIDC_URL, settings.OIDC_NAME = "https://sso.example.com", "Company"
    return settings


@pytest.mark.parametrize("typed", ["dana", "DANA", "dana@example.com"])
def test_the_right_password_lets_nobody_in(typed: str, dana: User, sso_only: Settings) -> None:
    assert signed_in(typed).get("/me/").status_code == 302


def test_the_page_asks_for_no_password(dana: User, sso_only: Settings, client: Client) -> None:
    page = client.get("/sign-in/").content.decode()
    assert "Password" not in page
    assert "Forgot your password" not in page


def test_no_password_is_set_by_mail(dana: User, sso_only: Settings, client: Client) -> None:
    for verb in ("get", "post"):
        answer = getattr(client, verb)("/sign-in/forgotten/", {"email": "dana@example.com"})
        assert answer.headers["Location"] == "/sign-in/"
    assert delivered() == []


def test_a_link_from_before_sets_none(dana: User, client: Client, sso_only: Settings) -> None:
    sso_only.SSO_ONLY = False
    client.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    link = str(delivered()[-1].body).split("http://127.0.0.1:8000")[1].split()[0]
    form = client.get(link).headers["Location"]
    sso_only.SSO_ONLY = True
    client.post(form, {"password1": "a-longer-one-7", "password2": "a-longer-one-7"})
    dana.refresh_from_db()
    assert dana.check_password(RIGHT)


def test_nobody_changes_a_password(dana: User, sso_only: Settings) -> None:
    client = by_provider(dana)
    new = {"new_password1": "a-longer-one-7", "new_password2": "a-longer-one-7"}
    assert client.post("/me/password/", {"old_password": RIGHT} | new).status_code == 302
    dana.refresh_from_db()
    assert dana.check_password(RIGHT)


def test_an_invitation_leads_to_the_provider(sso_only: Settings, client: Client) -> None:
    account = factories.account()
    client.force_login(factories.person("administrator", account))
    form = {"email": "new@example.com", "role": "viewer"}
    client.post(f"/connections/{account.pk}/people/", form)
    body = str(delivered()[-1].body)
    assert "Sign in with Company" in body
    assert "/sign-in/new/" not in body


def test_in_need_those_who_are_named_sign_in_with_their_password(
    dana: User, sso_only: Settings, client: Client
) -> None:
    factories.person(username="eve")
    sso_only.SSO_ONLY_EXCEPT = ["dana"]
    assert "Password" in client.get("/sign-in/?password=1").content.decode()
    assert signed_in("Dana").get("/me/").status_code == 200
    assert signed_in("dana@example.com").get("/me/").status_code == 200
    assert signed_in("dana", "wrong").get("/me/").status_code == 302
    assert signed_in("eve").get("/me/").status_code == 302


def test_no_mail_waits_for_who_may_not_use_it(
    dana: User, sso_only: Settings, client: Client
) -> None:
    client.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    assert not Mail.objects.exists()
