"""When a person last visited the home page.

Requests less than half an hour apart are one visit; automatic refreshes do not count.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.fielding.models import User
from dashboard.web.monitoring.read_only import write_if_possible

APART = timedelta(minutes=30)
NOTED = timedelta(minutes=1)  # precision of seen_at, so that few requests write


def record_visit(user: User, *, now: datetime) -> None:
    """Record a request now; of two simultaneous requests one writes."""
    last_seen = user.seen_at
    if last_seen and now - last_seen < NOTED:
        return
    times = {"seen_at": now}
    if last_seen and now - last_seen >= APART:
        times["last_visit_at"] = last_seen

    def write() -> None:
        if User.objects.filter(pk=user.pk, seen_at=last_seen).update(**times):
            for name, moment in times.items():
                setattr(user, name, moment)

    write_if_possible(write)
