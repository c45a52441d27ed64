"""Exchange → tables. The list is the heartbeat; only groups that moved are asked for more."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Case, DateTimeField, F, Max, Value, When

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import BadItem
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.groups import TargetGroupsListItem
from dashboard.exchange.walk import walk
from dashboard.fielding.models import Change, Cycle, Project, TargetGroup
from dashboard.sync import plan, quarantine, read, rows, write
from dashboard.sync.read import Answer, Ask

CHUNK = 50
FEW = 12  # groups that one thread asks
_LIST = "get_list_target_groups"
_KNOWN = (
    "pk", "status", "row_hash", "exchange_updated_at", "missing_since", "changed_at",
    "completes_read_at", "pricing_model", "told_at",
)  # fmt: skip
Clock = Callable[[], datetime]


class Known(NamedTuple):
    """What the tables hold of a group, as far as the plan needs it."""

    pk: int
    status: str
    row_hash: bytes
    updated_at: datetime | None
    missing_since: datetime | None
    changed_at: datetime | None
    completes_read_at: datetime | None
    pricing_model: str
    told_at: datetime | None


@dataclass
class Round:
    """One round over a project: who does it, and what it saw so far."""

    project: Project
    client: ExchangeClient
    token: str
    clock: Clock
    cycle: Cycle
    quarantined: list[tuple[str, BadItem]] = field(default_factory=list)


@cache
def _readers() -> ThreadPoolExecutor:
    """Threads that wait on the network, shared by all rounds of this process."""
    return ThreadPoolExecutor(settings.WORKER_THREADS, thread_name_prefix="read")


def pull_project(*, project: Project, client: ExchangeClient, token: str, clock: Clock) -> Cycle:
    """One round over a project that this worker has claimed; the cycle says how it went."""
    now = clock()
    cycle = Cycle(account_id=project.account_id, project=project, started_at=now)
    one = Round(project, client, token, clock, cycle)
    moved = False
    try:
        moved = _read_groups(one)
    except ExchangeError as exc:
        cycle.errors.append(str(exc))
    except write.LeaseLost:
        cycle.errors.append("Another worker took this project over.")
        return cycle
    _finish(one, moved=moved)
    return cycle


def _read_groups(one: Round) -> bool:
    """Walk the list, ask groups that moved, write what differs; whether anything moved."""
    listed, whole = _list(one)
    known = _known(one.project)
    asks = _asks(one, listed.values(), known)
    for chunk in _chunks(asks, CHUNK):
        _read_chunk(one, chunk, listed)
    if whole:
        _mark_missing(one, listed, known)
        one.cycle.listed = True
        one.cycle.complete = not one.cycle.errors
    return any(ask.performance for ask in asks)


def _list(one: Round) -> tuple[dict[str, TargetGroupsListItem], bool]:
    """The rows of the project's groups by id, and whether these are all."""
    before = one.client.requests_here
    listed: dict[str, TargetGroupsListItem] = {}
    listing = walk(
        lambda cursor: one.client.get_list_target_groups(
            project_id=one.project.exchange_id, page_size=100, start_after=cursor
        )
    )
    try:
        for row in listing:
            listed[row.id] = row
    except ExchangeError as exc:
        one.cycle.errors.append(str(exc))
    else:
        if not listing.complete:
            one.cycle.errors.append(listing.reason)
    one.quarantined += [(_LIST, bad) for bad in listing.quarantined]
    one.cycle.groups_seen = len(listed)
    one.cycle.requests += one.client.requests_here - before
    return listed, listing.complete


def _known(project: Project) -> dict[str, Known]:
    stored = project.target_groups.values_list("exchange_id", *_KNOWN)
    return {ulid: Known(*rest) for ulid, *rest in stored}


def _asks(one: Round, listed: Iterable[TargetGroupsListItem], known: dict[str, Known]) -> list[Ask]:
    """What to ask of which group: everything of new ones, what may have moved of moved ones."""
    now = one.clock()
    overviews = _sweep_due(one.project.overviews_at, plan.OVERVIEWS_EVERY, now)
    details = _sweep_due(one.project.details_at, plan.DETAILS_EVERY, now)
    asks = []
    for row in listed:
        was = known.get(row.id)
        ask = _ask(one.project, row, was, now, overviews=overviews, details=details)
        if ask is not None:
            asks.append(replace(ask, told_at=was.told_at) if was else ask)
    pks = {ask.group: known[ask.group].pk for ask in asks if ask.changelog and ask.group in known}
    newest = _newest_changes(pks.values()) if pks else {}
    return [replace(ask, changelog_since=newest.get(pks.get(ask.group, 0))) for ask in asks]


def _ask(
    project: Project,
    row: TargetGroupsListItem,
    was: Known | None,
    now: datetime,
    *,
    overviews: bool,
    details: bool,
) -> Ask | None:
    """What to ask of one group; None where its row says that nothing moved.

    One that is new is asked everything, and so is one whose last answers were not whole. One that
    a webhook told of is asked for what its row may not show.
    """
    ids = (project.exchange_id, row.id, row.status)
    if was is None or not was.row_hash:
        return Ask.everything(*ids)
    moved = bytes(was.row_hash) != rows.row_hash(row) or was.missing_since is not None
    touched = was.updated_at != row.updated_at or was.told_at is not None
    status_moved = was.status != row.status
    read_at = was.completes_read_at
    series_old = read_at is None or now - read_at >= plan.COMPLETES_EVERY
    behind = was.changed_at is not None and (read_at is None or read_at < was.changed_at)
    in_field = row.status in ("live", "paused", "scheduled")
    detailed = touched or status_moved or (details and in_field)
    ask = Ask(
        *ids,
        performance=moved,
        overview=moved or touched or (overviews and row.status == "live"),
        completes=(moved or behind) and series_old,
        changelog=touched or status_moved or (moved and series_old),
        details=detailed,
        profiles=((moved or behind) and series_old) or touched,
        rate_card=detailed and was.pricing_model == "rate_card",
    )
    return ask if any((ask.performance, ask.overview, ask.completes, ask.details)) else None


