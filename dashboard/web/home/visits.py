"""When somebody last looked at the home page. Looks less than half an hour apart are one visit; a
page that refreshes itself is none."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboard.fielding.models import User

APART = timedelta(minutes=30)
NOTED = timedelta(minutes=1)  # how exactly it is known, so that few looks write


def record_visit(user: User, *, now: datetime) -> None:
    """Move the person's moments; of two looks at once, one does."""
    seen = user.seen_at
    if seen and now - seen < NOTED:
        return
    moved = {"seen_at": now}
    if seen and now - seen >= APART:
        moved["last_visit_at"] = seen
    if User.objects.filter(pk=user.pk, seen_at=seen).update(**moved):
        for name, moment in moved.items():
            setattr(user, name, moment)
