"""Load what an evaluation round needs of a project's groups, in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import cast

from django.db.models import Max, Min, Q

from dashboard.alerts.incidents.changelog import RecentChanges
from dashboard.alerts.incidents.judge import RuleResult
from dashboard.alerts.incidents.store import DAY
from dashboard.alerts.rules.snapshot import COLUMNS, GroupSnapshot, snapshot_of_row
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Project, Reading, TargetGroup

NOT_IN_FIELD = ("draft", "scheduled", "archived")


def load_snapshots(
    project: Project,
    now: datetime,
    with_open_incidents: Collection[int],
    recent: RecentChanges,
    *,
    only: Collection[int] | None = None,
    changed_since: datetime | None = None,
) -> list[GroupSnapshot]:
    """Return snapshots of a project's groups that a rule could apply to.

    With `changed_since` only of those that changed since or have an open incident.
    """
    rows = _rows(only is not None, changed_since is not None)(
        project=project.pk,
        only=only,
        since=changed_since,
        with_open_incidents=with_open_incidents,
    )
    groups = [  # (the first of COLUMNS is the primary key)
        snapshot_of_row(row, now=now, cpi_changed_at=recent.cpi_changed_at.get(cast(int, row[0])))
        for row in rows
    ]
    most = _most_completes([group.pk for group in groups if group.completes_may_fall], now)
    return [
        group._replace(most_completes=most[group.pk]) if group.pk in most else group
        for group in groups
    ]


@cache
def _rows(only_listed: bool, only_changed: bool) -> CompiledQuery[tuple[object, ...]]:
    """Return the query for the columns of groups in field or with an open incident."""
    has_incident = Q(pk__among=Param("with_open_incidents"))
    condition = Q(project=Param("project"), missing_since=None)
    condition &= ~Q(status__in=NOT_IN_FIELD) | has_incident
    if only_listed:
        condition &= Q(pk__among=Param("only"))
    if only_changed:
        condition &= Q(changed_at__gte=Param("since")) | Q(changed_at=None) | has_incident
    # Saves 1.5 to 2.4 ms each time, which is every second round.
    return CompiledQuery(lambda: TargetGroup.objects.filter(condition).values_list(*COLUMNS))


def _most_completes(groups: list[int], now: datetime) -> Mapping[int, int]:
    """Return the most completes of each group in the readings of the last day."""
    if not groups:
        return {}
    rows = Reading.objects.filter(group__in=groups, at__gte=now - DAY, at__lte=now)
    most = rows.values("group").annotate(most=Max("completes")).values_list("group", "most")
    return {pk: completes for pk, completes in most if completes is not None}


def with_entrants_since_last_complete(results: list[RuleResult]) -> list[RuleResult]:
    """Return the results with the entrants since the last complete set on stalled groups."""
    stalled = {
        result.group.pk: result.group
        for result in results
        if result.effective.rule.code == "stalled" and result.group.entrants is not None
    }
    if not stalled:
        return results
    # Entrants only grow: the fewest beside today's completes are those at the last complete.
    first = Min("entrants")
    rows = Reading.objects.filter(
        group__in=list(stalled), completes__in={group.completes for group in stalled.values()}
    )
    entrants_at = {
        (group, completes): entrants
        for group, completes, entrants in rows.values_list("group", "completes").annotate(n=first)
    }
    return [
        result._replace(
            group=_with_entered(
                result.group, entrants_at.get((result.group.pk, result.group.completes))
            )
        )
        for result in results
    ]


def _with_entered(group: GroupSnapshot, before: int | None) -> GroupSnapshot:
    if before is None or group.entrants is None:
        return group
    return group._replace(entered=group.entrants - before)
