"""What an edit, or the job of a bulk change, waits for until its result is known."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.fielding.models import BatchGroup, BatchJob, Edit
from dashboard.sync.batches import edit_records
from dashboard.sync.edits import fresh, send
from dashboard.sync.edits.kinds.registry import EDITABLE
from dashboard.web.connections.waits import OpenWait, WaitsFor, Workers


def edit_wait(edit: Edit, workers: Workers) -> OpenWait | None:
    """Return what an open edit waits for; None if it has ended, or is being sent just now.

    The edit of a bulk change that is not sent yet waits as the job does: see `job_wait`.
    """
    if edit.is_settled or edit.check_at is None:
        return None
    if wait := workers.wait(edit.check_at, asked_at=edit.started_at):
        return wait
    if since := send.waiting_since(edit):
        why = " ".join(str(reason["reason"]) for reason in edit.reasons if "since" in reason)
        return OpenWait(WaitsFor.RETRY, since, why=why, next_at=edit.check_at)
    if edit.sent is False:
        return None
    until = edit.started_at + fresh.LONGEST_LAG
    is_limited = edit.kind in EDITABLE and until > workers.now
    return OpenWait(
        WaitsFor.CINT,
        edit.started_at,
        next_at=edit.check_at,
        until=until if is_limited else None,
    )


def job_wait(job: BatchJob, workers: Workers) -> OpenWait | None:
    """Return what a job of a bulk change waits for; None if it has ended, or is at work."""
    if job.finished_at or job.check_at is None:
        return None
    asked_at = job.batch.created_at
    if wait := workers.wait(job.check_at, asked_at=asked_at):
        return wait
    if job.wait_until and job.wait_until > workers.now:
        since = job.waiting_since or asked_at
        return OpenWait(WaitsFor.QUIET, since, until=job.wait_until)
    if job.waiting_since:
        return OpenWait(WaitsFor.RETRY, job.waiting_since, why=job.error, next_at=job.check_at)
    if job.exchange_id and job.sent_at:
        return OpenWait(WaitsFor.CINT, job.sent_at, next_at=job.check_at)
    return None


def _is_left_to_job(edit: Edit) -> bool:
    return edit.check_at is None and edit.kind in edit_records.BY_JOB


def list_waits(edits: Iterable[Edit], workers: Workers) -> dict[int, OpenWait]:
    """Return what the open ones of these edits wait for, by primary key.

    Edits of bulk changes cost one query, if there are any that are open.
    """
    open_edits = [edit for edit in edits if not edit.is_settled]
    waits = {edit.pk: edit_wait(edit, workers) for edit in open_edits}
    if by_jobs := [edit.pk for edit in open_edits if _is_left_to_job(edit)]:
        rows = BatchGroup.objects.filter(edit__in=by_jobs).select_related("job__batch")
        waits |= {row.edit_id: job_wait(row.job, workers) for row in rows if row.edit_id}
    return {pk: wait for pk, wait in waits.items() if wait}
