"""Schedule what is due, and claim it. Due work is in the tables; Redis only carries hints to it.

The unit is the project: its list shows every group. It is *queued* (a hint was published), then
*claimed* by one worker with a lease, then finished and due again. A lost hint, or a worker that
dies, costs no more than the lease. Work that ended in an error of ours, or was parked, has no lease
and waits until `leased_until`; it stays due in the meantime, so that it shows as late.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Model, Q
from django.db.models.query import QuerySet

from dashboard.fielding.compiled_queries import CompiledUpdate, Param
from dashboard.fielding.models import Cycle, ExchangeAccount, Project, TargetGroup

QUEUED = "queued"
QUEUED_FOR = timedelta(seconds=60)
LEASE = timedelta(seconds=90)
QUIET = timedelta(minutes=30)
PAUSED = timedelta(hours=1)
DAILY = timedelta(days=1)
FLOOR = timedelta(seconds=10)
LOOK_FLOOR = timedelta(seconds=60)
# How urgent due work is: a person has opened its page; it has live groups; everything else.
LOOKED_AT, LIVE, REST = 0, 1, 2
REST_WAITS = timedelta(minutes=10)  # the longest wait behind live projects
SHARE = 10  # a turn takes a tenth of a minute's budget
FEEDS = 300  # requests a minute that keep one round busy; another would only slow both
SET_ASIDE_AFTER = 3
SET_ASIDE_FOR = timedelta(hours=1)
OVERVIEWS_EVERY = timedelta(minutes=30)
DETAILS_EVERY = timedelta(hours=6)
COMPLETES_EVERY = timedelta(hours=1)
Row = TypeVar("Row", bound=Model)
Kind = type[Project] | type[ExchangeAccount]


def poll_every(account: ExchangeAccount) -> timedelta:
    """How often active groups are read."""
    return timedelta(seconds=account.poll_seconds or settings.POLL_SECONDS)


def reconciled_at(completed: datetime) -> datetime:
    """When the counts of a month are final: the end of the 25th of the next month, US Central."""
    central = completed.astimezone(ZoneInfo("America/Chicago"))
    year, month = (
        (central.year + 1, 1) if central.month == 12 else (central.year, central.month + 1)
    )
    return datetime(year, month, 26, tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)


def next_due(
    *,
    statuses: Iterable[tuple[str, datetime | None]],
    moved: bool,
    every: timedelta,
    waited: timedelta,
    now: datetime,
) -> datetime | None:
    """When a project is due again; None if it need not be read again by itself.

    `statuses`: those of its groups, each with its last complete. `moved`: whether this round saw
    a change. `waited`: the time since the round before; quiet projects wait twice as long.
    """
    kinds = dict.fromkeys((status for status, _ in statuses))
    if "live" in kinds:
        return now + (every if moved else min(max(waited * 2, every), max(QUIET, every)))
    if kinds.keys() & {"paused", "scheduled"}:
        return now + max(PAUSED, every)
    open_until = [
        reconciled_at(last) for status, last in statuses if status == "completed" and last
    ]
    if kinds.keys() - {"archived", "completed"} or any(until > now for until in open_until):
        return now + DAILY  # drafts, unknown statuses, counts that may still be reconciled
    return None


def request_budget(account: ExchangeAccount) -> int | None:
    """Requests a minute that all workers share; None without a limit."""
    limit = account.requests_per_minute
    return (settings.REQUESTS_PER_MINUTE if limit is None else limit) or None


def request_share(account: ExchangeAccount) -> int | None:
    """Requests that one turn of a project may take before others do; None without a limit."""
    budget = request_budget(account)
    return None if budget is None else max(budget // SHARE, 1)


def back_off(lasted: timedelta, *, refused: bool) -> timedelta:
    """How long to wait before reading a group again that has failed for `lasted`: waits double.

    After a refusal (403, 404): an hour, doubling up to a day. After a fault of the exchange: the
    next round, doubling up to an hour.
    """
    shortest, longest = (COMPLETES_EVERY, DAILY) if refused else (timedelta(minutes=1), PAUSED)
    return min(max(lasted, shortest), longest)


def due_rows(rows: QuerySet[Row], *, now: datetime, limit: int) -> list[int]:
    """Keys of due rows that nobody works on, the most urgent first, then the most overdue."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    order = ("urgency", "due_at") if rows.model is Project else ("due_at",)
    waiting = rows.filter(free, due_at__lte=now).order_by(*order)
    return list(waiting.values_list("pk", flat=True)[:limit])


def claim_next_project(*, now: datetime) -> tuple[int, str] | None:
    """Claim the most urgent due project; return its key and the lease's token, None if none is due.

    A hint only says that there is work: a project that became urgent since comes first. Workers
    may claim concurrently; each skips rows that another one is claiming.
    """
    free = Q(leased_until=None) | Q(leased_until__lt=now) | Q(lease=QUEUED)
    waiting = Project.objects.filter(free, due_at__lte=now, account__polling=True)
    with transaction.atomic():
        unlocked = waiting.select_for_update(of=("self",), skip_locked=True)
        pk = unlocked.order_by("urgency", "due_at").values_list("pk", flat=True).first()
        token = None if pk is None else claim_row(Project, pk, now=now)
    return None if pk is None or token is None else (pk, token)


