"""Mail against a real SMTP server in every mood, over a real socket."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from dashboard.alerts.mail import outbox
from dashboard.fielding.models import Mail, Notice, User
from tests import factories
from tests.fakes.alert_scenario import Field, after, mails, update


class Mood:
    """A mail server that takes mail, or does to an address what a test asks for."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refuses: dict[str, str] = {}  # address → answer to RCPT
        self.after_data: list[str] = []  # answers to the next DATAs; "drop": take it, hang up

    async def handle_RCPT(  # noqa: N802 (the server's own name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        mood = self.after_data.pop(0) if self.after_data else ""
        if mood[:1] in "45" and mood:
            return mood
        self.taken.append(envelope)
        if mood == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 taken"

    def ids(self) -> list[str]:
        """The Message-IDs that were taken, in order."""
        return [message_from_bytes(e.content)["Message-ID"] for e in self.taken]  # type: ignore[arg-type]

    def addresses(self) -> list[str]:
        """Whom mail was taken for, in order."""
        return [e.rcpt_tos[0] for e in self.taken]


@pytest.fixture
def mood() -> Mood:
    """How the mail server behaves."""
    return Mood()


@pytest.fixture
def server(mood: Mood) -> Iterator[Controller]:
    """A mail server on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mood, hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def send(server: Controller, minute: float, limit: int = 50) -> int:
    """One round of sending to the server."""

    def connect() -> BaseEmailBackend:
        smtp = "django.core.mail.backends.smtp.EmailBackend"
        host, port = server.hostname, server.port
        return get_connection(smtp, host=host, port=port, timeout=2)

    rng = random.Random(1)  # noqa: S311 (waits, not secrets)
    return outbox.send_due(now=after(minute), limit=limit, connect=connect, rng=rng)


def waiting(field: Field, *people: User, at: datetime = factories.NOW) -> list[Mail]:
    """A mail in the outbox for each person."""
    return [
        Mail.objects.create(
            account=field.account,
            recipient=person,
            address=person.email,
            message_id=f"<mail-{number}@fieldwatch.test>",
            subject=f"Paused: Japan {number}",
            text="text\n",
            html="<p>text</p>",
            created_at=at,
            next_try_at=at,
        )
        for number, person in enumerate(people)
    ]


def fresh(mail: Mail) -> Mail:
    """The mail as it is stored now."""
    mail.refresh_from_db()
    return mail


def test_a_mail_is_taken_once(field: Field, server: Controller, mood: Mood) -> None:
    (mail,) = waiting(field, field.pm)
    assert send(server, 0) == 1
    assert send(server, 10) == 0
    assert mood.ids() == [mail.message_id]
    assert fresh(mail).state == Mail.State.SENT


def test_a_mail_can_be_stopped_with_one_click(field: Field, server: Controller, mood: Mood) -> None:
    waiting(field, field.pm)
    send(server, 0)
    sent = message_from_bytes(mood.taken[0].content)  # type: ignore[arg-type]
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/mail/stop/" in sent["List-Unsubscribe"]


def test_an_address_refused_for_good_is_disabled_and_the_others_get_theirs(
    field: Field, server: Controller, mood: Mood
) -> None:
    refused, other = waiting(field, field.pm, field.admin)
    mood.refuses[field.pm.email] = "550 no such user"
    assert send(server, 0) == 1
    assert fresh(refused).state == Mail.State.DEAD
    assert fresh(other).state == Mail.State.SENT
    field.pm.refresh_from_db()
    field.admin.refresh_from_db()
    assert "no such user" in field.pm.email_refused
    assert field.admin.email_refused == ""


def test_notices_to_a_refused_address_are_given_up_and_say_so(field: Field) -> None:
    update(field.pm, email_refused="550 no such user")
    field.paused()
    field.cycles(0)
    assert outbox.compose_due_mails(now=after(2)) == 0
    assert Notice.objects.get().skipped == "address refused"


def test_an_address_refused_for_now_is_tried_again(
    field: Field, server: Controller, mood: Mood
) -> None:
    (mail,) = waiting(field, field.pm)
    mood.refuses[field.pm.email] = "451 greylisted"
    assert send(server, 0) == 0
    assert send(server, 0) == 0
    assert fresh(mail).attempts == 1
    mood.refuses.clear()
    assert send(server, 1) == 1
    assert fresh(mail).state == Mail.State.SENT


def test_a_mail_that_the_server_does_not_want_is_dead_and_its_address_is_not(
    field: Field, server: Controller, mood: Mood
) -> None:
    (mail,) = waiting(field, field.pm)
    mood.after_data = ["554 looks like spam"]
    send(server, 0)
    assert fresh(mail).state == Mail.State.DEAD
    field.pm.refresh_from_db()
    assert field.pm.email_refused == ""


def test_an_answer_lost_after_data_repeats_the_mail_under_the_same_id(
    field: Field, server: Controller, mood: Mood
) -> None:
    (mail,) = waiting(field, field.pm)
    mood.after_data = ["drop"]
    assert send(server, 0) == 0
    assert send(server, 5) == 1
    assert send(server, 10) == 0
    assert mood.ids() == [mail.message_id, mail.message_id]


def test_waits_grow_and_stay_below_four_minutes(field: Field) -> None:
    (mail,) = waiting(field, field.pm)
    waits, at, rng = [], factories.NOW, random.Random(7)  # noqa: S311 (waits, not secrets)
    for _ in range(12):
        outbox.send_due(now=at, connect=_nobody, rng=rng)
        at = fresh(mail).next_try_at
        waits.append(at)
    spans = [b - a for a, b in zip([factories.NOW, *waits], waits, strict=False)]
    assert spans[0] <= timedelta(seconds=11)
    assert timedelta(minutes=2) <= spans[-1] <= timedelta(seconds=241)


def _nobody() -> Any:
    """A server that is not there."""
    smtp = "django.core.mail.backends.smtp.EmailBackend"
    return get_connection(smtp, host="127.0.0.1", port=1, timeout=1)


def test_a_mail_is_given_up_after_a_day_and_not_before(field: Field) -> None:
    (mail,) = waiting(field, field.pm)
    outbox.send_due(now=after(24 * 60 - 5), connect=_nobody)
    assert fresh(mail).state == Mail.State.WAITING
    outbox.send_due(now=after(24 * 60), connect=_nobody)
    assert fresh(mail).state == Mail.State.DEAD
    assert "refused" in fresh(mail).error


def test_with_no_server_there_a_round_tries_one_mail_and_leaves_the_rest_due(field: Field) -> None:
    waiting(field, field.pm, field.admin)
    outbox.send_due(now=after(0), connect=_nobody)
    assert sorted(mail.attempts for mail in mails()) == [0, 1]


def test_a_leased_mail_is_left_alone_until_its_lease_ends(
    field: Field, server: Controller, mood: Mood
) -> None:
    (mail,) = waiting(field, field.pm)
    update(mail, leased_until=after(5), attempts=1)  # a worker died with it
    assert send(server, 4) == 0
    assert send(server, 5) == 1
    assert mood.ids() == [mail.message_id]


def test_a_worker_whose_lease_ran_out_does_not_overwrite_what_came_after(field: Field) -> None:
    (mail,) = waiting(field, field.pm)

    def stolen() -> Any:
        update(mail, state=Mail.State.SENT, leased_until=None, sent_at=after(1))
        return _nobody()

    outbox.send_due(now=after(0), connect=stolen)
    assert fresh(mail).state == Mail.State.SENT
    assert fresh(mail).error == ""


def test_a_test_mail_goes_the_way_of_all_mail(field: Field, server: Controller, mood: Mood) -> None:
    assert outbox.compose_test(to=field.pm, now=after(0))
    assert send(server, 0) == 1
    assert mood.addresses() == [field.pm.email]


def test_without_a_mail_server_mail_is_written_to_files(
    field: Field, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    waiting(field, field.pm, field.admin)
    files = "django.core.mail.backends.filebased.EmailBackend"
    sent = outbox.send_due(now=after(0), connect=lambda: get_connection(files))
    assert sent == 2
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert all(mail.message_id in written for mail in mails())


class Elsewhere(BaseEmailBackend):
    """A mail back-end of somebody else, that knows no SMTP."""

    def __init__(self, does: Any) -> None:
        super().__init__()
        self.does = does

    def send_messages(self, email_messages: Any) -> int:
        answer = self.does.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)


def test_a_back_end_that_raises_what_it_likes_costs_its_mail_a_wait_and_others_nothing(
    field: Field,
) -> None:
    first, second = waiting(field, field.pm, field.admin)
    does = [KeyError("quota"), 1, 1]
    assert outbox.send_due(now=after(0), connect=lambda: Elsewhere(does)) == 1
    assert fresh(first).error == "MailRefused: KeyError: 'quota'"
    assert fresh(second).state == Mail.State.SENT
    assert outbox.send_due(now=after(1), connect=lambda: Elsewhere(does)) == 1


def test_a_back_end_that_took_nothing_is_asked_again(field: Field) -> None:
    (mail,) = waiting(field, field.pm)
    does = [0, 1]
    assert outbox.send_due(now=after(0), connect=lambda: Elsewhere(does)) == 0
    assert fresh(mail).state == Mail.State.WAITING
    assert outbox.send_due(now=after(1), connect=lambda: Elsewhere(does)) == 1


def test_three_send_at_once_and_a_fourth_leaves_its_thread_to_others(field: Field) -> None:
    mails = waiting(field, *(factories.person("editor", field.account) for _ in range(4)))
    for mail in mails[:3]:
        update(mail, leased_until=after(5))
    assert outbox.send_due(now=after(0), connect=lambda: Elsewhere([1])) == 0
    update(mails[0], leased_until=None, state=Mail.State.SENT)
    assert outbox.send_due(now=after(0), connect=lambda: Elsewhere([1])) == 1
