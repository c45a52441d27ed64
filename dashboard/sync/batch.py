"""A batch → the exchange: one job a project, polled to its end, a result for each group.

A job of the exchange is committed before it is sent, with its idempotency key: after a lost answer
the same job is asked for again, never a second one. Handing over has no key, so it is settled by
reading who manages each group. Prices and ends go the way of every edit, one group after another;
drafts that of every launch, for the exchange's job over many groups takes scheduled ones only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.jobs import BulkJob
from dashboard.fielding.models import Batch, BatchGroup, BatchJob, Edit, Project, TargetGroup, User
from dashboard.sync import connect, draft, handover, launch, push, record

STEP_SECONDS = 10.0
LEASE = timedelta(seconds=45)
EDITS_A_STEP = 20
NEXT_LOOK = (2, 3, 5, 10, 20, 30)  # seconds
GIVEN_UP_AFTER = timedelta(minutes=30)
EDITS = frozenset({Batch.Action.CPI, Batch.Action.END, Batch.Action.DRAFTS})
CHANGED = "The draft was changed since it was shown; nothing was sent."
KINDS = {Batch.Action.CPI: Edit.Kind.CPI, Batch.Action.END: Edit.Kind.DATES}
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A group of a batch; of an edit also what was shown, and what it is changed to."""

    group: TargetGroup
    seen: Any = None
    wanted: Any = None


def create(
    *,
    action: str,
    chosen: Iterable[Chosen],
    wanted: Mapping[str, Any],
    by: User,
    token: str,
    now: datetime,
) -> Batch:
    """Commit a batch, once for a token; nothing is sent yet."""
    if made := Batch.objects.filter(token=token).first():
        return made
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                action=action, wanted=dict(wanted), by=by, token=token, created_at=now
            )
            _add(batch, sorted(chosen, key=lambda one: one.group.project_id), now)
    except IntegrityError:
        return Batch.objects.get(token=token)
    return batch


def _add(batch: Batch, chosen: list[Chosen], now: datetime) -> None:
    for project_id, of in groupby(chosen, key=lambda one: one.group.project_id):
        job = BatchJob.objects.create(
            batch=batch, project_id=project_id, key=str(uuid.uuid4()), check_at=now
        )
        BatchGroup.objects.bulk_create(_row(job, one) for one in of)


def _row(job: BatchJob, one: Chosen) -> BatchGroup:
    edits = job.batch.action in EDITS
    seen, wanted = (one.seen, one.wanted) if edits else record.span(job.batch, one.group)
    return BatchGroup(job=job, group=one.group, seen=seen, wanted=wanted)


def work(*, clock: Clock = timezone.now, limit: int = 20, batch: Batch | None = None) -> int:
    """Take the next step of jobs that are due; the number of steps. For one batch, if given."""
    due = BatchJob.objects.filter(check_at__lte=clock()).select_related("batch__by", "project")
    if batch:
        due = due.filter(batch=batch)
    taken = 0
    for job in due.order_by("check_at")[:limit]:
        if BatchJob.objects.filter(pk=job.pk, check_at=job.check_at).update(
            check_at=clock() + LEASE, tries=F("tries") + 1
        ):
            job.tries += 1
            _step(job, clock)
            taken += 1
    return taken


def _step(job: BatchJob, clock: Clock) -> None:
    try:
        client = connect.client_for(job.project.account)
        if job.batch.action in EDITS:
            _edit(job, client, clock)
            return
        with client.deadline(STEP_SECONDS):
            if job.exchange_id:
                _read(job, client, clock())
            elif job.sent_at and job.batch.action == Batch.Action.MANAGER:
                _look_who_manages(job, client, clock())
            else:
                _send(job, client, clock())
    except ExchangeError as exc:
        _not_now(job, exc, clock())


