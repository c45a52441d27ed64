"""Read an account's lists: projects (one request per 100), people and business units."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import models, transaction
from django.db.models import F

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import BadItem, Page
from dashboard.exchange.errors import ExchangeError, Forbidden, HostRefused, NotFound
from dashboard.exchange.pagination import UNFINISHED, PageIterator, iterate_pages
from dashboard.exchange.shapes.accounts import BusinessUnitShape, ExchangeUserShape
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.fielding.models import (
    BusinessUnit,
    Cycle,
    ExchangeAccount,
    ExchangeUser,
    Membership,
    Project,
)
from dashboard.sync import scheduling
from dashboard.sync.columns import group_columns, limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.pull import first_pull, missing, quarantine
from dashboard.sync.pull.bulk_sql import split_into_parts

T = TypeVar("T")
NAMES_EVERY = timedelta(hours=6)
_ACTIVITY_COLUMNS = (
    "missing_since",
    "status",
    "group_count",
    "last_activity_at",
    "filling_goal",
    "completes",
    "prescreens",
)
_LIST_OPERATION = "list_account_projects"


def pull_account(
    *, account: ExchangeAccount, client: ExchangeClient, token: str, clock: Callable[[], datetime]
) -> Cycle:
    """Read the account's lists; projects whose row changed are due now."""
    now = clock()
    cycle = Cycle(account=account, started_at=now)
    before = client.requests_here
    bad: list[tuple[str, BadItem]] = []
    try:
        cycle.listed = _pull_projects(account, client, cycle, bad, clock)
        if account.names_at is None or now - account.names_at >= NAMES_EVERY:
            _pull_people_and_units(account, client, cycle, bad)
            account.names_at = now
        cycle.complete = cycle.listed and not cycle.errors
        health, reason = ExchangeAccount.Health.FRESH, ""
    except ExchangeError as exc:
        cycle.failed(str(exc), kind=exc.kind)
        health = ExchangeAccount.Health.STALE if exc.waiting_helps else ExchangeAccount.Health.ERROR
        reason = str(exc)
    cycle.requests = client.requests_here - before
    cycle.quarantined = len(bad)
    cycle.finished_at = clock()
    _finish_round(
        account,
        cycle,
        bad + client.take_notes(),
        token,
        health=health,
        health_reason=reason,
        names_at=account.names_at,
        clock_skew_seconds=client.clock_skew,
    )
    return cycle


def refuse_account(
    *, account: ExchangeAccount, why: HostRefused, token: str, clock: Callable[[], datetime]
) -> Cycle:
    """End a round of an account whose address is not allowed (any more); its pages say why."""
    now = clock()
    cycle = Cycle(account=account, started_at=now, finished_at=now)
    cycle.failed(str(why), kind=why.kind)
    health = ExchangeAccount.Health.ERROR
    _finish_round(account, cycle, [], token, health=health, health_reason=str(why))
    return cycle


def _pull_projects(
    account: ExchangeAccount,
    client: ExchangeClient,
    cycle: Cycle,
    bad: list[tuple[str, BadItem]],
    clock: Callable[[], datetime],
) -> bool:
    """Read and store the list of projects; whether the list is complete."""
    began = clock()
    listing = _walk_list(client)
    listed = {row.id: row for row in listing}  # one that moves between pages comes twice
    bad += [(_LIST_OPERATION, item) for item in listing.quarantined]
    if not listing.complete:
        cycle.failed(listing.reason, kind=UNFINISHED)
    _store_projects(account, listed.values(), bad, now=clock())
    if listing.complete and all(item.id for _, item in bad):
        shown = set(listed) | {item.id for _, item in bad}
        try:
            _mark_missing(account, client, shown, began=began, clock=clock)
        except ExchangeError as exc:  # not known; the next round checks again
            cycle.failed(str(exc), kind=exc.kind)
    return listing.complete


def _walk_list(client: ExchangeClient) -> PageIterator[ProjectListItem]:
    """The account's list of projects, read page by page as it is iterated."""
    return iterate_pages(
        lambda cursor: client.list_account_projects(page_size=100, start_after=cursor)
    )


def _mark_missing(
    account: ExchangeAccount,
    client: ExchangeClient,
    shown: Collection[str | None],
    *,
    began: datetime,
    clock: Callable[[], datetime],
) -> None:
    """Mark projects that a complete list does not show and the exchange no longer has.

    A project that was created here after the list was begun may be too new for it, and is left out.
    """
    older = account.projects.filter(missing_since=None).exclude(created_at__gte=began)
    absent = {
        ulid: pk
        for pk, ulid in older.values_list("pk", "exchange_id").iterator()
        if ulid not in shown
    }
    if not absent:
        return
    gone = missing.find_gone_projects(client=client, absent=absent, second_list=_walk_list(client))
    for ids in split_into_parts([absent[ulid] for ulid in gone]):
        older.filter(pk__in=ids).update(missing_since=clock(), due_at=None)


