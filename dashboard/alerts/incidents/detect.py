"""From readings to incidents: what each complete cycle, and time alone, says of every rule.

A complete cycle is one fresh observation of every group that it saw, changed or not; an incomplete
one is none. A rule whose data is missing or old says nothing, and what it opened stands still.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from dashboard.alerts import downtime, heartbeat
from dashboard.alerts.incidents import (
    acknowledge_and_mute,
    changelog,
    refused_jobs,
    unconfirmed_edits,
)
from dashboard.alerts.incidents import no_data as silence
from dashboard.alerts.incidents.judge import GroupEvaluator, move_of
from dashboard.alerts.incidents.load import load_snapshots, with_entrants_since_last_complete
from dashboard.alerts.incidents.no_data import FRESH_AT_LEAST, stale_after
from dashboard.alerts.incidents.store import OPEN, commit_transitions
from dashboard.alerts.rules.catalogue import NO_DATA
from dashboard.alerts.rules.settings import RuleSet
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import Cycle, ExchangeAccount, Incident, Project

TIMED = (Incident.State.PENDING, Incident.State.RECOVERING)
QUARTER = 15 * 60  # seconds
AT_MOST = 1000  # incidents a round; the rest is due still
Standing = dict[int, dict[str, Incident]]
# Saves 0.8 to 1.0 ms of a round.
_STANDING = CompiledQuery(
    lambda: Incident.objects.filter(
        project=Param("project"), group__isnull=False, state__in=OPEN
    ).exclude(rule__in=changelog.CODES)
)
# Saves 0.4 to 0.7 ms of a round.
_ENDED = CompiledQuery(
    lambda: (
        Cycle.objects.filter(project=Param("project"), listed=True, pk__lt=Param("cycle"))
        .order_by("-started_at")
        .values_list("finished_at", flat=True)[:1]
    )
)


def after_cycle(*, cycle: Cycle, now: datetime) -> None:
    """Judge what a cycle of a project shows, once a cycle; incomplete cycles do not count.

    What did not change and has nothing open breaks no rule but by time: it is looked at by the
    first cycle of each quarter of an hour.
    """
    if not cycle.listed or cycle.project is None:
        return
    at, project = cycle.finished_at or now, cycle.project
    book, standing = RuleSet.of(cycle.account_id), _standing(project)
    recent = changelog.recent_changes(project, at)
    last = _last(cycle)
    judge = GroupEvaluator(book, at, cycle=cycle.pk, frozen=_frozen(cycle, last, at))
    groups = load_snapshots(project, at, standing, recent, changed_since=_since(last, at))
    found = [each for f in groups for each in judge.group(f, standing.get(f.pk, {}))]
    moves = [move_of(each, project, at) for each in with_entrants_since_last_complete(found)]
    facts = changelog.transitions_for_changes(project, recent, book=book, now=at)
    commit_transitions(
        [move for move in moves if move] + facts, account_id=cycle.account_id, now=at
    )
    heartbeat.record_heartbeat("judge", now=now)


def by_time(*, now: datetime) -> None:
    """What time alone brings: ripe timers, repeats, ends of facts and of mutes, edits that need a
    look; stale data rests.

    A rule that only time can break (stalled, ends soon) is judged by the clock at every complete
    cycle, so it is late by one polling interval at most; this keeps what is already open moving.
    """
    heartbeat.record_heartbeat("time", now=now)
    acknowledge_and_mute.end_mutes(now=now)
    unconfirmed_edits.check_unconfirmed_edits(now=now)
    refused_jobs.check_refused_jobs(now=now)
    for account in ExchangeAccount.objects.all():
        rests = account.health in (ExchangeAccount.Health.STALE, ExchangeAccount.Health.ERROR)
        fresh = Q(pk=None) if rests else Q(project__read_at__gte=_fresh_since(account, now))
        due = Incident.objects.filter(
            fresh | Q(rule__in=[*changelog.CODES, NO_DATA.code]),
            account=account,
            evaluate_at__lte=now,
            state__in=OPEN,
        ).exclude(state__in=TIMED, readings__lt=2)
        rows = list(due.select_related("project", "group").order_by("evaluate_at")[:AT_MOST])
        if rows:
            _ripen([row for row in rows if row.state in TIMED], now=now)
            firing = [row for row in rows if row.state == Incident.State.FIRING]
            acknowledge_and_mute.repeat_or_end(account, firing, now=now)


def no_data(*, now: datetime) -> None:
    """Open, or settle, one incident for each account whose data stopped coming."""
    for account in ExchangeAccount.objects.all():
        silence.check_no_data(account, now=now)


def _fresh_since(account: ExchangeAccount, now: datetime) -> datetime:
    """Since when a project must have been read to be judged by time.

    After a downtime of ours, or a pause that a person made, the first reading must be in.
    """
    gone_on = (downtime.last_end(now=now), account.resumed_at)
    return max([now - stale_after(account), *(at for at in gone_on if at and at <= now)])


def _ripen(incidents: Iterable[Incident], *, now: datetime) -> None:
    """Let timers take incidents of freshly read projects further; nothing new opens."""
    by_project: dict[Project, list[Incident]] = {}
    for incident in incidents:
        if incident.project:
            by_project.setdefault(incident.project, []).append(incident)
    for project, theirs in by_project.items():
        standing = by_group(theirs)
        judge = GroupEvaluator(RuleSet.of(project.account_id), now)
        recent = changelog.recent_changes(project, now)
        groups = load_snapshots(project, now, standing, recent, only=list(standing))
        found = [each for f in groups for each in judge.group(f, standing[f.pk])]
        moves = [move_of(each, project, now) for each in with_entrants_since_last_complete(found)]
        commit_transitions([move for move in moves if move], account_id=project.account_id, now=now)


def by_group(incidents: Iterable[Incident]) -> Standing:
    """Open incidents by group and rule."""
    standing: Standing = {}
    for incident in incidents:
        if incident.group_id is not None:
            standing.setdefault(incident.group_id, {})[incident.rule] = incident
    return standing


def _standing(project: Project) -> Standing:
    """What is open on the figures of a project's groups; facts of the changelog stand apart."""
    return by_group(_STANDING(project=project.pk))


def _last(cycle: Cycle) -> datetime | None:
    """When the last cycle before this one that saw every group ended."""
    return _ENDED.first(project=cycle.project_id, cycle=cycle.pk)


def _since(last: datetime | None, at: datetime) -> datetime | None:
    """Since when a group must have changed to be looked at; None where all are."""
    if last is None or last.timestamp() // QUARTER != at.timestamp() // QUARTER:
        return None
    return last


def _frozen(cycle: Cycle, last: datetime | None, at: datetime) -> timedelta:
    """For how long timers stood still before this cycle: the data was stale, or nobody looked."""
    if last is None:
        return timedelta(0)
    nobody_looked = downtime.lost(last, at)
    resumed_at = cycle.account.resumed_at
    if resumed_at and last < resumed_at <= at:
        nobody_looked = max(nobody_looked, resumed_at - last)
    if at - last <= FRESH_AT_LEAST:
        return nobody_looked
    return max(at - last - stale_after(cycle.account), nobody_looked)
