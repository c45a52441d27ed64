"""Signing in and out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from pytest_django import Settings

from tests import factories

pytestmark = pytest.mark.django_db

ELSEWHERE = ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"]


@pytest.mark.parametrize("typed", ["Dana", "dana", "dana@example.com", "DANA@EXAMPLE.COM"])
def test_a_person_signs_in_by_name_or_address_whatever_the_case(client: Client, typed: str) -> None:
    factories.person(username="Dana", email="dana@example.com")
    answer = client.post("/sign-in/", {"username": typed, "password": "demo"})
    assert answer.headers.get("Location") == "/"


def test_a_wrong_password_and_a_wrong_name_read_the_same(client: Client) -> None:
    factories.person(username="dana")
    for name in ("dana", "nobody"):
        answer = client.post("/sign-in/", {"username": name, "password": "wrong"})
        assert "Wrong username or password." in answer.content.decode()


@pytest.mark.parametrize("letter", ["a", "\ufdfa", "a@", "%", "_"])
def test_a_name_that_nobody_could_have_is_a_wrong_name(client: Client, letter: str) -> None:
    """SQLite compares no text of 50 KB with LIKE, and answered 500 with a long traceback."""
    factories.person(username="dana")
    for length in (255, 40_000, 200_000):
        answer = client.post("/sign-in/", {"username": letter * length, "password": "wrong"})
        assert "Wrong username or password." in answer.content.decode()


def test_a_person_who_left_cannot_sign_in(client: Client) -> None:
    factories.person(username="dana", is_active=False)
    client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leaves_our_pages(client: Client, target: str) -> None:
    factories.person(username="dana")
    form = {"username": "dana", "password": "demo", "next": target}
    assert client.post("/sign-in/", form).headers["Location"] == "/"
    answer = client.post("/theme/", {"theme": "dark", "next": target})
    assert answer.headers["Location"] == "/"


def test_signing_in_goes_on_to_the_page_that_was_asked_for(client: Client) -> None:
    factories.person(username="dana")
    assert client.get("/projects/").headers["Location"] == "/sign-in/?next=/projects/"
    form = {"username": "dana", "password": "demo", "next": "/projects/?q=a"}
    assert client.post("/sign-in/", form).headers["Location"] == "/projects/?q=a"


def test_signing_out_needs_a_post_and_ends_the_session(client: Client) -> None:
    client.force_login(factories.person())
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/").status_code == 302


def test_a_session_ends_when_the_password_changes(client: Client) -> None:
    user = factories.person()
    client.force_login(user)
    user.set_password("another")
    user.save()
    assert client.get("/").status_code == 302


def test_the_theme_is_remembered(client: Client) -> None:
    client.force_login(factories.person())
    client.post("/theme/", {"theme": "dark", "next": "/projects/"})
    assert 'data-theme="dark"' in client.get("/projects/").content.decode()


def test_every_page_carries_a_policy_without_inline_code(client: Client) -> None:
    policy = client.get("/sign-in/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    directives = set(policy.split("; "))
    assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= directives


def test_the_web_process_says_that_it_is_alive(client: Client) -> None:
    assert client.get("/healthz").content == b"alive\n"


@pytest.mark.parametrize("address", ["/", "/spend/", "/me/", "/connections/", "/sign-in/", "/no"])
def test_nobody_on_the_way_keeps_a_page(client: Client, address: str) -> None:
    client.force_login(factories.person())
    told = client.get(address).headers["Cache-Control"]
    assert "private" in told
    assert "no-store" in told


def test_a_refresh_after_the_end_of_a_session_leads_the_window_to_the_sign_in(
    client: Client,
) -> None:
    answer = client.get("/projects/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=%2F"
    assert answer.content == b""


def test_what_a_page_asks_by_itself_leads_nowhere_after_the_end_of_a_session(
    client: Client,
) -> None:
    asked = {"HX-Request": "true", "X-Background": "1"}
    answer = client.get("/groups/7/cpi/", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "HX-Redirect" not in answer.headers


@pytest.mark.parametrize(
    ("verb", "page"), [("get", "/projects/7/?status=live"), ("post", "/groups/7/edit/cpi/")]
)
def test_after_signing_in_again_the_page_or_the_form_that_was_sent_is_back(
    client: Client, verb: str, page: str
) -> None:
    shown = "https://evil.example/projects/7/?status=live"
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    answer = getattr(client, verb)("/groups/7/edit/cpi/", headers=headers)
    leads = parse_qs(urlsplit(answer.headers["HX-Redirect"]).query)
    assert leads == {"next": [page]}


@pytest.mark.parametrize("shown", ["http://[", "https://[::1", "https://a]b/", "//[x]/", "\\["])
def test_an_address_of_a_page_that_is_none_breaks_nothing(client: Client, shown: str) -> None:
    """A stranger could fill the log with errors."""
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    for page in ("/", "/groups/", "/groups/7/", "/search/"):
        answer = client.get(page, headers=headers)
        assert answer.status_code == 204
        assert answer.headers["HX-Redirect"].startswith("/sign-in/?next=")


def test_every_cookie_is_bound_to_this_host_and_out_of_reach_of_scripts_and_sites(
    client: Client, settings: Settings
) -> None:
    """As in production, whose settings `tests/test_settings.py` reads."""
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.DEVICE_COOKIE_NAME = "__Host-device"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    person = factories.person("administrator", factories.account(), username="dana")
    client.get("/sign-in/", secure=True)
    form = {"username": "dana", "password": "demo"}
    client.post("/sign-in/", form, secure=True)
    client.post("/connections/add/", {}, secure=True)
    page = {"do": "viewer"}
    row = person.memberships.get()
    client.post(f"/connections/{row.account_id}/people/{row.pk}/", page, secure=True)  # a message
    client.get("/", secure=True)
    assert set(client.cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-device"}
    for name, cookie in client.cookies.items():
        chosen = {key: cookie[key] for key in ("secure", "httponly", "samesite", "path", "domain")}
        assert chosen == {
            "secure": True,
            "httponly": True,
            "samesite": "Lax",
            "path": "/",
            "domain": "",
        }, name


@pytest.mark.parametrize("address", ["/", "/me/", "/projects/", "/help/", "/me/sessions/", "/no/"])
def test_every_page_of_who_is_signed_in_has_a_button_to_sign_out(
    client: Client, address: str
) -> None:
    client.force_login(factories.person())
    page = client.get(address).content.decode()
    assert re.search(r'<form method="post" action="/sign-out/">.*?Sign out</button>', page, re.S)


def test_a_password_in_an_address_signs_nobody_in(client: Client) -> None:
    factories.person(username="dana")
    client.get("/sign-in/?username=dana&password=demo")
    client.post("/sign-in/?username=dana&password=demo", {})
    client.post("/sign-in/?password=demo", {"username": "dana"})
    assert client.get("/me/").status_code == 302


@pytest.mark.parametrize("order", [("wrong", "demo"), ("demo", "wrong")])
def test_of_a_field_that_is_sent_twice_the_last_counts(
    client: Client, order: tuple[str, str]
) -> None:
    factories.person(username="dana")
    client.post("/sign-in/", {"username": "dana", "password": list(order)})
    assert (client.get("/me/").status_code == 200) == (order[1] == "demo")


@pytest.mark.parametrize("typed", ["dana", "dana@example.com", "nobody", "nobody@example.com"])
def test_every_wrong_sign_in_takes_one_look_at_a_password(
    client: Client, settings: Settings, typed: str
) -> None:
    factories.person(username="dana", email="dana@example.com")
    settings.PASSWORD_HASHERS = ["tests.web.auth.test_session_cookies.Counting"]
    Counting.looks = 0
    client.post("/sign-in/", {"username": typed, "password": "wrong"})
    assert Counting.looks == 1


class Counting(MD5PasswordHasher):
    """Counts how often it is asked to do its work."""

    looks = 0

    def encode(self, password: str, salt: str) -> str:
        """The work."""
        Counting.looks += 1
        return super().encode(password, salt)
