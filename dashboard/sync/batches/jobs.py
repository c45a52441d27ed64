"""A batch → the exchange: one job per project, polled until it ends, with a result per group.

A job is committed before it is sent, with its idempotency key: after a lost answer the same job is
requested again, never a second one. The job that reassigns the project manager takes no key, so it
is sent once. The job's own result is not trusted: each group is read back (`readback`). Where the
exchange asks for a wait, the job waits that long, up to an hour at a time. CPI and end date are
sent as single edits, one group after another; drafts are launched one by one, because the
exchange's job over many groups takes scheduled groups only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple, cast

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import BadAnswer, ExchangeError, Refused, Rejected
from dashboard.exchange.http.retry import LONGEST_RETRY_AFTER
from dashboard.exchange.operations.base import JobRef
from dashboard.exchange.shapes.jobs import BulkJob
from dashboard.fielding.models import (
    Batch,
    BatchGroup,
    BatchJob,
    Edit,
    ExchangeAccount,
    Project,
    TargetGroup,
    User,
)
from dashboard.sync.batches import blame, edit_records, handover, readback
from dashboard.sync.connections import clients
from dashboard.sync.edits import launch, send
from dashboard.sync.edits.kinds import draft

STEP_SECONDS = 10.0
LEASE = timedelta(seconds=45)
EDITS_A_STEP = 20
NEXT_STEP_SECONDS = (2, 3, 5, 10, 20, 30)
GIVEN_UP_AFTER = timedelta(minutes=30)
LONGEST = timedelta(hours=24)  # however long the exchange asks to wait
SLOW = timedelta(minutes=1)  # a slower job may have finished without reporting it
NOT_SENT = "Not sent"
EDITS = frozenset({Batch.Action.CPI, Batch.Action.END, Batch.Action.DRAFTS})
CHANGED = "The draft changed after it was shown. Nothing was sent."
KINDS = {Batch.Action.CPI: Edit.Kind.CPI, Batch.Action.END: Edit.Kind.DATES}
Clock = Callable[[], datetime]
ClientFor = Callable[[ExchangeAccount], ExchangeClient]


class BulkOperations(NamedTuple):
    """The two operations of one kind of job: create it, and read how it is doing."""

    create: Callable[..., JobRef]
    read: Callable[..., BulkJob]


BULK_OPERATIONS: Mapping[str, BulkOperations] = {
    Batch.Action.LAUNCH: BulkOperations(
        ExchangeClient.create_bulk_launch_target_groups_job,
        ExchangeClient.get_bulk_launch_target_groups_job,
    ),
    Batch.Action.PAUSE: BulkOperations(
        ExchangeClient.create_bulk_pause_target_groups_job,
        ExchangeClient.get_bulk_pause_target_groups_job,
    ),
    Batch.Action.RESUME: BulkOperations(
        ExchangeClient.create_bulk_resume_target_groups_job,
        ExchangeClient.get_bulk_resume_target_groups_job,
    ),
    Batch.Action.RELAUNCH: BulkOperations(
        ExchangeClient.create_bulk_relaunch_target_groups_job,
        ExchangeClient.get_bulk_relaunch_target_groups_job,
    ),
    Batch.Action.COMPLETE: BulkOperations(
        ExchangeClient.create_bulk_complete_target_groups_job,
        ExchangeClient.get_bulk_complete_target_groups_job,
    ),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A group of a batch; of an edit also what was shown, and what it is changed to."""

    group: TargetGroup
    seen: object = None
    wanted: object = None


def create_batch(
    *,
    action: str,
    chosen: Iterable[Chosen],
    wanted: Mapping[str, object],
    by: User,
    token: str,
    now: datetime,
) -> Batch:
    """Commit a batch, once per token. Nothing is sent yet."""
    if batch := Batch.objects.filter(token=token).first():
        return batch
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                action=action, wanted=dict(wanted), by=by, token=token, created_at=now
            )
            _add_jobs(batch, sorted(chosen, key=lambda row: row.group.project_id), now)
    except IntegrityError:
        return Batch.objects.get(token=token)
    return batch


def _add_jobs(batch: Batch, chosen: list[Chosen], now: datetime) -> None:
    for project_id, rows in groupby(chosen, key=lambda row: row.group.project_id):
        job = BatchJob.objects.create(
            batch=batch, project_id=project_id, key=str(uuid.uuid4()), check_at=now
        )
        BatchGroup.objects.bulk_create(_batch_group(job, row) for row in rows)


def _batch_group(job: BatchJob, chosen: Chosen) -> BatchGroup:
    seen, wanted = chosen.seen, chosen.wanted
    if job.batch.action not in EDITS:
        seen, wanted = edit_records.before_and_after(job.batch, chosen.group)
    return BatchGroup(job=job, group=chosen.group, seen=seen, wanted=wanted)


