"""A batch → the exchange: one job a project, polled to its end, a result for each group.

A job of the exchange is committed before it is sent, with its idempotency key: after a lost answer
the same job is asked for again, never a second one. Handing over has no key, so it is sent once.
What the job says of a group is not the end of it: each is read back (`readback`). Where the
exchange asks to be left alone, the job waits that long, up to an hour at a time. Prices and ends go
the way of every edit, one group after another; drafts that of every launch, for the exchange's job
over many groups takes scheduled ones only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import F
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
NEXT_LOOK = (2, 3, 5, 10, 20, 30)  # seconds
GIVEN_UP_AFTER = timedelta(minutes=30)
LONGEST = timedelta(hours=24)  # whatever the exchange asks to wait
SLOW = timedelta(minutes=1)  # a job that takes longer may have done its work and not say so
NOT_SENT = "Not sent"
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


def create_batch(
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
    seen, wanted = (
        (one.seen, one.wanted) if edits else edit_records.before_and_after(job.batch, one.group)
    )
    return BatchGroup(job=job, group=one.group, seen=seen, wanted=wanted)


def run_due_steps(
    *,
    clock: Clock = timezone.now,
    limit: int = 20,
    batch: Batch | None = None,
    client_for: Callable[[ExchangeAccount], ExchangeClient] = clients.client_for,
) -> int:
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
            _step(job, clock, client_for)
            taken += 1
    return taken


def _step(
    job: BatchJob, clock: Clock, client_for: Callable[[ExchangeAccount], ExchangeClient]
) -> None:
    try:
        client = client_for(job.project.account)
        if job.batch.action in EDITS:
            _edit(job, client, clock)
            return
        with client.deadline(STEP_SECONDS):
            if job.exchange_id and job.status not in readback.ENDED:
                _follow(job, client, clock())
            elif job.reading_since:
                _read_back(job, client, clock())
            elif job.sent_at and job.batch.action == Batch.Action.MANAGER:
                _begin_reading(job, clock())  # an answer was lost, and it is never sent again
                _read_back(job, client, clock())
            else:
                _send(job, client, clock())
    except ExchangeError as exc:
        _not_now(job, exc, clock())


def _send(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Ask for the job; the same one again where an answer was lost."""
    if job.sent_at is None:
        if job.batch.action == Batch.Action.MANAGER:
            handover.skip_groups_that_moved(_waiting(job), client)
        try:
            edit_records.open_edits(job, now=now)
        except IntegrityError:
            _look_again(job, now)
            return
    rows = _waiting(job)
    if not rows:
        _finish(job, [], now)
        return
    try:
        job.exchange_id = _ask(job, rows, client).id
    except Refused as exc:
        _without_refused(job, rows, exc, now)
        return
    except BadAnswer as exc:
        if not exc.outcome_unknown:
            raise
        _begin_reading(job, now)  # it was taken, and nobody says where it can be followed
        _look_again(job, now)
        return
    job.tries = 0
    job.save(update_fields=["exchange_id", "tries"])
    _look_again(job, now)


def _ask(job: BatchJob, rows: Sequence[BatchGroup], client: ExchangeClient) -> JobRef:
    groups = [row.group.exchange_id for row in rows]
    project = job.project.exchange_id
    if job.batch.action == Batch.Action.MANAGER:
        manager = str(job.batch.wanted["manager_id"])
        return client.create_bulk_update_target_group_project_manager_job(
            project_id=project, target_group_ids=groups, project_manager_id=manager
        )
    create = getattr(client, f"create_bulk_{job.batch.action}_target_groups_job")
    ref: JobRef = create(project_id=project, target_group_ids=groups, idempotency_key=job.key)
    return ref


def _without_refused(job: BatchJob, rows: list[BatchGroup], exc: Refused, now: datetime) -> None:
    """Refuse the rows that the exchange names, and send the others again, as a new job.

    Where it names none, the job itself is wrong, and none of its groups was sent.
    """
    objections = blame.objections_by_group(rows, exc)
    if not objections:
        _end(job, BatchGroup.State.FAILED, f"{NOT_SENT}: {_words(exc)}", now)
        return
    named = [row for row in rows if row.pk in objections]
    for row in named:
        row.state, row.reason = BatchGroup.State.FAILED, objections[row.pk]
    with transaction.atomic():
        BatchGroup.objects.bulk_update(named, ["state", "reason"])
        edit_records.close_edits(named, now=now)
        # Another list of groups is another job: the old key stands for the old list.
        job.key, job.tries = str(uuid.uuid4()), 0
        if job.batch.action == Batch.Action.MANAGER:
            job.sent_at = None  # nothing was taken, so it may be sent
        job.save(update_fields=["key", "tries", "sent_at"])
    if len(named) == len(rows):
        _finish(job, [], now)
    else:
        _later(job, now)


