"""Evidence of an edit's outcome besides reading its value: our other edits, and the changelog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.groups import TargetGroupChangelogItem
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import fresh, merge
from dashboard.sync.edits.kinds.base import Value
from dashboard.sync.edits.kinds.registry import EDITABLE

CLOCKS_DIFFER = timedelta(minutes=2)


def is_behind(group: TargetGroup, kind: str, value: Value, *, now: datetime) -> bool:
    """Whether a reading is stale: it contradicts a fact about the group."""
    if value is None:
        return False
    facts = fresh.facts_of_group(group, now=now)
    if not facts:
        return False
    return bool(
        fresh.drop_contradicted(_columns_of(group, kind, value), facts, at=now).contradicted
    )


def newest_edit(group: TargetGroup, kind: str, *, now: datetime) -> Edit | None:
    """The latest confirmed edit of a kind that a reading may still be behind; None without one."""
    recent = [edit for edit in fresh.recent_edits(group, now=now) if edit.kind == kind]
    return recent[-1] if recent else None


def was_held_recently(edit: Edit, value: Value, *, now: datetime) -> bool:
    """Whether a setting had this value so recently that a copy may still show it."""
    editable, since = EDITABLE[edit.kind], now - fresh.LONGEST_LAG
    recent = Edit.objects.filter(group=edit.group, kind=edit.kind, settled_at__gte=since)
    for other in recent.exclude(pk=edit.pk):
        for held in (other.before, other.after):
            if held is not None and editable.same(held, value):
                return True
    columns = fresh.facts_of_columns(
        _columns_of(_group_of(edit), edit.kind, value), at=now, until=now
    )
    changes = Change.objects.filter(
        group=edit.group, occurred_at__gte=since - CLOCKS_DIFFER, kind__in=fresh.CHANGES
    )
    return any(
        column in columns and as_value(old) == columns[column].value
        for column, as_value, old in (
            (*fresh.CHANGES[kind], old) for kind, old in changes.values_list("kind", "old")
        )
    )


def changelog_confirms(edit: Edit, client: ExchangeClient) -> bool:
    """Whether the changelog shows that the setting got the requested value since it was sent.

    False for changes whose values the changelog does not give.
    """
    group = _group_of(edit)
    wanted = _wanted_facts(group, edit)
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
    matching = {
        column: value
        for batch in sorted(page.items, key=lambda batch: batch.occurred_at)
        if batch.occurred_at >= edit.started_at - CLOCKS_DIFFER
        for column, value in _changed_values(batch.changes)
        if column in wanted and value == wanted[column]
    }
    return matching.keys() == wanted.keys()


def _wanted_facts(group: TargetGroup, edit: Edit) -> Mapping[str, object]:
    """The columns with their new values that the changelog would show for an edit."""
    try:
        facts = fresh.facts_of_edit(
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


def _changed_values(
    changes: Iterable[TargetGroupChangelogItem],
) -> Iterator[tuple[str, object]]:
    for change in changes:
        if change.object and change.object in fresh.CHANGES:
            column, as_value = fresh.CHANGES[change.object]
            yield column, as_value(change.new_value)


def _columns_of(group: TargetGroup, kind: str, value: Value) -> Columns:
    """The columns of a value; none for one that names only what changes."""
    if kind == Edit.Kind.STATUS:
        return {"status": value}
    try:
        return EDITABLE[kind].columns(group, merge.bare(value))
    except KeyError:
        return {}


def _group_of(edit: Edit) -> TargetGroup:
    if edit.group is None:
        raise ValueError(f"Edit {edit.pk} has no group")
    return edit.group
