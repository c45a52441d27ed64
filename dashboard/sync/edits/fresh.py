"""Facts that outrank a reading: a confirmed edit, a webhook event, a row of the changelog.

The exchange may answer a reading from a copy that is behind, and two copies may disagree. So for as
long as a copy may be behind (`LONGEST_LAG`), a reading that contradicts a fact is provisional: it
is not stored, and its group is read again soon. After that the reading counts.

Confirmed edits are in their own table. Facts from the changelog and from events are stored with the
group, in `TargetGroup.fresh`: `{column: [value, at, until]}`. Nothing here asks the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from dashboard.exchange.shapes.groups import TargetGroupChangelogBatch
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds import registry
from dashboard.sync.edits.merge import Value

# The longest lag of a copy that was ever observed is 200 s.
LONGEST_LAG = timedelta(minutes=4)
FRESH_FOR = timedelta(minutes=1)
SOON, LATER = timedelta(seconds=10), timedelta(seconds=30)
# Columns that the details hold too, by the exchange's own names.
_IN_DETAILS = {
    "name": "name",
    "project_manager_id": "project_manager_id",
    "expected_loi_minutes": "expected_length_of_interview_minutes",
    "expected_incidence_rate": "expected_incidence_rate",
    "reference_number": "target_group_customer_reference_number",
    "completes_goal": "completes_goal",
}
DETAILS = "details"


class Fact(NamedTuple):
    """The value of a group's column: since when, and until when it outranks readings.

    The value is plain: as JSON holds it, and equal for values that mean the same.
    """

    value: object
    at: datetime
    until: datetime


Facts = Mapping[str, Fact]


class CheckedReading(NamedTuple):
    """The columns of a reading that may be stored, and the facts that the others contradict."""

    columns: Columns
    contradicted: list[Fact]


def plain(value: object) -> object:
    """A value as JSON holds it; values that mean the same become equal."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, float):
        return round(value, 6)
    return value


def _as_text(value: object) -> object:
    return value if isinstance(value, str) else msgspec.UNSET


def _as_text_or_empty(value: object) -> object:
    return "" if value is None else _as_text(value)


def _as_count(value: object) -> object:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole else msgspec.UNSET


