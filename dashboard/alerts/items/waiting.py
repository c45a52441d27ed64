"""Take items out of the to-do list for a while, and back: acknowledge, assign, snooze, undo."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from dashboard.fielding.models import Incident, Item, Membership, User
from dashboard.fielding.models.querysets.expressions import OPEN_INCIDENT

DAY = timedelta(hours=24)
LONGEST_SNOOZE = timedelta(days=30)
WORSE_BY, WORSE_AT_LEAST = 0.25, 5.0  # of the value, in completes: that much more is worse
NOT_WAITING: dict[str, object] = {
    "waiting": "",
    "waiting_by": None,
    "waiting_since": None,
    "waiting_until": None,
    "waiting_value": None,
}


def acknowledge_items(items: Iterable[Item], *, by: User, now: datetime) -> list[int]:
    """Put items aside for a day, or until they get worse; return the ids of those that moved."""
    return _wait(items, Item.Waiting.ACKNOWLEDGED, by=by, until=now + DAY, now=now)


def snooze_items(
    items: Iterable[Item],
    *,
    by: User,
    now: datetime,
    until: datetime | None = None,
    worse_by: float | None = None,
) -> list[int]:
    """Put items aside until a time, until they get worse by so many completes, or either.

    ValueError without both, for a time that is not within the next 30 days, or for no increase.
    """
    if until is None and worse_by is None:
        raise ValueError("a snooze needs an end, or an increase that ends it")
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise ValueError("the end of a snooze must be in the future, at most 30 days from now")
    if worse_by is not None and worse_by < 1:
        raise ValueError("the increase that ends a snooze must be 1 complete or more")
    return _wait(
        items, Item.Waiting.SNOOZED, by=by, until=until, worse_by=worse_by, only_so=True, now=now
    )


def assign_items(items: Iterable[Item], *, to: User, by: User, now: datetime) -> list[int]:
    """Give items to a person of their accounts: to somebody else they leave one's own list.

    They stay in that person's to-do list. ValueError for a person without access.
    """
    rows = list(items)
    accounts = {item.account_id for item in rows}
    known = Membership.objects.filter(user=to, account__in=accounts, user__is_active=True)
    if set(known.values_list("account_id", flat=True)) != accounts:
        raise ValueError(f"{to} has no access to these groups")
    pks = [item.pk for item in rows]
    Item.objects.open().filter(pk__in=pks).update(
        assigned_to=to,
        state=Item.State.TO_DO,
        changed_at=now,
        **(NOT_WAITING | {"waiting_by": by, "waiting_since": now}),
    )
    return pks


def put_back_items(items: Iterable[Item], *, now: datetime) -> list[int]:
    """Return items to the to-do list, as before they were put aside or assigned.

    What was assigned and then put aside stays with the person who has it.
    """
    rows = list(items)
    pks = [item.pk for item in rows]
    given = [item.pk for item in rows if item.state == Item.State.TO_DO]
    with transaction.atomic():
        open_items = Item.objects.open()
        open_items.filter(pk__in=given).update(assigned_to=None)
        open_items.filter(pk__in=pks).update(state=Item.State.TO_DO, changed_at=now, **NOT_WAITING)
        Incident.objects.filter(item__in=pks, state__in=OPEN_INCIDENT).update(
            acknowledged_by=None, acknowledged_at=None
        )
    return pks


def return_due_items(*, now: datetime) -> int:
    """Return the items whose waiting is over to the to-do list; return how many."""
    due = Item.objects.filter(state=Item.State.WAITING, waiting_until__lte=now)
    return due.update(state=Item.State.TO_DO, changed_at=now, **NOT_WAITING)


def _wait(
    items: Iterable[Item],
    kind: Item.Waiting,
    *,
    by: User,
    until: datetime | None,
    now: datetime,
    worse_by: float | None = None,
    only_so: bool = False,
) -> list[int]:
    """Put items aside and stop the repeats of their alerts.

    only_so: a growing value returns them only by `worse_by`, not by the usual share.
    """
    moved = []
    with transaction.atomic():
        for item in items:
            limit = None if only_so else item.value + max(WORSE_BY * item.value, WORSE_AT_LEAST)
            limit = limit if worse_by is None else item.value + worse_by
            moved += [item.pk] * Item.objects.open().filter(pk=item.pk).update(
                state=Item.State.WAITING,
                waiting=kind,
                waiting_by=by,
                waiting_since=now,
                waiting_until=until,
                waiting_value=limit,
                changed_at=now,
            )
        Incident.objects.filter(item__in=moved, state__in=OPEN_INCIDENT).update(
            acknowledged_by=by, acknowledged_at=now
        )
    return moved