def _store_projects(
    account: ExchangeAccount,
    listed: Iterable[ProjectListItem],
    bad: list[tuple[str, BadItem]],
    *,
    now: datetime,
) -> None:
    """Write projects that differ; those with new activity, and new ones, are due now."""
    known = {project.exchange_id: project for project in account.projects.all()}
    changed = []
    for row in listed:
        try:
            columns = group_columns.project_columns(row)
        except limits.DoesNotFit as exc:
            bad.append((_LIST_OPERATION, quarantine.unstorable_item(row, str(exc))))
            continue
        project = known.get(row.id) or Project(account=account, exchange_id=row.id)
        columns["missing_since"] = None
        differs = [name for name, value in columns.items() if getattr(project, name) != value]
        if project.pk and not differs:
            continue
        for name in differs:
            setattr(project, name, columns[name])
        changed.append((project, project.pk is None or bool(set(differs) & set(_ACTIVITY_COLUMNS))))
    with transaction.atomic():
        _write_projects(changed, now)


def _write_projects(changed: list[tuple[Project, bool]], now: datetime) -> None:
    columns = [*group_columns.PROJECT_COLUMNS, "missing_since"]
    for project, _ in changed:
        project.due_at = project.due_at or now
    Project.objects.bulk_create(
        [project for project, _ in changed],
        update_conflicts=True,
        unique_fields=["account", "exchange_id"],
        update_fields=columns,
    )
    moved = [project.exchange_id for project, has_moved in changed if has_moved]
    for ids in split_into_parts(moved):
        account_id = changed[0][0].account_id
        Project.objects.filter(account_id=account_id, exchange_id__in=ids).filter(
            models.Q(due_at=None) | models.Q(due_at__gt=now)
        ).update(due_at=now)


def _pull_people_and_units(
    account: ExchangeAccount,
    client: ExchangeClient,
    cycle: Cycle,
    bad: list[tuple[str, BadItem]],
) -> None:
    """People and business units; an account that may not list them goes without their names."""
    for user in _read_list(client.get_account_users, cycle, bad):
        ExchangeUser.objects.update_or_create(
            account=account, exchange_id=user.id[:64], defaults=_user_columns(user)
        )
    link_people(account)
    for unit in _read_list(client.get_business_units, cycle, bad):
        BusinessUnit.objects.update_or_create(
            account=account, exchange_id=unit.id[:64], defaults=_unit_columns(unit)
        )


def link_people(account: ExchangeAccount) -> None:
    """Link members who chose no exchange user to the only one with their email address."""
    unlinked = Membership.objects.filter(account=account, exchange_user_id="", user__is_active=True)
    members = list(unlinked.exclude(user__email="").select_related("user"))
    if not members:
        return
    ids: dict[str, list[str]] = {}
    for user in ExchangeUser.objects.filter(account=account).exclude(email=""):
        ids.setdefault(user.email.casefold(), []).append(user.exchange_id)
    for member in members:
        found = ids.get(member.user.email.casefold(), [])
        if len(found) == 1:
            unlinked.filter(pk=member.pk).update(exchange_user_id=found[0])


def _read_list(
    read: Callable[[], Page[T]], cycle: Cycle, bad: list[tuple[str, BadItem]]
) -> Sequence[T]:
    """The items of a list without pages; none, and an error of the cycle, if it is refused."""
    try:
        page = read()
    except (Forbidden, NotFound) as exc:
        cycle.failed(str(exc), kind=exc.kind)
        return ()
    bad += [(read.__name__, item) for item in page.quarantined]
    return page.items


def _user_columns(user: ExchangeUserShape) -> Columns:
    return {"name": limits.fit_text(user.name)[:200], "email": limits.fit_text(user.email)[:254]}


def _unit_columns(unit: BusinessUnitShape) -> Columns:
    return {
        "name": limits.fit_text(unit.name)[:200],
        "currency": limits.fit_text(unit.currency_code)[:3].upper(),
        "pricing_models": limits.fit_json(unit.pricing_models),
    }


def _finish_round(
    account: ExchangeAccount,
    cycle: Cycle,
    bad: list[tuple[str, BadItem]],
    token: str,
    **columns: object,
) -> None:
    now = cycle.finished_at
    assert now is not None  # noqa: S101  set by the caller
    if cycle.listed:
        columns["read_at"] = cycle.started_at
        if account.first_pull_completed_at is None and first_pull.is_first_pull_done(account):
            columns["first_pull_completed_at"] = now
    with transaction.atomic():
        quarantine.store_bad_items(account=account, items=bad, now=now)
        won = ExchangeAccount.objects.filter(pk=account.pk, lease=token).update(
            lease="",
            leased_until=None,
            attempts=0,
            due_at=now + scheduling.poll_every(account),
            version=F("version") + 1,
            **columns,
        )
        if won:
            cycle.save()
