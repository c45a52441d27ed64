"""Mails about sign-in: invitations, password links, changes of sign-in methods.

They go through the outbox like alerts: a mail server that is down delays them, and administrators
see them waiting. Their text can contain a link that opens a user account, so it is stored encrypted
and removed as soon as the mail is sent or given up.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string

from dashboard.alerts.mail.immediate import message_id
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.models import ExchangeAccount, Mail, User
from dashboard.fielding.models.fields import seal


def queue_mail(
    *,
    to: User,
    subject: str,
    text: str,
    purpose: Mail.Purpose,
    now: datetime,
    address: str = "",
    account: ExchangeAccount | None = None,
) -> Mail | None:
    """Put a mail into the outbox; None for a closed user account, which gets no mail.

    address: where it goes if not to the person's own address.
    """
    if to.closed_at:
        return None
    return Mail.objects.create(
        account=account,
        recipient=to,
        address=address or to.email,
        message_id=message_id(),
        subject=one_line(subject)[:300],
        text="",
        sealed=seal(text),
        purpose=purpose,
        created_at=now,
        next_try_at=now,
    )


def notify_two_factor_reset(*, user: User, by: str, now: datetime) -> None:
    """Notify a person that their two-factor authentication was reset, and by whom."""
    context = {"user": user, "by": by, "when": now, "home": f"{settings.FIELDWATCH_URL}/"}
    queue_mail(
        to=user,
        subject="Fieldwatch: your two-factor authentication was reset",
        text=render_to_string("account/email/factor_reset_message.txt", context),
        purpose=Mail.Purpose.SECURITY,
        now=now,
    )


def notify_token_created(
    *, user: User, subject: str, name: str, reads: str, where: str, page: str, now: datetime
) -> None:
    """Notify a person that something of theirs now opens what they may see, without a password.

    subject: such as "an API token was created". where: the IP address it came from. page: the path
    of the page that revokes it.
    """
    context = {
        "user": user,
        "subject": subject,
        "name": name,
        "reads": reads,
        "where": where,
        "when": now,
        "page": f"{settings.FIELDWATCH_URL}{page}",
    }
    queue_mail(
        to=user,
        subject=f"Fieldwatch: {subject}",
        text=render_to_string("account/email/token_created_message.txt", context),
        purpose=Mail.Purpose.SECURITY,
        now=now,
    )
