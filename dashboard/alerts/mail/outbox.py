"""From notices to delivered mail: compose and store, then lease, send, mark.

A mail is stored with its Message-ID before it is sent. A worker that dies in between leaves a lease
that runs out, and the same mail is sent again under the same Message-ID.
"""

from __future__ import annotations

import contextlib
import random
import smtplib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from dashboard.alerts import heartbeat
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.mail import compose, digest, immediate, unsubscribe
from dashboard.alerts.mail.client.schedule import compose_due_statuses, is_status_unwanted
from dashboard.alerts.mail.client.stop_link import stop_url
from dashboard.fielding.models import Mail, StatusAddress, User
from dashboard.fielding.models.alerts import ACCOUNT_CLOSED
from dashboard.fielding.models.fields import unseal

LEASE = timedelta(minutes=5)  # longer than a server can take: six replies of EMAIL_TIMEOUT each
FIRST_WAIT, LONGEST_WAIT = 10.0, 240.0  # seconds
GIVE_UP_AFTER = DAY
MAX_SENDERS = 3  # in parallel, so that a slow server leaves threads to polling
ROUND = timedelta(seconds=60)


def compose_due_mails(*, now: datetime) -> int:
    """Store the mails that are due; return how many."""
    immediate.skip_unmailable(now=now)
    stored = immediate.compose_baselines(now=now) + immediate.compose_immediate(now=now)
    stored += digest.compose_due(now=now)
    return stored + compose_due_statuses(now=now)


def compose_test(*, to: User, now: datetime) -> Mail:
    """Put a test mail to a person into the outbox; a refused address is tried again."""
    User.objects.filter(pk=to.pk).update(email_refused="")
    body = compose.render_mail(
        "test",
        "Fieldwatch test email",
        {
            "why": "You get this because a test email was requested for your address.",
            "stop": unsubscribe.unsubscribe_url(to, unsubscribe.NOW),
            "home": f"{settings.FIELDWATCH_URL}/",
        },
    )
    return immediate.outbox_mail(to, body, set(), now=now)


def send_test(*, to: User, now: datetime) -> Mail:
    """Send a test mail immediately, like any other mail; return it with its result."""
    mail = compose_test(to=to, now=now)
    with contextlib.suppress(MailServerUnreachable):  # the mail row has the error
        _send(mail.pk, get_connection, clock=lambda: now, rng=random.SystemRandom())
    return Mail.objects.get(pk=mail.pk)


def send_due(
    *,
    now: datetime,
    limit: int = 50,
    connect: Callable[[], BaseEmailBackend] = get_connection,
    rng: random.Random | None = None,
) -> int:
    """Send up to `limit` waiting mails, each leased just before; return how many were accepted."""
    began = time.monotonic()
    heartbeat.record_heartbeat("deliver", now=now)

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    waiting = Mail.objects.filter(state=Mail.State.WAITING, channel=None)
    if waiting.filter(leased_until__gt=now).count() >= MAX_SENDERS:
        return 0
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    due = waiting.filter(free, next_try_at__lte=now)
    sent = 0
    rng = rng or random.SystemRandom()
    for pk in list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:limit]):
        if clock() - now > ROUND:
            break
        try:
            sent += _send(pk, connect, clock=clock, rng=rng)
        except MailServerUnreachable:
            break  # no server answers: the others wait for the next round, not for timeouts
    return sent


class MailServerUnreachable(OSError):
    """No mail server took the connection."""


class MailRefused(smtplib.SMTPException):
    """A mail back-end did not accept a mail; the text is its own."""


def _send(
    pk: int,
    connect: Callable[[], BaseEmailBackend],
    *,
    clock: Callable[[], datetime],
    rng: random.Random,
) -> bool:
    """Lease a mail, hand it over, store the result; return whether a server accepted it."""
    mail = lease_mail(pk, now=clock())
    if mail is None:
        return False
    if _is_unwanted(mail):
        return False
    try:
        _hand_over(mail, connect)
    except (smtplib.SMTPException, OSError, ValueError) as exc:
        _mark_failed(mail, exc, now=clock(), rng=rng)
        if isinstance(exc, MailServerUnreachable):
            raise
        return False
    mark_mail(mail, state=Mail.State.SENT, sent_at=clock(), error="", sealed="")
    return True