def promote_overdue(*, now: datetime) -> None:
    """Give projects that waited long behind live ones the same urgency: none starves."""
    late = Project.objects.filter(urgency=REST, due_at__lt=now - REST_WAITS)
    late.update(urgency=LIVE)


def due_projects(*, now: datetime, limit: int) -> list[int]:
    """Keys of due projects, the most urgent first; no more at a time than the budget keeps busy.

    More rounds at a time do not enlarge the budget: each would take longer, with older figures.
    """
    pks: list[int] = []
    for account in ExchangeAccount.objects.filter(polling=True):
        own_projects, budget = Project.objects.filter(account=account), request_budget(account)
        room = limit
        if budget is not None:
            at_work = own_projects.filter(leased_until__gte=now).exclude(lease=QUEUED)
            room = max(2, budget // FEEDS) - at_work.count()
        if room > 0:
            pks += due_rows(own_projects, now=now, limit=room)
    return pks


def mark_hinted(kind: Kind, pk: int, *, now: datetime) -> bool:
    """Mark one row as hinted at, so that no second hint is sent while the first may arrive."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    rows = kind.objects.filter(free, pk=pk, due_at__lte=now)
    return bool(rows.update(lease=QUEUED, leased_until=now + QUEUED_FOR))


def claim_row(kind: Kind, pk: int, *, now: datetime, force: bool = False) -> str | None:
    """Claim one row for work; return the lease's token, None if another worker has it.

    `force`: claim it before it is due (for `manage.py pull`), but never from another worker.
    """
    token = secrets.token_hex(16)
    won = _claim(kind, force)(pk=pk, now=now, token=token, until=now + LEASE)
    return token if won else None


@cache
def _claim(kind: Kind, force: bool) -> CompiledUpdate:
    free = Q(leased_until=None) | Q(leased_until__lt=Param("now")) | Q(lease=QUEUED)
    if force:
        free |= Q(lease="")  # parked, or backing off
    when = Q() if force else Q(due_at__lte=Param("now"))
    # Saves 0.7 to 1.0 ms of a round.
    return CompiledUpdate(
        lambda: kind.objects.filter(free & when, pk=Param("pk")),
        lease=Param("token"),
        leased_until=Param("until"),
        attempts=F("attempts") + 1,
    )


def park_after_failures(row: Project | ExchangeAccount, *, now: datetime) -> bool:
    """Park work that was claimed repeatedly and never finished; whether it was parked."""
    if row.attempts <= SET_ASIDE_AFTER:
        return False
    waits = {"lease": "", "leased_until": now + SET_ASIDE_FOR, "attempts": 0}
    words = f"Reading this failed {SET_ASIDE_AFTER} times part-way. Next attempt in an hour."
    project = row if isinstance(row, Project) else None
    column = "error" if project else "health_reason"
    subject = (
        {"account_id": project.account_id, "project": project} if project else {"account": row}
    )
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk, lease=row.lease).update(**waits, **{column: words})
        cycle = Cycle(**subject, started_at=now, finished_at=now)
        cycle.failed(words, kind="SetAside")
        cycle.save()
    return True


def renew_lease(project: int, token: str, *, now: datetime) -> bool:
    """Extend the lease of a project; False if it is no longer ours."""
    rows = Project.objects.filter(pk=project, lease=token)
    return bool(rows.update(leased_until=now + LEASE))


def release_row(kind: Kind, pk: int, token: str, *, now: datetime) -> None:
    """Release work that ended in an error of ours; it is tried again after the lease's time."""
    kind.objects.filter(pk=pk, lease=token).update(lease="", leased_until=now + LEASE)


def request_refresh(
    projects: QuerySet[Project], *, floor: timedelta = LOOK_FLOOR, now: datetime
) -> None:
    """Make these projects due now, before all others, because a person opened their page.

    Leaves out those read within `floor` and those that the exchange no longer lists. For opening a
    page only, not for its refreshes: an open page would poll every 30 s. Only writes to the tables;
    the beat picks the projects up.
    """
    old = Q(read_at=None) | Q(read_at__lt=now - floor)
    later = Q(due_at=None) | Q(due_at__gt=now) | Q(urgency__gt=LOOKED_AT)
    projects.filter(old, later, missing_since=None).update(due_at=now, urgency=LOOKED_AT)


def is_overdue(due_at: datetime | None, *, now: datetime) -> bool:
    """Whether workers with nothing else to do would have begun by now what is due then."""
    if due_at is None:
        return False
    return now - due_at > timedelta(seconds=10 + 2 * settings.BEAT_SECONDS)


def is_refresh_overdue(due_at: datetime | None, urgency: int, *, now: datetime) -> bool:
    """Whether a project that a person asked for by opening its page should be read by now."""
    return urgency == LOOKED_AT and is_overdue(due_at, now=now)


def is_old(project: Project, *, now: datetime) -> bool:
    """Whether opening this project's page would have it read."""
    return project.read_at is None or project.read_at < now - LOOK_FLOOR


def clear_backoff(groups: QuerySet[TargetGroup], *, now: datetime) -> None:
    """Retry groups that wait after a failure now, because a person asks for them."""
    groups.filter(retry_at__gt=now).update(retry_at=now)
