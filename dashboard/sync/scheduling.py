"""What is due, for whom, how often. Due work lives in the tables; Redis only carries hints to it.

A project is the unit: its list pages show every group. It is *queued* (a hint was published), then
*claimed* by one worker with a lease, then finished and due again. A hint that is lost, or a worker
that dies, costs no more than the lease. Work that ended in a fault of ours, or was set aside, rests
without a lease until `leased_until`; it stays due meanwhile, so that it shows as late.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
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
# How urgent due work is: a person waits for it; groups are live; everything else.
LOOKED_AT, LIVE, REST = 0, 1, 2
REST_WAITS = timedelta(minutes=10)  # at most behind what is live
SHARE = 10  # a turn takes a tenth of a minute's budget
FEEDS = 300  # requests a minute that feed one round; another would only make both slower
SET_ASIDE_AFTER = 3
SET_ASIDE_FOR = timedelta(hours=1)
OVERVIEWS_EVERY = timedelta(minutes=30)
DETAILS_EVERY = timedelta(hours=6)
COMPLETES_EVERY = timedelta(hours=1)
Kind = type[Project] | type[ExchangeAccount]


def poll_every(account: ExchangeAccount) -> timedelta:
    """How often groups that move are read."""
    return timedelta(seconds=account.poll_seconds or settings.POLL_SECONDS)


def reconciled_at(completed: datetime) -> datetime:
    """When counts of a month are final: the end of the 25th of the next month, US Central."""
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
    """When a project is due again; None if it need never be read again by itself.

    `statuses` are those of its groups with their last movement, `moved` says whether this round
    saw any movement, and `waited` is how long the round before waited: quiet projects double it.
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
    own = account.requests_per_minute
    return (settings.REQUESTS_PER_MINUTE if own is None else own) or None


