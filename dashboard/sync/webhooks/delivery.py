"""Webhook deliveries. An event is a hint: it makes its group due, and a poll confirms it.

Nothing here waits for the network or for Redis: a delivery is one short transaction, and the beat
picks up what it made due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

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
    """The HTTP status to answer with, and the reason for a refusal."""

    status: int
    reason: str = ""


def accept_delivery(*, webhook: Webhook, header: str, body: bytes, now: datetime) -> DeliveryResult:
    """Verify one delivery, store its event once and make its group due; count a refusal."""
    result = _verify_and_store(webhook, header, body, now)
    if result.reason:
        count_refused_delivery(account_id=webhook.account_id, reason=result.reason, now=now)
    return result


def count_refused_delivery(*, account_id: int, reason: str, now: datetime) -> None:
    """Count a delivery that was refused, by hour and reason."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    counts = WebhookRefusal.objects.filter(account_id=account_id, hour=hour, reason=reason)
    if counts.update(times=F("times") + 1):
        return
    try:
        with transaction.atomic():
            WebhookRefusal.objects.create(account_id=account_id, hour=hour, reason=reason)
    except IntegrityError:  # another process created the row at the same moment
        counts.update(times=F("times") + 1)


def delete_old_events(*, now: datetime) -> None:
    """Delete events and counts that are older than WEBHOOK_DAYS."""
    before = now - timedelta(days=settings.WEBHOOK_DAYS)
    WebhookEvent.objects.filter(received_at__lt=before).delete()
    WebhookRefusal.objects.filter(hour__lt=before).delete()


def _verify_and_store(webhook: Webhook, header: str, body: bytes, now: datetime) -> DeliveryResult:
    secrets = _valid_secrets(webhook, now)
    if not secrets:  # registration under way: the exchange knows the secret before we do
        return DeliveryResult(503, "not registered yet")
    if reason := webhook_signature.reason_to_refuse(
        header,
        body,
        secrets=secrets,
        now=now.timestamp(),
        tolerance=settings.WEBHOOK_TOLERANCE_SECONDS,
    ):
        return DeliveryResult(401, reason)
    try:
        text = repair(as_utf8(body))
        event = msgspec.json.decode(text, type=Envelope)
    except (msgspec.MsgspecError, RecursionError):
        return DeliveryResult(400, "not an event")
    if UNREADABLE in event.id:  # it could be mistaken for another event's id
        return DeliveryResult(400, "not an event")
    if not event.id or len(event.id) > 200:
        return DeliveryResult(400, "no event id")
    _store_event(webhook.account_id, event, text.decode(), now)
    return DeliveryResult(204)


def _valid_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that are valid now; for a while after a rotation, the earlier one too."""
    earlier = webhook.earlier_until is not None and now < webhook.earlier_until
    both = (webhook.secret, webhook.earlier_secret if earlier else "")
    return [secret for secret in both if secret]


def _store_event(account_id: int, event: Envelope, raw: str, now: datetime) -> None:
    """Store an event with its consequences in one transaction; a known event changes nothing."""
    name = limits.fit_text(event.id)
    if WebhookEvent.objects.filter(account_id=account_id, event_id=name).exists():
        return
    data = event.data if isinstance(event.data, dict) else {}
    group, project = _id_in(data, "target_group_id"), _id_in(data, "project_id")
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
            _make_due(account_id, event.type, group, project, now)
            if event.type == CHANGED and group:
                _store_facts(account_id, group, data, now)
    except IntegrityError:  # the same event arrived twice at the same moment
        return


def _store_facts(account_id: int, group: str, data: Mapping[str, object], now: datetime) -> None:
    """Store the event's values as facts that outrank stale readings; check open edits now.

    The values themselves are never stored as if they had been read.
    """
    facts = fresh.facts_of_event(data.get("changes"), data.get("occurred_at"), now=now)
    fresh.store_facts(account_id=account_id, exchange_id=group, facts=facts, now=now)
    waiting = Edit.objects.filter(
        account=account_id, group__exchange_id=group, state=Edit.State.UNKNOWN, check_at__gt=now
    )
    waiting.update(check_at=now)


def _id_in(data: Mapping[str, object], name: str) -> str:
    """An id of the exchange in an event's data: text or number; empty for anything else."""
    value = data.get(name)
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return limits.fit_text(str(value))[:64] if is_id else ""


def _make_due(account_id: int, kind: str, group: str, project: str, now: datetime) -> None:
    """Make the project of an event due; the account's own list if the event's subject is unknown.

    A changed group is read soon, whatever its row says. Other events only change figures, which
    the row shows: they cause no more rounds than an active group does.
    """
    changed = kind == CHANGED
    subject = Q(target_groups__exchange_id=group) if group else Q(exchange_id=project)
    known = Project.objects.filter(subject, account_id=account_id).select_related("account").first()
    if known is None:
        known = Project.objects.filter(account_id=account_id, exchange_id=project).first()
    if known is None:
        lists = ExchangeAccount.objects.filter(pk=account_id, polling=True)
        _due_by(lists, now, scheduling.FLOOR)
        return
    if project not in ("", known.exchange_id):  # the group may have moved there
        _make_due(account_id, kind, "", project, now)
    if changed:
        Project.objects.filter(pk=known.pk).update(webhook_changed_at=now)
        TargetGroup.objects.filter(account_id=account_id, exchange_id=group).update(
            webhook_changed_at=now
        )
    floor = scheduling.FLOOR if changed else scheduling.poll_every(known.account)
    _due_by(Project.objects.filter(pk=known.pk), now, floor)


def _due_by(
    rows: QuerySet[Project] | QuerySet[ExchangeAccount], now: datetime, floor: timedelta
) -> None:
    """Make rows due now, or `floor` after the last reading; never later than they were due."""
    last = rows.values_list("read_at", flat=True).first()
    at = max(now, last + floor) if last else now
    rows.filter(Q(due_at=None) | Q(due_at__gt=at)).update(due_at=at)
