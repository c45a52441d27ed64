"""From notices to mail that a server took: compose and freeze, then lease, send, mark.

A mail is frozen with its Message-ID before it is sent. Whoever dies in between leaves a lease that
runs out, and the same mail is sent again under the same Message-ID.
"""

from __future__ import annotations

import contextlib
import random
import smtplib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q

from dashboard.alerts import heartbeat
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.mail import compose as letter
from dashboard.alerts.mail import digest, immediate, unsubscribe
from dashboard.fielding.models import Mail, User
from dashboard.fielding.models.alerts import ACCOUNT_CLOSED
from dashboard.fielding.models.fields import unseal

LEASE = timedelta(minutes=5)  # longer than a server can take: six answers of EMAIL_TIMEOUT each
FIRST_WAIT, LONGEST_WAIT = 10.0, 240.0  # seconds
GIVES_UP = DAY
SENDERS = 3  # at once, so that a slow server leaves threads to those who read the exchange
ROUND = timedelta(seconds=60)


def compose_due_mails(*, now: datetime) -> int:
    """Freeze the mails whose time has come; how many."""
    immediate.skip_unmailable(now=now)
    return immediate.compose_now(now=now) + digest.compose_due(now=now)


def compose_test(*, to: User, now: datetime) -> Mail:
    """Put a test mail to a person into the outbox; an address that was refused is tried again."""
    User.objects.filter(pk=to.pk).update(email_refused="")
    words = letter.render_mail(
        "test",
        "Fieldwatch can send you mail",
        {
            "why": "You get this because somebody asked for a test mail.",
            "stop": unsubscribe.unsubscribe_url(to, unsubscribe.NOW),
            "home": f"{settings.FIELDWATCH_URL}/",
        },
    )
    return immediate.outbox_mail(to, words, set(), now=now)


def send_test(*, to: User, now: datetime) -> Mail:
    """Send a test mail at once, as any other goes; the mail as it then is."""
    mail = compose_test(to=to, now=now)
    with contextlib.suppress(MailServerUnreachable):  # the mail says so
        _send(mail.pk, get_connection, clock=lambda: now, rng=random.SystemRandom())
    return Mail.objects.get(pk=mail.pk)


def send_due(
    *,
    now: datetime,
    limit: int = 50,
    connect: Callable[[], BaseEmailBackend] = get_connection,
    rng: random.Random | None = None,
) -> int:
    """Send up to `limit` waiting mails; how many a server took. Each is leased just before."""
    began = time.monotonic()
    heartbeat.record_heartbeat("deliver", now=now)

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    waiting = Mail.objects.filter(state=Mail.State.WAITING)
    if waiting.filter(leased_until__gt=now).count() >= SENDERS:
        return 0
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = waiting.filter(free, next_try_at__lte=now)
    sent = 0
    chance = rng or random.SystemRandom()
    for pk in list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:limit]):
        if clock() - now > ROUND:
            break
        try:
            sent += _send(pk, connect, clock=clock, rng=chance)
        except MailServerUnreachable:
            break  # nobody answers: the others wait for the next round, not for time-outs
    return sent


class MailServerUnreachable(OSError):
    """No mail server took the connection."""


class NotTaken(smtplib.SMTPException):
    """A mail back-end did not take a mail, in its own words."""


def _send(
    pk: int,
    connect: Callable[[], BaseEmailBackend],
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
) -> bool:
    """Lease a mail, hand it over, mark what came of it; whether a server took it."""
    mail = _lease(pk, now=clock())
    if mail is None:
        return False
    if _is_unwanted(mail):
        return False
    try:
        _hand_over(mail, connect)
    except (smtplib.SMTPException, OSError, ValueError) as exc:
        _failed(mail, exc, now=clock(), rng=rng)
        if isinstance(exc, MailServerUnreachable):
            raise
        return False
    _mark(mail, state=Mail.State.SENT, sent_at=clock(), error="", sealed="")
    return True


