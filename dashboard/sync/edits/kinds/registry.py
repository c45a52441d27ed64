"""Every kind of edit, a file each: the one place that lists them for all of `sync/`."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.fielding.models import Edit
from dashboard.sync.edits.kinds import (
    assistant,
    by_jobs,
    cpi,
    dates,
    details,
    draft,
    filling_strategy,
    goals,
    re_entry,
)
from dashboard.sync.edits.kinds.base import ChangelogEntry, Editable
from dashboard.sync.edits.merge import bare

EDITABLE: Mapping[str, Editable] = {
    editable.kind: editable
    for editable in (
        cpi.EDITABLE,
        filling_strategy.EDITABLE,
        re_entry.EDITABLE,
        details.EDITABLE,
        dates.EDITABLE,
        goals.EDITABLE,
        assistant.EDITABLE,
        draft.EDITABLE,
        by_jobs.STATUS,
        by_jobs.MANAGER,
    )
}
# Kinds with a way of their own (`edits/create.py`, `edits/launch.py`), which settles them, too.
SETTLED_ELSEWHERE = frozenset({Edit.Kind.NEW_PROJECT, Edit.Kind.NEW_DRAFT, Edit.Kind.LAUNCH})
_LAUNCH_OWNS = ("status", "fielding_run_id", "starts_at", "ends_at")


def owned_columns(kind: str) -> tuple[str, ...]:
    """The columns of TargetGroup that an edit of a kind settles: an older reading leaves them."""
    if kind == Edit.Kind.LAUNCH:
        return _LAUNCH_OWNS
    return EDITABLE[kind].owns if kind in EDITABLE else ()


def changelog_entries(edit: Edit) -> list[ChangelogEntry]:
    """The entries by which the exchange's changelog tells of an edit; none where it does not."""
    before, wanted = bare(edit.before), bare(edit.wanted)
    if edit.kind == Edit.Kind.LAUNCH:
        return [("status_change", wanted["status"]), ("status_change", "scheduled")]
    return EDITABLE[edit.kind].changelog(before, wanted) if edit.kind in EDITABLE else []
