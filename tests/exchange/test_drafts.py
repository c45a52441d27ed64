"""Drafts as the client reads and sends them."""

import httpx
import msgspec
import pytest

from dashboard.exchange.errors import AlreadyLaunched
from dashboard.exchange.shapes.allocations import SupplyAllocation
from tests.contract.validate import operations
from tests.exchange.answers import Answers
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import DRAFT, IN


def test_a_switch_of_the_quotas_that_is_missing_is_sent_as_off(make_client: MakeClient) -> None:
    _, body = Answers(1, full=True).of(operations()["get_target_group"])
    body["fielding_assistant_assignment"] = {"quota_overlay": {"balance_fill": True}}
    draft = make_client(lambda _: httpx.Response(200, json=body)).get_target_group(**IN)
    assert draft.fielding_assistant_assignment is not None
    sent = msgspec.to_builtins(draft.fielding_assistant_assignment.as_request())
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