def run_due_steps(
    *,
    clock: Clock = timezone.now,
    limit: int = 20,
    batch: Batch | None = None,
    client_for: ClientFor = clients.client_for,
) -> int:
    """Take the next step of each due job, of `batch` only if given. Return the number of steps."""
    due = BatchJob.objects.filter(check_at__lte=clock()).select_related("batch__by", "project")
    if batch:
        due = due.filter(batch=batch)
    steps = 0
    for job in due.order_by("check_at")[:limit]:
        if BatchJob.objects.filter(pk=job.pk, check_at=job.check_at).update(
            check_at=clock() + LEASE, tries=F("tries") + 1
        ):
            job.tries += 1
            _run_step(job, clock, client_for)
            steps += 1
    return steps


def _run_step(job: BatchJob, clock: Clock, client_for: ClientFor) -> None:
    try:
        client = client_for(job.project.account)
        if job.batch.action in EDITS:
            _send_edits(job, client, clock)
            return
        with client.deadline(STEP_SECONDS):
            if job.exchange_id and job.status not in readback.ENDED:
                _follow_job(job, client, clock())
            elif job.reading_since:
                _read_back(job, client, clock())
            elif job.sent_at and job.batch.action == Batch.Action.MANAGER:
                _begin_reading(job, clock())  # the answer was lost, and it is never sent twice
                _read_back(job, client, clock())
            else:
                _send_job(job, client, clock())
    except ExchangeError as exc:
        _retry_or_fail(job, exc, clock())


