"""What is known better than by reading: a confirmed edit, an event, a row of the changelog.

The exchange may answer a reading from a copy that is behind, and two copies may disagree. So for as
long as a copy may be behind (`LONGEST_LAG`), a reading that contradicts what is known better is
provisional: it is not stored, and its group is read again soon. After that it is what counts.

Confirmed edits are in their own table. What the changelog and events said is kept with the group,
in `TargetGroup.fresh`: `{column: [value, at, until]}`. Nothing here asks the exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from dashboard.exchange.shapes.groups import TargetGroupChangelogBatch
from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.columns import limits
from dashboard.sync.edits import merge
from dashboard.sync.edits.kinds import registry

# More than a copy was ever seen to be behind (200 s).
LONGEST_LAG = timedelta(minutes=4)
FRESH_FOR = timedelta(minutes=1)
SOON, LATER = timedelta(seconds=10), timedelta(seconds=30)
# The details hold these columns once more, by the exchange's own names.
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
    """What a column of a group holds: a plain value, since when, and how long it outdoes readings.

    A plain value is what JSON holds, alike for values that mean the same.
    """

    value: Any
    at: datetime
    until: datetime


Facts = Mapping[str, Fact]


class Sifted(NamedTuple):
    """The columns of a reading that may be stored, and the facts that the others contradict."""

    columns: dict[str, Any]
    contradicted: list[Fact]


def plain(value: Any) -> Any:
    """A value as JSON holds it; values that mean the same become the same."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, float):
        return round(value, 6)
    return value


def _word(value: Any) -> Any:
    return value if isinstance(value, str) else msgspec.UNSET


def _text(value: Any) -> Any:
    return "" if value is None else _word(value)


def _whole(value: Any) -> Any:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole else msgspec.UNSET


def _share(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return plain(float(value)) if is_number else msgspec.UNSET


def _moment(value: Any) -> Any:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return msgspec.UNSET
    return plain(at) if at.utcoffset() is not None else msgspec.UNSET


def _amount(value: Any) -> Any:
    """The amount of a price, as the changelog or an event writes it."""
    amount = value.get("value") if isinstance(value, Mapping) else value
    if isinstance(amount, bool) or not isinstance(amount, str | int | float | Decimal):
        return msgspec.UNSET
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return msgspec.UNSET
    return plain(number) if number.is_finite() else msgspec.UNSET


def _manager(value: Any) -> Any:
    return _word(value.get("las_user_id") if isinstance(value, Mapping) else value)


# What the changelog calls a change, the column that it is about, and how its value is read.
CHANGES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    ChangelogKind.STATUS: ("status", _word),
    ChangelogKind.CPI: ("cpi", _amount),
    ChangelogKind.FILLING_STRATEGY: ("filling_strategy", _word),
    ChangelogKind.FILLING_GOAL: ("filling_goal", _whole),
    ChangelogKind.FIELDING_PERIOD_START_DATE: ("starts_at", _moment),
    ChangelogKind.FIELDING_PERIOD_END_DATE: ("ends_at", _moment),
    ChangelogKind.NAME: ("name", _word),
    ChangelogKind.PROJECT_MANAGER: ("project_manager_id", _manager),
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: ("expected_loi_minutes", _whole),
    ChangelogKind.EXPECTED_INCIDENCE_RATE: ("expected_incidence_rate", _share),
    ChangelogKind.TARGET_GROUP_CUSTOMER_REFERENCE_NUMBER: ("reference_number", _text),
    ChangelogKind.INDUSTRY_LOCKOUT_CODE: (f"{DETAILS}.industry_lockout_code", _word),
    ChangelogKind.LIVE_URL: (f"{DETAILS}.live_url", _word),
    ChangelogKind.TEST_URL: (f"{DETAILS}.test_url", _word),
}


def of_columns(columns: Mapping[str, Any], *, at: datetime, until: datetime) -> dict[str, Fact]:
    """Facts from columns as they are stored; of the details, one for each member."""
    flat = {name: value for name, value in columns.items() if name != DETAILS}
    flat |= {f"{DETAILS}.{name}": value for name, value in columns.get(DETAILS, {}).items()}
    return {name: Fact(plain(value), at, until) for name, value in flat.items()}


def of_edit(
    group: TargetGroup, kind: str, before: Any, after: Any, *, at: datetime, settled_at: datetime
) -> dict[str, Fact]:
    """What a confirmed edit changed."""
    until = settled_at + LONGEST_LAG
    was, now = (
        of_columns(_columns(group, kind, value), at=at, until=until) if value is not None else {}
        for value in (before, after)
    )
    return {
        column: fact
        for column, fact in now.items()
        if column not in was or was[column].value != fact.value
    }


def _columns(group: TargetGroup, kind: str, value: Any) -> dict[str, Any]:
    """The columns of what an edit holds as its value, before or after."""
    if kind == Edit.Kind.STATUS:
        return {"status": value}
    if kind == Edit.Kind.LAUNCH and value.get("end_fielding_at") is None:
        return {}
    if kind == Edit.Kind.LAUNCH:
        ends = (("starts_at", "start_fielding_at"), ("ends_at", "end_fielding_at"))
        dates = {column: _moment(value[name]) for column, name in ends if value.get(name)}
        return {"status": value["status"], **dates}
    if kind == Edit.Kind.NEW_DRAFT:  # nothing was held before it, so no reading can be behind it
        return {}
    if kind not in registry.EDITABLE:
        return {}
    return registry.EDITABLE[kind].columns(group, merge.bare(value))


