"""Mails about signing in: sent like alerts, kept encrypted, and not kept once they are sent."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core import mail as outbox
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from dashboard.alerts import heartbeat
from dashboard.alerts.mail import outbox as deliver
from dashboard.alerts.mail import security
from dashboard.fielding.models import ExchangeAccount, Mail, User
from tests import factories

pytestmark = pytest.mark.django_db
LINK = "https://fieldwatch.example/sign-in/new/1-abc/"
PURPOSES = [one for one in Mail.Purpose if Mail(purpose=one).is_about_signing_in]


class Away(BaseEmailBackend):
    """A server that takes no connection."""

    def open(self) -> bool:
        raise ConnectionRefusedError("nobody answers")


class Refusing(BaseEmailBackend):
    """A server that refuses every recipient for good."""

    def send_messages(self, messages: object) -> int:
        raise smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account(name="main")


@pytest.fixture
def dana(account: ExchangeAccount) -> User:
    return factories.person("viewer", account, username="dana", email="dana@example.com")


def queued(to: User, purpose: Mail.Purpose = Mail.Purpose.RESET) -> Mail:
    subject, text = "A\r\nBcc: x@example.com", f"Follow {LINK}"
    mail = security.queue_mail(
        to=to, subject=subject, text=text, purpose=purpose, now=factories.NOW
    )
    assert mail
    return mail


@pytest.mark.parametrize("purpose", PURPOSES)
def test_the_link_is_in_no_column_of_the_table(dana: User, purpose: Mail.Purpose) -> None:
    mail = queued(dana, purpose)
    columns = Mail.objects.values().get(pk=mail.pk)
    assert LINK not in str(columns)
    assert columns["sealed"]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_it_is_sent_whole_and_nothing_of_it_is_kept(dana: User, purpose: Mail.Purpose) -> None:
    mail = queued(dana, purpose)
    deliver.send_due(now=factories.NOW)
    sent = outbox.outbox[0]
    assert LINK in str(sent.body)
    assert "\n" not in sent.subject
    assert "List-Unsubscribe" not in sent.extra_headers
    mail.refresh_from_db()
    assert (mail.state, mail.text, mail.sealed) == ("sent", "", "")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_while_the_server_is_away_it_waits_with_growing_pauses_and_is_then_sent(
    dana: User, purpose: Mail.Purpose
) -> None:
    mail, now, pauses = queued(dana, purpose), factories.NOW, []
    for _ in range(4):
        deliver.send_due(now=now, connect=Away)
        mail.refresh_from_db()
        assert (mail.state, bool(mail.sealed)) == ("waiting", True)
        pauses.append(mail.next_try_at - now)
        now = mail.next_try_at
    assert pauses[0] < pauses[-1]
    assert "nobody answers" in mail.error
    deliver.send_due(now=now)
    assert LINK in str(outbox.outbox[0].body)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_after_a_day_it_is_given_up_and_blanked(dana: User, purpose: Mail.Purpose) -> None:
    mail = queued(dana, purpose)
    deliver.send_due(now=factories.NOW + timedelta(days=1), connect=Away)
    mail.refresh_from_db()
    assert (mail.state, mail.sealed) == ("dead", "")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_is_refused_for_good_is_blanked_at_once(dana: User, purpose: Mail.Purpose) -> None:
    mail = queued(dana, purpose)
    deliver.send_due(now=factories.NOW, connect=Refusing)
    mail.refresh_from_db()
    assert (mail.state, mail.sealed) == ("dead", "")


def test_administrators_see_it_wait_and_fail_and_never_its_link(
    client: Client, account: ExchangeAccount, dana: User
) -> None:
    client.force_login(factories.person("administrator", account))
    mail = queued(dana)
    deliver.send_due(now=factories.NOW, connect=Away)
    page = client.get(f"/connections/{account.pk}/mail/").content.decode()
    assert "Link for a new password" in page
    assert "Waiting" in page
    assert "nobody answers" in page
    Mail.objects.filter(pk=mail.pk).update(state="dead", created_at=factories.NOW)
    assert "could not be delivered" in " ".join(heartbeat.list_problems(now=factories.NOW))
    assert LINK not in page


def test_not_even_its_recipient_reads_the_link_in_the_product(client: Client, dana: User) -> None:
    """Who took over a session would otherwise set a password with it."""
    mail = queued(dana)
    client.force_login(dana)
    for address in ("/mails/", f"/mails/{mail.pk}/"):
        assert LINK not in client.get(address).content.decode()
    assert "text is not stored" in client.get(f"/mails/{mail.pk}/").content.decode()


def test_it_goes_to_an_address_that_refused_an_alert_before(dana: User) -> None:
    User.objects.update(email_refused="550 full")
    queued(User.objects.get(pk=dana.pk))
    deliver.send_due(now=factories.NOW)
    assert len(outbox.outbox) == 1


def test_a_key_that_is_gone_costs_that_mail_and_no_other(dana: User, settings: Settings) -> None:
    lost = queued(dana)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    queued(dana)
    deliver.send_due(now=factories.NOW)
    assert len(outbox.outbox) == 1
    lost.refresh_from_db()
    assert "ENCRYPTION_KEYS no longer holds" in lost.error


def test_rekey_takes_it_along(dana: User, settings: Settings) -> None:
    mail = queued(dana)
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("rekey")
    settings.ENCRYPTION_KEYS = [new]
    deliver.send_due(now=factories.NOW)
    mail.refresh_from_db()
    assert mail.state == "sent"