def _words(exc: Refused) -> str:
    """What is wrong with a job as a whole."""
    about = [f"{one.name}: {one.reason}" for one in exc.invalid_params if one.name and one.reason]
    return "; ".join(about) or str(exc)


def _waiting(job: BatchJob) -> list[BatchGroup]:
    """The groups whose result is open."""
    rows = job.groups.filter(state=BatchGroup.State.WAITING)
    return list(rows.select_related("group__project").order_by("pk"))


def _follow(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """How the exchange's job does; its groups are read once it has ended, or says nothing known."""
    report = _report(job, client)
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
        rows = _waiting(job)
        readback.take_words(rows, report)
        BatchGroup.objects.bulk_update(rows, ["word", "reason"])
        _begin_reading(job, now)
        _read_back(job, client, now)
        return
    if not _is_patient(job, now):
        _read_once(job, client, now)
        why = f"After half an hour the exchange says {job.status} of this job"
        _end(job, BatchGroup.State.UNKNOWN, why, now)
        return
    is_slow = job.sent_at is not None and now - job.sent_at >= SLOW
    if (is_slow or job.status != readback.RUNNING) and not _read_once(job, client, now):
        _finish(job, [], now)
    else:
        _look_again(job, now)


def _report(job: BatchJob, client: ExchangeClient) -> BulkJob | None:
    """The job as the exchange tells it; None where it will not tell: unknown, or not for us."""
    of_job = {"project_id": job.project.exchange_id, "job_id": job.exchange_id}
    report: BulkJob
    try:
        if job.batch.action == Batch.Action.MANAGER:
            report = client.get_bulk_update_target_group_project_manager_job(**of_job)
        else:
            report = getattr(client, f"get_bulk_{job.batch.action}_target_groups_job")(**of_job)
    except Rejected:
        return None
    return report


def _begin_reading(job: BatchJob, now: datetime) -> None:
    """From now on its groups are read, until each is as wanted or the time is up."""
    job.reading_since, job.looks = now, 0
    job.save(update_fields=["reading_since", "looks"])


def _read_back(job: BatchJob, client: ExchangeClient, now: datetime) -> None:
    """Look at the groups that are not settled; those that are not as wanted are looked at again."""
    last = _is_last_look(job, now)
    if _read_once(job, client, now, last=last):
        BatchJob.objects.filter(pk=job.pk).update(looks=F("looks") + 1)
        _later(job, now + _until_next_look(job))
    else:
        _finish(job, [], now)


def _until_next_look(job: BatchJob) -> timedelta:
    return timedelta(seconds=readback.LOOKS[min(job.looks, len(readback.LOOKS) - 1)])


def _is_last_look(job: BatchJob, now: datetime) -> bool:
    """Whether reading had its time; what the exchange asked to wait does not count."""
    since = max(filter(None, (job.reading_since, job.wait_until)), default=now)
    return now - since >= readback.READ_FOR


def _read_once(job: BatchJob, client: ExchangeClient, now: datetime, *, last: bool = False) -> int:
    """Read the open groups once and store how each stands; how many are still open."""
    rows = _waiting(job)
    judged: list[BatchGroup] = []
    held: dict[int, str] = {}
    try:
        for row, now_held in readback.read_groups(rows, client, action=job.batch.action):
            readback.judge(row, now_held, job=job, last=last)
            held[row.pk] = now_held.value
            judged.append(row)
    finally:
        with transaction.atomic():
            BatchGroup.objects.bulk_update(judged, ["state", "reason"])
            ended = [row for row in judged if row.state != BatchGroup.State.WAITING]
            edit_records.close_edits(ended, now=now, held=held)
    return sum(row.state == BatchGroup.State.WAITING for row in rows)


def _edit(job: BatchJob, client: ExchangeClient, clock: Clock) -> None:
    """Some edits, each as if it had been typed on its group's page; then the next round."""
    waiting = job.groups.filter(state=BatchGroup.State.WAITING)
    rows = list(waiting.select_related("group__project", "group__account")[:EDITS_A_STEP])
    for row in rows:
        try:
            row.edit = _sent(job, row, client, clock)
            wait = edit_records.asked_to_wait(row.edit)
            if wait and _is_patient(job, clock()):
                edit_records.forget(
                    cast("Edit", row.edit)
                )  # it was not taken, so it may be sent later
                _wait(job, wait.seconds, clock(), by_exchange=wait.by_exchange)
                return
            failed = (BatchGroup.State.FAILED, CHANGED)
            row.state, row.reason = edit_records.group_outcome(row.edit) if row.edit else failed
        except send.EditInProgress as exc:
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


def _not_now(job: BatchJob, exc: ExchangeError, now: datetime) -> None:
    """Try again where that helps and cannot do it twice; else it has failed, and says why."""
    job.error = str(exc)
    job.save(update_fields=["error"])
    if job.reading_since and not _is_last_look(job, now):
        BatchJob.objects.filter(pk=job.pk).update(looks=F("looks") + 1)
        _wait(job, exc.retry_after, now, by_exchange=exc.status is not None)
        return
    again = exc.waiting_helps or exc.outcome_unknown
    if again and not job.reading_since and _is_patient(job, now):
        if job.batch.action == Batch.Action.MANAGER and not exc.outcome_unknown:
            BatchJob.objects.filter(pk=job.pk, exchange_id="").update(sent_at=None)
        _wait(job, exc.retry_after, now, by_exchange=exc.status is not None)
        return
    sent = bool(job.exchange_id or job.reading_since) or exc.outcome_unknown
    why = str(exc) if sent else f"{NOT_SENT}: {exc}"
    _end(job, BatchGroup.State.UNKNOWN if sent else BatchGroup.State.FAILED, why, now)


def _is_patient(job: BatchJob, now: datetime) -> bool:
    """Whether a job may still be tried; waits that the exchange asked for count after a day."""
    asked = job.batch.created_at
    since = max(asked, job.wait_until) if job.wait_until else asked
    return now - since < GIVEN_UP_AFTER and now - asked < LONGEST


def _wait(job: BatchJob, seconds: float | None, now: datetime, *, by_exchange: bool) -> None:
    """The next look, not before `seconds` have passed; told on the page where the exchange asks.

    Who asks for fewer requests asks it of the whole account: none of its jobs goes before that.
    """
    usual = now + (_until_next_look(job) if job.reading_since else _usual_wait(job))
    until = now + timedelta(seconds=min(seconds or 0.0, LONGEST_RETRY_AFTER))
    if seconds and by_exchange:
        others = BatchJob.objects.filter(
            project__account=job.project.account_id, check_at__lt=until, finished_at=None
        )
        others.exclude(pk=job.pk).update(check_at=until, wait_until=until)
        BatchJob.objects.filter(pk=job.pk).update(wait_until=until)
    _later(job, max(usual, until))


def _end(job: BatchJob, state: BatchGroup.State, why: str, now: datetime) -> None:
    """The same end for every group whose result is open."""
    rows = _waiting(job)
    for row in rows:
        row.state, row.reason = state, f"{why.rstrip('.')}."
    _finish(job, rows, now)


def _look_again(job: BatchJob, now: datetime) -> None:
    _later(job, now + _usual_wait(job))


def _usual_wait(job: BatchJob) -> timedelta:
    return timedelta(seconds=NEXT_LOOK[min(job.tries, len(NEXT_LOOK) - 1)])


def _later(job: BatchJob, when: datetime) -> None:
    BatchJob.objects.filter(pk=job.pk).update(check_at=when)


def _finish(job: BatchJob, rows: list[BatchGroup], now: datetime) -> None:
    """Results, the end of the job, and its project read again, in one commit."""
    with transaction.atomic():
        BatchGroup.objects.bulk_update(rows, ["state", "reason"])
        edit_records.close_edits(rows, now=now)
        BatchJob.objects.filter(pk=job.pk).update(check_at=None, finished_at=now)
        Project.objects.filter(pk=job.project_id).update(version=F("version") + 1, due_at=now)
