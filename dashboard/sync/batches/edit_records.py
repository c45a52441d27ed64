"""What a job of the exchange changes, as edits: who wanted what of each group, and how it ended."""

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
BUSY = "Another such change is on its way; look again in a moment."
HELD = "Sent, but the exchange holds something else"
_ENDS = {
    BatchGroup.State.DONE: Edit.State.CONFIRMED,
    BatchGroup.State.FAILED: Edit.State.REJECTED,
    BatchGroup.State.NOT_SO: Edit.State.CONFLICT,
    BatchGroup.State.UNKNOWN: Edit.State.UNKNOWN,
}


def edit_kind_of(batch: Batch) -> Edit.Kind:
    """What of a group a batch changes."""
    return Edit.Kind.MANAGER if batch.action == Batch.Action.MANAGER else Edit.Kind.STATUS


def before_and_after(batch: Batch, group: TargetGroup) -> tuple[str, str]:
    """What a group has as far as we know, and what it is to have."""
    if batch.action == Batch.Action.MANAGER:
        return group.project_manager_id, str(batch.wanted["manager_id"])
    return group.status, STATUS[Batch.Action(batch.action)]


def open_edits(job: BatchJob, *, now: datetime) -> None:
    """Commit an edit a group before the job is sent; a group with one on its way is refused.

    Raises IntegrityError where somebody else's came between; nothing is stored then.
    """
    of = edit_kind_of(job.batch)
    rows = list(job.groups.filter(state=BatchGroup.State.WAITING, edit=None))
    open_edits = Edit.objects.filter(
        group__in=[row.group_id for row in rows],
        kind=of,
        state__in=Edit.OPEN,
    )
    busy = set(open_edits.values_list("group_id", flat=True))
    for row in rows:
        if row.group_id in busy:
            row.state, row.reason = BatchGroup.State.FAILED, BUSY
        else:
            row.edit = _edit(job, row, of, now)
    with transaction.atomic():
        Edit.objects.bulk_create([row.edit for row in rows if row.edit])
        BatchGroup.objects.bulk_update(rows, ["edit", "state", "reason"])
        job.sent_at = now
        job.save(update_fields=["sent_at"])


def _edit(job: BatchJob, row: BatchGroup, of: Edit.Kind, now: datetime) -> Edit:
    return Edit(
        account_id=job.project.account_id,
        group_id=row.group_id,
        by=job.batch.by,
        kind=of,
        token=f"{job.key}:{row.group_id}",
        before=row.seen,
        wanted=row.wanted,
        started_at=now,
    )


def close_edits(
    rows: Iterable[BatchGroup], *, now: datetime, held: Mapping[int, str] | None = None
) -> None:
    """How the edits of these groups ended; what is not known is settled by reading, as any edit.

    `held`: what was read of each row, by its primary key.
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
    """How long to wait before an edit can be sent, and whether the exchange itself asked for it."""

    seconds: float
    by_exchange: bool


def asked_to_wait(edit: Edit | None) -> Wait | None:
    """The wait that an edit was refused for, which was not taken; None where it was none."""
    if edit is None or edit.state != Edit.State.REJECTED:
        return None
    waits = [
        Wait(float(one["retry_after"]), bool(one.get("status")))
        for one in edit.reasons
        if one.get("retry_after")
    ]
    return max(waits, default=None)


def forget(edit: Edit) -> None:
    """Take back the row of an edit that was not sent, so that it can be sent later."""
    Edit.objects.filter(pk=edit.pk, state=Edit.State.REJECTED).delete()


def group_outcome(edit: Edit) -> tuple[str, str]:
    """How an edit of a batch stands, and why."""
    if edit.state == Edit.State.CONFIRMED:
        return BatchGroup.State.DONE, ""
    if edit.kind == Edit.Kind.LAUNCH and not edit.is_settled:
        said = " ".join(str(one["reason"]) for one in edit.reasons)
        return BatchGroup.State.UNKNOWN, said or "The exchange is at it."
    if edit.state == Edit.State.CONFLICT:
        return _conflict(edit)
    if edit.state == Edit.State.GIVEN_UP:
        went_on = f"; {edit.given_up_by} went on" if edit.given_up_by else ""
        return BatchGroup.State.UNKNOWN, f"Sent, never confirmed{went_on}."
    if edit.state == Edit.State.REJECTED:
        said = " ".join(str(one["reason"]) for one in edit.reasons)
        return BatchGroup.State.FAILED, said or "The exchange refused it."
    return BatchGroup.State.UNKNOWN, "Sent, not confirmed yet; it is looked at again."


def _conflict(edit: Edit) -> tuple[str, str]:
    if edit.kind in BY_JOB:
        said = " ".join(str(one["reason"]) for one in edit.reasons)
        return BatchGroup.State.NOT_SO, said or f"{HELD}."
    if edit.sent and edit.taken is False:
        return BatchGroup.State.FAILED, "Sent, and refused: somebody else changed it meanwhile."
    if edit.sent or edit.checks:
        return BatchGroup.State.FAILED, f"{HELD}."
    return BatchGroup.State.FAILED, "Somebody else changed it meanwhile; nothing was sent."
