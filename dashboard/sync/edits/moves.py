"""Groups that the exchange moves to another project keep their row, with all that refers to it.

Three sources show where a group is: its changelog says when it moved, the overview by its id alone
says where it is now, and a project's list shows it. The last two may come from a copy that lags,
so neither moves a group back within a few minutes after it moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError, NotFound, NotOffered
from dashboard.exchange.shapes.groups import TargetGroupChangelogBatch
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    ExchangeAccount,
    Incident,
    Item,
    Mute,
    Project,
    Rule,
    TargetGroup,
)
from dashboard.sync import scheduling
from dashboard.sync.columns import limits
from dashboard.sync.edits.kinds.base import ExchangeIds, exchange_ids

LAG = timedelta(minutes=5)  # how old a reading may be
NOT_FOUND = 404
T = TypeVar("T")


class Place(NamedTuple):
    """Where the exchange has a group, from the overview by its id alone."""

    account_id: str
    project_id: str
    project_name: str
    asked_at: datetime


def move_group(
    *,
    group: TargetGroup,
    project_exchange_id: str,
    evidence_at: datetime,
    exact: bool = False,
    project_name: str = "",
) -> bool:
    """Move a group to the project of this id; whether it is in that project now.

    `evidence_at`: when the exchange was asked where the group is; with `exact`, when the group
    moved by its changelog. Evidence older than the last move is ignored. An unknown project is
    created and read next. `group.project` is set to the stored one.
    """
    with transaction.atomic():
        held = TargetGroup.objects.select_for_update(of=("self",)).get(pk=group.pk)
        source = held.project
        if source.exchange_id == project_exchange_id:
            group.project = source
            return True
        if is_outdated(held, evidence_at, exact=exact):
            group.project = source
            return False
        target = _get_or_create_project(
            held.account_id, project_exchange_id, project_name, now=evidence_at
        )
        _carry_over(held, source, target)
        TargetGroup.objects.filter(pk=held.pk).update(
            project=target,
            moved_at=evidence_at,
            missing_since=None,
            row_hash=b"",  # everything is read again in its new project
            changed_at=evidence_at,
        )
        both = Project.objects.filter(pk__in=(source.pk, target.pk))
        both.update(version=F("version") + 1)
        for project in (source, target):
            refresh_project_outlook(project.pk, now=evidence_at)
        Project.objects.filter(pk=target.pk).update(
            due_at=evidence_at, urgency=scheduling.LOOKED_AT
        )
    group.project = target
    return True


def is_outdated(group: TargetGroup, evidence_at: datetime, *, exact: bool = False) -> bool:
    """Whether evidence of a group's place may be older than that of its present one."""
    if exact:
        # Later readings of its project do not show a group that is missing there.
        read_at = None if group.missing_since else group.project.read_at
        known_at = group.moved_at or (read_at - LAG if read_at else None)
        return known_at is not None and evidence_at <= known_at
    return group.moved_at is not None and evidence_at - LAG <= group.moved_at


def newest_move(changes: Iterable[TargetGroupChangelogBatch]) -> tuple[str, datetime] | None:
    """The project id and time of the newest move among the changes; None without a move."""
    dated_moves = [
        (batch.occurred_at, each.new_value)
        for batch in changes
        for each in batch.changes
        if each.object == ChangelogKind.PROJECT_ID and isinstance(each.new_value, str | int)
    ]
    if not dated_moves:
        return None
    at, project = max(dated_moves, key=lambda move: move[0])
    return str(project), at


def follow_changes(
    *, group: TargetGroup, changes: Iterable[TargetGroupChangelogBatch], client: ExchangeClient
) -> bool:
    """Move a group as its changelog says; whether it moved.

    A project that our tables do not have may be another account's: the exchange is asked first.
    """
    move = newest_move(changes)
    if move is None or move[0] == group.project.exchange_id:
        return False
    project, at = move
    if is_outdated(group, at, exact=True):
        return False
    if not Project.objects.filter(account_id=group.account_id, exchange_id=project).exists():
        place = find_place(client=client, target_group_id=group.exchange_id)
        if place is None or place.project_id != project:
            return False
        if place.account_id != group.account.exchange_id:
            mark_missing(group=group, now=place.asked_at)
            return True
    return move_group(group=group, project_exchange_id=project, evidence_at=at, exact=True)


