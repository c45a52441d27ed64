"""Exchange → tables: what is read, what is asked again, and what never happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.models import (
    Change,
    CompletesDay,
    Cycle,
    ExchangeAccount,
    ExchangeUser,
    Project,
    Quarantine,
    Reading,
    TargetGroup,
)
from dashboard.fielding.series import completes
from tests.factories import ulid
from tests.fakes.canned_exchange import PM, Exchange, group_row, money, project_row

Pull = Callable[[], dict[str, Any]]
pytestmark = pytest.mark.django_db(transaction=True)


def group(number: int) -> TargetGroup:
    return TargetGroup.objects.get(exchange_id=ulid(number))


def test_a_first_pull_reads_everything(pull: Pull) -> None:
    result = pull()
    assert result | {"seconds": 0} == {
        "exchange": result["exchange"],
        "complete": True,
        "projects": 1,
        "groups_seen": 3,
        "groups_written": 3,
        "requests": result["requests"],
        "quarantined": 0,
        "errors": [],
        "seconds": 0,
        "exit": 0,
    }
    stored = group(11)
    assert (stored.cpi, stored.currency, stored.completes) == (Decimal("2.75"), "USD", 100)
    assert stored.ends_at == datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert stored.expected_loi_minutes == 9


def test_the_end_of_the_first_pull_is_dated_once(pull: Pull, account: ExchangeAccount) -> None:
    dates = []
    for _ in range(3):
        pull()
        account.refresh_from_db()
        dates.append(account.first_pull_completed_at)
    assert dates[1] is not None
    assert dates[1] == dates[2]
    assert dates[0] in (None, dates[1])


def test_a_second_pull_writes_nothing_and_asks_one_request_a_hundred_groups(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    before = (Reading.objects.count(), list(TargetGroup.objects.values()))
    exchange.log.clear()
    assert pull()["groups_written"] == 0
    assert (Reading.objects.count(), list(TargetGroup.objects.values())) == before
    assert len(exchange.log) == 2  # the projects, and the groups of one


def test_only_a_group_that_moved_is_asked_for_more(pull: Pull, exchange: Exchange) -> None:
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    exchange.log.clear()
    assert pull()["groups_written"] == 1
    assert exchange.asked("/performance") == 1
    assert group(11).completes == 101
    assert Reading.objects.filter(group=group(11)).count() == 2


def test_details_are_as_old_as_the_round_that_read_them(pull: Pull, exchange: Exchange) -> None:
    pull()
    first = group(11).details_read_at
    assert first
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    pull()
    assert group(11).details_read_at == first
    exchange.groups[ulid(1)][0] = group_row(11, updated_at="2026-11-20T12:00:00.000Z")
    pull()
    again = group(11).details_read_at
    assert first
    assert again
    assert again > first


def test_whether_a_group_takes_part_in_the_exclusion_is_kept(
    pull: Pull, exchange: Exchange
) -> None:
    exchange.groups[ulid(1)][0] = group_row(11, exclusion_enabled=True)
    pull()
    assert group(11).exclusion_enabled is True
    TargetGroup.objects.update(exclusion_enabled=None)  # as read before there was the column
    exchange.log.clear()
    pull()
    assert group(11).exclusion_enabled is True
    assert exchange.asked("/performance") + exchange.asked("/overview") == 0


def test_a_project_that_moves_between_pages_is_kept_once_as_it_was_seen_last(
    pull: Pull, exchange: Exchange
) -> None:
    rows = [project_row(1), project_row(2), project_row(2, name="Moved")]
    pages = iter([rows[:2], rows[2:]])

    def page() -> tuple[int, Any]:
        last = len(rows := next(pages)) == 1
        return 200, {"projects": rows, "has_more": not last, "next_cursor": None if last else "b"}

    exchange.on("GET", r"/projects(\?.*)?$", page)
    assert pull()["errors"] == []
    assert [project.name for project in Project.objects.order_by("exchange_id")] == [
        "Project 1",
        "Moved",
    ]


def test_people_of_the_exchange_are_known_by_name(pull: Pull) -> None:
    pull()
    assert ExchangeUser.objects.get(exchange_id=PM.lower()).name == "Anna"


def test_ids_in_upper_case_find_the_same_person(pull: Pull) -> None:
    pull()
    assert group(11).project_manager_id == PM.lower()


def test_the_completes_series_is_kept_by_the_hour(pull: Pull, exchange: Exchange) -> None:
    exchange.completes[ulid(11)] = [
        {"timestamp": "2026-11-20T10:00:00.000Z", "count": 40},
        {"timestamp": "2026-11-20T11:00:00.000Z", "count": 44},
    ]
    pull()
    assert CompletesDay.objects.filter(group=group(11)).count() == 1


def test_a_point_that_cannot_be_read_keeps_its_last_good_value(
    pull: Pull, exchange: Exchange
) -> None:
    at = "2026-11-20T{}:00:00.000Z"
    exchange.completes[ulid(11)] = [
        {"timestamp": at.format(10), "count": 40},
        {"timestamp": at.format(11), "count": 44},
    ]
    pull()
    exchange.completes[ulid(11)] = [
        {"timestamp": at.format(10), "count": "many"},
        {"timestamp": at.format(11), "count": 45},
    ]
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    TargetGroup.objects.update(completes_read_at=None)
    assert pull()["quarantined"] == 1
    day = CompletesDay.objects.get(group=group(11))
    hours = completes.unpack_day(day.day, bytes(day.hours), day.odd)
    assert [count for _, count in hours] == [40, 45]


@pytest.mark.parametrize("strange", ["", ".", "..", "a" * 201, "a" * 70_000])
def test_an_id_that_no_address_can_have_costs_its_own_item(
    pull: Pull, exchange: Exchange, strange: str
) -> None:
    exchange.projects.append(project_row(2, id=strange))
    exchange.groups[ulid(1)].insert(0, group_row(14, id=strange))
    result = pull()
    assert (result["projects"], result["groups_written"]) == (1, 3)
    assert (result["quarantined"], result["exit"]) == (2, 0)


def test_a_list_that_never_ends_is_incomplete_and_marks_nothing_gone(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    endless = {"target_groups": [group_row(11)], "url": "", "has_more": True, "next_cursor": "same"}
    exchange.on("GET", r"/target-groups\?", lambda: (200, endless))
    result = pull()
    assert (result["complete"], result["exit"]) == (False, 3)
    assert not TargetGroup.objects.exclude(missing_since=None).exists()


def test_a_list_of_empty_pages_is_incomplete(pull: Pull, exchange: Exchange) -> None:
    empty = {"target_groups": [], "url": "", "has_more": True, "next_cursor": "more"}
    exchange.on("GET", r"/target-groups\?", lambda: (200, empty))
    assert pull()["complete"] is False


def test_a_group_that_is_no_longer_listed_is_missing_and_comes_back(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    gone = exchange.groups[ulid(1)].pop()
    pull()
    assert group(13).missing_since is not None
    exchange.groups[ulid(1)].append(gone)
    pull()
    assert group(13).missing_since is None


def test_one_bad_item_costs_itself_alone(pull: Pull, exchange: Exchange) -> None:
    pull()
    bad = group_row(12, completes=150)
    bad["statistics"]["progress"]["value"]["current_completes"] = "many"
    exchange.groups[ulid(1)] = [group_row(11, completes=120), bad, group_row(13)]
    result = pull()
    assert result["quarantined"] == 1
    assert (group(11).completes, group(12).completes) == (120, 100)
    assert group(12).missing_since is None
    assert "many" in Quarantine.objects.get().raw


def test_a_fielding_run_that_cannot_be_read_leaves_the_dates_that_are_known(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, updated_at="2026-11-20T10:00:00.000Z")
    endless = {"id": "run", "status": "live", "end_fielding_at": "9999-12-31T23:59:59Z"}
    exchange.on("GET", f"{ulid(11)}/fielding-runs$", lambda: (200, {"data": [endless]}))
    assert pull()["quarantined"] == 1
    assert group(11).ends_at == datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_a_price_that_the_table_would_round_is_quarantined(pull: Pull, exchange: Exchange) -> None:
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, completes=120)
    exchange.cpi[ulid(11)] = money("2.12345678901")
    assert pull()["quarantined"] == 1
    assert group(11).cpi == Decimal("2.75")


def test_a_cost_of_billions_of_dong_costs_no_price(pull: Pull, exchange: Exchange) -> None:
    overview = {
        "status": "live",
        "progress": group_row(11)["statistics"]["progress"]["value"],
        "current_cost_per_interview": money("400000", "VND"),
        "current_cost": money("3453375600.25", "VND"),
    }
    exchange.on("GET", f"{ulid(11)}/overview$", lambda: (200, overview))
    assert pull()["quarantined"] == 0
    held = (group(11).cpi, group(11).cost, group(11).readings.get().cost)
    assert held == (Decimal(400000), Decimal("3453375600.25"), Decimal("3453375600.25"))


def test_a_rows_own_last_complete_is_not_overtaken_by_that_of_the_performance(
    pull: Pull, exchange: Exchange
) -> None:
    row = group_row(11)
    row["statistics"]["last_complete_date"] = {"value": "2026-11-20T11:00:00Z", "issues": []}
    exchange.groups[ulid(1)][0] = row
    performance = {
        "entrants": 9,
        "prescreens": 3,
        "completes": 1,
        "last_complete": "2026-11-20T10:00:00Z",
    }
    exchange.on("GET", f"{ulid(11)}/performance$", lambda: (200, performance))
    pull()
    assert group(11).last_complete_at == datetime(2026, 11, 20, 11, tzinfo=UTC)


def test_a_row_without_its_last_complete_has_that_of_the_performance(
    pull: Pull, exchange: Exchange
) -> None:
    performance = {
        "entrants": 9,
        "prescreens": 3,
        "completes": 1,
        "last_complete": "2026-11-20T10:00:00Z",
    }
    exchange.on("GET", f"{ulid(11)}/performance$", lambda: (200, performance))
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, name="Another name")
    exchange.on("GET", f"{ulid(11)}/performance$", lambda: (403, {}))
    pull()
    assert group(11).last_complete_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_figures_that_a_row_leaves_out_are_those_of_the_overview(
    pull: Pull, exchange: Exchange
) -> None:
    exchange.rates[ulid(11)] = {
        "incidence_rate": 0.99,
        "drop_off_rate": 0.07,
        "average_cost_per_interview": {"value": "2.345", "currency_code": "USD"},
    }
    pull()
    stored = group(11)
    assert (stored.drop_off_rate, stored.average_cpi) == (0.07, Decimal("2.345"))
    assert stored.incidence_rate == 0.33  # which the row has
    exchange.rates[ulid(11)] = {}
    pull()  # the row has not moved: nothing is asked, nothing is lost
    assert group(11).drop_off_rate == 0.07


def test_what_the_exchange_divided_out_may_have_digits_without_end(
    pull: Pull, exchange: Exchange
) -> None:
    row = group_row(11)
    row["statistics"]["earnings_per_click_per_minute"] = {
        "value": money("0.0123456789"),
        "issues": [],
    }
    exchange.groups[ulid(1)][0] = row
    assert pull()["quarantined"] == 0
    assert group(11).epcm == Decimal("0.012346")


def test_one_forbidden_group_says_why_and_the_others_go_on(pull: Pull, exchange: Exchange) -> None:
    refused = {"object": "forbidden_error", "detail": "not yours"}
    exchange.on("GET", f"{ulid(12)}/performance", lambda: (403, refused))
    result = pull()
    assert result["exit"] == 3
    assert (group(11).entrants, group(12).entrants) == (900, None)
    assert group(12).error
    assert not group(11).error


@pytest.mark.parametrize("status", [403, 405])
def test_an_account_without_the_right_to_the_history_reads_all_else_and_says_what_is_missing(
    pull: Pull, exchange: Exchange, status: int
) -> None:
    exchange.on("GET", "/changelog", lambda: (status, {"detail": "not yours"}))
    exchange.on("GET", f"{ulid(12)}/fielding-runs", lambda: (status, {"detail": "not yours"}))
    pull()
    assert (group(11).entrants, group(11).expected_loi_minutes) == (900, 9)
    why = "Cint does not " + ("allow this" if status == 403 else "offer this")
    assert group(11).error == f"Not read: history. {why}: not yours."
    assert group(12).error == f"Not read: fielding period, history. {why}: not yours."


def test_what_failed_of_a_group_is_asked_again_though_its_row_stays_the_same(
    pull: Pull, exchange: Exchange
) -> None:
    exchange.on("GET", f"{ulid(12)}/performance", lambda: (403, {"detail": "not yours"}))
    pull()
    exchange.special.clear()
    assert pull()["complete"] is True
    assert (group(12).entrants, group(12).error) == (900, "")


def test_an_exchange_that_is_down_changes_nothing(pull: Pull, exchange: Exchange) -> None:
    pull()
    before = list(TargetGroup.objects.values())
    exchange.on("GET", "/target-groups", lambda: (200, "<html>maintenance</html>"))
    result = pull()
    assert result["complete"] is False
    assert list(TargetGroup.objects.values()) == before


def test_a_connection_that_is_refused_says_so(
    pull: Pull, exchange: Exchange, account: ExchangeAccount
) -> None:
    exchange.on("GET", "", lambda: (401, {"object": "unauthorized_error", "detail": "no"}))
    result = pull()
    assert (result["exit"], result["complete"]) == (1, False)
    account.refresh_from_db()
    assert account.health == ExchangeAccount.Health.ERROR
    assert account.health_reason


def test_a_status_change_carries_its_reason(pull: Pull, exchange: Exchange) -> None:
    exchange.groups[ulid(1)][0] = group_row(11, status="paused")
    exchange.changelog[ulid(11)] = [
        {
            "id": "c1",
            "occurred_at": "2026-11-20T03:12:00.000Z",
            "user": {"type": "system_user"},
            "changes": [
                {
                    "object": "status_change",
                    "old_value": "live",
                    "new_value": "paused",
                    "reason_code": "high_median_loi",
                }
            ],
        }
    ]
    pull()
    assert group(11).status_reason == "high_median_loi"
    pull()
    assert Change.objects.count() == 1


def test_a_change_of_settings_is_seen_by_the_time_of_update(pull: Pull, exchange: Exchange) -> None:
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, updated_at="2026-11-20T11:30:00.000Z")
    exchange.cpi[ulid(11)] = money("3.10")
    pull()
    assert group(11).cpi == Decimal("3.10")


def test_what_no_contract_names_is_kept_and_shown(pull: Pull, exchange: Exchange) -> None:
    exchange.groups[ulid(1)][0] = group_row(11, status="hibernating", new_field={"a": 1})
    assert pull()["complete"] is True
    assert group(11).status == "hibernating"


def test_a_new_project_is_found_and_a_vanished_one_is_missing(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    exchange.projects = [project_row(2)]
    exchange.groups[ulid(2)] = [group_row(21)]
    pull()
    assert group(21).project.name == "Project 2"
    assert Project.objects.get(exchange_id=ulid(1)).missing_since is not None


def test_each_round_is_on_record(pull: Pull) -> None:
    pull()
    cycle = Cycle.objects.get(project__exchange_id=ulid(1))
    assert (cycle.complete, cycle.groups_seen, cycle.groups_written) == (True, 3, 3)
    assert cycle.requests > 3


def test_a_past_that_is_told_again_with_fewer_completes_is_called_reconciliation(
    pull: Pull, exchange: Exchange
) -> None:
    def answer_with(*counts: int) -> None:
        exchange.groups[ulid(1)][0] = group_row(11, completes=counts[-1])
        exchange.completes[ulid(11)] = [
            {"timestamp": f"2026-11-20T{hour}:00:00.000Z", "count": count}
            for hour, count in enumerate(counts, start=10)
        ]
        TargetGroup.objects.update(completes_read_at=None)
        pull()

    answer_with(100, 110, 120)
    answer_with(100, 110, 120, 121)
    assert not group(11).completes_may_fall
    answer_with(90, 99, 108, 109)
    assert group(11).completes_may_fall
    answer_with(90, 99, 108, 109, 111)
    assert group(11).completes_may_fall


def test_completes_that_fall_are_kept_and_called_reconciliation(
    pull: Pull, exchange: Exchange
) -> None:
    series = [
        {"timestamp": "2026-11-19T10:00:00.000Z", "count": 40},
        {"timestamp": "2026-11-20T10:00:00.000Z", "count": 44},
    ]
    exchange.completes[ulid(11)] = series
    pull()
    assert not group(11).completes_may_fall
    TargetGroup.objects.update(completes_read_at=datetime(2026, 11, 1, tzinfo=UTC))
    exchange.completes[ulid(11)] = [*series, {"timestamp": "2026-11-20T11:00:00.000Z", "count": 38}]
    exchange.groups[ulid(1)][0] = group_row(11, completes=38)
    pull()
    assert group(11).completes_may_fall
    assert group(11).completes == 38


def test_a_round_whose_lease_was_taken_over_writes_nothing(pull: Pull, exchange: Exchange) -> None:
    """What a slow worker read is older than what its successor wrote."""
    pull()
    exchange.groups[ulid(1)][0] = group_row(11, completes=120)

    def taken_over() -> tuple[int, Any]:
        exchange.special.clear()
        TargetGroup.objects.filter(exchange_id=ulid(11)).update(completes=125)
        Project.objects.update(lease="somebody else")
        return 200, {"entrants": 1080, "prescreens": 360, "completes": 120}

    exchange.on("GET", f"{ulid(11)}/performance", taken_over)
    assert pull()["complete"] is False
    assert group(11).completes == 125
    assert Project.objects.get(exchange_id=ulid(1)).lease == "somebody else"
