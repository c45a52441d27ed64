"""What has come by mail: the outbox is worked off first, as a worker does every few seconds."""

from __future__ import annotations

from django.core import mail
from django.core.mail import EmailMessage
from django.utils import timezone

from dashboard.alerts.mail import outbox


def delivered() -> list[EmailMessage]:
    """Every mail that was delivered in this test, the oldest first."""
    outbox.send_due(now=timezone.now())
    messages: list[EmailMessage] = mail.outbox
    return messages