def of_changes(changes: Iterable[tuple[str, Any, datetime]], *, now: datetime) -> dict[str, Fact]:
    """The newest word on each column: kind of change, new value, and when it occurred."""
    facts: dict[str, Fact] = {}
    for kind, value, occurred_at in sorted(changes, key=lambda change: change[2]):
        column, as_value = CHANGES.get(kind, ("", _word))
        at = min(occurred_at, now)
        if column and at + LONGEST_LAG > now and (known := as_value(value)) is not msgspec.UNSET:
            facts[column] = Fact(known, at, at + LONGEST_LAG)
    return facts


def of_batches(
    batches: Iterable[TargetGroupChangelogBatch], edits: Facts, *, now: datetime
) -> dict[str, Fact]:
    """The newest word of the changelog on each column, and never an older one than our edits'.

    The clocks may differ: what stands after the row of our own edit came after it.
    """
    rows = [
        (str(change.object), change.new_value, batch.occurred_at)
        for batch in batches
        for change in batch.changes
        if change.supplier_id is None
    ]
    facts = of_changes(rows, now=now)
    for column, fact in facts.items():
        ours = edits.get(column)
        if ours is None or fact.at > ours.at:
            continue
        same = [
            (kind, value, at) for kind, value, at in rows if CHANGES.get(kind, [""])[0] == column
        ]
        before = of_changes([row for row in same if row[2] < fact.at], now=now).get(column)
        if before is not None and before.value == ours.value != fact.value:
            facts[column] = fact._replace(at=ours.at + timedelta(microseconds=1))
    return facts


def of_event(changes: Any, occurred_at: Any, *, now: datetime) -> dict[str, Fact]:
    """What an event says that a group holds now; nothing of what cannot be read."""
    at = _moment(occurred_at)
    when = now if at is msgspec.UNSET else datetime.fromisoformat(at)
    listed = changes if isinstance(changes, list) else []
    readable = [
        (str(change["object"]), limits.fit_json(change["new_value"]), when)
        for change in listed
        if isinstance(change, dict) and "object" in change and "new_value" in change
    ]
    return of_changes(readable, now=now)


def stored(group: TargetGroup) -> dict[str, Fact]:
    """What the changelog and events said of a group."""
    return {
        column: Fact(value, datetime.fromisoformat(at), datetime.fromisoformat(until))
        for column, (value, at, until) in (group.fresh or {}).items()
    }


def packed(facts: Facts, *, now: datetime) -> dict[str, Any] | None:
    """Facts as the table keeps them, without those whose time is over."""
    lasting = {
        column: [fact.value, fact.at.isoformat(), fact.until.isoformat()]
        for column, fact in facts.items()
        if fact.until > now
    }
    return lasting or None


def newest(*several: Facts) -> dict[str, Fact]:
    """Of each column what came last."""
    newest_facts: dict[str, Fact] = {}
    for facts in several:
        for column, fact in facts.items():
            if column not in newest_facts or fact.at >= newest_facts[column].at:
                newest_facts[column] = fact
    return newest_facts


def hear(*, account_id: int, exchange_id: str, facts: Facts, now: datetime) -> None:
    """Keep what an event said of a group; inside the caller's transaction."""
    rows = TargetGroup.objects.select_for_update().filter(
        account_id=account_id, exchange_id=exchange_id
    )
    if facts and (group := rows.first()):
        fresh = packed(newest(stored(group), facts), now=now)
        TargetGroup.objects.filter(pk=group.pk).update(fresh=fresh)


def sift(columns: Mapping[str, Any], facts: Facts, *, at: datetime) -> Sifted:
    """What of a reading, begun at a moment, may be stored over what is known better."""
    known = {column: fact for column, fact in facts.items() if fact.until > at}
    storable, contradicted = dict(columns), []
    for column, fact in known.items():
        if column in storable and plain(storable[column]) != fact.value:
            contradicted.append(fact)
            del storable[column]
    if DETAILS in storable:
        members = {_member(column): fact for column, fact in known.items()}
        wrong = [
            name
            for name, value in storable[DETAILS].items()
            if name in members and plain(value) != members[name].value
        ]
        if wrong:
            contradicted += [members[name] for name in wrong]
            storable[DETAILS] = storable[DETAILS] | {name: members[name].value for name in wrong}
    return Sifted(storable, contradicted)


def _member(column: str) -> str:
    """The member of the details that a column is about; empty for none."""
    return column.partition(".")[2] or _IN_DETAILS.get(column, "")


def again_at(contradicted: Iterable[Fact], *, now: datetime) -> datetime:
    """When a group is read again whose reading contradicts these: in seconds, then rarer."""
    return min(
        min(now + (SOON if now - fact.at < FRESH_FOR else LATER), fact.until)
        for fact in contradicted
    )


def of_group(group: TargetGroup, *, now: datetime) -> dict[str, Fact]:
    """All that is known of a group better than by reading."""
    ours = (
        of_edit(
            group,
            edit.kind,
            edit.before,
            edit.after,
            at=edit.started_at,
            settled_at=edit.settled_at or now,
        )
        for edit in recent_edits(group, now=now)
    )
    return newest(*ours, stored(group))


def recent_edits(group: TargetGroup, *, now: datetime) -> list[Edit]:
    """Edits of a group that were confirmed while a copy may still be behind them."""
    confirmed = Edit.objects.filter(
        group=group, state=Edit.State.CONFIRMED, settled_at__gte=now - LONGEST_LAG
    )
    return list(confirmed.order_by("started_at"))
