"""Reads that lag, replicas that disagree, prices that are rounded, moves and other people."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.truth import differences
from tests.simulator.caller import Caller
from tests.simulator.requests import a_draft

ANA = ACCOUNTS[101].users[0].id


@pytest.fixture
def late() -> Iterator[Simulator]:
    """An exchange of its own, whose field's clock moves only when it is told to."""
    with Simulator(projects=2, groups=12, history_days=1, speed=0) as running:
        yield running


@pytest.fixture
def asker(late: Simulator) -> Caller:
    return Caller(late)


def _live(simulator: Simulator) -> dict[str, Any]:
    return simulator.groups(status="live", pricing_model="dynamic")[0]


def _set_cpi(asker: Caller, group: dict[str, Any], value: str) -> Any:
    money = {"value": value, "currency_code": group["currency_code"]}
    body = {"target_group_cpi": money}
    return asker.put(f"{asker.group_path(group)}/cost-per-interview", body)


def _cpi(asker: Caller, group: dict[str, Any]) -> str:
    overview = asker.get(f"{asker.group_path(group)}/overview")
    return str(overview["current_cost_per_interview"]["value"])


def test_a_read_shows_the_world_as_it_was_before_the_lag(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    late.lag(low=30)
    before = _cpi(asker, group)
    assert _set_cpi(asker, group, "7.77")["target_group_cpi"]["value"] == "7.77"
    assert _cpi(asker, group) == before
    late.advance(seconds=29)
    assert _cpi(asker, group) == before
    late.advance(seconds=1)
    assert _cpi(asker, group) == "7.77"


@pytest.mark.parametrize("what", ["details", "profiles", "re-entry-configuration", "changelog"])
def test_every_read_lags_but_what_is_spared(late: Simulator, asker: Caller, what: str) -> None:
    group = _live(late)
    path = asker.group_path(group)
    before = asker.get(f"{path}/{what}")
    late.lag(low=60)
    details = asker.get(f"{path}/details")
    kept = {k: v for k, v in details.items() if k in _DETAILS}
    asker.put(f"{path}/details", kept | {"name": "Another name", **_LINKS})
    asker.put(f"{path}/profiles/completes-goal", {"completes_goal": group["goal"] + 50})
    settings = asker.get(f"{path}/re-entry-configuration")
    settings["completes"]["client_side"]["allow_for_current_target_group"] = True
    asker.put(f"{path}/re-entry-configuration", settings)
    assert (asker.get(f"{path}/{what}") == before) is (what != "changelog")
    late.advance(seconds=61)
    assert asker.get(f"{path}/{what}") != before


_LINKS = {"live_url": "https://a.example/l", "test_url": "https://a.example/t"}
_DETAILS = (
    "name",
    "project_manager_id",
    "expected_length_of_interview_minutes",
    "expected_incidence_rate",
    "industry_lockout_code",
)


def test_replicas_disagree(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    late.lag(replicas=[0, 100], seed=3)
    before = _cpi(asker, group)
    _set_cpi(asker, group, "7.77")
    seen = [_cpi(asker, group) for _ in range(20)]
    assert set(seen) == {before, "7.77"}
    assert any(a == "7.77" and b == before for a, b in itertools.pairwise(seen))


def test_a_status_lags_in_the_list_and_the_run(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    path = asker.group_path(group)
    run = f"{path}/fielding-runs/{group['fielding_run_id']}"
    late.lag(low=50)
    asker.post(f"{run}/pause", headers={"If-Match": "*"}, expect=204)
    groups = path.rsplit("/", 1)[0]
    rows = asker.get(groups, page_size=100)["target_groups"]
    assert next(row["status"] for row in rows if row["id"] == group["id"]) == "live"
    assert asker.get(run)["status"] == "live"
    late.advance(seconds=50)
    rows = asker.get(groups, page_size=100)["target_groups"]
    assert next(row["status"] for row in rows if row["id"] == group["id"]) == "paused"
    assert asker.get(run)["status"] == "paused"


def test_what_was_just_made_is_not_there_yet(late: Simulator, asker: Caller) -> None:
    groups = asker.group_path(late.groups()[0]).rsplit("/", 1)[0]
    late.lag(low=20)
    made = asker.post(groups, a_draft(ANA), expect=201)["id"]
    asker.get(f"{groups}/{made}", expect=404)
    asker.put(f"{groups}/{made}", a_draft(ANA) | {"name": "Named anew"}, expect=204)
    late.advance(seconds=20)
    assert asker.get(f"{groups}/{made}")["name"] == "Named anew"


def test_a_job_ends_for_its_readers_when_the_lag_is_over(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    project = asker.group_path(group).split("/target-groups")[0]
    late.lag(low=10)
    asker.post(
        f"{project}/batch-jobs/pause-fielding-runs-by-target-group-id",
        {"target_group_ids": [group["id"]]},
        headers={"idempotency-key": "one"},
        expect=201,
    )
    place = asker.headers["location"].removeprefix("/v1")
    asker.get(place, expect=404)
    late.advance(seconds=10)
    assert asker.get(place)["status"] == "Processing"
    late.advance(seconds=2)
    assert asker.get(place)["status"] == "Completed"


def test_counts_stand_as_they_were(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    path = f"{asker.group_path(group)}/performance"
    before = asker.get(path)["completes"]
    late.lag(low=30)
    late.force(group["id"], "completes", add=5)
    assert asker.get(path)["completes"] == before
    late.advance(seconds=30)
    assert asker.get(path)["completes"] >= before + 5


@pytest.mark.parametrize(("digits", "held"), [(2, "3.46"), (4, "3.4568")])
def test_a_price_is_held_rounded(late: Simulator, asker: Caller, digits: int, held: str) -> None:
    late.control("POST", "switches", {"cpi_digits": digits})
    group = _live(late)
    _set_cpi(asker, group, "3.45678")
    assert _cpi(asker, group) == held


def test_a_group_moves_to_another_project(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    old = asker.group_path(group)
    other = next(g for g in late.groups() if g["project_id"] != group["project_id"])
    late.lag(low=15)
    late.force(group["id"], "move", project_id=other["project_id"])
    new = asker.group_path(group | {"project_id": other["project_id"]})
    assert asker.get(f"{old}/overview")["status"] == "live"
    asker.get(f"{new}/overview", expect=404)
    late.advance(seconds=15)
    asker.get(f"{old}/overview", expect=404)
    assert asker.get(f"{new}/overview")["status"] == "live"
    newest = asker.get(f"{new}/changelog")["changelog"][0]["changes"][0]
    assert (newest["object"], newest["new_value"]) == ("project_id_change", other["project_id"])
    listed = asker.get(new.rsplit("/", 1)[0], page_size=100)["target_groups"]
    assert group["id"] in {row["id"] for row in listed}


def test_a_person_at_the_exchange_is_named_and_hit_by_no_fault(
    late: Simulator, asker: Caller
) -> None:
    group = _live(late)
    late.fault("http_500", operation="update_*")
    body = {"filling_strategy": "prescreens"}
    assert late.act(ANA, "PUT", f"{asker.group_path(group)}/filling-strategy", body) == 200
    newest = asker.get(f"{asker.group_path(group)}/changelog")["changelog"][0]
    assert newest["user"] == {"type": "las_user", "las_user_id": ANA}
    assert late.edits(group["id"])[-1]["by"] == "person"


def test_somebody_is_quicker_than_a_request(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    path = asker.group_path(group)
    late.interrupt(
        operation="get_target_group_overview",
        skip=1,
        group=group["id"],
        person=ANA,
        method="PUT",
        path=f"{path}/cost-per-interview",
        body={"target_group_cpi": {"value": "6.5", "currency_code": group["currency_code"]}},
    )
    before = _cpi(asker, group)
    assert Decimal(before) != Decimal("6.5")
    assert _cpi(asker, group) == "6.50"


def test_the_states_of_a_group_tell_what_each_change_did(late: Simulator, asker: Caller) -> None:
    group = _live(late)
    late.keep_states()
    _set_cpi(asker, group, "7.77")
    held = late.states(group["id"])[-1]["settings"]["filling_strategy"]
    other = {"filling_strategy": "completes" if held == "prescreens" else "prescreens"}
    late.act(ANA, "PUT", f"{asker.group_path(group)}/filling-strategy", other)
    first, second, third = late.states(group["id"])
    changed = differences(first["settings"], second["settings"])
    assert list(changed) == ["cpi"]
    assert changed["cpi"][1] == "7.77"
    assert list(differences(second["settings"], third["settings"])) == ["filling_strategy"]
    causes = [state["cause"]["by"] for state in (first, second, third)]
    assert causes == ["origin", "client", "person"]


def test_a_request_that_the_contract_forbids_is_refused_and_told() -> None:
    def inspect(operation: str, _ask: object) -> list[str]:
        return ["not today"] if operation == "get_user_accounts" else []

    with Simulator(groups=1, history_days=1, speed=0, inspect=inspect) as strict:
        asker = Caller(strict)
        asker.get("/accounts", expect=400)
        assert [v["operation"] for v in strict.violations()] == ["get_user_accounts"]


def test_an_unknown_field_of_a_lag_is_told(late: Simulator) -> None:
    with pytest.raises(Exception, match="400"):
        late.lag(slow=3)
    assert late.control("GET", "lag") == {"lag": None}