def _as_rate(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return msgspec.UNSET
    return plain(float(value))


def _as_moment(value: object) -> object:
    try:
        at = datetime.fromisoformat(str(value))
        return plain(at) if at.utcoffset() is not None else msgspec.UNSET
    except (ValueError, OverflowError):  # UTC has no such day at both ends of time
        return msgspec.UNSET


def _as_amount(value: object) -> object:
    """The amount of a price as the changelog or an event writes it; UNSET if unreadable."""
    amount = value.get("value") if isinstance(value, Mapping) else value
    if isinstance(amount, bool) or not isinstance(amount, str | int | float | Decimal):
        return msgspec.UNSET
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return msgspec.UNSET
    return plain(number) if number.is_finite() else msgspec.UNSET


def _as_manager(value: object) -> object:
    return _as_text(value.get("las_user_id") if isinstance(value, Mapping) else value)


# By the changelog's kind of change: the column that changed, and how its value is read.
CHANGES: Mapping[str, tuple[str, Callable[[object], object]]] = {
    ChangelogKind.STATUS: ("status", _as_text),
    ChangelogKind.CPI: ("cpi", _as_amount),
    ChangelogKind.FILLING_STRATEGY: ("filling_strategy", _as_text),
    ChangelogKind.FILLING_GOAL: ("filling_goal", _as_count),
    ChangelogKind.FIELDING_PERIOD_START_DATE: ("starts_at", _as_moment),
    ChangelogKind.FIELDING_PERIOD_END_DATE: ("ends_at", _as_moment),
    ChangelogKind.NAME: ("name", _as_text),
    ChangelogKind.PROJECT_MANAGER: ("project_manager_id", _as_manager),
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: ("expected_loi_minutes", _as_count),
    ChangelogKind.EXPECTED_INCIDENCE_RATE: ("expected_incidence_rate", _as_rate),
    ChangelogKind.TARGET_GROUP_CUSTOMER_REFERENCE_NUMBER: ("reference_number", _as_text_or_empty),
    ChangelogKind.INDUSTRY_LOCKOUT_CODE: (f"{DETAILS}.industry_lockout_code", _as_text),
    ChangelogKind.LIVE_URL: (f"{DETAILS}.live_url", _as_text),
    ChangelogKind.TEST_URL: (f"{DETAILS}.test_url", _as_text),
}


def facts_of_columns(
    columns: Mapping[str, object], *, at: datetime, until: datetime
) -> dict[str, Fact]:
    """Facts from columns as they are stored; of the details, one per member."""
    flat = {name: value for name, value in columns.items() if name != DETAILS}
    details = columns.get(DETAILS)
    if isinstance(details, Mapping):
        flat |= {f"{DETAILS}.{name}": value for name, value in details.items()}
    return {name: Fact(plain(value), at, until) for name, value in flat.items()}


def facts_of_edit(
    group: TargetGroup,
    kind: str,
    before: Value,
    after: Value,
    *,
    at: datetime,
    settled_at: datetime,
) -> dict[str, Fact]:
    """The facts that a confirmed edit changed."""
    until = settled_at + LONGEST_LAG
    old_facts, new_facts = (
        facts_of_columns(_columns_of(group, kind, value), at=at, until=until)
        if value is not None
        else {}
        for value in (before, after)
    )
    return {
        column: fact
        for column, fact in new_facts.items()
        if column not in old_facts or old_facts[column].value != fact.value
    }


def _columns_of(group: TargetGroup, kind: str, value: Value) -> Columns:
    """The columns of an edit's value, before or after."""
    if kind == Edit.Kind.STATUS:
        return {"status": value}
    if kind == Edit.Kind.LAUNCH and value.get("end_fielding_at") is None:
        return {}
    if kind == Edit.Kind.LAUNCH:
        ends = (("starts_at", "start_fielding_at"), ("ends_at", "end_fielding_at"))
        dates = {column: _as_moment(value[name]) for column, name in ends if value.get(name)}
        return {"status": value["status"], **dates}
    if kind == Edit.Kind.NEW_DRAFT:  # nothing was held before, so no reading can be older
        return {}
    if kind not in registry.EDITABLE:
        return {}
    return registry.EDITABLE[kind].columns(group, merge.bare(value))


def facts_of_changes(
    changes: Iterable[tuple[str, object, datetime]], *, now: datetime
) -> dict[str, Fact]:
    """The newest fact per column from changes: kind, new value, and when it occurred."""
    facts: dict[str, Fact] = {}
    for kind, value, occurred_at in sorted(changes, key=lambda change: change[2]):
        column, as_value = CHANGES.get(kind, ("", _as_text))
        at = min(occurred_at, now)
        if column and at + LONGEST_LAG > now and (known := as_value(value)) is not msgspec.UNSET:
            facts[column] = Fact(known, at, at + LONGEST_LAG)
    return facts


def facts_of_batches(
    batches: Iterable[TargetGroupChangelogBatch], edits: Facts, *, now: datetime
) -> dict[str, Fact]:
    """The newest fact of the changelog per column, and never an older one than our own edits'.

    The clocks may differ: a row that follows the one of our own edit is newer than the edit.
    """
    rows = [
        (str(change.object), change.new_value, batch.occurred_at)
        for batch in batches
        for change in batch.changes
        if change.supplier_id is None
    ]
    facts = facts_of_changes(rows, now=now)
    for column, fact in facts.items():
        own_fact = edits.get(column)
        if own_fact is None or fact.at > own_fact.at:
            continue
        same = [
            (kind, value, at) for kind, value, at in rows if CHANGES.get(kind, [""])[0] == column
        ]
        before = facts_of_changes([row for row in same if row[2] < fact.at], now=now).get(column)
        if before is not None and before.value == own_fact.value != fact.value:
            facts[column] = fact._replace(at=own_fact.at + timedelta(microseconds=1))
    return facts


def facts_of_event(changes: object, occurred_at: object, *, now: datetime) -> dict[str, Fact]:
    """The facts of an event's changes; unreadable ones are left out."""
    at = _as_moment(occurred_at)
    when = datetime.fromisoformat(at) if isinstance(at, str) else now
    listed = changes if isinstance(changes, list) else []
    readable = [
        (str(change["object"]), limits.fit_json(change["new_value"]), when)
        for change in listed
        if isinstance(change, dict) and "object" in change and "new_value" in change
    ]
    return facts_of_changes(readable, now=now)


def stored_facts(group: TargetGroup) -> dict[str, Fact]:
    """The facts from the changelog and from events that are stored with a group."""
    return {
        column: Fact(value, datetime.fromisoformat(at), datetime.fromisoformat(until))
        for column, (value, at, until) in (group.fresh or {}).items()
    }


def facts_to_json(facts: Facts, *, now: datetime) -> dict[str, list[object]] | None:
    """Facts as the table stores them, without expired ones; None without any."""
    lasting: dict[str, list[object]] = {
        column: [fact.value, fact.at.isoformat(), fact.until.isoformat()]
        for column, fact in facts.items()
        if fact.until > now
    }
    return lasting or None


def newest_facts(*several: Facts) -> dict[str, Fact]:
    """The newest fact of each column."""
    by_column: dict[str, Fact] = {}
    for facts in several:
        for column, fact in facts.items():
            if column not in by_column or fact.at >= by_column[column].at:
                by_column[column] = fact
    return by_column


def store_facts(*, account_id: int, exchange_id: str, facts: Facts, now: datetime) -> None:
    """Store the facts of an event with its group, inside the caller's transaction."""
    rows = TargetGroup.objects.select_for_update().filter(
        account_id=account_id, exchange_id=exchange_id
    )
    if facts and (group := rows.first()):
        fresh = facts_to_json(newest_facts(stored_facts(group), facts), now=now)
        TargetGroup.objects.filter(pk=group.pk).update(fresh=fresh)


def drop_contradicted(
    columns: Mapping[str, object], facts: Facts, *, at: datetime
) -> CheckedReading:
    """Check a reading that began at `at` against the facts; keep what does not contradict them."""
    known = {column: fact for column, fact in facts.items() if fact.until > at}
    storable: Columns = dict(columns)
    contradicted: list[Fact] = []
    for column, fact in known.items():
        if column in storable and plain(storable[column]) != fact.value:
            contradicted.append(fact)
            del storable[column]
    if DETAILS in storable:
        members = {_details_member(column): fact for column, fact in known.items()}
        wrong = [
            name
            for name, value in storable[DETAILS].items()
            if name in members and plain(value) != members[name].value
        ]
        if wrong:
            contradicted += [members[name] for name in wrong]
            storable[DETAILS] = storable[DETAILS] | {name: members[name].value for name in wrong}
    return CheckedReading(storable, contradicted)


def _details_member(column: str) -> str:
    """The member of the details that holds a column; empty for none."""
    return column.partition(".")[2] or _IN_DETAILS.get(column, "")


def next_reading_at(contradicted: Iterable[Fact], *, now: datetime) -> datetime:
    """When to read a group again whose reading contradicts these facts: soon, then later."""
    return min(
        min(now + (SOON if now - fact.at < FRESH_FOR else LATER), fact.until)
        for fact in contradicted
    )


def facts_of_group(group: TargetGroup, *, now: datetime) -> dict[str, Fact]:
    """All facts about a group that outrank readings."""
    from_edits = (
        facts_of_edit(
            group,
            edit.kind,
            edit.before,
            edit.after,
            at=edit.started_at,
            settled_at=edit.settled_at or now,
        )
        for edit in recent_edits(group, now=now)
    )
    return newest_facts(*from_edits, stored_facts(group))


def recent_edits(group: TargetGroup, *, now: datetime) -> list[Edit]:
    """Confirmed edits of a group that are so recent that a copy may still be behind."""
    confirmed = Edit.objects.filter(
        group=group, state=Edit.State.CONFIRMED, settled_at__gte=now - LONGEST_LAG
    )
    return list(confirmed.order_by("started_at"))
