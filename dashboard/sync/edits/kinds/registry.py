"""Every kind of edit, one file each; this is the only list of them in `sync/`."""

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
# Kinds that `edits/create.py` and `edits/launch.py` send and settle.
SETTLED_ELSEWHERE = frozenset({Edit.Kind.NEW_PROJECT, Edit.Kind.NEW_DRAFT, Edit.Kind.LAUNCH})
_LAUNCH_OWNS = ("status", "fielding_run_id", "starts_at", "ends_at")


def owned_columns(kind: str) -> tuple[str, ...]:
    """The columns of TargetGroup that an edit of a kind sets; older readings leave them alone."""
    if kind == Edit.Kind.LAUNCH:
        return _LAUNCH_OWNS
    return EDITABLE[kind].owns if kind in EDITABLE else ()


def changelog_entries(edit: Edit) -> list[ChangelogEntry]:
    """The changelog entries that an edit causes; none if the changelog does not show it."""
    before, wanted = bare(edit.before), bare(edit.wanted)
    if edit.kind == Edit.Kind.LAUNCH:
        return [("status_change", wanted["status"]), ("status_change", "scheduled")]
    return EDITABLE[edit.kind].changelog(before, wanted) if edit.kind in EDITABLE else []
