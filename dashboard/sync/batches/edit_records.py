"""The edits of a batch: who requested which change of each group, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from dashboard.fielding.models import Batch, BatchGroup, BatchJob, Edit, TargetGroup
from dashboard.sync.edits.send import CHECK_AFTER

STATUS = {
    Batch.Action.LAUNCH: "live",
    Batch.Action.PAUSE: "paused",
    Batch.Action.RESUME: "live",
    Batch.Action.RELAUNCH: "live",
    Batch.Action.COMPLETE: "completed",
}
BY_JOB = (Edit.Kind.STATUS, Edit.Kind.MANAGER)
BUSY = "Another change of this kind is in progress. Try again in a moment."
HELD = "Sent, but Cint has another value"
_ENDS = {
    BatchGroup.State.DONE: Edit.State.CONFIRMED,
    BatchGroup.State.FAILED: Edit.State.REJECTED,
    BatchGroup.State.NOT_SO: Edit.State.CONFLICT,
    BatchGroup.State.UNKNOWN: Edit.State.UNKNOWN,
}


def edit_kind_of(batch: Batch) -> Edit.Kind:
    """The kind of edit that a batch makes on each group."""
    return Edit.Kind.MANAGER if batch.action == Batch.Action.MANAGER else Edit.Kind.STATUS


def before_and_after(batch: Batch, group: TargetGroup) -> tuple[str, str]:
    """The manager or status that our tables hold of a group, and the one requested."""
    if batch.action == Batch.Action.MANAGER:
        return group.project_manager_id, str(batch.wanted["manager_id"])
    return group.status, STATUS[Batch.Action(batch.action)]


def open_edits(job: BatchJob, *, now: datetime) -> None:
    """Commit one edit per group before the job is sent; fail groups that have one in progress.

    Raises IntegrityError where another edit was committed in between; nothing is stored then.
    """
    kind = edit_kind_of(job.batch)
    rows = list(job.groups.filter(state=BatchGroup.State.WAITING, edit=None))
    in_progress = Edit.objects.filter(
        group__in=[row.group_id for row in rows],
        kind=kind,
        state__in=Edit.OPEN,
    )
    busy = set(in_progress.values_list("group_id", flat=True))
    for row in rows:
        if row.group_id in busy:
            row.state, row.reason = BatchGroup.State.FAILED, BUSY
        else:
            row.edit = _new_edit(job, row, kind, now)
    with transaction.atomic():
        Edit.objects.bulk_create([row.edit for row in rows if row.edit])
        BatchGroup.objects.bulk_update(rows, ["edit", "state", "reason"])
        job.sent_at = now
        job.save(update_fields=["sent_at"])


def _new_edit(job: BatchJob, row: BatchGroup, kind: Edit.Kind, now: datetime) -> Edit:
    return Edit(
        account_id=job.project.account_id,
        group_id=row.group_id,
        by=job.batch.by,
        kind=kind,
        token=f"{job.key}:{row.group_id}",
        before=row.seen,
        wanted=row.wanted,
        started_at=now,
    )


def close_edits(
    rows: Iterable[BatchGroup], *, now: datetime, held: Mapping[int, str] | None = None
) -> None:
    """Store the outcome of these groups' edits; unknown ones are settled by reading, as any edit.

    `held`: the value that was read for each row, by its primary key.
    """
    by_edit = {row.edit_id: row for row in rows if row.edit_id}
    edits = list(Edit.objects.filter(pk__in=by_edit, state__in=Edit.OPEN))
    for edit in edits:
        row = by_edit[edit.pk]
        edit.state = _ENDS[BatchGroup.State(row.state)]
        edit.reasons = [{"name": "", "reason": row.reason}] if row.reason else []
        edit.after = (held or {}).get(row.pk) or edit.after
        if edit.state == Edit.State.CONFLICT:
            edit.checks = max(edit.checks, 1)  # it was sent and read, not overtaken
        if edit.state == Edit.State.UNKNOWN:
            edit.check_at = now + CHECK_AFTER[0]
        else:
            edit.settled_at = now
    columns = ["state", "reasons", "after", "checks", "check_at", "settled_at"]
    Edit.objects.bulk_update(edits, columns)


class Wait(NamedTuple):
    """How long to wait before an edit can be sent, whether the exchange asked for it, and why."""

    seconds: float
    by_exchange: bool
    why: str


def requested_wait(edit: Edit | None) -> Wait | None:
    """The wait for which an edit was refused before it was accepted; None if there was none."""
    if edit is None or edit.state != Edit.State.REJECTED:
        return None
    waits = [
        Wait(
            float(reason["retry_after"]),
            bool(reason.get("status")),
            str(reason.get("cause", reason["reason"])),
        )
        for reason in edit.reasons
        if reason.get("retry_after")
    ]
    return max(waits, default=None)


def delete_unsent_edit(edit: Edit) -> None:
    """Delete the row of an edit that was not sent, so that it can be sent later."""
    Edit.objects.filter(pk=edit.pk, state=Edit.State.REJECTED).delete()


def group_outcome(edit: Edit) -> tuple[str, str]:
    """The result of a batch's group by its edit, and the reason for it."""
    reasons = " ".join(str(reason["reason"]) for reason in edit.reasons)
    if edit.state == Edit.State.CONFIRMED:
        return BatchGroup.State.DONE, ""
    if edit.kind == Edit.Kind.LAUNCH and not edit.is_settled:
        return BatchGroup.State.UNKNOWN, reasons or "In progress on Cint."
    if edit.state == Edit.State.CONFLICT:
        return _conflict_outcome(edit, reasons)
    if edit.state == Edit.State.GIVEN_UP:
        abandoned_by = f"; abandoned by {edit.given_up_by}" if edit.given_up_by else ""
        return BatchGroup.State.UNKNOWN, f"Sent, never confirmed{abandoned_by}."
    if edit.state == Edit.State.REJECTED:
        return BatchGroup.State.FAILED, reasons or "Cint refused it."
    return BatchGroup.State.UNKNOWN, "Sent, not confirmed yet. Checking again."


def _conflict_outcome(edit: Edit, reasons: str) -> tuple[str, str]:
    if edit.kind in BY_JOB:
        return BatchGroup.State.NOT_SO, reasons or f"{HELD}."
    if edit.sent and edit.taken is False:
        return BatchGroup.State.FAILED, "Refused: someone else changed it in the meantime."
    if edit.sent or edit.checks:
        return BatchGroup.State.FAILED, f"{HELD}."
    return BatchGroup.State.FAILED, "Someone else changed this. Nothing was sent."
