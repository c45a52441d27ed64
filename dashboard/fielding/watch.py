"""What the frame of every page tells, read along with what a person may do: no query of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce

from dashboard.fielding.subqueries import all_of, one, open_incidents

MOST_URGENT = 1  # critical


def watched() -> dict[str, Any]:
    """Annotations of a membership: open incidents of its account, and the alert machine's pulse."""
    return {
        "firing": _counted(),
        "urgent": _counted(severity=MOST_URGENT),
        "detected_at": one(all_of("Pulse").filter(name="time"), "at"),
        "delivered_at": one(all_of("Pulse").filter(name="deliver"), "at"),
        "unsent_since": _waiting(),
    }


def _counted(**only: Any) -> Coalesce:
    rows = open_incidents().filter(account=OuterRef("account"), **only)
    number = rows.order_by().values("account").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number), 0, output_field=IntegerField())


def _waiting() -> Subquery:
    """Since when the oldest mail waits."""
    rows = all_of("Mail").filter(state="waiting").order_by().values("state")
    return Subquery(rows.annotate(oldest=Min("created_at")).values("oldest"))
