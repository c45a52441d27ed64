"""What shows how an edit fared besides reading its value: our own edits, and the changelog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.sync.edits import fresh, merge
from dashboard.sync.edits.kinds.base import Value
from dashboard.sync.edits.kinds.registry import EDITABLE

CLOCKS_DIFFER = timedelta(minutes=2)


def is_behind(group: TargetGroup, kind: str, value: Value, *, now: datetime) -> bool:
    """Whether a reading of a kind is older than what is known: it contradicts it."""
    if value is None:
        return False
    facts = fresh.of_group(group, now=now)
    if not facts:
        return False
    return bool(fresh.sift(_columns(group, kind, value), facts, at=now).contradicted)


def newest_edit(group: TargetGroup, kind: str, *, now: datetime) -> Edit | None:
    """The last edit of a kind, where a reading may still be behind it."""
    lately = [edit for edit in fresh.recent_edits(group, now=now) if edit.kind == kind]
    return lately[-1] if lately else None


def was_lately(edit: Edit, value: Value, *, now: datetime) -> bool:
    """Whether a setting had this value so short a time ago that a copy may still show it."""
    editable, since = EDITABLE[edit.kind], now - fresh.LONGEST_LAG
    lately = Edit.objects.filter(group=edit.group, kind=edit.kind, settled_at__gte=since)
    for other in lately.exclude(pk=edit.pk):
        for held in (other.before, other.after):
            if held is not None and editable.same(held, value):
                return True
    columns = fresh.of_columns(_columns(_group(edit), edit.kind, value), at=now, until=now)
    changes = Change.objects.filter(
        group=edit.group, occurred_at__gte=since - CLOCKS_DIFFER, kind__in=fresh.CHANGES
    )
    return any(
        column in columns and as_value(old) == columns[column].value
        for column, as_value, old in (
            (*fresh.CHANGES[kind], old) for kind, old in changes.values_list("kind", "old")
        )
    )


def tells_of(edit: Edit, client: ExchangeClient) -> bool:
    """Whether the changelog tells that a setting became what was wanted since it was sent.

    Of what it tells no values, nothing is known by it.
    """
    group = _group(edit)
    wanted = _wanted(group, edit)
    if not wanted:
        return False
    try:
        page = client.get_target_group_changelog(
            project_id=group.project.exchange_id,
            target_group_id=group.exchange_id,
            page_size=50,
        )
    except ExchangeError:
        return False
    told_as_wanted = {
        column: value
        for batch in sorted(page.items, key=lambda batch: batch.occurred_at)
        if batch.occurred_at >= edit.started_at - CLOCKS_DIFFER
        for column, value in _values(batch.changes)
        if column in wanted and value == wanted[column]
    }
    return bool(told_as_wanted) and told_as_wanted.keys() == wanted.keys()


def _wanted(group: TargetGroup, edit: Edit) -> Mapping[str, Any]:
    """What the changelog would tell of an edit: each column that it changes, with its new value."""
    try:
        facts = fresh.of_edit(
            group,
            edit.kind,
            edit.before,
            edit.wanted,
            at=edit.started_at,
            settled_at=edit.started_at,
        )
    except (KeyError, TypeError):  # a value that names only what changes
        return {}
    changelog_columns = {column for column, _ in fresh.CHANGES.values()}
    if any(
        column not in changelog_columns and not column.startswith(fresh.DETAILS) for column in facts
    ):
        return {}
    return {column: fact.value for column, fact in facts.items() if column in changelog_columns}


def _values(changes: Any) -> Iterator[tuple[str, Any]]:
    for change in changes:
        if change.object in fresh.CHANGES:
            column, as_value = fresh.CHANGES[change.object]
            yield column, as_value(change.new_value)


def _columns(group: TargetGroup, kind: str, value: Value) -> dict[str, Any]:
    """The columns that a value tells; none of one that names only what changes."""
    if kind == Edit.Kind.STATUS:
        return {"status": value}
    try:
        return EDITABLE[kind].columns(group, merge.bare(value))
    except KeyError:
        return {}


def _group(edit: Edit) -> TargetGroup:
    if edit.group is None:
        raise ValueError(f"edit {edit.pk} is of no group")
    return edit.group
