"""What is refused is in the log, with what, where and who; nothing that was refused is done."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from dashboard.fielding.models import AuditEvent, User, Webhook
from dashboard.web.auth import throttle
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person("viewer", factories.account(), username="dana")


def client_of(user: User, **options: bool) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(user)
    return client


def edit_of_a_viewer(dana: User) -> int:
    group = factories.group(factories.project(dana.memberships.get().account))
    return client_of(dana).post(f"/groups/{group.pk}/edit/cpi/", {"cpi": "3"}).status_code


def group_of_another_account(dana: User) -> int:
    group = factories.group(factories.project(factories.account()))
    return client_of(dana).get(f"/groups/{group.pk}/").status_code


def page_of_administrators(dana: User) -> int:
    account = dana.memberships.get().account
    return client_of(dana).get(f"/connections/{account.pk}/people/").status_code


def form_of_another_site(dana: User) -> int:
    strict = client_of(dana, enforce_csrf_checks=True)
    return strict.post("/theme/", {"theme": "dark"}).status_code


def another_host(dana: User) -> int:
    return client_of(dana).get("/sign-in/", headers={"host": "evil.example"}).status_code


def too_many_fields(dana: User) -> int:
    return client_of(dana).post("/theme/", {f"x{n}": "" for n in range(6000)}).status_code


def too_many_passwords(dana: User) -> int:
    wrong = {"username": "dana", "password": "wrong"}
    answers = [Client().post("/sign-in/", wrong) for _ in range(throttle.FREE_PER_NAME + 1)]
    return answers[-1].status_code


def a_token_that_is_none(dana: User) -> int:
    headers = {"Authorization": "Bearer fw_none"}
    return Client().get("/api/v1/projects", headers=headers).status_code


def a_forged_webhook(dana: User) -> int:
    Webhook.objects.create(account=dana.memberships.get().account, key="k", secret="s")
    return Client().post("/webhooks/k/", b"{}", content_type="application/json").status_code


@pytest.mark.parametrize(
    ("attempt", "status"),
    [
        (edit_of_a_viewer, 403),
        (group_of_another_account, 404),
        (page_of_administrators, 403),
        (form_of_another_site, 403),
        (another_host, 400),
        (too_many_fields, 400),
        (too_many_passwords, 429),
        (a_token_that_is_none, 401),
        (a_forged_webhook, 401),
    ],
)
def test_an_attempt_that_was_refused_is_a_line_with_its_answer(
    attempt: Callable[[User], int], status: int, dana: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert attempt(dana) == status
    lines = [record for record in caplog.records if record.getMessage() == "request"]
    facts = lines[-1].of  # type: ignore[attr-defined]
    assert facts["status"] == status
    assert {"method", "path", "status", "ms", "person"} == set(facts)
    signed_in = attempt not in (too_many_passwords, a_token_that_is_none, a_forged_webhook)
    assert facts["person"] in (
        (dana.pk, None) if attempt in BEFORE_ANYBODY else (dana.pk,) if signed_in else (None,)
    )


BEFORE_ANYBODY = (another_host, too_many_fields)


def test_every_wrong_sign_in_is_in_log_and_audit_log_with_its_address(
    dana: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Client().post("/sign-in/", {"username": "dana", "password": "wrong-word"})
        Client().post("/sign-in/", {"username": "nobody", "password": "wrong-word"})
    lines = [record for record in caplog.records if record.getMessage() == "sign-in refused"]
    assert [record.of["address"] for record in lines] == ["127.0.0.1"] * 2  # type: ignore[attr-defined]
    rows = AuditEvent.objects.filter(kind="sign-in-refused")
    assert {row.address for row in rows} == {"127.0.0.1"}
    assert rows.count() == 2
    assert "wrong-word" not in caplog.text


def test_an_error_nobody_expected_is_logged_with_its_trace_and_shown_without(
    dana: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = "tests.fakes.broken_urls"
    client = client_of(dana, raise_request_exception=False)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert not [word for word in ("Traceback", "ZeroDivision", ".py", "secret") if word in page]
    assert "ZeroDivisionError" in caplog.text
