"""What each answer of a mail server does to an email, and which emails are tried at all."""

from __future__ import annotations

import random
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Heartbeat, Mail, User
from dashboard.fielding.models.fields import seal
from tests.fakes.alert_scenario import Field, after


class Server(BaseEmailBackend):
    """A mail server that takes every email, or fails as a test says."""

    def __init__(self, fails: Exception | None = None, *, at: str = "send", takes: int = 1) -> None:
        super().__init__()
        self.fails, self.at, self.takes = fails, at, takes
        self.calls: list[str] = []
        self.sent: list[EmailMessage] = []

    def _do(self, step: str) -> None:
        self.calls.append(step)
        if self.fails and self.at == step:
            raise self.fails

    def open(self) -> bool:
        self._do("open")
        return True

    def close(self) -> None:
        self._do("close")

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        self._do("send")
        self.sent += email_messages
        return self.takes


class Longest(random.Random):
    """The longest wait of those that chance may give."""

    def uniform(self, a: float, b: float) -> float:
        return b


def stored(field: Field, minute: float = 0, **fields: Any) -> Mail:
    given: dict[str, Any] = {
        "recipient": field.pm,
        "address": field.pm.email,
        "message_id": f"<{Mail.objects.count()}@x>",
        "subject": "s",
        "text": "t",
        "created_at": after(minute),
        "next_try_at": after(minute),
    }
    return Mail.objects.create(**(given | fields))


def send(server: Server, minute: float = 0, **given: Any) -> int:
    return outbox.send_due(now=after(minute), connect=lambda: server, rng=Longest(), **given)


def state_of(mail: Mail) -> tuple[Any, ...]:
    mail.refresh_from_db()
    wait: datetime | None = mail.next_try_at if mail.state == Mail.State.WAITING else None
    seconds = wait and round((wait - after(0)).total_seconds())
    return mail.state, mail.error, mail.attempts, seconds


def refused(code: int, *addresses: str) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused(dict.fromkeys(addresses, (code, b"no")))


@pytest.mark.parametrize(
    ("server", "state", "error", "is_refused"),
    [
        (Server(), "sent", "", False),
        (Server(smtplib.SMTPException("hung up"), at="close"), "sent", "", False),
        (Server(takes=0), "waiting", "MailRefused: the mail server accepted no message", False),
        (Server(ValueError("odd")), "waiting", "MailRefused: ValueError: odd", False),
        (Server(KeyError("odd")), "waiting", "MailRefused: KeyError: 'odd'", False),
        (Server(OSError("reset")), "waiting", "OSError: reset", False),
        (
            Server(OSError("down"), at="open"),
            "waiting",
            "MailServerUnreachable: OSError: down",
            False,
        ),
        (
            Server(smtplib.SMTPDataError(500, b"spam")),
            "dead",
            "SMTPDataError: (500, b'spam')",
            False,
        ),
        (
            Server(smtplib.SMTPDataError(499, b"busy")),
            "waiting",
            "SMTPDataError: (499, b'busy')",
            False,
        ),
        (Server(refused(500, "a")), "dead", "SMTPRecipientsRefused: {'a': (500, b'no')}", True),
        (Server(refused(499, "a")), "waiting", "SMTPRecipientsRefused: {'a': (499, b'no')}", False),
    ],
)
def test_each_answer_has_its_end(
    field: Field, server: Server, state: str, error: str, is_refused: bool
) -> None:
    mail = stored(field, sealed="x")
    assert send(server) == (state == "sent")
    assert state_of(mail) == (state, error, 1, 10 if state == "waiting" else None)
    assert mail.leased_until is None
    assert bool(mail.sealed) is (state == "waiting")
    assert (mail.sent_at is not None) is (state == "sent")
    field.pm.refresh_from_db()
    assert field.pm.email_refused == (error if is_refused else "")
    assert server.calls[-1] == ("open" if server.at == "open" else "close")


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 20), (3, 40), (5, 160), (6, 240), (60, 240)]
)
def test_the_wait_doubles_up_to_four_minutes(attempts: int, seconds: int) -> None:
    assert outbox.backoff(attempts, Longest()) == timedelta(seconds=seconds)
    chances = [random.Random(number) for number in range(9)]  # noqa: S311
    waits = {outbox.backoff(attempts, chance).total_seconds() for chance in chances}
    assert all(seconds / 2 <= wait <= seconds for wait in waits)
    assert len(waits) == 9


