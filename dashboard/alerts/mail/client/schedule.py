"""Scheduled statuses: once a chosen day to each address, at an hour of the sharing person's clock.

A day's email to an address is one row of the outbox, which is unique: workers that compose at the
same time, and one that dies part-way, never store it twice; the outbox then sends it under its one
Message-ID.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from dashboard.alerts.mail.client.body import render_client_status
from dashboard.alerts.mail.client.stop_link import stop_url
from dashboard.alerts.mail.compose import MailBody
from dashboard.alerts.mail.immediate import message_id
from dashboard.alerts.mail.preferences import due_day
from dashboard.fielding.compiled_queries import CompiledQuery
from dashboard.fielding.domain.text import one_line
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.client.status import load_client_status
from dashboard.fielding.models import Mail, StatusAddress, StatusSchedule


def compose_due_statuses(*, now: datetime) -> int:
    """Store the statuses that are due; return how many."""
    stored = 0
    for schedule in _WORKING():
        zone = zone_named(schedule.person.time_zone)
        day = due_day(schedule.days, schedule.at, zone=zone, since=schedule.changed_at, now=now)
        if day:
            stored += _store_day(schedule, day, now=now)
    return stored


# Saves 1 to 2 ms of an idle beat.
_WORKING = CompiledQuery(
    lambda: StatusSchedule.objects.working().select_related("person", "status__project")
)


def _store_day(schedule: StatusSchedule, day: date, *, now: datetime) -> int:
    """Store a day's emails that are missing; none before the first figures were read."""
    addresses = StatusAddress.objects.mailable().filter(schedule=schedule)
    missing = list(addresses.exclude(mails__status_day=day))
    if not missing:
        return 0
    zone = zone_named(schedule.person.time_zone)
    status = load_client_status(schedule.status, zone=zone, now=now)
    if status.read_at is None:
        return 0
    stored = 0
    for address in missing:
        body = render_client_status(status, zone=zone, now=now, stop=stop_url(address.pk))
        stored += _store_mail(schedule, address, body, day=day, now=now)
    return stored


def _store_mail(
    schedule: StatusSchedule, address: StatusAddress, body: MailBody, *, day: date, now: datetime
) -> bool:
    """Put a day's email to an address into the outbox; False if another worker did."""
    try:
        with transaction.atomic():
            Mail.objects.create(
                account_id=schedule.status.account_id,
                project_id=schedule.status.project_id,
                recipient=schedule.person,
                address=address.address,
                message_id=message_id(),
                subject=one_line(body.subject)[:300],
                text=body.text,
                html=body.html,
                purpose=Mail.Purpose.STATUS,
                created_at=now,
                next_try_at=now,
                status_address=address,
                status_day=day,
            )
    except IntegrityError:
        return False
    return True


def is_status_unwanted(mail: Mail) -> bool:
    """Return whether a stored status must not be sent any more.

    Its addressee unsubscribed or was removed, or its person may not share it any more.
    """
    if mail.status_address_id is None:
        return True
    wanted = StatusAddress.objects.mailable().filter(pk=mail.status_address_id)
    working = StatusSchedule.objects.working().filter(addresses=mail.status_address_id)
    return not (wanted.exists() and working.exists())
