"""What a job of the exchange changes, as edits: who wanted what of each group, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from dashboard.fielding.models import Batch, BatchGroup, BatchJob, Edit, TargetGroup
from dashboard.sync.push import CHECK_AFTER

STATUS = {
    Batch.Action.LAUNCH: "live",
    Batch.Action.PAUSE: "paused",
    Batch.Action.RESUME: "live",
    Batch.Action.RELAUNCH: "live",
    Batch.Action.COMPLETE: "completed",
}
BUSY = "Another such change is on its way; look again in a moment."
HELD = "Sent, but the exchange holds something else"
_ENDS = {
    BatchGroup.State.DONE: Edit.State.CONFIRMED,
    BatchGroup.State.FAILED: Edit.State.REJECTED,
    BatchGroup.State.UNKNOWN: Edit.State.UNKNOWN,
}


def kind(batch: Batch) -> Edit.Kind:
    """What of a group a batch changes."""
    return Edit.Kind.MANAGER if batch.action == Batch.Action.MANAGER else Edit.Kind.STATUS


def span(batch: Batch, group: TargetGroup) -> tuple[str, str]:
    """What a group has as far as we know, and what it is to have."""
    if batch.action == Batch.Action.MANAGER:
        return group.project_manager_id, str(batch.wanted["manager_id"])
    return group.status, STATUS[Batch.Action(batch.action)]


def begin(job: BatchJob, *, now: datetime) -> None:
    """Commit an edit a group before the job is sent; a group with one on its way is refused.

    Raises IntegrityError where somebody else's came between; nothing is stored then.
    """
    of = kind(job.batch)
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


def end(rows: Iterable[BatchGroup], *, now: datetime) -> None:
    """How the edits of these groups ended; what is not known is settled by reading, as any edit."""
    by_edit = {row.edit_id: row for row in rows if row.edit_id}
    edits = list(Edit.objects.filter(pk__in=by_edit, state__in=Edit.OPEN))
    for edit in edits:
        row = by_edit[edit.pk]
        edit.state = _ENDS[BatchGroup.State(row.state)]
        edit.reasons = [{"name": "", "reason": row.reason}] if row.reason else []
        if edit.state == Edit.State.CONFIRMED:
            edit.after = edit.wanted
        if edit.state == Edit.State.UNKNOWN:
            edit.check_at = now + CHECK_AFTER[0]
        else:
            edit.settled_at = now
    Edit.objects.bulk_update(edits, ["state", "reasons", "after", "check_at", "settled_at"])


def outcome(edit: Edit) -> tuple[str, str]:
    """How an edit of a batch stands, and why."""
    if edit.state == Edit.State.CONFIRMED:
        return BatchGroup.State.DONE, ""
    if edit.kind == Edit.Kind.LAUNCH and not edit.is_settled:
        return BatchGroup.State.UNKNOWN, "The exchange is at it."
    if edit.state == Edit.State.CONFLICT:
        overtaken = "Somebody else changed it meanwhile; nothing was sent."
        if edit.sent and edit.taken is False:
            overtaken = "Sent, and refused: somebody else changed it meanwhile."
        elif edit.sent or edit.checks:
            overtaken = f"{HELD}."
        return BatchGroup.State.FAILED, overtaken
    if edit.state == Edit.State.GIVEN_UP:
        went_on = f"; {edit.given_up_by} went on" if edit.given_up_by else ""
        return BatchGroup.State.UNKNOWN, f"Sent, never confirmed{went_on}."
    if edit.state == Edit.State.REJECTED:
        said = " ".join(str(one["reason"]) for one in edit.reasons)
        return BatchGroup.State.FAILED, said or "The exchange refused it."
    return BatchGroup.State.UNKNOWN, "Sent, not confirmed yet; it is looked at again."
