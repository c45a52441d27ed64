"""What the exchange tells unasked. An event is a hint: it makes its group due, a poll confirms.

Nothing here waits for the network or for Redis: a delivery is one short transaction, and the beat
finds what it made due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from dashboard.exchange import webhook_signature
from dashboard.exchange.repair import UNREADABLE, as_utf8, repair
from dashboard.exchange.shapes.webhooks import Envelope
from dashboard.fielding.models import (
    Edit,
    ExchangeAccount,
    Project,
    TargetGroup,
    Webhook,
    WebhookEvent,
    WebhookRefusal,
)
from dashboard.sync import scheduling
from dashboard.sync.columns import limits
from dashboard.sync.edits import fresh

LARGEST_BODY = 256 * 1024  # bytes
CHANGED = "com.cint.target-group.updated"
KNOWN = (CHANGED, "com.cint.quota-fill.registered", "com.cint.session.updated")


class DeliveryResult(NamedTuple):
    """How a delivery was taken: its HTTP status, and why it was refused if it was."""

    status: int
    reason: str = ""


def accept_delivery(*, webhook: Webhook, header: str, body: bytes, now: datetime) -> DeliveryResult:
    """Take one delivery: believed, stored once, and its group due. What is refused is counted."""
    heard = _judge(webhook, header, body, now)
    if heard.reason:
        count_refused_delivery(account_id=webhook.account_id, reason=heard.reason, now=now)
    return heard


def count_refused_delivery(*, account_id: int, reason: str, now: datetime) -> None:
    """Count a delivery that was not taken."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    counts = WebhookRefusal.objects.filter(account_id=account_id, hour=hour, reason=reason)
    if counts.update(times=F("times") + 1):
        return
    try:
        with transaction.atomic():
            WebhookRefusal.objects.create(account_id=account_id, hour=hour, reason=reason)
    except IntegrityError:  # somebody else began to count this very moment
        counts.update(times=F("times") + 1)


def delete_old_events(*, now: datetime) -> None:
    """Delete events and counts that are older than WEBHOOK_DAYS."""
    before = now - timedelta(days=settings.WEBHOOK_DAYS)
    WebhookEvent.objects.filter(received_at__lt=before).delete()
    WebhookRefusal.objects.filter(hour__lt=before).delete()


def _judge(webhook: Webhook, header: str, body: bytes, now: datetime) -> DeliveryResult:
    secrets = _secrets(webhook, now)
    if not secrets:  # being registered: the exchange knows the secret before we do
        return DeliveryResult(503, "not registered yet")
    if why := webhook_signature.reason_to_refuse(
        header,
        body,
        secrets=secrets,
        now=now.timestamp(),
        tolerance=settings.WEBHOOK_TOLERANCE_SECONDS,
    ):
        return DeliveryResult(401, why)
    try:
        text = repair(as_utf8(body))
        event = msgspec.json.decode(text, type=Envelope)
    except (msgspec.MsgspecError, RecursionError):
        return DeliveryResult(400, "not an event")
    if UNREADABLE in event.id:  # it would be taken for another's
        return DeliveryResult(400, "not an event")
    if not event.id or len(event.id) > 200:
        return DeliveryResult(400, "no event id")
    _store(webhook.account_id, event, text.decode(), now)
    return DeliveryResult(204)


def _secrets(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that are good now; the one before the last rotation for a while."""
    earlier = webhook.earlier_until is not None and now < webhook.earlier_until
    both = (webhook.secret, webhook.earlier_secret if earlier else "")
    return [secret for secret in both if secret]


def _store(account_id: int, event: Envelope, raw: str, now: datetime) -> None:
    """Keep an event and what follows from it, both or neither; one that is known does nothing."""
    name = limits.fit_text(event.id)
    if WebhookEvent.objects.filter(account_id=account_id, event_id=name).exists():
        return
    group, project = _id(event.data, "target_group_id"), _id(event.data, "project_id")
    try:
        with transaction.atomic():
            WebhookEvent.objects.create(
                account_id=account_id,
                event_id=name,
                kind=limits.fit_text(event.type)[:100],
                target_group=group,
                raw=raw,
                received_at=now,
            )
            _bring_forward(account_id, event.type, group, project, now)
            if event.type == CHANGED and group:
                _note_values(account_id, group, event.data, now)
    except IntegrityError:  # the same event came twice at this very moment
        return


def _note_values(account_id: int, group: str, data: Any, now: datetime) -> None:
    """What the event says is held now outdoes a reading that is behind; open edits are looked at.

    The values themselves are never stored as if they had been read.
    """
    facts = fresh.of_event(data.get("changes"), data.get("occurred_at"), now=now)
    fresh.hear(account_id=account_id, exchange_id=group, facts=facts, now=now)
    waiting = Edit.objects.filter(
        account=account_id, group__exchange_id=group, state=Edit.State.UNKNOWN, check_at__gt=now
    )
    waiting.update(check_at=now)


def _id(data: Any, name: str) -> str:
    """An id of the exchange among an event's data: text or number; empty for anything else."""
    value = data.get(name) if isinstance(data, dict) else None
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return limits.fit_text(str(value))[:64] if is_id else ""


def _bring_forward(account_id: int, kind: str, group: str, project: str, now: datetime) -> None:
    """Make due what an event is about; the account's own list where it is about something new.

    A change of a group has it asked whatever its row says, and soon. Other events only move
    figures, which the row shows: they cost no more rounds than a group that moves.
    """
    changed = kind == CHANGED
    of = Q(target_groups__exchange_id=group) if group else Q(exchange_id=project)
    known = Project.objects.filter(of, account_id=account_id).select_related("account").first()
    if known is None:
        known = Project.objects.filter(account_id=account_id, exchange_id=project).first()
    if known is None:
        lists = ExchangeAccount.objects.filter(pk=account_id, polling=True)
        _due_by(lists, now, scheduling.FLOOR)
        return
    if project not in ("", known.exchange_id):  # the group may have moved there
        _bring_forward(account_id, kind, "", project, now)
    if changed:
        Project.objects.filter(pk=known.pk).update(webhook_changed_at=now)
        TargetGroup.objects.filter(account_id=account_id, exchange_id=group).update(
            webhook_changed_at=now
        )
    floor = scheduling.FLOOR if changed else scheduling.poll_every(known.account)
    _due_by(Project.objects.filter(pk=known.pk), now, floor)


def _due_by(of: Any, now: datetime, floor: timedelta) -> None:
    """Due now, or `floor` after it was last read; never later than it was due already."""
    last = of.values_list("read_at", flat=True).first()
    at = max(now, last + floor) if last else now
    of.filter(Q(due_at=None) | Q(due_at__gt=at)).update(due_at=at)
