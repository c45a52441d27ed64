"""Changes of shared statuses, each stored together with its row in the audit log."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from dashboard.fielding.models import (
    AuditKind,
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
    TargetGroup,
    User,
)
from dashboard.web.auth import audit

TOKEN_BYTES = 32


def store_status(shared: SharedStatus) -> SharedStatus:
    """Store the status of a project that has none yet; return the stored one."""
    if shared.pk is not None:
        return shared
    stored, _ = SharedStatus.objects.get_or_create(
        project=shared.project,
        defaults={
            "account": shared.account,
            "created_by": shared.created_by,
            "created_at": shared.created_at,
        },
    )
    return stored


def store_selection(
    *, groups: Sequence[TargetGroup], title: str, by: User, now: datetime
) -> SharedStatus:
    """Store the status of selected groups of one account."""
    with transaction.atomic():
        shared = SharedStatus.objects.create(
            account_id=groups[0].account_id, title=title, created_by=by, created_at=now
        )
        shared.groups.set(groups)
    return shared


def create_link(
    request: HttpRequest,
    *,
    shared: SharedStatus,
    by: User,
    days: int,
    form_token: str,
    now: datetime,
) -> str | None:
    """Create a link and return its address, which is known only now; None if the form was sent
    before."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        with transaction.atomic():
            link = StatusLink.objects.create(
                status=shared,
                token_hash=hash_token(token),
                form_token=form_token,
                created_by=by,
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
            audit.record(
                request,
                AuditKind.STATUS_LINK_CREATED,
                account=shared.account,
                target=shared.heading,
                details={"link": link.pk, "days": days},
            )
    except IntegrityError:
        return None
    return f"{settings.FIELDWATCH_URL}{reverse('shared-status', args=[token])}"


def revoke_link(request: HttpRequest, *, link: StatusLink, by: User, now: datetime) -> bool:
    """Revoke a link; False if it was revoked already."""
    with transaction.atomic():
        rows = StatusLink.objects.filter(pk=link.pk, revoked_at=None)
        if not rows.update(revoked_at=now, revoked_by=by):
            return False
        audit.record(
            request,
            AuditKind.STATUS_LINK_REVOKED,
            account=link.status.account,
            target=link.status.heading,
            details={"link": link.pk},
        )
    return True


def find_working_link(token: str, *, now: datetime) -> StatusLink | None:
    """Return the link of a token; None for one that is unknown, expired, revoked or lost its
    right."""
    links = StatusLink.objects.working(now).select_related("status__project", "created_by")
    return links.filter(token_hash=hash_token(token)).first()


def count_opening(link: StatusLink, *, now: datetime) -> None:
    """Count that a link was opened."""
    StatusLink.objects.filter(pk=link.pk).update(opened_at=now, opened_count=F("opened_count") + 1)


def hash_token(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def save_schedule(
    request: HttpRequest,
    *,
    shared: SharedStatus,
    by: User,
    addresses: Sequence[str],
    days: str,
    at: time,
    now: datetime,
) -> StatusSchedule:
    """Store to whom a status is mailed and when; from now on on this person's clock.

    An address that a mail server refused is tried again. One that unsubscribed stays so.
    """
    with transaction.atomic():
        schedule, _ = StatusSchedule.objects.update_or_create(
            status=shared, defaults={"person": by, "days": days, "at": at, "changed_at": now}
        )
        schedule.addresses.exclude(address__in=addresses).filter(removed_at=None).update(
            removed_at=now
        )
        known = schedule.addresses.filter(address__in=addresses)
        known.update(removed_at=None, refused="")
        missing = set(addresses) - set(known.values_list("address", flat=True))
        StatusAddress.objects.bulk_create(
            StatusAddress(schedule=schedule, address=address) for address in sorted(missing)
        )
        _record_schedule(request, shared, {"addresses": [*addresses], "days": days, "at": at})
    return schedule


def stop_schedule(request: HttpRequest, *, schedule: StatusSchedule) -> None:
    """Stop the emails of a status; its addresses are kept."""
    with transaction.atomic():
        StatusSchedule.objects.filter(pk=schedule.pk).update(days="")
        _record_schedule(request, schedule.status, {"stopped": True})


def _record_schedule(
    request: HttpRequest, shared: SharedStatus, details: dict[str, object]
) -> None:
    audit.record(
        request,
        AuditKind.STATUS_EMAILS_CHANGED,
        account=shared.account,
        target=shared.heading,
        details=details,
    )
