"""Groups that a job refused while its person was away: told once a job, until they look at it.

What an edit of a job left open, or was read back in vain, is told as of any edit (`unconfirmed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

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
from dashboard.alerts.text import one_line
from dashboard.fielding.models import BatchGroup, BatchJob, Incident, Notice

# Who waits on the page of a job sees its end within seconds.
LOOKED_AT_WITHIN = timedelta(minutes=2)
_REFUSED = Q(groups__state=BatchGroup.State.FAILED) & (
    Q(groups__edit=None) | Q(groups__edit__checks=0)
)
_FIRST = BatchGroup.objects.filter(job=OuterRef("pk"), state=BatchGroup.State.FAILED).order_by("pk")


def check_refused_jobs(*, now: datetime) -> None:
    """Open an incident for each job that refused groups and was not looked at since."""
    moves = _looked_at(now) + _fresh(now)
    for account_id in {move.incident.account_id for move in moves}:
        mine = [move for move in moves if move.incident.account_id == account_id]
        commit_transitions(mine, account_id=account_id, now=now)


def _looked_at(now: datetime) -> list[Transition]:
    """Open incidents whose person has seen the results by now."""
    rows = Incident.objects.filter(
        rule=EDIT_UNCONFIRMED.code, state__in=OPEN, facts__has_key="batch"
    )
    incidents = list(rows.select_related("project", "group"))
    seen = set(
        BatchJob.objects.filter(
            batch__in=[one.facts["batch"] for one in incidents], batch__seen_at__isnull=False
        ).values_list("batch_id", flat=True)
    )
    moves = []
    for one in incidents:
        if one.facts["batch"] in seen:
            move = Transition(one, expected_state(one))
            close_incident(one, "the results were looked at", now)
            moves.append(move)
    return moves


def _fresh(now: datetime) -> list[Transition]:
    jobs = (
        BatchJob.objects.filter(
            finished_at__gt=now - DAY,
            finished_at__lte=now - LOOKED_AT_WITHIN,
            batch__seen_at=None,
        )
        .annotate(
            refused=Count("groups", filter=_REFUSED),
            number=Count("groups"),
            why=Subquery(_FIRST.values("reason")[:1]),
        )
        .filter(refused__gt=0)
        .select_related("batch__by", "project")
    )
    keys = {_key(job): job for job in jobs}
    known = set(Incident.objects.filter(key__in=list(keys)).values_list("key", flat=True))
    return _moves([job for key, job in keys.items() if key not in known], now)


def _moves(jobs: Sequence[BatchJob], now: datetime) -> list[Transition]:
    books = {one: RuleSet.of(one) for one in {job.project.account_id for job in jobs}}
    moves = []
    for job in jobs:
        chosen = books[job.project.account_id].one(EDIT_UNCONFIRMED.code, job.project_id, None)
        if not chosen.enabled:
            continue
        sentence = _sentence(job)
        incident = open_incident(
            chosen,
            account_id=job.project.account_id,
            key=_key(job),
            headline=sentence,
            sentence=sentence + ".",
            at=job.batch.created_at,
            now=now,
        )
        incident.project, incident.facts = job.project, {"batch": job.batch_id}
        told = (
            exchange_id_of(job.batch.by_id, incident.account_id),
            job.project.project_manager_id,
        )
        moves.append(Transition(incident, {}, Notice.Kind.FIRE, told, chosen.in_digest))
    return moves


def _key(job: BatchJob) -> str:
    where = f"{job.project.account_id}:{job.project_id}:"
    return f"{where}:{EDIT_UNCONFIRMED.code}:job-{job.pk}"


def _sentence(job: BatchJob) -> str:
    """Whose action was refused for how many, and the reason of the first."""
    who = one_line(str(job.batch.by)) if job.batch.by else "somebody"
    what = job.batch.title
    told: Any = job  # with what `_fresh` counted
    why = f": {one_line(told.why, 200).rstrip('.')}" if told.why else ""
    groups = f"{told.refused} of {told.number} group{'' if told.number == 1 else 's'}"
    return f"{one_line(job.project.name)}: {who}'s action ({what}) was refused for {groups}{why}"
