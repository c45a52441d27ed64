"""Annotations for the frame of every page, read together with a person's memberships.

Constant SQL as in `querysets.expressions`, because every page reads it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, DateTimeField, F, Field, IntegerField
from django.db.models.expressions import RawSQL

from dashboard.fielding.models.querysets.items import items_of_member

_TO_DO = f"SELECT COUNT(*) FROM {items_of_member('fielding_membership')} AND i.state = 'to_do'"  # noqa: S608
_DOWNTIME = "SELECT s.{} FROM fielding_downtime s ORDER BY s.ended_at DESC LIMIT 1"
_PULSE = "SELECT s.at FROM fielding_heartbeat s WHERE s.name ="


def page_frame_annotations() -> dict[str, F | RawSQL]:
    """Return annotations of a membership: its account's state, own items, Fieldwatch's state."""
    waiting = "SELECT MIN(s.created_at) FROM fielding_mail s WHERE s.state = 'waiting'"
    return {
        "connected_at": F("account__created_at"),
        "of": F("account_id"),
        "polled": F("account__polling"),
        "health": F("account__health"),
        "to_do": _sql(_TO_DO, IntegerField()),
        "critical": _sql(f"{_TO_DO} AND i.critical", IntegerField()),
        "detected_at": _sql(f"{_PULSE} 'time'", DateTimeField()),
        "delivered_at": _sql(f"{_PULSE} 'deliver'", DateTimeField()),
        "unsent_since": _sql(waiting, DateTimeField()),
        "worked_at": _sql(f"{_PULSE} 'work'", DateTimeField()),
        "off_from": _sql(_DOWNTIME.format("began_at"), DateTimeField()),
        "off_until": _sql(_DOWNTIME.format("ended_at"), DateTimeField()),
        "off_why": _sql(_DOWNTIME.format("cause"), CharField()),
    }


def _sql(query: str, kind: Field[Any, Any]) -> RawSQL:
    return RawSQL(f"({query})", [], output_field=kind)  # noqa: S611
