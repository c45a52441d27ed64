"""What was read is written where it differs, and nothing that is known to be newer is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dashboard.exchange.decode import BadItem
from dashboard.exchange.shapes.groups import (
    CompletesPoint,
    TargetGroupChangelogBatch,
    TargetGroupsListItem,
)
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    Edit,
    GroupPanels,
    Project,
    Quarantine,
    Reading,
    TargetGroup,
)
from dashboard.fielding.series import completes
from dashboard.sync.columns import group_columns
from dashboard.sync.pull import bulk_sql, quarantine, store
from dashboard.sync.pull.fetch import Failure, GroupAnswer, GroupRequest
from tests import factories
from tests.factories import NOW, ulid
from tests.fakes.canned_exchange import group_row

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LATER = NOW + 10 * MINUTE
TOKEN = "token"


@pytest.fixture
def project() -> Project:
    return factories.project(factories.account(), lease=TOKEN)


@pytest.fixture
def group(project: Project) -> TargetGroup:
    """A group whose row is as `row` makes it, read an hour ago."""
    group = factories.group(project, exchange_id=ulid(11), details_read_at=NOW - HOUR)
    store_reading(group, at=NOW - HOUR, columns=group_columns.list_columns(row()))
    TargetGroup.objects.update(changed_at=NOW - HOUR)
    Reading.objects.all().delete()
    group.refresh_from_db()
    return group


def row(**fields: Any) -> TargetGroupsListItem:
    return msgspec.convert(group_row(11, **fields), TargetGroupsListItem, strict=False)


def fetched(
    group: TargetGroup,
    *,
    columns: dict[str, Any] | None = None,
    at: datetime = NOW,
    postponed: bool = False,
    parts: dict[str, Any] | None = None,
    known: bool = True,
    **answer: Any,
) -> store.FetchedGroup:
    request = GroupRequest(
        group.project.exchange_id,
        group.exchange_id,
        "live",
        pk=group.pk if known else None,
        **(parts or {}),
    )
    reading = GroupAnswer(request, at, **answer)
    return store.FetchedGroup(columns or {}, row(), reading, postponed=postponed)


def store_reading(
    group: TargetGroup, *, now: datetime | None = None, **reading: Any
) -> store.Stored:
    """Store one reading of the group in its project; the group as it is then."""
    item = fetched(group, **reading)
    stored = store.store_groups(
        project=group.project, token=TOKEN, fetched=[item], now=reading.get("at", NOW)
    )
    group.refresh_from_db()
    return stored


def test_a_round_that_lost_its_lease_writes_nothing(group: TargetGroup) -> None:
    Project.objects.update(lease="another")
    with pytest.raises(store.LeaseLost):
        store_reading(group, columns={"completes": 120})
    group.refresh_from_db()
    assert group.completes == 100


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("is_later", [True, False])
def test_a_group_that_has_moved_meanwhile_is_left_to_its_new_project(
    project: Project, known: bool, is_later: bool
) -> None:
    other = factories.project(project.account, lease=TOKEN)
    here, there = (other, project) if is_later else (project, other)
    group = factories.group(there, exchange_id=ulid(11))
    item = fetched(group, columns={"completes": 120}, known=known)
    stored = store.store_groups(project=here, token=TOKEN, fetched=[item], now=NOW)
    group.refresh_from_db()
    assert (stored, group.completes, group.project) == (store.Stored(0, None), 100, there)
    assert TargetGroup.objects.count() == 1


def test_a_group_that_is_known_by_its_id_alone_is_not_stored_twice(group: TargetGroup) -> None:
    assert store_reading(group, columns={"completes": 120}, known=False).written == 1
    assert (group.completes, TargetGroup.objects.count()) == (120, 1)


def test_what_is_the_same_is_not_written(group: TargetGroup) -> None:
    columns = group_columns.list_columns(row())
    assert store_reading(group, columns=columns, at=NOW - HOUR) == store.Stored(0, None)
    assert (group.changed_at, Reading.objects.count()) == (NOW - HOUR, 0)


@pytest.mark.parametrize(
    ("columns", "answer", "changed", "readings"),
    [
        ({"completes": 101}, {}, True, 1),
        ({"name": "Another"}, {}, True, 0),
        ({"cpi": Decimal("3.00")}, {}, True, 1),
        ({"links_total": 5, "links_left": 2}, {}, True, 0),
        ({}, {"completes": []}, False, 0),
        ({}, {"failures": [Failure("history", "down", "Unavailable")]}, True, 0),
    ],
)
def test_a_change_is_dated_and_a_figure_has_its_reading(
    group: TargetGroup,
    columns: dict[str, Any],
    answer: dict[str, Any],
    changed: bool,
    readings: int,
) -> None:
    assert store_reading(group, columns=columns, **answer).written == 1
    assert (group.changed_at == NOW) is changed
    assert Reading.objects.filter(at=NOW).count() == readings


@pytest.mark.parametrize(
    ("state", "settled", "kept"),
    [
        (Edit.State.CONFIRMED, -SECOND, True),
        (Edit.State.CONFIRMED, timedelta(), True),
        (Edit.State.REJECTED, timedelta(), True),
        (Edit.State.REJECTED, -SECOND, False),
        (Edit.State.CONFIRMED, -5 * MINUTE, False),
        (Edit.State.UNKNOWN, None, True),
    ],
)
def test_a_reading_that_may_be_older_than_an_edit_leaves_its_column(
    group: TargetGroup, state: str, settled: timedelta | None, kept: bool
) -> None:
    at = None if settled is None else NOW + settled
    started = (at or NOW) - SECOND
    edit = factories.edit(group, state=state, started_at=started, settled_at=at, check_at=LATER)
    TargetGroup.objects.update(cpi=Decimal("2.75"))
    columns = {"cpi": Decimal("2.50"), "cost": Decimal(300)}
    stored = store_reading(group, parts={"overview": True}, columns=columns)
    assert (group.cpi, group.cost) == (Decimal("2.75" if kept else "2.50"), Decimal(300))
    contradicted = kept and state == Edit.State.CONFIRMED
    assert (stored.again_at is not None) is contradicted
    assert group.webhook_changed_at == (NOW if contradicted else None)
    edit.refresh_from_db()
    assert edit.check_at == (NOW if state == Edit.State.UNKNOWN else LATER)


def test_the_newest_status_change_says_why_and_by_whom(group: TargetGroup) -> None:
    def change(minutes: int, reason: str, actor: str = "system_user") -> dict[str, Any]:
        item = {"object": "status_change", "new_value": "paused", "reason_code": reason}
        at = (NOW + minutes * MINUTE).isoformat()
        user = {"type": actor}
        return {"id": reason, "occurred_at": at, "user": user, "changes": [item]}

    def read(*changes: dict[str, Any]) -> tuple[object, ...]:
        batches = msgspec.convert(list(changes), list[TargetGroupChangelogBatch], strict=False)
        store_reading(group, changes=batches, at=LATER)
        return group.status_changed_at, group.status_reason, group.status_changed_by

    other = {"object": "cpi_change", "new_value": "3", "old_value": "2", "reason_code": "other"}
    price = {"id": "p", "occurred_at": (NOW + 9 * MINUTE).isoformat(), "changes": [other]}
    newest = (NOW + 3 * MINUTE, "new", "x" * 32)
    assert read(change(3, "new", "x" * 40), price, change(1, "old")) == newest
    assert read(change(2, "late to come")) == newest
    assert read(change(3, "at the same moment"))[1] == "at the same moment"
    assert Change.objects.count() == 5


def test_a_change_of_the_changelog_outranks_a_reading_that_lags(group: TargetGroup) -> None:
    amounts = [{"value": value, "currency_code": "USD"} for value in ("2.50", "2.75")]
    price = {"object": "cpi_change", "old_value": amounts[0], "new_value": amounts[1]}
    batch = {"id": "c", "occurred_at": (NOW - MINUTE).isoformat(), "changes": [price]}
    changes = msgspec.convert([batch], list[TargetGroupChangelogBatch], strict=False)
    TargetGroup.objects.update(cpi=Decimal("2.75"))
    for batches in (changes, []):  # it is remembered for the next reading
        stored = store_reading(group, columns={"cpi": Decimal("2.50")}, changes=batches)
        assert (group.cpi, stored.again_at is not None) == (Decimal("2.75"), True)
    assert store_reading(group, columns={"cpi": Decimal("2.75")}).again_at is None


EVERYTHING = dict.fromkeys(
    ("performance", "overview", "completes", "changelog", "details", "profiles", "rate_card"), True
)
DOWN = [Failure("history", "down", "Unavailable")]


@pytest.mark.parametrize(
    ("before", "reading", "after"),
    [
        ({}, {"failures": DOWN}, ("Not read: history. down.", NOW, NOW + MINUTE)),
        ({}, {"failures": DOWN, "refused": True}, ("Not read: history. down.", NOW, NOW + HOUR)),
        (
            {"failing_since": NOW - 3 * HOUR, "error": "x", "retry_at": NOW},
            {"failures": DOWN, "refused": True},
            ("Not read: history. down.", NOW - 3 * HOUR, NOW + 3 * HOUR),
        ),
        (
            {"failing_since": NOW - HOUR, "error": "x", "retry_at": NOW},
            {"parts": {"performance": True}},
            ("x", NOW - HOUR, NOW),
        ),
        (
            {"failing_since": NOW - HOUR, "error": "x", "retry_at": NOW},
            {"parts": EVERYTHING},
            ("", None, None),
        ),
        ({"error": "x"}, {"parts": {"performance": True}}, ("", None, None)),
        (
            {"failing_since": NOW - HOUR, "error": "x", "retry_at": NOW},
            {"parts": EVERYTHING, "postponed": True},
            ("x", NOW - HOUR, NOW),
        ),
    ],
)
def test_a_failure_is_kept_until_what_failed_was_read(
    group: TargetGroup,
    before: dict[str, Any],
    reading: dict[str, Any],
    after: tuple[str, datetime | None, datetime | None],
) -> None:
    TargetGroup.objects.update(**before)
    store_reading(group, **reading)
    assert (group.error, group.failing_since, group.retry_at) == after


@pytest.mark.parametrize(
    ("told", "postponed", "left"),
    [(NOW, False, None), (LATER, False, LATER), (NOW, True, NOW)],
)
def test_a_webhook_is_answered_by_the_reading_that_it_caused(
    group: TargetGroup, told: datetime, postponed: bool, left: datetime | None
) -> None:
    TargetGroup.objects.update(webhook_changed_at=told)
    store_reading(group, parts={"webhook_changed_at": NOW}, postponed=postponed)
    assert group.webhook_changed_at == left


def test_a_new_group_of_a_later_turn_is_stored_by_its_row_and_is_due(project: Project) -> None:
    group = TargetGroup(project=project, account=project.account, exchange_id=ulid(11))
    item = fetched(group, columns=group_columns.list_columns(row()), postponed=True)
    assert store.store_groups(project=project, token=TOKEN, fetched=[item], now=NOW).written == 1
    stored = TargetGroup.objects.get()
    assert (bytes(stored.row_hash), stored.retry_at) == (group_columns.row_hash(row()), NOW)
    assert (stored.completes, stored.changed_at, stored.entrants) == (100, NOW, None)
    assert Reading.objects.get().completes == 100


def test_a_known_group_of_a_later_turn_is_still_to_be_read(group: TargetGroup) -> None:
    TargetGroup.objects.update(row_hash=b"as it was")
    store_reading(group, columns={"completes": 120}, postponed=True)
    assert (group.completes, bytes(group.row_hash), group.retry_at) == (120, b"as it was", None)


@pytest.mark.parametrize(
    ("columns", "before", "after"),
    [
        ({"details": {"name": "A"}}, {}, LATER),
        ({"details": {"name": "Same"}}, {"details": {"name": "Same"}}, NOW - HOUR),
        ({"details": {"name": "Same"}},
         {"details": {"name": "Same"}, "details_read_at": None}, LATER),
        ({"cost": Decimal(999)}, {}, NOW - HOUR),
    ],
)  # fmt: skip
def test_settings_are_dated_when_they_changed(
    group: TargetGroup, columns: dict[str, Any], before: dict[str, Any], after: datetime
) -> None:
    TargetGroup.objects.update(**before)
    item = fetched(group, at=LATER)
    item.answer.columns |= columns
    store.store_groups(project=group.project, token=TOKEN, fetched=[item], now=LATER)
    group.refresh_from_db()
    assert group.details_read_at == after


@pytest.mark.parametrize(
    ("total", "read_at", "after"),
    [(5, NOW, LATER), (0, NOW, NOW), (0, None, LATER), (5, None, LATER)],
)
def test_links_are_dated_with_each_reading_where_there_are_some(
    group: TargetGroup, total: int, read_at: datetime | None, after: datetime
) -> None:
    TargetGroup.objects.update(links_read_at=read_at)
    item = fetched(group, at=LATER)
    item.answer.columns |= {"links_total": total, "links_left": 0}
    store.store_groups(project=group.project, token=TOKEN, fetched=[item], now=LATER)
    group.refresh_from_db()
    assert group.links_read_at == after


def test_what_could_not_be_read_is_kept_for_each_answer(group: TargetGroup) -> None:
    store_reading(group, unreadable={"overview": {"cost": "high"}, "details": {"name": "7"}})
    assert group.unreadable == {"overview": {"cost": "high"}, "details": {"name": "7"}}
    store_reading(group, unreadable={"overview": {}})
    assert group.unreadable == {"details": {"name": "7"}}
    store_reading(group, unreadable={"details": {}})
    assert group.unreadable is None


def points(*counts: int) -> list[CompletesPoint]:
    start = datetime(2026, 11, 20, 8, tzinfo=UTC)
    return [
        CompletesPoint(timestamp=start + hour * HOUR, count=count)
        for hour, count in enumerate(counts)
        if count >= 0
    ]


def hours(group: TargetGroup) -> list[int]:
    day = CompletesDay.objects.get(group=group)
    return [count for _, count in completes.unpack_day(day.day, bytes(day.hours), day.odd)]


def test_a_series_is_written_and_a_fall_is_remembered(group: TargetGroup) -> None:
    bad = [("get_target_group_completes_aggregated_by_interval", BadItem(raw_text="", reason=""))]
    for series, spoiled, stored, may_fall in (
        (points(10, 12, 15), [], [10, 12, 15], False),
        (points(10, -1, 16), bad, [10, 12, 16], False),
        (points(10, -1, 16), [], [10, 16], False),
        (points(9, 12, 16), [], [9, 12, 16], True),
        (points(9, 12, 17), [], [9, 12, 17], True),
    ):
        store_reading(group, completes=series, quarantined=spoiled)
        assert (hours(group), group.completes_may_fall) == (stored, may_fall)
    assert group.completes_read_at == NOW


def test_a_first_series_that_falls_says_nothing_of_reconciliation(group: TargetGroup) -> None:
    store_reading(group, completes=points(10, 8))
    assert group.completes_may_fall is False
    store_reading(group, completes=points(10, 8, 9))
    assert group.completes_may_fall is True


def test_quotas_that_differ_are_a_change_of_the_group(group: TargetGroup) -> None:
    store_reading(group, panels={"rate_card": {"prices": []}})
    assert (GroupPanels.objects.get().rate_card, group.changed_at) == ({"prices": []}, NOW)
    store_reading(group, panels={"rate_card": {"prices": []}}, at=LATER)
    assert group.changed_at == NOW
    assert store_reading(group, panels={"rate_card": {"prices": [1]}}, at=LATER).written == 1
    assert (GroupPanels.objects.get().rate_card, group.changed_at) == ({"prices": [1]}, LATER)


@pytest.mark.parametrize(
    ("number", "parts"), [(0, []), (1, [1]), (2, [2]), (3, [2, 1]), (4, [2, 2])]
)
def test_rows_are_written_in_parts_of_a_size(number: int, parts: list[int]) -> None:
    items = list(range(number))
    found = list(bulk_sql.split_into_parts(items, 2))
    assert [len(part) for part in found] == parts
    assert [item for part in found for item in part] == items


def test_columns_of_groups_are_written_and_others_are_left(project: Project) -> None:
    groups = [factories.group(project, name="before", completes=1) for _ in range(3)]
    for number, group in enumerate(groups):
        group.name, group.completes = f"after {number}", 50 + number
    bulk_sql.update_groups(groups[:2], {"name"})
    bulk_sql.update_groups([], {"name"})
    stored = TargetGroup.objects.order_by("pk").values_list("name", "completes")
    assert list(stored) == [("after 0", 1), ("after 1", 1), ("before", 1)]
    bulk_sql.note_readings([], NOW)
    for _ in range(2):
        bulk_sql.note_readings(groups[1:], NOW)
    readings = Reading.objects.order_by("group").values_list("group", "at", "completes")
    assert list(readings) == [(group.pk, NOW, 1) for group in groups[1:]]


def test_a_bad_item_has_one_row_that_counts_how_often_it_came(project: Project) -> None:
    account = project.account
    quarantine.store_bad_items(
        account=account,
        items=[
            ("o" * 101, BadItem(raw_text="a\0b", reason="why\0", id="i" * 101)),
            ("list", BadItem(raw_text="{}", reason="no id")),
            ("list", BadItem(raw_text="[]", reason="no id")),
        ],
        now=NOW,
    )
    again = BadItem(raw_text="{}", reason="still no id")
    quarantine.store_bad_items(account=account, items=[("list", again)], now=LATER)
    rows = Quarantine.objects.order_by("pk").values_list(
        "operation", "item_id", "raw", "reason", "times", "first_seen_at", "last_seen_at"
    )
    digests = ("44136fa355b3678a1146ad16f7e8649e", "4f53cda18c2baa0c0354bb5f9a3ecbe5")
    assert list(rows) == [
        ("o" * 100, "i" * 100, "ab", "why", 1, NOW, NOW),
        ("list", digests[0], "{}", "still no id", 2, NOW, LATER),
        ("list", digests[1], "[]", "no id", 1, NOW, NOW),
    ]
    item = quarantine.unstorable_item(row(), "too long")
    assert (item.id, item.reason) == (ulid(11), "too long")
