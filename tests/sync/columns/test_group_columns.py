"""What the exchange sends of a group and a project, as columns of our tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from dashboard.exchange.shapes.base import UNREADABLE
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.fielding import FieldingRunItem, ReEntryConfiguration
from dashboard.exchange.shapes.groups import (
    GetLiveRespondentUniqueCodesStatsResponse,
    TargetGroupChangelogBatch,
    TargetGroupDetails,
    TargetGroupOverview,
    TargetGroupPerformance,
    TargetGroupsListItem,
)
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.fielding.models import TargetGroup
from dashboard.sync.columns import group_columns
from dashboard.sync.columns.limits import DoesNotFit
from tests.factories import NOW
from tests.fakes.canned_exchange import PM, group_row, money, project_row

AT, MOMENT = "2026-11-20T12:00:00.000Z", datetime(2026, 11, 20, 12, tzinfo=UTC)
PROGRESS = {
    "current_completes": 7,
    "current_prescreens": 21,
    "filling_goal": 70,
    "filling_strategy": "prescreens",
}


def unreadable(**members: object) -> dict[str, Any]:
    """Members of an answer that could not be read, as the decoder passes them on."""
    return {UNREADABLE: members}


def row_of(**fields: Any) -> TargetGroupsListItem:
    return msgspec.convert(group_row(11, **fields), TargetGroupsListItem)


def figures(**members: Any) -> dict[str, Any]:
    """The statistics of a list row; each member is a value, or a statistic with its issues."""
    return {"progress": {"value": PROGRESS}} | {
        name: value if isinstance(value, dict) and "issues" in value else {"value": value}
        for name, value in members.items()
    }


def test_a_project_has_the_columns_of_its_row() -> None:
    row = project_row(3, project_customer_reference_number="PO-3", target_group_count=4)
    assert group_columns.project_columns(msgspec.convert(row, ProjectListItem)) == {
        "human_readable_id": "P00003",
        "name": "Project 3",
        "reference_number": "PO-3",
        "status": "active",
        "group_count": 4,
        "last_activity_at": datetime(2026, 11, 20, 11, tzinfo=UTC),
        "filling_goal": 200,
        "completes": 100,
        "prescreens": 300,
        "incidence_rate": 0.3,
        "median_loi_seconds": 540,
        "conversion_rate": 0.1,
        "drop_off_rate": 0.1,
    }


BARE_PROJECT = {
    "human_readable_id": "",
    "name": "Bare",
    "reference_number": "",
    "status": "",
    "group_count": 0,
    "last_activity_at": None,
}


def test_a_project_without_figures_keeps_those_that_were_read_last() -> None:
    row = msgspec.convert({"id": "1", "name": "Bare"}, ProjectListItem)
    assert group_columns.project_columns(row) == BARE_PROJECT
    drifted = {"id": "1", "name": "Bare", **unreadable(last_activity_at="soon")}
    columns = group_columns.project_columns(msgspec.convert(drifted, ProjectListItem))
    assert columns == {n: value for n, value in BARE_PROJECT.items() if n != "last_activity_at"}


@pytest.mark.parametrize(
    ("name", "longest"),
    [("human_readable_id", 16), ("project_customer_reference_number", 200), ("status", 32)],
)
def test_a_text_of_a_project_that_is_longer_than_its_column_is_refused(
    name: str, longest: int
) -> None:
    def columns(length: int) -> group_columns.Columns:
        row = project_row(3, **{name: "x" * length})
        return group_columns.project_columns(msgspec.convert(row, ProjectListItem))

    assert "x" * longest in columns(longest).values()
    with pytest.raises(DoesNotFit):
        columns(longest + 1)


def test_a_group_has_the_columns_of_its_row() -> None:
    statistics = figures(
        last_complete_date=AT,
        earnings_per_click=money("0.30", "eur"),
        earnings_per_click_per_minute=money("0.0333333333"),
        average_cost_per_interview=money("2.7000004", "EUR"),
        median_length_of_interview_seconds=541,
        incidence_rate=0.31,
        drop_off_rate=0.12,
        conversion_rate=0.13,
    )
    row = row_of(
        locale="ENG_USA",
        statistics=statistics,
        exclusion_enabled=False,
        updated_at=AT,
        target_group_customer_reference_number="ref",
    )
    assert group_columns.list_columns(row) == {
        "human_readable_id": "T000011",
        "name": "Group 11",
        "reference_number": "ref",
        "status": "live",
        "locale": "ENG_USA",
        "language_code": "eng",
        "country_code": "us",
        "project_manager_id": PM.lower(),
        "exclusion_enabled": False,
        "created_at": datetime(2026, 11, 6, 9, tzinfo=UTC),
        "exchange_updated_at": MOMENT,
        "issues": {},
        "missing_since": None,
        "completes": 7,
        "prescreens": 21,
        "filling_goal": 70,
        "filling_strategy": "prescreens",
        "epc": Decimal("0.30"),
        "epcm": Decimal("0.033333"),
        "average_cpi": Decimal("2.700000"),
        "last_complete_at": MOMENT,
        "currency": "EUR",
        "median_loi_seconds": 541,
        "incidence_rate": 0.31,
        "drop_off_rate": 0.12,
        "conversion_rate": 0.13,
    }


def test_a_row_without_figures_leaves_out_those_that_the_overview_has_too() -> None:
    columns = group_columns.figure_columns(row_of(statistics=figures()).statistics)
    assert columns == {
        "completes": 7,
        "prescreens": 21,
        "filling_goal": 70,
        "filling_strategy": "prescreens",
        "epc": None,
        "epcm": None,
    }
    empty = dict.fromkeys(("incidence_rate", "average_cost_per_interview", "earnings_per_click"))
    columns = group_columns.figure_columns(row_of(statistics=figures(**empty)).statistics)
    assert (columns["incidence_rate"], columns["average_cpi"], columns["epc"]) == (None,) * 3
    assert "currency" not in columns


def test_a_row_with_unreadable_members_is_listed_all_the_same_and_keeps_what_was_read() -> None:
    columns = group_columns.list_columns(row_of(**unreadable(exclusion_enabled="maybe")))
    assert columns["missing_since"] is None
    assert {"exclusion_enabled", "exchange_updated_at", "epcm"}.isdisjoint(columns)
    assert (columns["completes"], columns["name"], columns["epc"]) == (
        100,
        "Group 11",
        Decimal("0.30"),
    )


@pytest.mark.parametrize(
    ("name", "column", "longest"),
    [
        ("human_readable_id", "human_readable_id", 16),
        ("target_group_customer_reference_number", "reference_number", 200),
        ("status", "status", 32),
        ("locale", "locale", 16),
        ("project_manager_id", "project_manager_id", 64),
    ],
)
def test_a_text_of_a_group_that_is_longer_than_its_column_is_refused(
    name: str, column: str, longest: int
) -> None:
    assert group_columns.list_columns(row_of(**{name: "x" * longest}))[column] == "x" * longest
    with pytest.raises(DoesNotFit):
        group_columns.list_columns(row_of(**{name: "x" * (longest + 1)}))


def test_a_row_is_the_same_whenever_it_was_updated_and_other_with_any_other_value() -> None:
    same = [
        group_columns.row_hash(row_of(updated_at=at, highlighted_name=name))
        for at, name in ((None, None), (AT, "<b>Group</b> 11"))
    ]
    other = group_columns.row_hash(row_of(completes=101))
    assert same[0] == same[1] != other
    assert len(other) == 16


def test_members_that_cannot_be_read_are_shown_as_they_came_and_cut() -> None:
    members = {"ir": "high\0", "x" * 250: [1, "a\0"], "cpi": "9" * 90}
    shape = msgspec.convert({"name": "a", **unreadable(**members)}, TargetGroupDetails)
    assert group_columns.unreadable_members(shape) == {
        "ir": "high",
        "x" * 200: '[1,"a"]',
        "cpi": "9" * 60,
    }


def test_the_exchanges_problems_are_kept_by_figure_with_their_reason_and_tips() -> None:
    issue = {
        "issue_type": "warning",
        "reason": {"code": "low", "description": "Low IR"},
        "suggestions": [{"description": "Ask fewer"}, {"description": "Pay more"}],
    }
    statistics = figures(
        incidence_rate={"value": 0.1, "issues": [issue, {"issue_type": "error"}]},
        drop_off_rate={"value": 0.1, "issues": []},
    )
    statistics["progress"] |= {"issues": [{}]}
    assert group_columns.issues_columns(row_of(statistics=statistics)) == {
        "progress": [{"type": "", "code": "", "text": "", "suggestions": []}],
        "incidence_rate": [
            {
                "type": "warning",
                "code": "low",
                "text": "Low IR",
                "suggestions": ["Ask fewer", "Pay more"],
            },
            {"type": "error", "code": "", "text": "", "suggestions": []},
        ],
    }


OVERVIEW = {
    "status": "live",
    "progress": PROGRESS,
    "pricing_model": "dynamic",
    "is_pricing_restricted": True,
    "current_cost_per_interview": money("2.75", "eur"),
    "average_cost_per_interview": money("2.0000001"),
    "current_cost": money("2000000000", "EUR"),
    "country_code": "DE",
    "language_code": "GER",
    "incidence_rate": 0.3,
    "drop_off_rate": 0.2,
    "conversion_rate": 0.1,
    "median_length_of_interview_seconds": 600,
}


def overview(**members: Any) -> TargetGroupOverview:
    return msgspec.convert(OVERVIEW | members, TargetGroupOverview)


def test_the_overview_has_the_price_and_the_figures_that_a_row_may_lack() -> None:
    assert group_columns.overview_columns(overview()) == {
        "pricing_model": "dynamic",
        "is_pricing_restricted": True,
        "cpi": Decimal("2.75"),
        "cost": Decimal("2000000000"),
        "filling_strategy": "prescreens",
        "country_code": "de",
        "language_code": "ger",
        "currency": "EUR",
    }
    assert group_columns.fallback_columns(overview()) == {
        "median_loi_seconds": 600,
        "incidence_rate": 0.3,
        "drop_off_rate": 0.2,
        "conversion_rate": 0.1,
        "average_cpi": Decimal("2.000000"),
    }


def test_an_overview_without_a_price_leaves_country_language_and_currency_as_they_are() -> None:
    bare = msgspec.convert({"status": "draft", "progress": PROGRESS}, TargetGroupOverview)
    assert group_columns.overview_columns(bare) == {
        "pricing_model": "",
        "is_pricing_restricted": None,
        "cpi": None,
        "cost": None,
        "filling_strategy": "prescreens",
    }
    drifted = overview(current_cost=None, drop_off_rate=None, **unreadable(drop_off_rate="high"))
    assert "cost" not in group_columns.overview_columns(drifted)
    assert "drop_off_rate" not in group_columns.fallback_columns(drifted)


@pytest.mark.parametrize(
    ("member", "below"),
    [("current_cost_per_interview", 10**9), ("current_cost", 10**12)],
)
def test_an_amount_that_its_column_cannot_hold_is_refused(member: str, below: int) -> None:
    amount = money(str(below - 1), "EUR")
    columns = group_columns.overview_columns(overview(**{member: amount}))
    assert Decimal(below - 1) in columns.values()
    with pytest.raises(DoesNotFit, match="larger than any"):
        group_columns.overview_columns(overview(**{member: money(str(below), "EUR")}))


@pytest.mark.parametrize(
    ("member", "longest"), [("pricing_model", 32), ("country_code", 2), ("language_code", 3)]
)
def test_a_text_of_an_overview_that_is_longer_than_its_column_is_refused(
    member: str, longest: int
) -> None:
    columns = group_columns.overview_columns(overview(**{member: "x" * longest}))
    assert columns[member] == "x" * longest
    with pytest.raises(DoesNotFit):
        group_columns.overview_columns(overview(**{member: "x" * (longest + 1)}))


COUNTS = {"entrants": 9, "prescreens": 3, "completes": 1}


def performance(**members: Any) -> group_columns.Columns:
    answer = msgspec.convert(COUNTS | members, TargetGroupPerformance)
    return group_columns.performance_columns(answer)


def test_the_performance_has_entrants_the_first_complete_and_how_people_left() -> None:
    codes = [{"status": "20", "label": "Over quota", "count": 3}, {}]
    assert performance(first_complete=AT, respondent_analysis={"live": codes}) == {
        "entrants": 9,
        "first_complete_at": MOMENT,
        "respondent_analysis": [
            {"status": "20", "label": "Over quota", "count": 3},
            {"status": "", "label": "", "count": None},
        ],
    }
    assert performance() == {"entrants": 9, "first_complete_at": None, "respondent_analysis": []}


def test_how_people_left_stays_as_it_was_only_where_it_cannot_be_read() -> None:
    assert performance(**unreadable(respondent_analysis=3)) == {"entrants": 9}
    kept = performance(respondent_analysis={"live": []}, **unreadable(first_complete=3))
    assert kept == {"entrants": 9, "respondent_analysis": []}


DETAILS = {
    "name": "Group\0 11",
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.35,
    "completes_goal": 200,
    "client_cost_per_interview_note": money("2.50"),
}


def test_the_details_are_stored_whole_with_their_figures_as_columns() -> None:
    details = msgspec.convert(DETAILS | unreadable(live_url=3), TargetGroupDetails)
    columns = group_columns.details_columns(details)
    document = columns.pop("details")
    assert columns == {
        "expected_loi_minutes": 9,
        "expected_incidence_rate": 0.35,
        "completes_goal": 200,
    }
    assert (document["name"], document["live_url"]) == ("Group 11", None)
    assert UNREADABLE not in document
    drifted = msgspec.convert({"name": "a", **unreadable(completes_goal="x")}, TargetGroupDetails)
    assert set(group_columns.details_columns(drifted)) == {"details"}


def draft(**members: Any) -> group_columns.Columns:
    columns = group_columns.draft_columns(msgspec.convert(members, FetchTargetGroupResponse))
    assert columns.pop("details")["name"] == members["name"]
    return columns


def test_a_draft_has_its_price_period_and_re_entry() -> None:
    may = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
    re_entry = {"completes": {"client_side": may}}
    assert draft(
        id="1",
        name="Draft",
        pricing_model="rate_card",
        cost_per_interview=money("2.75", "eur"),
        expected_length_of_interview_minutes=9,
        expected_incidence_rate=0.35,
        completes_goal=200,
        fielding_specification={"start_at": AT, "end_at": "2026-11-21T12:00:00.000Z"},
        re_entry_configuration=re_entry,
    ) == {
        "pricing_model": "rate_card",
        "cpi": Decimal("2.75"),
        "expected_loi_minutes": 9,
        "expected_incidence_rate": 0.35,
        "completes_goal": 200,
        "starts_at": MOMENT,
        "ends_at": datetime(2026, 11, 21, 12, tzinfo=UTC),
        "re_entry": re_entry,
        "currency": "EUR",
    }


def test_a_draft_without_a_pricing_model_is_priced_by_cpi() -> None:
    assert draft(id="1", name="Draft") == {
        "pricing_model": "dynamic",
        "cpi": None,
        "expected_loi_minutes": None,
        "expected_incidence_rate": None,
        "completes_goal": None,
        "starts_at": None,
        "ends_at": None,
        "re_entry": None,
    }


def test_the_period_is_that_of_the_first_run_or_empty() -> None:
    runs = [
        FieldingRunItem(
            id=run_id,
            status="live",
            start_fielding_at=MOMENT,
            end_fielding_at=datetime(2026, 12, 31, tzinfo=UTC),
        )
        for run_id in ("r" * 64, "other")
    ]
    assert group_columns.run_columns(runs) == {
        "fielding_run_id": "r" * 64,
        "starts_at": MOMENT,
        "ends_at": datetime(2026, 12, 31, tzinfo=UTC),
    }
    empty = {"fielding_run_id": "", "starts_at": None, "ends_at": None}
    assert group_columns.run_columns([]) == empty
    with pytest.raises(DoesNotFit):
        group_columns.run_columns([FieldingRunItem(id="r" * 65, status="live")])


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00Z",
        "1899-12-31T00:00:00Z",
        "3000-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_moment_that_nothing_can_show_is_none(at: str) -> None:
    """Programs write the first and the last for none; pages and charts of a group broke on them."""
    run = {"id": "r", "status": "live", "start_fielding_at": at, "end_fielding_at": at}
    columns = group_columns.run_columns([msgspec.convert(run, FieldingRunItem)])
    assert (columns["starts_at"], columns["ends_at"]) == (None, None)
    row = group_columns.list_columns(row_of(created_at=at, updated_at=at))
    assert (row["created_at"], row["exchange_updated_at"]) == (None, None)
    project = msgspec.convert(project_row(1) | {"last_activity_at": at}, ProjectListItem)
    assert group_columns.project_columns(project)["last_activity_at"] is None


def test_an_exchange_without_re_entry_or_links_says_so_in_the_columns() -> None:
    stats = {"total_count": 9, "unconsumed_count": 4}
    links = msgspec.convert(stats, GetLiveRespondentUniqueCodesStatsResponse)
    assert group_columns.re_entry_columns(None) == {"re_entry_offered": False}
    offered = {"re_entry": {}, "re_entry_offered": True}
    assert group_columns.re_entry_columns(ReEntryConfiguration()) == offered
    assert group_columns.links_columns(links) == {"links_total": 9, "links_left": 4}
    assert group_columns.links_columns(None) == {"links_total": 0, "links_left": 0}


def test_each_change_of_the_changelog_is_a_row_with_its_place_in_its_batch() -> None:
    cpi = {"object": "cpi_change", "old_value": {"v": "2\0"}, "new_value": 3, "reason_code": "r"}
    batches = [
        {"id": 5, "occurred_at": AT, "user": {"type": "las_user", "las_user_id": PM}}
        | {"changes": [cpi, {}]},
        {"occurred_at": AT, "changes": [{"object": "name_change"}]},
        {"occurred_at": AT, "changes": [{"object": "status_change"}]},
    ]
    rows = group_columns.change_rows(
        TargetGroup(pk=1, account_id=2),
        msgspec.convert(batches, list[TargetGroupChangelogBatch]),
        NOW,
    )
    assert [(row.batch_id, row.position, row.kind, row.old, row.new) for row in rows[:2]] == [
        ("5", 0, "cpi_change", {"v": "2"}, 3),
        ("5", 1, "", None, None),
    ]
    assert [(row.actor_type, row.actor_id, row.reason_code) for row in rows] == [
        ("las_user", PM.lower(), "r"),
        ("las_user", PM.lower(), ""),
        ("", "", ""),
        ("", "", ""),
    ]
    assert {(r.group_id, r.account_id, r.occurred_at, r.seen_at) for r in rows} == {
        (1, 2, MOMENT, NOW)
    }
    assert rows[2].batch_id != rows[3].batch_id
    assert [len(row.batch_id) for row in rows[2:]] == [32, 32]


@pytest.mark.parametrize(
    ("member", "longest"), [("id", 64), ("type", 64), ("object", 100), ("reason_code", 100)]
)
def test_a_text_of_the_changelog_that_is_longer_than_its_column_is_refused(
    member: str, longest: int
) -> None:
    def rows(text: str) -> list[Any]:
        change = {member: text} if member in ("object", "reason_code") else {}
        user = {member: text} if member == "type" else {}
        batch: dict[str, Any] = {"occurred_at": AT, "user": user, "changes": [change]}
        batch |= {"id": text} if member == "id" else {}
        converted = msgspec.convert(batch, TargetGroupChangelogBatch)
        return group_columns.change_rows(TargetGroup(pk=1, account_id=2), [converted], NOW)

    assert len(rows("x" * longest)) == 1
    with pytest.raises(DoesNotFit):
        rows("x" * (longest + 1))