@pytest.mark.parametrize(("hours", "state"), [(23.9, "waiting"), (24, "dead")])
def test_an_email_is_given_up_after_a_day(field: Field, hours: float, state: str) -> None:
    mail = stored(field, created_at=after(-60 * hours), sealed="x")
    send(Server(OSError("reset")))
    assert state_of(mail)[0] == state
    assert bool(mail.sealed) is (state == "waiting")
    field.pm.refresh_from_db()
    assert field.pm.email_refused == ""


def test_without_any_server_the_others_wait_for_the_next_round(field: Field) -> None:
    rows = [stored(field) for _ in range(3)]
    server = Server(OSError("down"), at="open")
    assert send(server) == 0
    assert server.calls == ["open"]
    assert [state_of(row)[2] for row in rows] == [1, 0, 0]
    assert Heartbeat.objects.get(name="deliver").at == after(0)


def test_an_email_is_sent_once_it_is_due_and_while_senders_are_free(field: Field) -> None:
    late, later = stored(field, -5), stored(field, -1)
    not_yet = stored(field, 1)
    for _ in range(2):
        stored(field, -1, leased_until=after(1))
    ended = stored(field, -1, leased_until=after(0))
    server = Server()
    assert send(server, limit=1) == 1
    assert [mail.subject for mail in server.sent] == ["s"]
    assert [state_of(row)[0] for row in (late, later, not_yet)] == ["sent", "waiting", "waiting"]
    assert send(server) == 2
    assert [state_of(row)[0] for row in (ended, later, not_yet)] == ["sent", "sent", "waiting"]
    assert ended.unanswered is True
    stored(field, -1, leased_until=after(9))
    assert send(server, 0.5) == 0, "three are at work"
    assert send(server, 1) == 3
    assert state_of(not_yet)[0] == "sent"


@pytest.mark.parametrize(
    ("fields", "state", "error"),
    [
        ({}, "dead", "SMTPRecipientsRefused"),
        ({"purpose": Mail.Purpose.SECURITY, "sealed": seal("t")}, "sent", ""),
        ({"address": "other@example.com"}, "sent", ""),
        ({"address": "no address"}, "dead", "SMTPRecipientsRefused"),
    ],
)
def test_a_refused_address_gets_no_alerts(
    field: Field, fields: dict[str, Any], state: str, error: str
) -> None:
    User.objects.filter(pk=field.pm.pk).update(email_refused="550")
    mail = stored(field, **fields)
    send(Server())
    assert state_of(mail)[:2] == (state, mail.error)
    assert mail.error.startswith(error)
    assert bool(mail.error) is bool(error)


def test_a_closed_account_gets_no_email_and_an_address_of_one_no_confirmation(
    field: Field,
) -> None:
    closed = field.admin
    User.objects.filter(pk=closed.pk).update(closed_at=after(-9))
    to_closed = stored(field, recipient=closed, address=closed.email, sealed="x")
    confirmation = stored(
        field, address=closed.email.upper(), purpose=Mail.Purpose.ADDRESS, sealed="x"
    )
    other = stored(field, address="new@example.com", purpose=Mail.Purpose.ADDRESS, sealed=seal("t"))
    server = Server()
    assert send(server) == 1
    assert [mail.to for mail in server.sent] == [["new@example.com"]]
    assert [state_of(row)[0] for row in (to_closed, confirmation, other)] == [
        "dead",
        "sent",
        "sent",
    ]
    assert (to_closed.sealed, confirmation.sealed, confirmation.sent_at) == ("", "", None)


def test_an_email_carries_its_id_its_date_and_one_click_to_stop_its_kind(field: Field) -> None:
    alert, security = (
        stored(field, html="<p>"),
        stored(field, purpose=Mail.Purpose.SECURITY, sealed=seal("t")),
    )
    digest = stored(field, digest_day=after(0).date())
    first, second, third = (outbox.email_message(row) for row in (alert, security, digest))
    headers = first.extra_headers
    assert headers["Message-ID"] == alert.message_id
    assert headers["Date"] == "Fri, 20 Nov 2026 12:00:00 +0000"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in second.extra_headers
    assert headers["List-Unsubscribe"] != third.extra_headers["List-Unsubscribe"]
    assert [len(each.alternatives) for each in (first, second, third)] == [1, 0, 0]
    assert (first.body, first.to) == ("t", [field.pm.email])


def test_a_test_email_ends_a_refusal(field: Field) -> None:
    User.objects.filter(pk=field.pm.pk).update(email_refused="550")
    mail = outbox.send_test(to=User.objects.get(pk=field.pm.pk), now=after(0))
    field.pm.refresh_from_db()
    assert (mail.state, mail.subject, mail.account, field.pm.email_refused) == (
        "sent",
        "Fieldwatch test email",
        None,
        "",
    )
