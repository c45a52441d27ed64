"""A draft that is read can be sent back, whatever it holds."""

import json

import httpx
import msgspec
import pytest

from dashboard.exchange.errors import AlreadyLaunched
from dashboard.exchange.shapes.allocations import SupplyAllocation
from tests.contract.validate import operations, validate_request
from tests.exchange.answers import Answers
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import DRAFT, IN


def test_a_draft_as_it_was_read_is_a_valid_update(make_client: MakeClient) -> None:
    for seed in range(50):
        _, body = Answers(seed, full=True).of(operations()["get_target_group"])
        client = make_client(lambda _, b=body: httpx.Response(200, json=b))
        draft = client.get_target_group(**IN).as_request()
        sent = json.loads(msgspec.json.Encoder(decimal_format="number").encode(draft))
        path = "/demand/accounts/101/projects/{project_id}/target-groups/{target_group_id}"
        validate_request(
            "update_target_group",
            path=path.format(**IN),
            headers={"Cint-API-Version": "2025-12-18"},
            body=sent,
        )
        assert sent["re_entry_configuration"] == body["re_entry_configuration"]
        assert sent["name"] == body["name"]


@pytest.mark.parametrize(("model", "sent"), [("dynamic", True), ("rate_card", False)])
def test_a_cpi_is_sent_back_only_where_the_buyer_sets_it(
    make_client: MakeClient, model: str, sent: bool
) -> None:
    _, body = Answers(1, full=True).of(operations()["get_target_group"])
    answer = httpx.Response(200, json=body | {"pricing_model": model})
    draft = make_client(lambda _: answer).get_target_group(**IN).as_request()
    assert (draft.cost_per_interview is not msgspec.UNSET) is sent


def test_a_switch_of_the_quotas_that_is_missing_is_sent_as_off(make_client: MakeClient) -> None:
    _, body = Answers(1, full=True).of(operations()["get_target_group"])
    body["fielding_assistant_assignment"] = {"quota_overlay": {"balance_fill": True}}
    draft = make_client(lambda _: httpx.Response(200, json=body)).get_target_group(**IN)
    sent = msgspec.to_builtins(draft.as_request().fielding_assistant_assignment)
    assert sent == {"quota_overlay": {"prevent_overfill": False, "balance_fill": True}}


def test_a_launched_group_is_no_draft_any_more(make_client: MakeClient) -> None:
    moved = httpx.Response(301, headers={"Location": "/details"})
    with pytest.raises(AlreadyLaunched):
        make_client(lambda _: moved).get_target_group(**IN)
    with pytest.raises(AlreadyLaunched) as caught:
        make_client(lambda _: moved).update_target_group(**IN, draft=DRAFT)
    assert not caught.value.outcome_unknown


def test_shares_without_limits_may_be_anything_up_to_all() -> None:
    read = {"group_name": "A", "suppliers": [7], "supplier": 8}
    limited = read | {"min_percentage": 10, "max_percentage": 0}
    groups = [read, limited]
    body = {
        "open_exchange_allocations": {"groups": groups},
        "private_exchange_allocations": {"groups": groups},
    }
    sent = msgspec.to_builtins(msgspec.convert(body, SupplyAllocation).as_request())
    whole = sent["open_exchange_allocations"]
    assert (whole["exchange_min_percentage"], whole["exchange_max_percentage"]) == (0, 100)
    for part in sent.values():
        shares = [(share["min_percentage"], share["max_percentage"]) for share in part["groups"]]
        assert shares == [(0, 100), (10, 0)]
