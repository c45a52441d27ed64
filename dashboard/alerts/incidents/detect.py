"""From readings to incidents: evaluate every rule after each complete cycle, and by time alone.

A complete cycle is one fresh observation of every group that it read, changed or not; an incomplete
cycle is none. A rule whose data is missing or old is not evaluated, and its incidents stay as is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from dashboard.alerts import downtime, heartbeat
from dashboard.alerts.incidents import (
    acknowledge_and_mute,
    changelog,
    no_data,
    refused_jobs,
    unconfirmed_edits,
)
from dashboard.alerts.incidents.judge import GroupEvaluator, RuleResult, transition_for
from dashboard.alerts.incidents.load import load_snapshots, with_entrants_since_last_complete
from dashboard.alerts.incidents.no_data import FRESH_AT_LEAST, stale_after
from dashboard.alerts.incidents.store import DAY, OPEN, Transition, commit_transitions
from dashboard.alerts.items.waiting import return_due_items
from dashboard.alerts.rules.catalogue import NO_DATA
from dashboard.alerts.rules.settings import RuleSet
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.figures.today import quarter_hour
from dashboard.fielding.models import Cycle, ExchangeAccount, Incident, Item, Project

TIMED = (Incident.State.PENDING, Incident.State.RECOVERING)
FIRST_PULL_WITHIN = timedelta(days=1)  # a project that is never read whole silences nothing
MAX_INCIDENTS = 1000  # a round; the others stay due
OpenIncidents = dict[int, dict[str, Incident]]
# Saves 0.8 to 1.0 ms of a round.
_OPEN_INCIDENTS = CompiledQuery(
    lambda: Incident.objects.filter(
        project=Param("project"), group__isnull=False, state__in=OPEN
    ).exclude(rule__in=changelog.CODES)
)
# Saves 0.4 to 0.7 ms of a round.
_LAST_FINISHED = CompiledQuery(
    lambda: (
        Cycle.objects.filter(project=Param("project"), listed=True, pk__lt=Param("cycle"))
        .order_by("-started_at")
        .values_list("finished_at", flat=True)[:1]
    )
)


def after_cycle(*, cycle: Cycle, now: datetime) -> None:
    """Evaluate a complete cycle of a project, once; incomplete cycles do not count.

    A group that did not change and has no open incident can breach a rule by time only: it is
    evaluated by the first cycle of each quarter of an hour.
    """
    if not cycle.listed or cycle.project is None:
        return
    at, project = cycle.finished_at or now, cycle.project
    rules, open_incidents = RuleSet.of(cycle.account_id), _open_incidents(project)
    recent = changelog.recent_changes(project, at)
    last = _last_finished(cycle)
    evaluator = GroupEvaluator(rules, at, cycle=cycle.pk, frozen=_frozen_for(cycle, last, at))
    changed_since = _changed_since(last, at)
    groups = load_snapshots(project, at, open_incidents, recent, changed_since=changed_since)
    results = [
        result
        for group in groups
        for result in evaluator.evaluate(group, open_incidents.get(group.pk, {}))
    ]
    transitions = _transitions_for(results, project, at)
    transitions += changelog.transitions_for_changes(project, recent, rules=rules, now=at)
    if _is_baseline(project.account, last, at):
        _mark_as_before(transitions)
    commit_transitions(
        transitions,
        account_id=cycle.account_id,
        now=at,
        groups=_groups_with_items(project, open_incidents) if changed_since is None else (),
    )
    heartbeat.record_heartbeat("judge", now=now)


def _is_baseline(account: ExchangeAccount, last: datetime | None, at: datetime) -> bool:
    """Return whether a cycle finds what was so already: during a first pull, or after an outage.

    The first pull of an account takes many cycles of each project, as the request budget allows.
    """
    completed_at = account.first_pull_completed_at
    if last is None:
        return completed_at is None or at <= completed_at
    if completed_at is None and at - account.created_at < FIRST_PULL_WITHIN:
        return True
    return downtime.time_lost(last, at) > downtime.GAP


def _mark_as_before(transitions: Iterable[Transition]) -> None:
    """Mark new incidents as no news: they are listed, and mailed once, together."""
    for transition in transitions:
        if not transition.expected:
            transition.incident.since_before = True


def _groups_with_items(project: Project, open_incidents: OpenIncidents) -> set[int | None]:
    """Return the groups of a project whose items change with time; None for what is no group's.

    This also makes the items of incidents from an older release.
    """
    open_items = Item.objects.open().filter(project=project)
    return {None, *open_incidents, *open_items.values_list("target_group_id", flat=True)}


def _transitions_for(
    results: list[RuleResult], project: Project, now: datetime
) -> list[Transition]:
    """Return the transitions of the results that change anything."""
    transitions = (
        transition_for(result, project, now)
        for result in with_entrants_since_last_complete(results)
    )
    return [transition for transition in transitions if transition]


def evaluate_by_time(*, now: datetime) -> None:
    """Do what time alone brings: run timers, send repeats, close incidents, end mutes, check edits.

    Groups with stale data are left out. A rule that time alone can breach (stalled, ending soon)
    opens at a complete cycle, so it is late by at most one polling interval; this function moves
    the incidents that are open already.
    """
    heartbeat.record_heartbeat("time", now=now)
    acknowledge_and_mute.end_mutes(now=now)
    return_due_items(now=now)
    unconfirmed_edits.check_unconfirmed_edits(now=now)
    refused_jobs.check_refused_jobs(now=now)
    for account in ExchangeAccount.objects.all():
        is_stale = account.health in (ExchangeAccount.Health.STALE, ExchangeAccount.Health.ERROR)
        read_since = now + DAY if is_stale else _fresh_since(account, now)
        rows = _DUE(account=account.pk, now=now, read_since=read_since)
        if rows:
            _run_timers([row for row in rows if row.state in TIMED], now=now)
            firing = [row for row in rows if row.state == Incident.State.FIRING]
            acknowledge_and_mute.repeat_or_close(account, firing, now=now)


# Saves 2 to 3 ms of an idle beat.
_DUE = CompiledQuery(
    lambda: (
        Incident.objects.filter(
            Q(project__read_at__gte=Param("read_since"))
            | Q(rule__in=[*changelog.CODES, NO_DATA.code]),
            account=Param("account"),
            evaluate_at__lte=Param("now"),
            state__in=OPEN,
        )
        .exclude(state__in=TIMED, readings__lt=2)
        .select_related("project", "group")
        .order_by("evaluate_at")[:MAX_INCIDENTS]
    )
)


def check_accounts(*, now: datetime) -> None:
    """Open or resolve the "No data" incident of each account."""
    for account in ExchangeAccount.objects.all():
        no_data.check_no_data(account, now=now)


def _fresh_since(account: ExchangeAccount, now: datetime) -> datetime:
    """Return since when a project must have been read to be evaluated by time.

    After a downtime of Fieldwatch, or after polling was resumed, it must have been read again.
    """
    restarts = (downtime.last_end(now=now), account.resumed_at)
    return max([now - stale_after(account), *(at for at in restarts if at and at <= now)])


def _run_timers(incidents: Iterable[Incident], *, now: datetime) -> None:
    """Move incidents of freshly read projects whose timer is due; nothing new opens."""
    by_project: dict[Project, list[Incident]] = {}
    for incident in incidents:
        if incident.project:
            by_project.setdefault(incident.project, []).append(incident)
    for project, rows in by_project.items():
        open_incidents = index_incidents(rows)
        evaluator = GroupEvaluator(RuleSet.of(project.account_id), now)
        recent = changelog.recent_changes(project, now)
        groups = load_snapshots(project, now, open_incidents, recent, only=list(open_incidents))
        results = [
            result
            for group in groups
            for result in evaluator.evaluate(group, open_incidents[group.pk])
        ]
        transitions = _transitions_for(results, project, now)
        commit_transitions(transitions, account_id=project.account_id, now=now)


def index_incidents(incidents: Iterable[Incident]) -> OpenIncidents:
    """Return incidents by group and rule."""
    index: OpenIncidents = {}
    for incident in incidents:
        if incident.group_id is not None:
            index.setdefault(incident.group_id, {})[incident.rule] = incident
    return index


def _open_incidents(project: Project) -> OpenIncidents:
    """Return the open incidents on the figures of a project's groups, without those on changes."""
    return index_incidents(_OPEN_INCIDENTS(project=project.pk))


def _last_finished(cycle: Cycle) -> datetime | None:
    """Return when the last complete cycle before this one finished."""
    return _LAST_FINISHED.first(project=cycle.project_id, cycle=cycle.pk)


def _changed_since(last: datetime | None, at: datetime) -> datetime | None:
    """Return since when a group must have changed to be evaluated; None for all groups."""
    if last is None or quarter_hour(last) != quarter_hour(at):
        return None
    return last


def _frozen_for(cycle: Cycle, last: datetime | None, at: datetime) -> timedelta:
    """Return for how long timers were stopped before this cycle: stale data, or no polling."""
    if last is None:
        return timedelta(0)
    not_polled = downtime.time_lost(last, at)
    resumed_at = cycle.account.resumed_at
    if resumed_at and last < resumed_at <= at:
        not_polled = max(not_polled, resumed_at - last)
    if at - last <= FRESH_AT_LEAST:
        return not_polled
    return max(at - last - stale_after(cycle.account), not_polled)
