"""Signing in and out."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import make

pytestmark = pytest.mark.django_db

ELSEWHERE = ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"]


@pytest.mark.parametrize("typed", ["Dana", "dana", "dana@example.com", "DANA@EXAMPLE.COM"])
def test_a_person_signs_in_by_name_or_address_whatever_the_case(client: Client, typed: str) -> None:
    make.person(username="Dana", email="dana@example.com")
    answer = client.post("/sign-in/", {"username": typed, "password": "demo"})
    assert answer.headers.get("Location") == "/"


def test_a_wrong_password_and_a_wrong_name_read_the_same(client: Client) -> None:
    make.person(username="dana")
    for name in ("dana", "nobody"):
        answer = client.post("/sign-in/", {"username": name, "password": "wrong"})
        assert "This name and password do not belong together." in answer.content.decode()


def test_a_person_who_left_cannot_sign_in(client: Client) -> None:
    make.person(username="dana", is_active=False)
    client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leaves_our_pages(client: Client, target: str) -> None:
    make.person(username="dana")
    form = {"username": "dana", "password": "demo", "next": target}
    assert client.post("/sign-in/", form).headers["Location"] == "/"
    answer = client.post("/theme/", {"theme": "dark", "next": target})
    assert answer.headers["Location"] == "/"


def test_signing_in_goes_on_to_the_page_that_was_asked_for(client: Client) -> None:
    make.person(username="dana")
    assert client.get("/projects/").headers["Location"] == "/sign-in/?next=/projects/"
    form = {"username": "dana", "password": "demo", "next": "/projects/?q=a"}
    assert client.post("/sign-in/", form).headers["Location"] == "/projects/?q=a"


def test_signing_out_needs_a_post_and_ends_the_session(client: Client) -> None:
    client.force_login(make.person())
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/").status_code == 302


def test_a_session_ends_when_the_password_changes(client: Client) -> None:
    user = make.person()
    client.force_login(user)
    user.set_password("another")
    user.save()
    assert client.get("/").status_code == 302


def test_the_theme_is_remembered(client: Client) -> None:
    client.force_login(make.person())
    client.post("/theme/", {"theme": "dark", "next": "/projects/"})
    assert 'data-theme="dark"' in client.get("/projects/").content.decode()


def test_every_page_carries_a_policy_without_inline_code(client: Client) -> None:
    policy = client.get("/sign-in/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    directives = set(policy.split("; "))
    assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= directives


def test_the_web_process_says_that_it_is_alive(client: Client) -> None:
    assert client.get("/healthz").content == b"alive\n"