def _sweep_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or now - last >= every


def _newest_changes(groups: Collection[int]) -> dict[int, datetime]:
    """When the newest change that is known of each group occurred."""
    newest = Change.objects.filter(group__in=list(groups)).order_by().values_list("group")
    return dict(newest.annotate(Max("occurred_at")))


def _chunks(asks: Sequence[Ask], size: int) -> Iterator[Sequence[Ask]]:
    for start in range(0, len(asks), size):
        yield asks[start : start + size]


def _read_chunk(
    one: Round,
    asks: Sequence[Ask],
    listed: dict[str, TargetGroupsListItem],
) -> None:
    """Ask some groups at once, then write them in one transaction."""
    answers = _ask_all(one, asks)
    one.cycle.requests += sum(answer.requests for answer in answers)
    found = list(itertools.chain.from_iterable(_found(one, listed, a) for a in answers))
    one.cycle.groups_written += write.store(
        project=one.project, token=one.token, found=found, now=one.clock()
    )


def _ask_all(one: Round, asks: Sequence[Ask]) -> list[Answer]:
    """The answers to some asks; only many are shared out, because threads cost more than they do.

    One thread waits for a dozen groups as fast as the usual budget lets it.
    """

    def some(mine: Sequence[Ask]) -> list[Answer]:
        return [read.group(one.client, ask, now=one.clock) for ask in mine]

    readers = min(settings.WORKER_THREADS, -(-len(asks) // FEW))
    if readers <= 1:
        return some(asks)
    shares = _readers().map(some, [asks[first::readers] for first in range(readers)])
    return list(itertools.chain.from_iterable(shares))


def _found(
    one: Round, listed: dict[str, TargetGroupsListItem], answer: Answer
) -> Iterator[write.Found]:
    """A group's columns; nothing where its row holds what the tables cannot keep."""
    row = listed[answer.ask.group]
    one.quarantined += answer.quarantined
    one.cycle.errors += [f"{row.name}: {error}" for error in answer.errors]
    try:
        yield write.Found(rows.list_columns(row), row, answer)
    except rows.DoesNotFit as exc:
        one.quarantined.append((_LIST, quarantine.bad(row, str(exc))))


def _mark_missing(
    one: Round, listed: dict[str, TargetGroupsListItem], known: dict[str, Known]
) -> None:
    """Mark what a complete list no longer shows; an unreadable item may be any of them."""
    if any(not bad.id for name, bad in one.quarantined if name == _LIST):
        return
    there = set(listed) | {bad.id for _, bad in one.quarantined}
    gone = [was.pk for ulid, was in known.items() if ulid not in there and not was.missing_since]
    if gone:
        TargetGroup.objects.filter(pk__in=gone).update(missing_since=one.clock())
        one.cycle.groups_written += len(gone)


def _finish(one: Round, *, moved: bool) -> None:
    """Date the project's numbers, plan its next round, and put the cycle on record."""
    now, project, cycle = one.clock(), one.project, one.cycle
    cycle.finished_at = now
    cycle.quarantined = len(one.quarantined)
    fresh: dict[str, Any] = {}
    if cycle.listed:
        fresh["read_at"] = cycle.started_at
        for column, every in (
            ("overviews_at", plan.OVERVIEWS_EVERY),
            ("details_at", plan.DETAILS_EVERY),
        ):
            if _sweep_due(getattr(project, column), every, cycle.started_at):
                fresh[column] = cycle.started_at
    with transaction.atomic():
        quarantine.store(account=project.account, found=one.quarantined, now=now)
        won = Project.objects.filter(pk=project.pk, lease=one.token).update(
            lease="",
            leased_until=None,
            attempts=0,
            error=cycle.errors[0] if cycle.errors else "",
            due_at=_unless_told(
                _next(project, moved=moved, failed=not cycle.listed, now=now), cycle, now
            ),
            version=F("version") + (1 if cycle.groups_written or cycle.errors else 0),
            **fresh,
        )
        if won:
            cycle.save()


def _unless_told(due: datetime | None, cycle: Cycle, now: datetime) -> Case:
    """The plan's next moment; soon where a webhook told of a change during the round."""
    soon = When(told_at__gt=cycle.started_at, then=Value(now + plan.FLOOR))
    return Case(soon, default=Value(due), output_field=DateTimeField())


def _next(project: Project, *, moved: bool, failed: bool, now: datetime) -> datetime | None:
    every = plan.poll_every(project.account)
    if failed:
        return now + every
    statuses = project.target_groups.filter(missing_since=None).values_list(
        "status", "last_complete_at"
    )
    waited = now - project.read_at if project.read_at else every
    return plan.next_due(statuses=list(statuses), moved=moved, every=every, waited=waited, now=now)
