"""From readings to incidents: what each complete cycle, and time alone, says of every rule.

A complete cycle is one fresh observation of every group that it saw, changed or not; an incomplete
one is none. A rule whose data is missing or old says nothing, and what it opened stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Min, QuerySet

from dashboard.alerts import changes
from dashboard.alerts.book import Book
from dashboard.alerts.changes import Recent
from dashboard.alerts.figures import COLUMNS, Figures
from dashboard.alerts.judge import Found, Judge, move_of
from dashboard.alerts.ledger import DAY, OPEN, write
from dashboard.fielding.models import (
    Cycle,
    ExchangeAccount,
    Incident,
    Project,
    Reading,
    TargetGroup,
)

ASLEEP = ("draft", "scheduled", "archived")
Standing = dict[int, dict[str, Incident]]


def stale_after(
    account: ExchangeAccount, *, intervals: float = 3, minutes: float = 20
) -> timedelta:
    """For how long the data of an account counts as fresh."""
    interval = timedelta(seconds=account.poll_seconds or settings.POLL_SECONDS)
    return max(interval * intervals, timedelta(minutes=minutes))


def after_cycle(*, cycle: Cycle, now: datetime) -> None:
    """Judge every group of the cycle's project, once a cycle; incomplete cycles do not count."""
    if not cycle.complete or cycle.project is None:
        return
    at, project = cycle.finished_at or now, cycle.project
    book, standing = Book.of(cycle.account_id), _standing(project)
    recent = changes.recent(project, at)
    judge = Judge(book, at, cycle=cycle.pk, frozen=_frozen(cycle, at))
    groups = _figures(project, at, standing, recent)
    found = [each for f in groups for each in judge.group(f, standing.get(f.pk, {}))]
    moves = [move_of(each, project, at) for each in _with_entrants(found)]
    facts = changes.moves(project, recent, book=book, now=at)
    write([move for move in moves if move] + facts, account_id=cycle.account_id, now=at)


def ripen(*, project: Project, incidents: Iterable[Incident], now: datetime) -> None:
    """Let time alone take incidents of a freshly read project further; nothing new opens."""
    standing = by_group(incidents)
    recent = changes.recent(project, now)
    judge = Judge(Book.of(project.account_id), now)
    groups = _figures(project, now, standing, recent, only=list(standing))
    found = [each for f in groups for each in judge.group(f, standing[f.pk])]
    moves = [move_of(each, project, now) for each in _with_entrants(found)]
    write([move for move in moves if move], account_id=project.account_id, now=now)


def by_group(incidents: Iterable[Incident]) -> Standing:
    """Open incidents by group and rule."""
    standing: Standing = {}
    for incident in incidents:
        if incident.group_id is not None:
            standing.setdefault(incident.group_id, {})[incident.rule] = incident
    return standing


def _standing(project: Project) -> Standing:
    """What is open on the figures of a project's groups; facts of the changelog stand apart."""
    open_now = Incident.objects.filter(project=project, group__isnull=False, state__in=OPEN)
    return by_group(open_now.exclude(rule__in=changes.CODES))


def _frozen(cycle: Cycle, at: datetime) -> timedelta:
    """For how long timers stood still before this cycle, because the data was stale."""
    earlier = Cycle.objects.filter(project=cycle.project, complete=True, pk__lt=cycle.pk)
    last = earlier.aggregate(at=Max("finished_at"))["at"]
    gap = at - last if last else timedelta(0)
    return max(gap - stale_after(cycle.account), timedelta(0))


def _figures(
    project: Project,
    now: datetime,
    standing: Standing,
    recent: Recent,
    only: list[int] | None = None,
) -> list[Figures]:
    """The groups of a project that a rule could have something to say about."""
    rows: QuerySet[TargetGroup] = TargetGroup.objects.filter(
        project=project, missing_since__isnull=True
    )
    if only is not None:
        rows = rows.filter(pk__in=only)
    asleep = rows.filter(status__in=ASLEEP, pk__in=list(standing)) if standing else rows.none()
    awake = rows.exclude(status__in=ASLEEP)
    found = [
        Figures._make((*row, now, recent.cpi_changed_at.get(row[0]), None, None))
        for rows in (awake, asleep)
        for row in rows.values_list(*COLUMNS)
    ]
    most = _most_completes([f.pk for f in found if f.reconciling], now)
    return [f._replace(most_completes=most[f.pk]) if f.pk in most else f for f in found]


def _most_completes(groups: list[int], now: datetime) -> Mapping[int, int]:
    """The most completes of each group within a day, as its readings had them."""
    if not groups:
        return {}
    rows = Reading.objects.filter(group__in=groups, at__gte=now - DAY, at__lte=now)
    most = rows.values("group").annotate(most=Max("completes")).values_list("group", "most")
    return {pk: completes for pk, completes in most if completes is not None}


def _with_entrants(found: list[Found]) -> list[Found]:
    """The same, where stalled groups know how many entered since their last complete."""
    counts = {
        each.figures.pk: each.figures
        for each in found
        if each.effective.rule.code == "stalled" and each.figures.entrants is not None
    }
    if not counts:
        return found
    first = Min("entrants")  # entrants only grow: the fewest beside as many completes as now
    rows = Reading.objects.filter(
        group__in=list(counts), completes__in={f.completes for f in counts.values()}
    )
    then = {
        (group, completes): entrants
        for group, completes, entrants in rows.values_list("group", "completes").annotate(n=first)
    }
    return [
        each._replace(
            figures=_entered(each.figures, then.get((each.figures.pk, each.figures.completes)))
        )
        if each.effective.rule.code == "stalled"
        else each
        for each in found
    ]


def _entered(f: Figures, before: int | None) -> Figures:
    if before is None or f.entrants is None:
        return f
    return f._replace(entered=f.entrants - before)
