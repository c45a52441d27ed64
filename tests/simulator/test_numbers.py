"""The figures of a group are the same wherever they are shown, and mean what they should."""

from decimal import Decimal
from typing import Any

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller


def _rows(caller: Caller, project_id: str) -> dict[str, Any]:
    path = f"/demand/accounts/101/projects/{project_id}/target-groups"
    page = caller.get(path, page_size=100)
    return {row["id"]: row for row in page["target_groups"]}


def test_progress_is_the_same_in_every_operation(simulator: Simulator, caller: Caller) -> None:
    groups = [g for g in simulator.groups() if g["status"] != "draft"]
    rows = {p: _rows(caller, p) for p in {g["project_id"] for g in groups}}
    for group in groups:
        path = caller.group_path(group)
        overview = caller.get(f"{path}/overview")
        performance = caller.get(f"{path}/performance")
        points = caller.get(f"{path}/completes-aggregated-by-interval", aggregation_interval="PT1H")
        points = points["aggregated_completes_intervals"]
        row = rows[group["project_id"]][group["id"]]
        assert overview["progress"] == row["statistics"]["progress"]["value"]
        assert overview["progress"]["current_completes"] == performance["completes"]
        assert overview["progress"]["current_prescreens"] == performance["prescreens"]
        assert overview["current_cost"] == performance["completes_cost"]
        assert (points[-1]["count"] if points else 0) == performance["completes"]
        outcomes = performance["respondent_analysis"]["live"]
        assert sum(o["count"] for o in outcomes) == performance["entrants"]


def test_epc_follows_from_price_completes_and_entrants(
    simulator: Simulator, caller: Caller
) -> None:
    group = max(simulator.groups(status="live"), key=lambda g: g["completes"])
    path = caller.group_path(group)
    performance, overview = caller.get(f"{path}/performance"), caller.get(f"{path}/overview")
    statistics = _rows(caller, group["project_id"])[group["id"]]["statistics"]
    epc = Decimal(statistics["earnings_per_click"]["value"]["value"])
    cpi = Decimal(overview["current_cost_per_interview"]["value"])
    assert abs(epc - cpi * performance["completes"] / performance["entrants"]) < Decimal("0.0001")
    epcm = Decimal(statistics["earnings_per_click_per_minute"]["value"]["value"])
    minutes = Decimal(overview["median_length_of_interview_seconds"]) / 60
    assert abs(epcm - epc / minutes) < Decimal("0.0001")


def test_average_cpi_times_completes_is_the_cost(simulator: Simulator, caller: Caller) -> None:
    live = sorted(simulator.groups(status="live"), key=lambda g: -g["completes"])
    for group in live[:3]:
        overview = caller.get(f"{caller.group_path(group)}/overview")
        average = Decimal(overview["average_cost_per_interview"]["value"])
        cost = Decimal(overview["current_cost"]["value"])
        completes = overview["progress"]["current_completes"]
        assert abs(average * completes - cost) < Decimal("0.0001") * completes


def test_series_of_any_interval_agree_where_they_meet(simulator: Simulator, caller: Caller) -> None:
    group = max(simulator.groups(status="live"), key=lambda g: g["completes"])
    path = f"{caller.group_path(group)}/completes-aggregated-by-interval"
    daily = caller.get(path)["aggregated_completes_intervals"]
    hourly = caller.get(path, aggregation_interval="PT1H")["aggregated_completes_intervals"]
    by_hour = {p["timestamp"]: p["count"] for p in hourly}
    met = [p for p in daily if p["timestamp"] in by_hour]
    assert len(met) >= 2
    assert all(p["count"] == by_hour[p["timestamp"]] for p in met)
    odd = caller.get(path, aggregation_interval="PT7H")["aggregated_completes_intervals"]
    assert odd[-1]["count"] == hourly[-1]["count"]


def test_an_unreadable_interval_is_refused(simulator: Simulator, caller: Caller) -> None:
    path = caller.group_path(simulator.groups(status="live")[0])
    answer = caller.get(
        f"{path}/completes-aggregated-by-interval", aggregation_interval="24h", expect=400
    )
    assert answer["invalid_params"][0]["name"] == "aggregation_interval"


def test_reconciliation_lowers_completes_and_raises_terminates(
    simulator: Simulator, caller: Caller
) -> None:
    group = max(simulator.groups(status="live"), key=lambda g: g["completes"])
    simulator.force(group["id"], "status", status="completed")
    path = caller.group_path(group)
    before = caller.get(f"{path}/performance")
    simulator.force(group["id"], "reconcile", count=5)
    after = caller.get(f"{path}/performance")
    points = caller.get(f"{path}/completes-aggregated-by-interval", aggregation_interval="PT1H")
    assert after["completes"] == before["completes"] - 5
    assert after["entrants"] == before["entrants"]
    assert points["aggregated_completes_intervals"][-1]["count"] == after["completes"]
    assert Decimal(after["completes_cost"]["value"]) < Decimal(before["completes_cost"]["value"])


def test_project_statistics_add_up_its_launched_groups(
    simulator: Simulator, caller: Caller
) -> None:
    group = simulator.groups()[0]
    project = f"/demand/accounts/101/projects/{group['project_id']}"
    statistics = caller.get(f"{project}/overview")["statistics"]
    listed = caller.get(f"{project}/target-groups", page_size=100)["target_groups"]
    progress = [
        row["statistics"]["progress"]["value"] for row in listed if row["status"] != "draft"
    ]
    assert statistics["current_completes"] == sum(p["current_completes"] for p in progress)
    assert statistics["filling_goal"] == sum(p["filling_goal"] for p in progress)


def test_the_overview_by_id_alone_names_account_and_project(
    simulator: Simulator, caller: Caller
) -> None:
    group = simulator.groups(status="live")[0]
    whole = caller.get(f"{caller.group_path(group)}/overview")
    alone = caller.get(f"/demand/target-groups/{group['id']}/overview")
    assert (alone.pop("account_id"), alone.pop("project_id")) == (101, group["project_id"])
    assert alone == whole