def _send_job(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Create the job on the exchange; after a lost answer, the same job again."""
    if job.sent_at is None:
        if job.batch.action == Batch.Action.MANAGER:
            handover.skip_groups_that_moved(_waiting_rows(job), client)
        try:
            edit_records.open_edits(job, now=now)
        except IntegrityError:
            _look_again(job, now)
            return
    rows = _waiting_rows(job)
    if not rows:
        _finish_job(job, [], now)
        return
    try:
        job.exchange_id = _create_job(job, rows, client).id
    except Refused as exc:
        _fail_refused_rows(job, rows, exc, now)
        return
    except BadAnswer as exc:
        if not exc.outcome_unknown:
            raise
        _begin_reading(job, now)  # it was accepted, but its address is not known
        _look_again(job, now)
        return
    job.tries = 0
    job.save(update_fields=["exchange_id", "tries"])
    _look_again(job, now)


def _create_job(job: BatchJob, rows: Sequence[BatchGroup], client: ExchangeClient) -> JobRef:
    groups = [row.group.exchange_id for row in rows]
    project = job.project.exchange_id
    if job.batch.action == Batch.Action.MANAGER:
        manager = str(job.batch.wanted["manager_id"])
        return client.create_bulk_update_target_group_project_manager_job(
            project_id=project, target_group_ids=groups, project_manager_id=manager
        )
    return BULK_OPERATIONS[job.batch.action].create(
        client, project_id=project, target_group_ids=groups, idempotency_key=job.key
    )


def _fail_refused_rows(job: BatchJob, rows: list[BatchGroup], exc: Refused, now: datetime) -> None:
    """Fail the rows that the exchange names, and send the others again as a new job.

    Where it names none, the job itself was refused, and none of its groups was sent.
    """
    objections = blame.objections_by_group(rows, exc)
    if not objections:
        _end_all(job, BatchGroup.State.FAILED, f"{NOT_SENT}: {_refusal_text(exc)}", now)
        return
    named = [row for row in rows if row.pk in objections]
    for row in named:
        row.state, row.reason = BatchGroup.State.FAILED, objections[row.pk]
    with transaction.atomic():
        BatchGroup.objects.bulk_update(named, ["state", "reason"])
        edit_records.close_edits(named, now=now)
        # Another list of groups is another job: the old key belongs to the old list.
        job.key, job.tries = str(uuid.uuid4()), 0
        if job.batch.action == Batch.Action.MANAGER:
            job.sent_at = None  # nothing was accepted, so it may be sent again
        job.save(update_fields=["key", "tries", "sent_at"])
    if len(named) == len(rows):
        _finish_job(job, [], now)
    else:
        _schedule_step(job, now)


def _refusal_text(exc: Refused) -> str:
    """Why the exchange refused a job as a whole."""
    reasons = [
        f"{param.name}: {param.reason}"
        for param in exc.invalid_params
        if param.name and param.reason
    ]
    return "; ".join(reasons) or str(exc)


def _waiting_rows(job: BatchJob) -> list[BatchGroup]:
    """The groups without a result yet."""
    rows = job.groups.filter(state=BatchGroup.State.WAITING)
    return list(rows.select_related("group__project").order_by("pk"))


def _follow_job(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Read the exchange's job; read its groups once it has ended or its status is unknown."""
    report = _read_job(job, client)
    if report is None:
        job.status = ""
        job.save(update_fields=["status"])
        if job.reading_since is None:
            _begin_reading(job, now)
        _read_back(job, client, now)
        return
    job.status = report.status[:64]
    job.save(update_fields=["status"])
    if job.status in readback.ENDED:
        rows = _waiting_rows(job)
        readback.store_job_results(rows, report)
        BatchGroup.objects.bulk_update(rows, ["word", "reason"])
        _begin_reading(job, now)
        _read_back(job, client, now)
        return
    if not _is_patient(job, now):
        _read_once(job, client, now)
        why = f"After half an hour Cint still reports this job as “{job.status}”"
        _end_all(job, BatchGroup.State.UNKNOWN, why, now)
        return
    is_slow = job.sent_at is not None and now - job.sent_at >= SLOW
    if (is_slow or job.status != readback.RUNNING) and not _read_once(job, client, now):
        _finish_job(job, [], now)
    else:
        _look_again(job, now)


def _read_job(job: BatchJob, client: ExchangeClient) -> BulkJob | None:
    """The job as the exchange reports it; None where it refuses: unknown, or not ours to read."""
    ids = {"project_id": job.project.exchange_id, "job_id": job.exchange_id}
    try:
        if job.batch.action == Batch.Action.MANAGER:
            return client.get_bulk_update_target_group_project_manager_job(**ids)
        return BULK_OPERATIONS[job.batch.action].read(client, **ids)
    except Rejected:
        return None


def _begin_reading(job: BatchJob, now: datetime) -> None:
    """From now on read its groups, until each is as requested or the time is up."""
    job.reading_since, job.looks = now, 0
    job.save(update_fields=["reading_since", "looks"])


def _read_back(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Read the groups without a result; those not as requested yet are read again later."""
    last = _is_last_look(job, now)
    if _read_once(job, client, now, last=last):
        BatchJob.objects.filter(pk=job.pk).update(looks=F("looks") + 1)
        _schedule_step(job, now + _time_to_next_reading(job))
    else:
        _finish_job(job, [], now)


def _time_to_next_reading(job: BatchJob) -> timedelta:
    return timedelta(seconds=readback.LOOKS[min(job.looks, len(readback.LOOKS) - 1)])


def _is_last_look(job: BatchJob, now: datetime) -> bool:
    """Whether the time for reading is over; waits that the exchange asked for do not count."""
    since = max(filter(None, (job.reading_since, job.wait_until)), default=now)
    return now - since >= readback.READ_FOR


def _read_once(job: BatchJob, client: ExchangeClient, now: datetime, *, last: bool = False) -> int:
    """Read the groups without a result once and store the results; return how many still wait."""
    rows = _waiting_rows(job)
    rows_read: list[BatchGroup] = []
    held: dict[int, str] = {}
    try:
        for row, held_now in readback.read_groups(rows, client, action=job.batch.action):
            readback.set_result(row, held_now, job=job, last=last)
            held[row.pk] = held_now.value
            rows_read.append(row)
    finally:
        with transaction.atomic():
            BatchGroup.objects.bulk_update(rows_read, ["state", "reason"])
            ended = [row for row in rows_read if row.state != BatchGroup.State.WAITING]
            edit_records.close_edits(ended, now=now, held=held)
    return sum(row.state == BatchGroup.State.WAITING for row in rows)


def _send_edits(job: BatchJob, client: ExchangeClient, clock: Clock) -> None:
    """Send some edits, each as if it were made on its group's page; the next step goes on."""
    waiting = job.groups.filter(state=BatchGroup.State.WAITING)
    rows = list(waiting.select_related("group__project", "group__account")[:EDITS_A_STEP])
    for row in rows:
        try:
            row.edit = _send_row(job, row, client, clock)
            wait = edit_records.requested_wait(row.edit)
            if wait and _is_patient(job, clock()):
                # It was not accepted, so it may be sent later.
                edit_records.delete_unsent_edit(cast("Edit", row.edit))
                job.error = wait.why
                job.save(update_fields=["error"])
                _schedule_retry(job, wait.seconds, clock(), by_exchange=wait.by_exchange)
                return
            failed = (BatchGroup.State.FAILED, CHANGED)
            row.state, row.reason = edit_records.group_outcome(row.edit) if row.edit else failed
        except send.EditInProgress as exc:
            row.state, row.reason = BatchGroup.State.FAILED, f"{exc}."
        row.save(update_fields=["edit", "state", "reason"])
        BatchJob.objects.filter(pk=job.pk).update(check_at=clock() + LEASE)
    if len(rows) < EDITS_A_STEP:
        _finish_job(job, [], clock())
    else:
        _schedule_step(job, clock())


def _send_row(job: BatchJob, row: BatchGroup, client: ExchangeClient, clock: Clock) -> Edit | None:
    """Send the edit of one group, once; None for a draft that changed after it was shown."""
    by = cast("User", job.batch.by)
    if job.batch.action != Batch.Action.DRAFTS:
        return send.send_edit(
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
    held, wanted = draft.stored_draft(row.group), cast("dict[str, str]", row.wanted)
    if held is None or draft.fingerprint(held) != row.seen:
        return None
    start = wanted[launch.START]
    return launch.launch_draft(
        group=row.group,
        seen=held,
        start=datetime.fromisoformat(start) if start else None,
        end=datetime.fromisoformat(wanted[launch.END]),
        by=by,
        token=str(uuid.uuid5(uuid.UUID(job.key), str(row.group_id))),
        client=client,
        clock=clock,
    )


def _retry_or_fail(job: BatchJob, exc: ExchangeError, now: datetime) -> None:
    """Try again where that helps and cannot act twice; else fail, with the reason."""
    job.error = str(exc)
    job.save(update_fields=["error"])
    if job.reading_since and not _is_last_look(job, now):
        BatchJob.objects.filter(pk=job.pk).update(looks=F("looks") + 1)
        _schedule_retry(job, exc.retry_after, now, by_exchange=exc.status is not None)
        return
    again = exc.waiting_helps or exc.outcome_unknown
    if again and not job.reading_since and _is_patient(job, now):
        if job.batch.action == Batch.Action.MANAGER and not exc.outcome_unknown:
            BatchJob.objects.filter(pk=job.pk, exchange_id="").update(sent_at=None)
        _schedule_retry(job, exc.retry_after, now, by_exchange=exc.status is not None)
        return
    sent = bool(job.exchange_id or job.reading_since) or exc.outcome_unknown
    why = str(exc) if sent else f"{NOT_SENT}: {exc}"
    _end_all(job, BatchGroup.State.UNKNOWN if sent else BatchGroup.State.FAILED, why, now)


def _is_patient(job: BatchJob, now: datetime) -> bool:
    """Whether a job may still be tried; waits that the exchange asked for count after a day."""
    created_at = job.batch.created_at
    since = max(created_at, job.wait_until) if job.wait_until else created_at
    return now - since < GIVEN_UP_AFTER and now - created_at < LONGEST


def _schedule_retry(
    job: BatchJob, seconds: float | None, now: datetime, *, by_exchange: bool
) -> None:
    """Plan the next step after one that failed, not before `seconds` have passed.

    Pages show since when its steps fail, and a wait `by_exchange`. A wait that the exchange asks
    for holds for the whole account: no job of it runs earlier.
    """
    earliest = now + (_time_to_next_reading(job) if job.reading_since else _time_to_next_step(job))
    until = now + timedelta(seconds=min(seconds or 0.0, LONGEST_RETRY_AFTER))
    if seconds and by_exchange:
        others = BatchJob.objects.filter(
            project__account=job.project.account_id, check_at__lt=until, finished_at=None
        )
        others.exclude(pk=job.pk).update(
            check_at=until, wait_until=until, waiting_since=Coalesce("waiting_since", now)
        )
        BatchJob.objects.filter(pk=job.pk).update(wait_until=until)
    _schedule_step(job, max(earliest, until), waiting_since=job.waiting_since or now)


def _end_all(job: BatchJob, state: BatchGroup.State, why: str, now: datetime) -> None:
    """End the job with the same result for every group without one."""
    rows = _waiting_rows(job)
    for row in rows:
        row.state, row.reason = state, f"{why.rstrip('.')}."
    _finish_job(job, rows, now)


def _look_again(job: BatchJob, now: datetime) -> None:
    _schedule_step(job, now + _time_to_next_step(job))


def _time_to_next_step(job: BatchJob) -> timedelta:
    return timedelta(seconds=NEXT_STEP_SECONDS[min(job.tries, len(NEXT_STEP_SECONDS) - 1)])


def _schedule_step(job: BatchJob, when: datetime, *, waiting_since: datetime | None = None) -> None:
    """Plan the next step; `waiting_since` is None if the last one got through."""
    BatchJob.objects.filter(pk=job.pk).update(check_at=when, waiting_since=waiting_since)


def _finish_job(job: BatchJob, rows: list[BatchGroup], now: datetime) -> None:
    """Store the results, end the job and make its project due, in one commit."""
    with transaction.atomic():
        BatchGroup.objects.bulk_update(rows, ["state", "reason"])
        edit_records.close_edits(rows, now=now)
        BatchJob.objects.filter(pk=job.pk).update(check_at=None, finished_at=now)
        Project.objects.filter(pk=job.project_id).update(version=F("version") + 1, due_at=now)