def _is_unwanted(mail: Mail) -> bool:
    """Whether the mail is to somebody whose account was closed; then it ends here, unsent.

    The confirmation of an address seems sent: who asked must not learn whose the address is.
    """
    if mail.purpose == Mail.Purpose.ADDRESS:
        closed = User.objects.filter(email__iexact=mail.address).exclude(closed_at=None)
        if closed.exists():
            _mark(mail, state=Mail.State.SENT, sealed="")
            return True
    if mail.recipient.closed_at is None:
        return False
    _mark(mail, state=Mail.State.DEAD, error=ACCOUNT_CLOSED, sealed="")
    return True


def _hand_over(mail: Mail, connect: Callable[[], BaseEmailBackend]) -> None:
    """Give a mail to the server, over a connection of its own."""
    refused = mail.recipient.email_refused and mail.recipient.email == mail.address
    if refused and not mail.purpose:
        raise smtplib.SMTPRecipientsRefused({mail.address: (550, b"refused before")})
    try:
        validate_email(mail.address)
    except ValidationError as exc:
        raise smtplib.SMTPRecipientsRefused({mail.address: (553, b"not an address")}) from exc
    connection = connect()
    try:
        connection.open()
    except (smtplib.SMTPException, OSError) as exc:
        raise MailServerUnreachable(f"{type(exc).__name__}: {exc}") from exc
    try:
        taken = connection.send_messages([email_message(mail)])
    except (smtplib.SMTPException, OSError):
        raise
    except Exception as exc:  # back-ends of others raise what they like
        raise NotTaken(f"{type(exc).__name__}: {exc}") from exc
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the server hung up first
            connection.close()
    if taken == 0:
        raise NotTaken("the mail back-end took nothing")


def email_message(mail: Mail) -> EmailMultiAlternatives:
    """A frozen mail as it goes over the wire, the same each time."""
    headers = {
        "Message-ID": mail.message_id,
        "Date": format_datetime(mail.created_at),
        "Auto-Submitted": "auto-generated",
    }
    if not mail.purpose:  # nobody unsubscribes from mails about how they sign in
        kind = unsubscribe.DIGEST if mail.digest_day else unsubscribe.NOW
        headers |= {
            "List-Unsubscribe": f"<{unsubscribe.unsubscribe_url(mail.recipient, kind)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    made = EmailMultiAlternatives(
        mail.subject,
        unseal(mail.sealed) if mail.purpose else mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.address],
        headers=headers,
    )
    if mail.html:
        made.attach_alternative(mail.html, "text/html")
    return made


def _lease(pk: int, *, now: datetime) -> Mail | None:
    """Claim a mail for sending; None where somebody else has it."""
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    mine = Mail.objects.filter(free, pk=pk, state=Mail.State.WAITING, next_try_at__lte=now).update(
        leased_until=now + LEASE, attempts=F("attempts") + 1
    )
    return Mail.objects.select_related("recipient").get(pk=pk) if mine else None


def _mark(mail: Mail, **fields: Any) -> None:
    """Write what came of a mail, unless its lease ran out and somebody else has it now."""
    held = Mail.objects.filter(pk=mail.pk, state=Mail.State.WAITING, leased_until=mail.leased_until)
    held.update(leased_until=None, **fields)


def _failed(mail: Mail, exc: Exception, *, now: datetime, rng: random.Random) -> None:
    """Try again later, or give up: at once what a server refused for good, the rest in a day."""
    said = f"{type(exc).__name__}: {exc}"[:500]
    refused = isinstance(exc, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 for code, _ in exc.recipients.values()
    )
    unwanted = isinstance(exc, smtplib.SMTPDataError) and exc.smtp_code >= 500
    if refused or unwanted or now - mail.created_at >= GIVES_UP:
        with transaction.atomic():
            _mark(mail, state=Mail.State.DEAD, error=said, sealed="")
            if refused:
                owner = User.objects.filter(pk=mail.recipient_id, email=mail.address)
                owner.filter(email_refused="").update(email_refused=said)
        return
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(mail.attempts - 1, 10))
    wait = timedelta(seconds=rng.uniform(longest / 2, longest))
    _mark(mail, next_try_at=now + wait, error=said)
