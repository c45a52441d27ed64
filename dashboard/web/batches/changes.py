"""What a bulk change did to each group: its old and its new value in words."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.fielding.models import Batch, BatchGroup, Edit
from dashboard.sync.batches import edit_records
from dashboard.sync.batches.jobs import EDITS, KINDS
from dashboard.web.batches.preview import Names
from dashboard.web.edits import value_labels
from dashboard.web.formatting import times


class OldAndNew(NamedTuple):
    """A value before and as it was requested."""

    old: str
    new: str


def describe_change(row: BatchGroup, people: Names) -> OldAndNew | None:
    """Return old and new value of a group; None for a launch, or before they are known."""
    batch = row.job.batch
    action = Batch.Action(batch.action)
    if action in EDITS and action not in KINDS:
        return None
    edit = row.edit
    if edit is None:
        kind = KINDS.get(action) or edit_records.edit_kind_of(batch)
        edit = Edit(kind=kind, before=row.seen, wanted=row.wanted)
    if edit.before is None or edit.wanted is None:
        return None
    parts = value_labels.changed_parts(edit, people, times.zone_of(row.group))
    if not parts:
        return None
    return OldAndNew(
        ", ".join(before for _, before, _ in parts), ", ".join(wanted for _, _, wanted in parts)
    )
