"""Every operation of the contract is served, and what reads answers as the contract says."""

import uuid
from typing import Any

from dashboard.simulator.api.routes import ROUTES
from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.exchange import operations as served
from tests.contract.validate import operations
from tests.simulator.caller import Caller


def test_every_operation_of_the_contract_is_served() -> None:
    assert served
    ours = {"get_re_entry_configuration", "update_re_entry_configuration"}
    assert set(ROUTES) - ours == set(operations())
    for name, operation in operations().items():
        assert (ROUTES[name].method, ROUTES[name].template) == (
            operation.method,
            operation.template,
        )


def test_what_belongs_to_an_account_answers_as_promised(caller: Caller) -> None:
    paths = ["users", "service-clients", "business-units", "clients", "webhooks", "webhooks-events"]
    for account in (101, 102):
        for path in paths:
            caller.get(f"/accounts/{account}/{path}")
        user = caller.get(f"/accounts/{account}/users")["users"][0]["id"]
        caller.get(f"/accounts/{account}/users/{user}/business-units")
    for path in ["accounts", "countries", "industries", "industry-lockouts", "locales"]:
        caller.get(f"/{path}")
    for path in ["integration-use-cases", "study-types", "suppliers"]:
        caller.get(f"/{path}")


def test_questions_are_found_by_words_and_by_ids(caller: Caller) -> None:
    library = "/demand/accounts/101/questions-translation"
    assert caller.get(library, locale="ger_de")["total"] == 10
    by_words = caller.get(library, locale="eng_us", query="female")["profiles"]
    assert [one["name"] for one in by_words] == ["GENDER"]
    by_id = caller.get(library, locale="eng_us", id="42,45")["profiles"]
    assert [one["name"] for one in by_id] == ["AGE", "ZIP"]
    caller.get(library, locale="eng_us", id="x", expect=400)


def test_every_group_answers_every_read(simulator: Simulator, caller: Caller) -> None:
    leaves = [
        "changelog",
        "fielding-runs",
        "fielding-assistant-assignment",
        "profiles",
        "allocation-specification",
    ]
    launched = [
        "details",
        "overview",
        "performance",
        "completes-aggregated-by-interval",
        "re-entry-configuration",
    ]
    for group in simulator.groups():
        path = caller.group_path(group)
        for leaf in leaves:
            caller.get(f"{path}/{leaf}")
        draft = group["status"] == "draft"
        for leaf in launched:
            caller.get(f"{path}/{leaf}", expect=404 if draft else 200)
        caller.get(path, expect=200 if draft else 301)
        caller.get(f"{path}/rate-card")


def test_a_rate_card_is_predicted_until_the_group_was_live(
    simulator: Simulator, caller: Caller
) -> None:
    scheduled, live = simulator.groups(status="scheduled")[0], simulator.groups(status="live")[0]
    assert "predicted_rate_card" in caller.get(f"{caller.group_path(scheduled)}/rate-card")
    bound = caller.get(f"{caller.group_path(live)}/rate-card")["bound_rate_card"]
    assert len(bound["pricing_table_data"]) == len(bound["length_of_interview_minutes"])
    unit = "/demand/accounts/101/business-units/1002/rate-card"
    assert caller.get(unit, country_code="de")["rate_card_data"]["pricing_table_currency_code"]
    caller.get(unit, country_code="zz", expect=404)


def test_feasibility_grows_with_the_price(simulator: Simulator, caller: Caller) -> None:
    def most(price: str) -> int:
        body: dict[str, Any] = {
            "business_unit_id": 1001,
            "locale": "eng_us",
            "expected_incidence_rate": 0.5,
            "expected_length_of_interview_minutes": 10,
            "completes_goal": 500,
            "fielding_specification": {
                "start_at": "2026-01-01T00:00:00.000Z",
                "end_at": "2026-01-08T00:00:00.000Z",
            },
            "cost_per_interview": {"value": price, "currency_code": "USD"},
        }
        address = "/demand/accounts/101/target-groups/calculate-feasibility"
        return int(caller.post(address, body)["suggested_completes_goal_range"]["max"])

    assert most("1.50") < most("3.00") < most("6.00")
    group = simulator.groups(status="live")[0]
    caller.post(f"{caller.group_path(group)}/calculate-feasibility", {})


def test_a_project_is_made_once_per_idempotency_key(caller: Caller) -> None:
    users = caller.get("/accounts/101/users")["users"]
    body = {"name": "Snack tracker", "project_manager_id": users[0]["id"]}
    key = {"idempotency-key": str(uuid.uuid4())}
    address = "/demand/accounts/101/projects"
    made = caller.post(address, body, headers=key, expect=202)
    assert caller.post(address, body, headers=key, expect=202) == made
    path = f"{address}/{made['id']}"
    caller.get(path)
    change = {**body, "name": "Snack tracker II", "project_customer_reference_number": None}
    headers = {"If-Match": caller.headers["etag"], "idempotency-key": str(uuid.uuid4())}
    caller.put(path, change, headers=headers)
    assert caller.get(f"{path}/overview")["name"] == "Snack tracker II"
    found = caller.get(address, search_string="Snack")["projects"]
    assert [p["id"] for p in found] == [made["id"]]
    stale = {**headers, "idempotency-key": str(uuid.uuid4())}
    caller.put(path, change, headers=stale, expect=412)


def test_credentials_and_version_are_demanded(simulator: Simulator, caller: Caller) -> None:
    caller.get("/accounts", headers={"Authorization": ""}, expect=401)
    answer = caller.http.get("/accounts", headers={"Cint-API-Version": ""})
    assert answer.status_code == 400
    assert caller.http.get("/v1/accounts").status_code == 200
    assert caller.http.get("/nowhere").status_code == 404
    assert caller.http.delete("/accounts").status_code == 405