def follow_group(
    *, group: TargetGroup, client: ExchangeClient, clock: Callable[[], datetime] = timezone.now
) -> Place | None:
    """Find a group that the exchange does not have in its project any more, and move it there.

    Marks it as missing if its new project is another account's. None if it has not moved.
    """
    place = find_place(client=client, target_group_id=group.exchange_id, clock=clock)
    if place is None:
        return None
    if place.account_id != group.account.exchange_id:
        mark_missing(group=group, now=place.asked_at)
        return place
    if place.project_id == group.project.exchange_id:
        return None
    move_group(
        group=group,
        project_exchange_id=place.project_id,
        evidence_at=place.asked_at,
        project_name=place.project_name,
    )
    return place


def at_its_project(
    *,
    group: TargetGroup,
    client: ExchangeClient,
    ask: Callable[[ExchangeIds], T],
    clock: Callable[[], datetime] = timezone.now,
) -> T:
    """Call `ask` with the group's ids; once more with its new project if it has moved.

    Only a request that the exchange answered with 404 is repeated: it carried nothing out.
    """
    ids = exchange_ids(group)
    try:
        return ask(ids)
    except (NotFound, NotOffered) as exc:
        if isinstance(exc, NotOffered) and exc.status != NOT_FOUND:
            raise
        place = follow_group(group=group, client=client, clock=clock)
        if place is None or place.project_id == ids["project_id"]:
            raise
        if place.account_id != group.account.exchange_id:
            words = "This target group now belongs to another account"
            raise NotFound(words, status=NOT_FOUND) from exc
    return ask({"project_id": place.project_id, "target_group_id": group.exchange_id})


def find_place(
    *,
    client: ExchangeClient,
    target_group_id: str,
    clock: Callable[[], datetime] = timezone.now,
) -> Place | None:
    """Where the exchange has a group; None if it does not say, as for every draft."""
    asked_at = clock()
    try:
        overview = client.get_target_group_overview_by_target_group_id(
            target_group_id=target_group_id
        )
    except ExchangeError:
        return None
    return Place(overview.account_id, overview.project_id, overview.project_name or "", asked_at)


def mark_missing(*, group: TargetGroup, now: datetime) -> None:
    """Mark a group that is no longer in its account."""
    with transaction.atomic():
        rows = TargetGroup.objects.filter(pk=group.pk, missing_since=None)
        if rows.update(missing_since=now, changed_at=now):
            Project.objects.filter(pk=group.project_id).update(version=F("version") + 1)
            refresh_project_outlook(group.project_id, now=now)


def _get_or_create_project(
    account_id: int, exchange_id: str, name: str, *, now: datetime
) -> Project:
    """The project of this id; a new one is due immediately, and so is the account's list."""
    project, is_new = Project.objects.get_or_create(
        account_id=account_id,
        exchange_id=exchange_id,
        defaults={"name": limits.fit_text(name) or exchange_id, "status": "", "due_at": now},
    )
    if is_new:
        ExchangeAccount.objects.filter(pk=account_id).update(due_at=now)
    return project


def _carry_over(group: TargetGroup, source: Project, target: Project) -> None:
    """Move a group's incidents, items, mutes and rules with it, which name its project too.

    So do the keys of closed incidents, by which each change of the changelog alerts once.
    """
    incidents = list(Incident.objects.filter(group=group))
    before, after = f"{group.account_id}:{source.pk}:", f"{group.account_id}:{target.pk}:"
    for incident in incidents:
        incident.project = target
        if incident.key.startswith(before):
            incident.key = after + incident.key.removeprefix(before)
    Incident.objects.bulk_update(incidents, ["project", "key"], batch_size=500)
    Item.objects.filter(target_group=group).update(project=target)
    for kind in (Mute, Rule):
        kind._default_manager.filter(group=group).exclude(project=None).update(project=target)
