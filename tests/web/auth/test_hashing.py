"""Sixty sign-ins at once: one hash at a time, threads are left, and the rest are told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client
from pytest_django import Settings

from dashboard.web.auth import hashing
from tests import factories


class _Slow:
    """Stands in for Argon2's arithmetic; counts how many compute together."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0
        self.goes_on = threading.Event()

    def encode(self, password: str, salt: str) -> str:
        self.now += 1
        self.most = max(self.most, self.now)
        assert self.goes_on.wait(30)
        self.now -= 1
        return f"{password}{salt}"


def test_a_process_hashes_one_password_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = _Slow()
    monkeypatch.setattr(Argon2PasswordHasher, "encode", slow.encode)
    with ThreadPoolExecutor(60) as people:
        running = [people.submit(hashing.Argon2InTurn().encode, "p", "s") for _ in range(60)]
        while not hashing.is_line_full():
            pass
        slow.goes_on.set()
        assert [each.result(30) for each in running] == ["ps"] * 60
    assert slow.most == 1
    assert not hashing.is_line_full()


@pytest.mark.django_db
def test_who_comes_while_the_line_is_full_is_told_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = factories.person()
    monkeypatch.setattr(hashing, "_in_line", hashing.MOST_IN_LINE)
    typed = {"username": person.username, "password": "demo"}
    answer = client.post("/sign-in/", typed)
    assert answer.status_code == 503
    assert answer["Retry-After"] == str(hashing.RETRY_SECONDS)
    assert hashing.BUSY in answer.content.decode()
    assert f'value="{person.username}"' in answer.content.decode()
    monkeypatch.setattr(hashing, "_in_line", 0)
    assert client.post("/sign-in/", typed).status_code == 302


@pytest.mark.django_db
def test_the_product_hashes_in_turn(settings: Settings) -> None:
    """The first hasher of the real settings, which tests replace by a fast one."""
    from dashboard.settings import base  # noqa: PLC0415

    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    person = factories.person()
    person.set_password("correct horse battery")
    assert person.password.startswith("argon2$")
    assert person.check_password("correct horse battery")
    assert not person.check_password("another")
