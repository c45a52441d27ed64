"""Facts that outrank a reading: what they are made of, how long they hold, what they keep out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dashboard.exchange.shapes.groups import TargetGroupChangelogBatch
from dashboard.fielding.models import TargetGroup
from dashboard.sync.edits import fresh
from dashboard.sync.edits.fresh import Fact
from tests.factories import NOW
from tests.fakes.canned_exchange import money

LAG, SECOND = timedelta(minutes=4), timedelta(seconds=1)
MOMENT = "2026-11-27T18:00:00.000+00:00"


def fact(value: object, at: datetime = NOW, until: datetime = NOW + LAG) -> Fact:
    return Fact(value, at, until)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Decimal("2.500"), "2.5"),
        (Decimal(300), "300"),
        (datetime(2026, 11, 27, 19, 0, 0, 999, tzinfo=timezone(timedelta(hours=1))), MOMENT),
        (0.1234564, 0.123456),
        (0.12345651, 0.123457),
        (7, 7),
        ("2.50", "2.50"),
        (None, None),
    ],
)
def test_values_that_mean_the_same_have_one_plain_form(value: object, form: object) -> None:
    assert fresh.plain(value) == form


READ: list[tuple[str, object, str, object]] = [
    ("status_change", "paused", "status", "paused"),
    ("cpi_change", money("2.50"), "cpi", "2.5"),
    ("cpi_change", "3.00", "cpi", "3"),
    ("cpi_change", 4, "cpi", "4"),
    ("filling_strategy_change", "completes", "filling_strategy", "completes"),
    ("filling_goal_change", 0, "filling_goal", 0),
    ("fielding_period_start_date_change", "2026-11-27T18:00:00Z", "starts_at", MOMENT),
    ("fielding_period_end_date_change", "2026-11-27T19:00:00+01:00", "ends_at", MOMENT),
    ("name_change", "New", "name", "New"),
    ("project_manager_change", {"las_user_id": "u"}, "project_manager_id", "u"),
    ("project_manager_change", "u", "project_manager_id", "u"),
    ("expected_length_of_interview_minutes_change", 9, "expected_loi_minutes", 9),
    ("expected_incidence_rate_change", 1, "expected_incidence_rate", 1.0),
    ("expected_incidence_rate_change", 0.35, "expected_incidence_rate", 0.35),
    ("target_group_customer_reference_number_change", None, "reference_number", ""),
    ("target_group_customer_reference_number_change", "r", "reference_number", "r"),
    ("industry_lockout_code_change", "other", "details.industry_lockout_code", "other"),
    ("live_url_change", "https://a", "details.live_url", "https://a"),
    ("test_url_change", "https://b", "details.test_url", "https://b"),
]
UNREADABLE: list[tuple[str, object]] = [
    ("status_change", None),
    ("cpi_change", True),
    ("cpi_change", {"value": None}),
    ("cpi_change", "two"),
    ("cpi_change", "NaN"),
    ("cpi_change", [2]),
    ("filling_goal_change", True),
    ("filling_goal_change", 2.5),
    ("fielding_period_end_date_change", "2026-11-27T18:00:00"),
    ("fielding_period_end_date_change", "soon"),
    ("project_manager_change", {}),
    ("expected_incidence_rate_change", True),
    ("expected_incidence_rate_change", "0.35"),
    ("target_group_customer_reference_number_change", 3),
    ("another_change", "x"),
]


@pytest.mark.parametrize(("kind", "value", "column", "plain"), READ)
def test_a_change_is_a_fact_about_its_column(
    kind: str, value: object, column: str, plain: object
) -> None:
    at = NOW - SECOND
    facts = fresh.facts_of_changes([(kind, value, at)], now=NOW)
    assert facts == {column: fact(plain, at, at + LAG)}


@pytest.mark.parametrize(("kind", "value"), UNREADABLE)
def test_a_change_that_cannot_be_read_is_no_fact_and_hides_no_other(
    kind: str, value: object
) -> None:
    name = ("name_change", "New", NOW)
    assert fresh.facts_of_changes([(kind, value, NOW), name], now=NOW) == {"name": fact("New")}


def test_the_newest_change_counts_for_as_long_as_a_copy_may_lag() -> None:
    def at(seconds: float) -> datetime:
        return NOW + timedelta(seconds=seconds)

    changes: list[tuple[str, object, datetime]] = [
        ("name_change", "newest", at(-10)),
        ("name_change", "older", at(-20)),
        ("filling_goal_change", 5, at(-240)),  # as old as any lag
        ("status_change", "live", at(-239)),
        ("cpi_change", "2", at(60)),  # the exchange's clock is ahead
    ]
    assert fresh.facts_of_changes(changes, now=NOW) == {
        "name": fact("newest", at(-10), at(230)),
        "status": fact("live", at(-239), at(1)),
        "cpi": fact("2", NOW, at(240)),
    }


def test_an_event_is_facts_at_its_time_and_now_where_it_has_none() -> None:
    changes = [
        7,
        {"object": "name_change", "new_value": "A\0"},
        {"new_value": 1},
        {"object": "x"},
        {"object": "status_change", "new_value": "live"},
        {"object": "end_date_change", "new_value": "9999-12-31T23:59:59-14:00"},
    ]
    at = NOW - 2 * SECOND
    facts = {"name": fact("A", at, at + LAG), "status": fact("live", at, at + LAG)}
    assert fresh.facts_of_event(changes, at.isoformat(), now=NOW) == facts
    ends_of_time = ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00")
    for odd in (None, "yesterday", "2026-11-20T11:59:58", *ends_of_time):
        facts = {"name": fact("A"), "status": fact("live")}
        assert fresh.facts_of_event(changes, odd, now=NOW) == facts
    assert fresh.facts_of_event({"object": 1}, at.isoformat(), now=NOW) == {}


def batch(seconds: float, value: object, **more: Any) -> TargetGroupChangelogBatch:
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    change = {"object": "name_change", "new_value": value} | more
    return msgspec.convert({"occurred_at": at, "changes": [change]}, TargetGroupChangelogBatch)


JUST_AFTER = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("batches", "own", "expected"),
    [
        ([(-9, "ours"), (-8, "theirs")], None, ("theirs", timedelta(seconds=-8))),
        # The exchange's clock is behind ours: what follows our own row is newer than our edit.
        ([(-9, "ours"), (-8, "theirs")], "ours", ("theirs", JUST_AFTER)),
        ([(-9, "before"), (-8, "theirs")], "ours", ("theirs", timedelta(seconds=-8))),
        ([(-8, "theirs")], "ours", ("theirs", timedelta(seconds=-8))),
        ([(-9, "ours"), (-8, "ours")], "ours", ("ours", timedelta(seconds=-8))),
        ([(0, "theirs")], "ours", ("theirs", timedelta(0))),
        ([(-9, "before"), (-8, "ours"), (-7, "theirs")], "ours", ("theirs", JUST_AFTER)),
        ([(-8, "ours"), (-8, "theirs")], "ours", ("theirs", timedelta(seconds=-8))),
    ],
)
def test_a_row_of_the_changelog_that_follows_our_own_is_newer_than_our_edit(
    batches: list[tuple[float, str]], own: str | None, expected: tuple[str, timedelta]
) -> None:
    edits = {"name": fact(own)} if own else {}
    facts = fresh.facts_of_batches([batch(*each) for each in batches], edits, now=NOW)
    value, after = expected
    assert {column: (each.value, each.at) for column, each in facts.items()} == {
        "name": (value, NOW + after)
    }


def test_a_change_for_one_supplier_is_no_fact_about_the_group_and_a_later_one_stays() -> None:
    of_supplier = batch(-1, "theirs", supplier_id=3)
    assert fresh.facts_of_batches([of_supplier], {}, now=NOW) == {}
    edits = {"status": fact("live", NOW + SECOND), "name": fact("ours", NOW - 5 * SECOND)}
    facts = fresh.facts_of_batches([of_supplier, batch(-3, "later")], edits, now=NOW)
    assert facts == {"name": fact("later", NOW - 3 * SECOND, NOW - 3 * SECOND + LAG)}


def test_a_column_that_no_edit_of_ours_changed_does_not_keep_the_next_from_it() -> None:
    status = batch(-20, "paused", object="status_change")
    batches = [status, batch(-9, "ours"), batch(-8, "theirs")]
    facts = fresh.facts_of_batches(batches, {"name": fact("ours")}, now=NOW)
    assert [(column, each.value, each.at) for column, each in facts.items()] == [
        ("status", "paused", NOW - 20 * SECOND),
        ("name", "theirs", NOW + JUST_AFTER),
    ]


GROUP = TargetGroup(details={"name": "Old", "live_url": "a"})
DETAILS: dict[str, Any] = {
    "name": "Old",
    "project_manager_id": None,
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.35,
    "industry_lockout_code": "other",
    "live_url": "a",
    "test_url": "b",
    "target_group_customer_reference_number": None,
    "client_cost_per_interview_note": None,
}
PERIOD = {"start_fielding_at": "2026-11-20T12:00:00Z", "end_fielding_at": "2026-11-27T18:00:00Z"}
EDITS: list[tuple[str, Any, Any, dict[str, object]]] = [
    ("cpi", money("2.50"), money("2.75", "usd"), {"cpi": "2.75"}),
    ("cpi", None, money("2.75"), {"cpi": "2.75", "currency": "USD"}),
    ("status", "live", "paused", {"status": "paused"}),
    ("status", "live", "live", {}),
    ("status", "live", None, {}),
    ("dates", PERIOD, PERIOD | {"end_fielding_at": None}, {"ends_at": None}),
    ("details", DETAILS, DETAILS | {"name": "New"}, {"name": "New", "details.name": "New"}),
    ("launch", {"status": "draft"}, {"status": "live"}, {}),
    (
        "launch",
        {"status": "draft"},
        {"status": "scheduled"} | PERIOD,
        {"status": "scheduled", "ends_at": MOMENT, "starts_at": "2026-11-20T12:00:00.000+00:00"},
    ),
    (
        "launch",
        None,
        {"status": "live", "start_fielding_at": None, "end_fielding_at": MOMENT},
        {"status": "live", "ends_at": MOMENT},
    ),
    ("new_draft", None, {"name": "New"}, {}),
    ("budget", None, money("5"), {}),
    ("time_zone", "", "Asia/Tokyo", {}),
    ("assistant", {}, {"pacing": {"type": "linear"}}, {}),
]


@pytest.mark.parametrize(("kind", "before", "after", "facts"), EDITS)
def test_a_confirmed_edit_is_facts_about_what_it_changed(
    kind: str, before: Any, after: Any, facts: dict[str, object]
) -> None:
    settled_at = NOW + 2 * SECOND
    made = fresh.facts_of_edit(GROUP, kind, before, after, at=NOW, settled_at=settled_at)
    assert made == {column: fact(value, NOW, settled_at + LAG) for column, value in facts.items()}


def test_the_details_are_a_fact_for_each_member_and_no_mapping_is_none() -> None:
    columns = {"name": "A", "details": {"live_url": "u", "ir": 0.30000001}}
    assert fresh.facts_of_columns(columns, at=NOW, until=NOW + LAG) == {
        "name": fact("A"),
        "details.live_url": fact("u"),
        "details.ir": fact(0.3),
    }
    assert fresh.facts_of_columns({"details": None}, at=NOW, until=NOW) == {}


def test_facts_are_stored_until_they_expire_and_read_as_they_were() -> None:
    lasting = {"cpi": fact("2.5"), "status": fact("live", NOW, NOW + SECOND)}
    stored = fresh.facts_to_json(lasting | {"name": fact("x", NOW, NOW)}, now=NOW)
    assert stored == {
        "cpi": ["2.5", "2026-11-20T12:00:00+00:00", "2026-11-20T12:04:00+00:00"],
        "status": ["live", "2026-11-20T12:00:00+00:00", "2026-11-20T12:00:01+00:00"],
    }
    assert fresh.stored_facts(TargetGroup(fresh=stored)) == lasting
    assert fresh.stored_facts(TargetGroup(fresh=None)) == {}
    assert fresh.facts_to_json({"name": fact("x", NOW, NOW)}, now=NOW) is None


def test_of_two_facts_about_a_column_the_later_counts_and_of_equals_the_last() -> None:
    old, new, same = fact("old", NOW - SECOND), fact("new"), fact("same")
    assert fresh.newest_facts({"a": old, "b": new}, {"a": new, "b": old}, {"c": old}) == {
        "a": new,
        "b": new,
        "c": old,
    }
    assert fresh.newest_facts({"a": new}, {"a": same}) == {"a": same}


def test_a_reading_keeps_what_no_fact_contradicts() -> None:
    details = {"name": "Old", "live_url": "u", "more": 1, "completes_goal": 5}
    columns = {"cpi": Decimal("2.50"), "name": "Old", "status": "live", "details": details}
    facts = {
        "cpi": fact("2.5"),
        "name": fact("New"),
        "status": fact("paused", until=NOW),  # no longer outranks it
        "entrants": fact(3),
        "details.live_url": fact("v"),
        "completes_goal": fact(5),
    }
    checked = fresh.drop_contradicted(columns, facts, at=NOW)
    assert checked.columns == {
        "cpi": Decimal("2.50"),
        "status": "live",
        "details": details | {"name": "New", "live_url": "v"},
    }
    assert checked.contradicted == [facts["name"], facts["name"], facts["details.live_url"]]
    assert columns["details"] == details  # the reading itself stays as it came


def test_a_reading_that_no_fact_contradicts_is_stored_whole() -> None:
    details = {"expected_length_of_interview_minutes": 9, "cpi": 1}
    columns = {"cpi": Decimal("2.5"), "details": details}
    facts = {"expected_loi_minutes": fact(9), "cpi": fact("2.5"), "epc": fact("1")}
    assert fresh.drop_contradicted(columns, facts, at=NOW) == (columns, [])


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), timedelta(seconds=10)),
        (timedelta(seconds=59), timedelta(seconds=10)),
        (timedelta(seconds=60), timedelta(seconds=30)),
        (timedelta(seconds=209), timedelta(seconds=30)),
        (timedelta(seconds=225), timedelta(seconds=15)),  # then the fact ends
    ],
)
def test_a_group_whose_reading_is_behind_is_read_again_soon_and_later_seldom(
    age: timedelta, expected: timedelta
) -> None:
    behind = fact("x", NOW - age, NOW - age + LAG)
    assert fresh.next_reading_at([behind], now=NOW) == NOW + expected
    old = fact("y", NOW - timedelta(seconds=100), NOW + timedelta(seconds=140))
    first = min(expected, timedelta(seconds=30))
    assert fresh.next_reading_at([old, behind, old], now=NOW) == NOW + first


def test_a_moment_has_one_form_whatever_its_zone() -> None:
    assert fresh.plain(datetime(2026, 11, 27, 18, tzinfo=UTC)) == MOMENT