def request_share(account: ExchangeAccount) -> int | None:
    """Requests that one turn of a project may take before others get in; None without a limit."""
    whole = request_budget(account)
    return None if whole is None else max(whole // SHARE, 1)


def back_off(lasted: timedelta, *, refused: bool) -> timedelta:
    """How long a group that failed for so long is left alone: each wait doubles.

    What waiting does not mend (403, 404) is asked after an hour, then twice as late, daily in the
    end; a fault of the exchange with the next round, hourly in the end.
    """
    least, most = (COMPLETES_EVERY, DAILY) if refused else (timedelta(minutes=1), PAUSED)
    return min(max(lasted, least), most)


def due_rows(rows: QuerySet[Any], *, now: datetime, limit: int) -> list[int]:
    """Ids of what is due and not at work, the most urgent first, then the most overdue."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    order = ("urgency", "due_at") if rows.model is Project else ("due_at",)
    waiting = rows.filter(free, due_at__lte=now).order_by(*order)
    return list(waiting.values_list("pk", flat=True)[:limit])


def claim_next_project(*, now: datetime) -> tuple[int, str] | None:
    """Claim the project that is to be read next, hinted at or not: its key and the lease's token.

    A hint only says that there is work: what became urgent since overtakes what waits. Many workers
    may take at once; each passes over what another is taking. None where nothing is left.
    """
    free = Q(leased_until=None) | Q(leased_until__lt=now) | Q(lease=QUEUED)
    waiting = Project.objects.filter(free, due_at__lte=now, account__polling=True)
    with transaction.atomic():
        untaken = waiting.select_for_update(of=("self",), skip_locked=True)
        pk = untaken.order_by("urgency", "due_at").values_list("pk", flat=True).first()
        token = None if pk is None else claim_row(Project, pk, now=now)
    return None if pk is None or token is None else (pk, token)


def promote_overdue(*, now: datetime) -> None:
    """What waited long behind live projects is as urgent as they are: nothing starves."""
    late = Project.objects.filter(urgency=REST, due_at__lt=now - REST_WAITS)
    late.update(urgency=LIVE)


def due_projects(*, now: datetime, limit: int) -> list[int]:
    """Ids of due projects, the most urgent first; no more at once than a budget feeds.

    A budget is no larger for being shared among many rounds: each takes longer, and its numbers
    are older when they come.
    """
    found: list[int] = []
    for account in ExchangeAccount.objects.filter(polling=True):
        mine, whole = Project.objects.filter(account=account), request_budget(account)
        room = limit
        if whole is not None:
            working = mine.filter(leased_until__gte=now).exclude(lease=QUEUED)
            room = max(2, whole // FEEDS) - working.count()
        if room > 0:
            found += due_rows(mine, now=now, limit=room)
    return found


def mark_hinted(kind: Kind, pk: int, *, now: datetime) -> bool:
    """Mark one row as hinted at, so that no second hint is sent while the first may still come."""
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    rows = kind.objects.filter(free, pk=pk, due_at__lte=now)
    return bool(rows.update(lease=QUEUED, leased_until=now + QUEUED_FOR))


def claim_row(kind: Kind, pk: int, *, now: datetime, force: bool = False) -> str | None:
    """Take one row for work; the lease's token, or None if somebody else has it.

    `force` takes it before it is due (the foreground `pull`), but never from a worker at it.
    """
    token = secrets.token_hex(16)
    won = _claim(kind, force)(pk=pk, now=now, token=token, until=now + LEASE)
    return token if won else None


@cache
def _claim(kind: Kind, force: bool) -> CompiledUpdate:
    free = Q(leased_until=None) | Q(leased_until__lt=Param("now")) | Q(lease=QUEUED)
    if force:
        free |= Q(lease="")  # it rests
    when = Q() if force else Q(due_at__lte=Param("now"))
    # Saves 0.7 to 1.0 ms of a round.
    return CompiledUpdate(
        lambda: kind.objects.filter(free & when, pk=Param("pk")),
        lease=Param("token"),
        leased_until=Param("until"),
        attempts=F("attempts") + 1,
    )


def park_after_failures(row: Project | ExchangeAccount, *, now: datetime) -> bool:
    """Whether this work was claimed too often without an end: it waits, and says so."""
    if row.attempts <= SET_ASIDE_AFTER:
        return False
    waits = {"lease": "", "leased_until": now + SET_ASIDE_FOR, "attempts": 0}
    words = f"Reading this stopped {SET_ASIDE_AFTER} times half-way; it is tried again in an hour."
    project = row if isinstance(row, Project) else None
    column = "error" if project else "health_reason"
    of = {"account_id": project.account_id, "project": project} if project else {"account": row}
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk, lease=row.lease).update(**waits, **{column: words})
        cycle = Cycle(**of, started_at=now, finished_at=now)
        cycle.failed(words, kind="SetAside")
        cycle.save()
    return True


def renew_lease(project: int, token: str, *, now: datetime) -> bool:
    """Whether the lease of a project is still ours, and for a while longer."""
    rows = Project.objects.filter(pk=project, lease=token)
    return bool(rows.update(leased_until=now + LEASE))


def release_row(kind: Kind, pk: int, token: str, *, now: datetime) -> None:
    """Give work back that ended in a fault of ours; it is tried again after a lease's time."""
    kind.objects.filter(pk=pk, lease=token).update(lease="", leased_until=now + LEASE)


def request_refresh(
    projects: QuerySet[Project], *, floor: timedelta = LOOK_FLOOR, now: datetime
) -> None:
    """A person opened a page of these projects: they are due now, before all others.

    Not those that were read within `floor`, and none that the exchange no longer lists. Opening a
    page is a look; its refreshes are not, or an open page would be a poll every 30 s: a project
    that moves is due with the account's list anyway. Only the tables are told, the beat finds it.
    """
    old = Q(read_at=None) | Q(read_at__lt=now - floor)
    later = Q(due_at=None) | Q(due_at__gt=now) | Q(urgency__gt=LOOKED_AT)
    projects.filter(old, later, missing_since=None).update(due_at=now, urgency=LOOKED_AT)


def is_old(project: Project, *, now: datetime) -> bool:
    """Whether a look at this project would have it read."""
    return project.read_at is None or project.read_at < now - LOOK_FLOOR


def clear_backoff(groups: QuerySet[TargetGroup], *, now: datetime) -> None:
    """A person wants these groups: those that are left alone after a failure are asked now."""
    groups.filter(retry_at__gt=now).update(retry_at=now)
