"""Edits: what is taken, what is refused, and what the changelog says of them."""

from typing import Any

import pytest

from dashboard.simulator.harness import Simulator
from tests.simulator.caller import Caller


def _cpi(value: str, currency: str) -> dict[str, Any]:
    return {"target_group_cpi": {"value": value, "currency_code": currency}}


@pytest.fixture
def live(simulator: Simulator) -> dict[str, Any]:
    return simulator.groups(status="live", pricing_model="dynamic", currency_code="USD")[0]


def test_a_new_cpi_is_kept_logged_and_counted(
    simulator: Simulator, caller: Caller, live: dict[str, Any]
) -> None:
    path = caller.group_path(live)
    answer = caller.put(f"{path}/cost-per-interview", _cpi("2.7352", "USD"))
    assert answer["target_group_cpi"]["value"] == "2.7352"
    overview = caller.get(f"{path}/overview")
    assert overview["current_cost_per_interview"]["value"] == "2.7352"
    newest = caller.get(f"{path}/changelog")["changelog"][0]
    assert newest["user"]["type"] == "las_user"
    change = next(c for c in newest["changes"] if c["object"] == "cpi_change")
    assert change["new_value"]["value"] == "2.7352"
    assert change["old_value"]["value"] == live["cpi"]
    assert [e["status"] for e in simulator.edits(live["id"])] == [200]


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("105.01", "USD"),
        ("0", "USD"),
        ("-1", "USD"),
        ("NaN", "USD"),
        ("1_0", "USD"),
        ("two", "USD"),
        ("3.00", "EUR"),
    ],
)
def test_a_cpi_that_cannot_be_is_refused_at_its_field(
    caller: Caller, live: dict[str, Any], value: str, currency: str
) -> None:
    path = f"{caller.group_path(live)}/cost-per-interview"
    answer = caller.put(path, _cpi(value, currency), expect=400)
    assert answer["invalid_params"][0]["name"].startswith("target_group_cpi")


def test_the_limit_counts_in_other_currencies_by_their_worth(
    simulator: Simulator, caller: Caller
) -> None:
    group = simulator.groups(status="live", pricing_model="dynamic", currency_code="EUR")[0]
    path = f"{caller.group_path(group)}/cost-per-interview"
    caller.put(path, _cpi("96.60", "EUR"))
    caller.put(path, _cpi("96.61", "EUR"), expect=400)


def test_a_rate_card_sets_the_price_alone(simulator: Simulator, caller: Caller) -> None:
    group = next(
        g
        for g in simulator.groups(pricing_model="rate_card")
        if g["status"] not in ("draft", "archived")
    )
    path = f"{caller.group_path(group)}/cost-per-interview"
    caller.put(path, _cpi("3.00", group["currency_code"]), expect=400)


def test_a_draft_has_no_price_strategy_overview_or_re_entry_to_edit(
    simulator: Simulator, caller: Caller
) -> None:
    path = caller.group_path(simulator.groups(status="draft")[0])
    caller.put(f"{path}/cost-per-interview", _cpi("3.00", "USD"), expect=404)
    caller.put(f"{path}/filling-strategy", {"filling_strategy": "automated"}, expect=404)
    for leaf in ("overview", "performance", "details", "re-entry-configuration"):
        caller.get(f"{path}/{leaf}", expect=404)


def test_the_filling_strategy_changes(caller: Caller, live: dict[str, Any]) -> None:
    path = caller.group_path(live)
    for strategy in ("automated", "completes"):
        caller.put(f"{path}/filling-strategy", {"filling_strategy": strategy})
        progress = caller.get(f"{path}/overview")["progress"]
        assert progress["filling_strategy"] == strategy
    caller.put(f"{path}/filling-strategy", {"filling_strategy": "guess"}, expect=400)


