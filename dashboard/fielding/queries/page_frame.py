"""Annotations for the frame of every page, read together with a person's memberships.

Constant SQL as in `querysets.expressions`, because every page reads it.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, DateTimeField, F, Field, IntegerField
from django.db.models.expressions import RawSQL

_HERE = "s.account_id = fielding_membership.account_id AND s.state IN ('firing', 'recovering')"
_OPEN = f"SELECT COUNT(*) FROM fielding_incident s WHERE {_HERE}"  # noqa: S608
_DOWNTIME = "SELECT s.{} FROM fielding_downtime s ORDER BY s.ended_at DESC LIMIT 1"
_PULSE = "SELECT s.at FROM fielding_heartbeat s WHERE s.name ="


def page_frame_annotations() -> dict[str, F | RawSQL]:
    """Return annotations of a membership: its account's state and alerts, and Fieldwatch's own."""
    waiting = "SELECT MIN(s.created_at) FROM fielding_mail s WHERE s.state = 'waiting'"
    return {
        "connected_at": F("account__created_at"),
        "of": F("account_id"),
        "polled": F("account__polling"),
        "health": F("account__health"),
        "firing": _sql(_OPEN, IntegerField()),
        "urgent": _sql(f"{_OPEN} AND s.severity = 1", IntegerField()),
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
