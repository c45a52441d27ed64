"""Bulk changes refused for some groups: one alert a job, until its user views the results.

Unconfirmed edits of a job alert like any other edit: see `unconfirmed_edits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, OuterRef, Q, Subquery

from dashboard.alerts.incidents.store import (
    DAY,
    OPEN,
    Transition,
    close_incident,
    commit_transitions,
    exchange_id_of,
    expected_state,
    open_incident,
)
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED
from dashboard.alerts.rules.settings import RuleSet
from dashboard.alerts.text import format_count, one_line
from dashboard.fielding.compiled_queries import CompiledQuery, Param
from dashboard.fielding.models import BatchGroup, BatchJob, Incident, Notice

# A user who waits on the page of a job sees its result within seconds.
VIEWED_WITHIN = timedelta(minutes=2)
_REFUSED = Q(groups__state=BatchGroup.State.FAILED) & (
    Q(groups__edit=None) | Q(groups__edit__checks=0)
)
_FIRST = BatchGroup.objects.filter(job=OuterRef("pk"), state=BatchGroup.State.FAILED).order_by("pk")


def check_refused_jobs(*, now: datetime) -> None:
    """Open an incident for each job with refused groups whose results were not viewed yet."""
    transitions = _close_viewed(now) + _open_new(now)
    for account_id in {transition.incident.account_id for transition in transitions}:
        rows = [each for each in transitions if each.incident.account_id == account_id]
        commit_transitions(rows, account_id=account_id, now=now)


# Each saves 2 to 3 ms of an idle beat.
_OPEN_NOW = CompiledQuery(
    lambda: Incident.objects.filter(
        rule=EDIT_UNCONFIRMED.code, state__in=OPEN, facts__has_key="batch"
    ).select_related("project", "group")
)
_UNVIEWED = CompiledQuery(
    lambda: (
        BatchJob.objects.filter(
            finished_at__gt=Param("since"),
            finished_at__lte=Param("until"),
            batch__seen_at=None,
        )
        .annotate(
            refused=Count("groups", filter=_REFUSED),
            total=Count("groups"),
            reason=Subquery(_FIRST.values("reason")[:1]),
        )
        .filter(refused__gt=0)
        .select_related("batch__by", "project")
    )
)


def _close_viewed(now: datetime) -> list[Transition]:
    """Close open incidents whose results were viewed."""
    incidents = _OPEN_NOW()
    if not incidents:
        return []
    viewed = set(
        BatchJob.objects.filter(
            batch__in=[incident.facts["batch"] for incident in incidents],
            batch__seen_at__isnull=False,
        ).values_list("batch_id", flat=True)
    )
    transitions = []
    for incident in incidents:
        if incident.facts["batch"] in viewed:
            transition = Transition(incident, expected_state(incident))
            close_incident(incident, "the results were viewed", now)
            transitions.append(transition)
    return transitions


class _RefusedJob(NamedTuple):
    """A job with the groups that it refused, and the reason of the first."""

    job: BatchJob
    refused: int
    total: int
    reason: str


def _open_new(now: datetime) -> list[Transition]:
    keys = {
        _incident_key(job): _RefusedJob(job, job.refused, job.total, job.reason or "")
        for job in _UNVIEWED(since=now - DAY, until=now - VIEWED_WITHIN)
    }
    if not keys:
        return []
    known = set(Incident.objects.filter(key__in=list(keys)).values_list("key", flat=True))
    return _transitions_for([row for key, row in keys.items() if key not in known], now)


def _transitions_for(rows: Sequence[_RefusedJob], now: datetime) -> list[Transition]:
    accounts = {row.job.project.account_id for row in rows}
    rule_sets = {account_id: RuleSet.of(account_id) for account_id in accounts}
    transitions = []
    for row in rows:
        job, account_id = row.job, row.job.project.account_id
        effective = rule_sets[account_id].rule_for(EDIT_UNCONFIRMED.code, job.project_id, None)
        if not effective.enabled:
            continue
        sentence = _describe(row)
        incident = open_incident(
            effective,
            account_id=account_id,
            key=_incident_key(job),
            headline=sentence,
            sentence=sentence + ".",
            at=job.batch.created_at,
            now=now,
        )
        incident.project, incident.facts = job.project, {"batch": job.batch_id}
        managers = (
            exchange_id_of(job.batch.by_id, incident.account_id),
            job.project.project_manager_id,
        )
        transitions.append(
            Transition(incident, {}, Notice.Kind.FIRE, managers, effective.in_digest)
        )
    return transitions


def _incident_key(job: BatchJob) -> str:
    where = f"{job.project.account_id}:{job.project_id}:"
    return f"{where}:{EDIT_UNCONFIRMED.code}:job-{job.pk}"


def _describe(row: _RefusedJob) -> str:
    """Return whose bulk change was refused for how many groups, and the reason of the first."""
    batch = row.job.batch
    who = f"{one_line(str(batch.by))}'s" if batch.by else "a"
    reason = f": {one_line(row.reason, 200).rstrip('.')}" if row.reason else ""
    return (
        f"{one_line(row.job.project.name)}: {who} bulk change ({batch.title}) was refused for "
        f"{row.refused:,} of {format_count(row.total, 'group')}{reason}"
    )
