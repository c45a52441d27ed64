"""My account: API tokens and calendar addresses are created, shown once, and revoked."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import AccessToken, AuditEvent, Mail, User
from dashboard.fielding.models.fields import unseal
from tests import factories

pytestmark = pytest.mark.django_db
TOKENS, CALENDARS = "/me/api-tokens/", "/me/calendar/"


@pytest.fixture
def anna() -> User:
    cache.clear()
    return factories.person("viewer", factories.account(), username="anna")


@pytest.fixture
def browser(anna: User) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": "anna", "password": "demo"})
    return client


def _form(client: Client, address: str) -> dict[str, str | list[str]]:
    page = client.get(address).content.decode()
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return {"token": found[1], "name": "Warehouse", "scopes": ["fieldwork"], "days": "90"}


def _send(client: Client, address: str, form: dict[str, str | list[str]]) -> str:
    """Send a form, give the password if it is asked for, and return the page."""
    answer = client.post(address, form)
    if answer.status_code == 302 and "/me/confirm/" in answer["Location"]:
        answer = client.post(answer["Location"], {"password": "demo"}, follow=True)
    elif answer.status_code == 302:
        answer = client.get(answer["Location"])
    return answer.content.decode()


def test_a_token_is_shown_once_and_only_its_hash_is_stored(browser: Client, anna: User) -> None:
    page = _send(browser, TOKENS, _form(browser, TOKENS))
    found = re.search(r"fw_[A-Za-z0-9_-]{43}", page)
    assert found
    secret, token = found[0], AccessToken.objects.get()
    assert token.token_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert (token.user, token.name, token.scopes) == (anna, "Warehouse", ["fieldwork"])
    assert token.expires_at is not None
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    assert secret not in browser.get(TOKENS).content.decode()
    assert all(secret not in str(event.details) for event in AuditEvent.objects.all())
    answer = Client().get("/api/v1/token", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["name"] == "Warehouse"


def test_without_the_password_no_token_is_created(browser: Client) -> None:
    answer = browser.post(TOKENS, _form(browser, TOKENS))
    assert answer["Location"].startswith("/me/confirm/")
    assert not AccessToken.objects.exists()


def test_a_form_that_is_sent_twice_creates_one(browser: Client) -> None:
    form = _form(browser, TOKENS)
    _send(browser, TOKENS, form)
    assert "shown only once" in _send(browser, TOKENS, form)
    assert AccessToken.objects.count() == 1


def test_what_was_wrong_is_said_and_what_was_typed_comes_back(browser: Client) -> None:
    form = _form(browser, TOKENS)
    changes: list[tuple[dict[str, str | list[str]], str]] = [
        ({"name": ""}, "Enter a name, such as the program that uses it."),
        ({"name": "x" * 61}, "A name has at most 60 characters."),
        ({"name": "a\u2028b"}, "cannot contain line breaks"),
        ({"scopes": []}, "Choose at least one."),
        ({"days": "3650"}, "Choose 30, 90, 180 or 365 days."),
        ({"scopes": ["everything"]}, "Select a valid choice"),
    ]
    for change, sentence in changes:
        page = _send(browser, TOKENS, form | change)
        assert sentence in page, sentence
        assert str((form | change)["name"]) in page
    assert not AccessToken.objects.exists()


def test_nobody_has_more_than_the_most(browser: Client, anna: User) -> None:
    for number in range(20):
        factories.access_token(anna, f"fw_{number}")
    assert "which is the most. Revoke one first." in _send(browser, TOKENS, _form(browser, TOKENS))
    AccessToken.objects.filter(user=anna).update(expires_at=timezone.now())
    assert "Token created." in _send(browser, TOKENS, _form(browser, TOKENS))


def test_a_revoked_token_stops_and_leaves_the_list(browser: Client, anna: User) -> None:
    token = factories.access_token(anna, "fw_secret", name="Old program")
    assert "Old program" in browser.get(TOKENS).content.decode()
    page = browser.post(f"/tokens/{token.pk}/revoke/", follow=True).content.decode()
    assert "“Old program” was revoked." in page
    assert "Revoke Old program" not in page
    answer = Client().get("/api/v1/token", headers={"Authorization": "Bearer fw_secret"})
    assert answer.status_code == 401


def test_nobody_revokes_the_token_of_another(browser: Client) -> None:
    token = factories.access_token(factories.person(), "fw_secret")
    assert browser.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert AccessToken.objects.get().revoked_at is None


def test_a_calendar_address_is_shown_once_and_opens_the_feed(browser: Client) -> None:
    page = _send(browser, CALENDARS, _form(browser, CALENDARS) | {"only_mine": "mine"})
    found = re.search(r'value="http://[^"]*(/calendar/fw_[A-Za-z0-9_-]{43}\.ics)"', page)
    assert found
    token = AccessToken.objects.get()
    assert (token.purpose, token.only_mine, token.expires_at) == ("calendar", True, None)
    assert Client().get(found[1]).content.startswith(b"BEGIN:VCALENDAR")
    assert found[1] not in browser.get(CALENDARS).content.decode()


def test_the_person_gets_an_email_without_the_secret(browser: Client, anna: User) -> None:
    """As for every other way into an account; a form that is refused or repeated sends none."""
    for address, purpose, reads in (
        (TOKENS, "an API token", "can read fieldwork and spend,"),
        (CALENDARS, "a calendar address", "can read the dates of your projects and groups,"),
    ):
        form = _form(browser, address) | {"scopes": ["fieldwork", "spend"]}
        _send(browser, address, form | {"name": ""})
        page = _send(browser, address, form)
        _send(browser, address, form)
        secret = re.search(r"fw_[A-Za-z0-9_-]{43}", page)
        mail = Mail.objects.get(purpose=Mail.Purpose.SECURITY, recipient=anna)
        assert secret
        text = unseal(mail.sealed)
        assert (mail.subject, mail.text) == (f"Fieldwatch: {purpose} was created", "")
        for part in ("“Warehouse”", "from 127.0.0.1", reads, f"{address}\n"):
            assert part in text, part
        assert secret[0] not in text
        mail.delete()


def test_the_audit_log_has_what_was_created_and_revoked(browser: Client, anna: User) -> None:
    _send(browser, TOKENS, _form(browser, TOKENS))
    _send(browser, CALENDARS, _form(browser, CALENDARS))
    for token in AccessToken.objects.all():
        browser.post(f"/tokens/{token.pk}/revoke/")
    rows = AuditEvent.objects.filter(target="Warehouse").order_by("pk")
    assert [row.kind for row in rows] == [
        "api-token-created",
        "calendar-link-created",
        "api-token-revoked",
        "calendar-link-revoked",
    ]
    assert {row.person_id for row in rows} == {anna.pk}
    assert rows[0].details["scopes"] == ["fieldwork"]
    assert rows[0].details["expires"].startswith("20")