def _is_unwanted(mail: Mail) -> bool:
    """Return whether the mail must not be sent: to a closed user account, or a status as
    `is_status_unwanted` says. It is then marked, or deleted as if it had never been due.

    The confirmation of an address is marked as sent: whoever requested it must not learn whose
    address it is.
    """
    if mail.purpose == Mail.Purpose.ADDRESS:
        closed = User.objects.filter(email__iexact=mail.address).exclude(closed_at=None)
        if closed.exists():
            mark_mail(mail, state=Mail.State.SENT, sealed="")
            return True
    if mail.purpose == Mail.Purpose.STATUS and is_status_unwanted(mail):
        leased = Mail.objects.filter(pk=mail.pk, state=Mail.State.WAITING)
        leased.filter(leased_until=mail.leased_until).delete()
        return True
    if mail.person.closed_at is None:
        return False
    mark_mail(mail, state=Mail.State.DEAD, error=ACCOUNT_CLOSED, sealed="")
    return True


def _hand_over(mail: Mail, connect: Callable[[], BaseEmailBackend]) -> None:
    """Give a mail to the server, over a connection of its own."""
    refused = mail.person.email_refused and mail.person.email == mail.address
    if refused and mail.purpose == Mail.Purpose.ALERT:
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
        accepted = connection.send_messages([email_message(mail)])
    except (smtplib.SMTPException, OSError):
        raise
    except Exception as exc:  # third-party back-ends can raise anything
        raise MailRefused(f"{type(exc).__name__}: {exc}") from exc
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the server hung up first
            connection.close()
    if accepted == 0:
        raise MailRefused("the mail server accepted no message")


def email_message(mail: Mail) -> EmailMultiAlternatives:
    """Return a stored mail as the message to send, the same on each attempt."""
    headers = {
        "Message-ID": mail.message_id,
        "Date": format_datetime(mail.created_at),
        "Auto-Submitted": "auto-generated",
    }
    if not mail.is_about_signing_in:
        headers |= {
            "List-Unsubscribe": f"<{_unsubscribe_url_of(mail)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    message = EmailMultiAlternatives(
        mail.subject,
        unseal(mail.sealed) if mail.is_about_signing_in else mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.address],
        headers=headers,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    return message


def _unsubscribe_url_of(mail: Mail) -> str:
    if mail.status_address_id is not None:
        return stop_url(mail.status_address_id)
    kind = unsubscribe.DIGEST if mail.digest_day else unsubscribe.NOW
    return unsubscribe.unsubscribe_url(mail.person, kind)


def lease_mail(pk: int, *, now: datetime) -> Mail | None:
    """Claim a mail or a message for sending; None if another worker has it.

    Where a worker died with it, nobody knows whether it arrived.
    """
    had_lease = Case(When(leased_until=None, then=F("unanswered")), default=Value(True))
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    leased = Mail.objects.filter(
        free, pk=pk, state=Mail.State.WAITING, next_try_at__lte=now
    ).update(leased_until=now + LEASE, attempts=F("attempts") + 1, unanswered=had_lease)
    rows = Mail.objects.select_related("recipient", "channel__owner")
    return rows.get(pk=pk) if leased else None


class MailResult(TypedDict, total=False):
    """The columns that the result of an attempt sets."""

    state: str
    sent_at: datetime
    next_try_at: datetime
    error: str
    sealed: str
    unanswered: bool


def mark_mail(mail: Mail, **fields: Unpack[MailResult]) -> bool:
    """Store the result of an attempt; False if the lease ran out and another worker has it."""
    leased = Mail.objects.filter(
        pk=mail.pk, state=Mail.State.WAITING, leased_until=mail.leased_until
    )
    return leased.update(leased_until=None, **fields) == 1


def _mark_failed(mail: Mail, exc: Exception, *, now: datetime, rng: random.Random) -> None:
    """Schedule another attempt, or give up: after a permanent refusal now, else after a day."""
    error = f"{type(exc).__name__}: {exc}"[:500]
    is_refused = isinstance(exc, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 for code, _ in exc.recipients.values()
    )
    is_rejected = isinstance(exc, smtplib.SMTPDataError) and exc.smtp_code >= 500
    if is_refused or is_rejected or now - mail.created_at >= GIVE_UP_AFTER:
        with transaction.atomic():
            mark_mail(mail, state=Mail.State.DEAD, error=error, sealed="")
            if is_refused:
                owner = User.objects.filter(pk=mail.person.pk, email=mail.address)
                owner.filter(email_refused="").update(email_refused=error)
                StatusAddress.objects.filter(mails=mail).update(refused=error)
        return
    mark_mail(mail, next_try_at=now + backoff(mail.attempts, rng), error=error)


def backoff(attempts: int, rng: random.Random) -> timedelta:
    """Return how long to wait after so many attempts: it doubles, up to four minutes."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return timedelta(seconds=rng.uniform(longest / 2, longest))
