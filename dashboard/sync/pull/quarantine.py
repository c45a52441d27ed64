"""Items that could not be read: stored as they came, for administrators to see."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from django.db.models import F

from dashboard.exchange.decode import BadItem
from dashboard.fielding.models import ExchangeAccount, Quarantine
from dashboard.sync.columns import limits

LONGEST_RAW = 20_000


def unstorable_item(item: msgspec.Struct, reason: str) -> BadItem:
    """An item that was read, but that the tables cannot store."""
    ulid = getattr(item, "id", None)
    return BadItem(raw_text=msgspec.json.encode(item).decode(), reason=reason, id=ulid)


def store_bad_items(
    *, account: ExchangeAccount, items: Iterable[tuple[str, BadItem]], now: datetime
) -> None:
    """Store one row per item and operation, with how often it came."""
    for operation, item in items:
        raw = limits.fit_text(item.raw_text)[:LONGEST_RAW]
        item_id = item.id or hashlib.sha256(raw.encode(errors="replace")).hexdigest()[:32]
        row, is_new = Quarantine.objects.get_or_create(
            account=account,
            operation=operation[:100],
            item_id=item_id[:100],
            defaults={
                "reason": limits.fit_text(item.reason),
                "raw": raw,
                "first_seen_at": now,
                "last_seen_at": now,
            },
        )
        if not is_new:
            Quarantine.objects.filter(pk=row.pk).update(
                reason=limits.fit_text(item.reason), raw=raw, last_seen_at=now, times=F("times") + 1
            )