def _send(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Ask for the job; the same one again where an answer was lost."""
    if job.sent_at is None:
        if job.batch.action == Batch.Action.MANAGER:
            handover.spare(_waiting(job), client)
        try:
            record.begin(job, now=now)
        except IntegrityError:
            _look_again(job, now)
            return
    groups = [row.group.exchange_id for row in _waiting(job)]
    if not groups:
        _finish(job, [], now)
        return
    project = job.project.exchange_id
    if job.batch.action == Batch.Action.MANAGER:
        manager = str(job.batch.wanted["manager_id"])
        ref = client.create_bulk_update_target_group_project_manager_job(
            project_id=project, target_group_ids=groups, project_manager_id=manager
        )
    else:
        create = getattr(client, f"create_bulk_{job.batch.action}_target_groups_job")
        ref = create(project_id=project, target_group_ids=groups, idempotency_key=job.key)
    job.exchange_id, job.tries = ref.id, 0
    job.save(update_fields=["exchange_id", "tries"])
    _look_again(job, now)


def _waiting(job: BatchJob) -> list[BatchGroup]:
    """The groups whose result is open."""
    rows = job.groups.filter(state=BatchGroup.State.WAITING)
    return list(rows.select_related("group__project").order_by("pk"))


def _read(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """How the exchange's job does; results once it has ended."""
    given = {"project_id": job.project.exchange_id, "job_id": job.exchange_id}
    told: BulkJob
    if job.batch.action == Batch.Action.MANAGER:
        told = client.get_bulk_update_target_group_project_manager_job(**given)
    else:
        told = getattr(client, f"get_bulk_{job.batch.action}_target_groups_job")(**given)
    if told.status not in ("Completed", "Failed"):
        if now - job.batch.created_at < GIVEN_UP_AFTER:
            _look_again(job, now)
        else:
            why = f"After half an hour the exchange says {told.status} of this job"
            _end(job, BatchGroup.State.UNKNOWN, why, now)
        return
    rows = _waiting(job)
    tell(rows, told)
    _finish(job, rows, now)


def tell(rows: Iterable[BatchGroup], told: BulkJob) -> None:
    """How each group fared in a job that has ended; one that it leaves out is to be read."""
    done = {one.target_group_id for one in told.updated_target_groups.data}
    failed = {
        one.target_group_id: _reason(one.failure_reason) for one in told.failed_target_groups.data
    }
    for row in rows:
        ulid = row.group.exchange_id
        if ulid in failed or (told.status == "Failed" and ulid not in done):
            row.state = BatchGroup.State.FAILED
            row.reason = failed.get(ulid, "The exchange could not carry this out and says no more.")
        elif ulid in done or not (done or failed):
            row.state = BatchGroup.State.DONE
        else:
            row.state = BatchGroup.State.UNKNOWN
            row.reason = "The exchange tells how others of this job fared, and not this group."


def _reason(told: Any) -> str:
    """What the exchange says of a failure, code and words."""
    if told is None:
        return "The exchange gives no reason."
    return str(told.description or told.code or "The exchange gives no reason.")


def _look_who_manages(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Whether groups were handed over by a job whose answer was lost: by reading, never again."""
    rows = _waiting(job)
    if handover.settle(rows, client, last=job.tries >= len(NEXT_LOOK)):
        _finish(job, rows, now)
    else:
        _look_again(job, now)


def _edit(job: BatchJob, client: ExchangeClient, clock: Clock) -> None:
    """Some edits, each as if it had been typed on its group's page; then the next round."""
    waiting = job.groups.filter(state=BatchGroup.State.WAITING)
    rows = list(waiting.select_related("group__project", "group__account")[:EDITS_A_STEP])
    for row in rows:
        try:
            row.edit = _sent(job, row, client, clock)
            failed = (BatchGroup.State.FAILED, CHANGED)
            row.state, row.reason = record.outcome(row.edit) if row.edit else failed
        except push.Busy as exc:
            row.state, row.reason = BatchGroup.State.FAILED, f"{exc}."
        row.save(update_fields=["edit", "state", "reason"])
        BatchJob.objects.filter(pk=job.pk).update(check_at=clock() + LEASE)
    if len(rows) < EDITS_A_STEP:
        _finish(job, [], clock())
    else:
        _later(job, clock())


def _sent(job: BatchJob, row: BatchGroup, client: ExchangeClient, clock: Clock) -> Edit | None:
    """The edit of one group, sent once; none for a draft that is not what was shown."""
    by = cast("User", job.batch.by)
    if job.batch.action != Batch.Action.DRAFTS:
        return push.push(
            group=row.group,
            kind=KINDS[Batch.Action(job.batch.action)],
            seen=row.seen,
            wanted=row.wanted,
            by=by,
            token=f"{job.key}:{row.group_id}",
            client=client,
            clock=clock,
            wait=None,
        )
    held, wanted = draft.stored(row.group), cast("dict[str, str]", row.wanted)
    if held is None or draft.mark(held) != row.seen:
        return None
    start = wanted[launch.START]
    return launch.launch(
        group=row.group,
        seen=held,
        start=datetime.fromisoformat(start) if start else None,
        end=datetime.fromisoformat(wanted[launch.END]),
        by=by,
        token=str(uuid.uuid5(uuid.UUID(job.key), str(row.group_id))),
        client=client,
        clock=clock,
    )


def _not_now(job: BatchJob, exc: ExchangeError, now: datetime) -> None:
    """Try again where that helps and cannot do it twice; else it has failed, and says why."""
    job.error = str(exc)
    job.save(update_fields=["error"])
    again = exc.waiting_helps or exc.outcome_unknown
    if again and now - job.batch.created_at < GIVEN_UP_AFTER:
        if job.batch.action == Batch.Action.MANAGER and not exc.outcome_unknown:
            BatchJob.objects.filter(pk=job.pk, exchange_id="").update(sent_at=None)
        _look_again(job, now)
        return
    sent = bool(job.exchange_id) or exc.outcome_unknown
    _end(job, BatchGroup.State.UNKNOWN if sent else BatchGroup.State.FAILED, str(exc), now)


def _end(job: BatchJob, state: BatchGroup.State, why: str, now: datetime) -> None:
    """The same end for every group whose result is open."""
    rows = _waiting(job)
    for row in rows:
        row.state, row.reason = state, f"{why.rstrip('.')}."
    _finish(job, rows, now)


def _look_again(job: BatchJob, now: datetime) -> None:
    seconds = NEXT_LOOK[min(job.tries, len(NEXT_LOOK) - 1)]
    _later(job, now + timedelta(seconds=seconds))


def _later(job: BatchJob, when: datetime) -> None:
    BatchJob.objects.filter(pk=job.pk).update(check_at=when)


def _finish(job: BatchJob, rows: list[BatchGroup], now: datetime) -> None:
    """Results, the end of the job, and its project read again, in one commit."""
    with transaction.atomic():
        BatchGroup.objects.bulk_update(rows, ["state", "reason"])
        record.end(rows, now=now)
        BatchJob.objects.filter(pk=job.pk).update(check_at=None, finished_at=now)
        Project.objects.filter(pk=job.project_id).update(version=F("version") + 1, due_at=now)