def test_re_entry_is_replaced_as_a_whole(
    simulator: Simulator, caller: Caller, live: dict[str, Any]
) -> None:
    path = f"{caller.group_path(live)}/re-entry-configuration"
    settings = caller.get(path)
    settings["completes"]["client_side"]["allow_for_current_target_group"] = True
    assert caller.put(path, settings) == settings
    assert caller.get(path) == settings
    del settings["overquota"]["screener_side"]
    answer = caller.put(path, settings, expect=400)
    assert answer["invalid_params"][0]["name"].startswith("overquota.screener_side")


@pytest.mark.parametrize("status", [403, 404, 405])
def test_an_exchange_may_not_offer_re_entry(
    simulator: Simulator, caller: Caller, live: dict[str, Any], status: int
) -> None:
    simulator.control("POST", "switches", {"re_entry": status})
    caller.get(f"{caller.group_path(live)}/re-entry-configuration", expect=status)
    simulator.control("POST", "switches", {"re_entry": 200})


def test_details_are_read_changed_and_sent_back(caller: Caller, live: dict[str, Any]) -> None:
    path = f"{caller.group_path(live)}/details"
    details = caller.get(path)
    names = (
        "name",
        "project_manager_id",
        "expected_length_of_interview_minutes",
        "expected_incidence_rate",
        "industry_lockout_code",
        "live_url",
        "test_url",
        "target_group_customer_reference_number",
    )
    body = {n: details[n] for n in names if n in details}
    body |= {"name": "Renamed in the field", "expected_incidence_rate": 0.07}
    answer = caller.put(path, body)
    assert (answer["name"], answer["expected_incidence_rate"]) == ("Renamed in the field", 0.07)
    body |= {"live_url": "http://plain.example", "expected_incidence_rate": 0.075, "name": "x"}
    refused = caller.put(path, body, expect=400)
    names_refused = {p["name"] for p in refused["invalid_params"]}
    assert names_refused == {"live_url", "expected_incidence_rate", "name"}


def test_the_fielding_assistant_is_all_or_nothing(caller: Caller, live: dict[str, Any]) -> None:
    path = f"{caller.group_path(live)}/fielding-assistant-assignment"
    caller.get(path)
    tag = caller.headers["etag"]
    body = {
        "pricing": {"type": "dynamic", "maximum_cpi": {"value": "5.00", "currency_code": "USD"}},
        "pacing": {"type": "linear", "increment_interval": "P1D"},
    }
    caller.put(path, body, headers={"If-Match": tag}, expect=204)
    caller.put(path, body, headers={"If-Match": tag}, expect=412)
    assert set(caller.get(path)) == {"pricing", "pacing"}
    assert caller.get(f"{caller.group_path(live)}/overview")["is_pricing_restricted"]
    caller.put(path, {}, expect=204)
    assert caller.get(path) == {}


def test_goals_move_for_the_group_and_its_quotas(caller: Caller, live: dict[str, Any]) -> None:
    path = f"{caller.group_path(live)}/profiles"
    before = caller.get(path)
    goal = before["completes_goal"] + 100
    after = caller.put(f"{path}/completes-goal", {"completes_goal": goal})
    sums = [sum(t["quota"]["completes_goal"] for t in p["targets"]) for p in after["profiles"]]
    assert after["completes_goal"] == goal
    assert sums == [goal, goal]
    profile = after["profiles"][0]
    target = {"id": profile["targets"][0]["id"], "quota": {"completes_goal": 7}}
    body = {"profiles": [{"profile_id": profile["id"], "targets": [target]}]}
    after = caller.put(f"{path}/completes-goal", body)
    assert after["profiles"][0]["targets"][0]["quota"]["completes_goal"] == 7


def test_a_group_of_another_account_is_not_found(
    simulator: Simulator, caller: Caller, live: dict[str, Any]
) -> None:
    caller.get(f"{caller.group_path({**live, 'account_id': 102})}/overview", expect=404)
    caller.get("/demand/accounts/999/projects", expect=403)
