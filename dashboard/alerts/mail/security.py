"""Mails about how people sign in: invitations, links for passwords, changes of the ways in.

They go through the outbox like alerts: a mail server that is away delays them, and administrators
see them wait. Their text may hold a link that opens an account, so it is stored encrypted and
blanked as soon as the mail is sent or given up.
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
    """Put a mail into the outbox; None for somebody whose account is closed: they get none.

    `address`: where it goes if not to the person's own address.
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


def tell_factor_reset(*, user: User, by: str, now: datetime) -> None:
    """Tell a person that their second factor was taken away, and by whom."""
    words = {"user": user, "by": by, "when": now, "home": f"{settings.FIELDWATCH_URL}/"}
    queue_mail(
        to=user,
        subject="Fieldwatch: your second factor was reset",
        text=render_to_string("account/email/factor_reset_message.txt", words),
        purpose=Mail.Purpose.SECURITY,
        now=now,
    )
