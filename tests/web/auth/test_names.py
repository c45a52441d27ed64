"""Names hold no line breaks and no control characters, whoever gives them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dashboard.alerts.mail import immediate, outbox
from dashboard.alerts.mail.compose import MailBody
from dashboard.fielding.domain.text import breaks_line, one_line
from dashboard.fielding.models import User
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db
UNFIT = ["\n", "\r", "\r\n", "\t", "\x0b", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e"]
CODES = [ascii(one) for one in UNFIT]


@pytest.mark.parametrize("unfit", UNFIT, ids=CODES)
def test_a_form_refuses_them(client: Client, unfit: str) -> None:
    user = factories.person(first_name="Dana")
    client.force_login(user)
    form = {"first_name": f"Da{unfit}na", "last_name": "D", "time_zone": "UTC", "theme": "auto"}
    assert "cannot contain line breaks" in client.post("/me/", form).content.decode()
    user.refresh_from_db()
    assert user.first_name == "Dana"


@pytest.mark.parametrize("unfit", UNFIT, ids=CODES)
def test_an_invitation_refuses_them(client: Client, unfit: str) -> None:
    account = factories.account()
    client.force_login(factories.person("administrator", account))
    form = {"email": "new@example.com", "name": f"Nia{unfit}New", "role": "viewer"}
    page = client.post(f"/connections/{account.pk}/people/", form).content.decode()
    assert "cannot contain line breaks" in page
    assert not User.objects.filter(email="new@example.com").exists()


@pytest.mark.parametrize("unfit", UNFIT, ids=CODES)
def test_a_command_refuses_them(unfit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.account(name="main")
    monkeypatch.setenv("WORDS", "correct horse battery")
    words = ["add", f"an{unfit}na", "anna@example.com", "--role", "viewer", "--on", "main"]
    with pytest.raises(CommandError):
        call_command("person", *words, "--password-env", "WORDS")
    assert not User.objects.exists()


@pytest.mark.parametrize("unfit", UNFIT, ids=CODES)
@pytest.mark.parametrize("name", ["username", "first_name", "last_name"])
def test_whatever_else_writes_a_person_stores_one_line(name: str, unfit: str) -> None:
    names: dict[str, Any] = {name: f"a{unfit}b"}
    user = factories.person(**names)
    assert getattr(User.objects.get(pk=user.pk), name) == "a b"


@pytest.mark.parametrize("unfit", UNFIT, ids=CODES)
def test_no_header_of_a_mail_has_them(client: Client, unfit: str) -> None:
    """Names of the exchange stand in subjects, those of who invites too."""
    account = factories.account(name="main")
    User.objects.filter(pk=factories.person(username="x").pk).update(
        first_name=f"X{unfit}Y"
    )  # older
    boss = User.objects.get(username="x")
    boss.memberships.create(account=account, role="administrator")
    client.force_login(boss)
    client.post(f"/connections/{account.pk}/people/", {"email": "n@example.com", "role": "viewer"})
    words = MailBody(f"Japan{unfit}Bcc: x@example.com", "t", "")
    immediate.outbox_mail(boss, words, set(), now=factories.NOW)
    subjects = [one.subject for one in delivered()]
    assert sorted(subjects) == ["Japan Bcc: x@example.com", "X Y invites you to Fieldwatch"]
    assert not any(breaks_line(str(one)) for one in subjects)
    assert outbox.send_due(now=factories.NOW) == 0


def test_letters_of_every_script_stay_as_they_are() -> None:
    for name in ("Zoë O’Hara", "李 小龍", "محمد علي", "Łukasz", "👩‍💻 Ada"):
        assert one_line(name) == name
        assert not breaks_line(name)
