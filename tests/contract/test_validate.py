"""The checks against the contract let right things pass and name what is wrong."""

import pytest

from tests.contract.validate import (
    ContractError,
    operation_at,
    operations,
    undeclared,
    validate_request,
    validate_response,
)

LIST = "/demand/accounts/101/projects/01BTGNYV6HRNK8K8VKZASZCFP1/target-groups"
VERSION = {"Cint-API-Version": "2025-12-18"}


def test_the_contract_has_its_operations_at_their_addresses() -> None:
    assert len(operations()) == 78
    found = operation_at("GET", f"/v1{LIST}")
    assert found is not None
    assert found.id == "get_list_target_groups"
    assert operation_at("PATCH", LIST) is None


def test_a_right_answer_passes_and_a_wrong_one_is_named() -> None:
    validate_response("get_user_accounts", 200, {"accounts": [{"id": 101, "name": "x"}]})
    with pytest.raises(ContractError, match="accounts/0/id"):
        validate_response("get_user_accounts", 200, {"accounts": [{"id": "101"}]})
    with pytest.raises(ContractError, match="status 418"):
        validate_response("get_user_accounts", 418, None)


def test_null_passes_only_where_the_contract_allows_it() -> None:
    change = {"object": "status_change", "new_value": "live", "old_value": None}
    validate_response("get_target_group_changelog", 200, {"changelog": [{"changes": [change]}]})
    change["new_value"] = None
    with pytest.raises(ContractError):
        validate_response("get_target_group_changelog", 200, {"changelog": [{"changes": [change]}]})


def test_query_arrays_bounds_and_unknown_names_are_checked() -> None:
    query = {"status": ["live", "paused"], "page_size": "5"}
    validate_request("get_list_target_groups", path=LIST, query=query, headers=VERSION)
    wrong = {"status": ["live", "asleep"], "page_size": "five", "colour": "red"}
    with pytest.raises(ContractError) as caught:
        validate_request("get_list_target_groups", path=LIST, query=wrong)
    for word in ("asleep", "page_size", "colour", "Cint-API-Version"):
        assert word in str(caught.value)


def test_steps_of_a_hundredth_are_counted_in_decimals() -> None:
    path = f"{LIST}/01BTGNYV6HRNK8K8VKZASZCFP2/details"
    body = {
        "name": "Five or more",
        "project_manager_id": "b551326b-ac9d-4d32-8823-4f025787dab9",
        "expected_length_of_interview_minutes": 10,
        "expected_incidence_rate": 0.07,
        "industry_lockout_code": "other",
        "live_url": "https://a.example",
        "test_url": "https://a.example",
    }
    name = "update_launched_target_group_details"
    validate_request(name, path=path, body=body, headers=VERSION)
    body["expected_incidence_rate"] = 0.075
    with pytest.raises(ContractError, match="multiple"):
        validate_request(name, path=path, body=body, headers=VERSION)


def test_fields_that_the_contract_does_not_name_are_found() -> None:
    body = {"accounts": [{"id": 1, "nmae": "x"}]}
    assert undeclared("get_user_accounts", 200, body) == ["/accounts/0/nmae"]
