"""Suppliers of a group as a person asks for them, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.exchange.errors import Forbidden
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.sync.lookup.on_demand import SupplierCount, read_suppliers
from tests import factories
from tests.contract import validate
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange

pytestmark = pytest.mark.django_db(transaction=True)
OPERATION = "get_target_group_allocation_specification"
ANSWER: dict[str, Any] = {
    "open_exchange_allocations": {
        "blocked_suppliers": [
            {"id": 421, "name": "Blocked Supplier A", "completes": 0, "pre_screens": 0}
        ],
        "exchange_suppliers": [{"id": 422, "name": "Free", "completes": 7, "pre_screens": 20}],
        "exchange_min_percentage": 10,
        "exchange_max_percentage": 90,
        "groups": [
            {
                "group_id": "1",
                "group_name": "Premium Tier",
                "min_percentage": 50,
                "max_percentage": 80,
                "suppliers": [
                    {"id": 420, "name": "Clix Sense", "completes": 150, "pre_screens": 1200}
                ],
                "conversion_rate": 0.08,
                "completes": 150,
                "prescreens": 1200,
                "total_remaining": 500,
            }
        ],
    },
    "private_exchange_allocations": {"blocked_suppliers": [], "groups": []},
}


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    project = factories.project(account, exchange_id=ulid(1))
    return factories.group(project, exchange_id=ulid(11))


def answers(exchange: Exchange, body: object, status: int = 200) -> None:
    address = f"/projects/{ulid(1)}/target-groups/{ulid(11)}/allocation-specification"
    exchange.on("GET", f"/demand/accounts/101{address}", lambda: (status, body))


def test_each_supplier_has_its_counts_and_its_share(exchange: Exchange, group: TargetGroup) -> None:
    validate.validate_response(OPERATION, 200, ANSWER)
    answers(exchange, ANSWER)
    assert read_suppliers(group) == [
        SupplierCount("Free", 7, 20, share=(10, 90)),
        SupplierCount("Clix Sense", 150, 1200, group_name="Premium Tier", share=(50, 80)),
        SupplierCount("Blocked Supplier A", 0, 0, is_blocked=True),
    ]


def test_suppliers_by_id_alone_and_private_ones_are_read(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(
        exchange,
        {
            "open_exchange_allocations": {"exchange_suppliers": [5, "6"]},
            "private_exchange_allocations": {
                "blocked_suppliers": [{"id": 9}],
                "groups": [
                    {"supplier": {"id": 8, "name": "Own"}, "completes": 3, "prescreens": 9},
                    {"group_name": "Unknown"},
                ],
            },
        },
    )
    assert read_suppliers(group) == [
        SupplierCount("Supplier 5", None, None),
        SupplierCount("Supplier 6", None, None),
        SupplierCount("Own", 3, 9, is_private=True),
        SupplierCount("Unknown", None, None, is_private=True),
        SupplierCount("Supplier 9", None, None, is_blocked=True, is_private=True),
    ]


def test_nothing_said_is_no_supplier(exchange: Exchange, group: TargetGroup) -> None:
    answers(exchange, {})
    assert read_suppliers(group) == []


def test_a_refusal_is_raised(exchange: Exchange, group: TargetGroup) -> None:
    answers(exchange, {"detail": "no"}, 403)
    with pytest.raises(Forbidden):
        read_suppliers(group)


@pytest.mark.parametrize(
    ("low", "high", "share"),
    [
        (None, None, None),
        (0, 100, None),
        (None, 100, None),
        (0, 99, (0, 99)),
        (1, None, (1, 100)),
        (None, 0, (0, 0)),
    ],
)
def test_a_share_is_told_unless_it_is_the_whole(
    exchange: Exchange,
    group: TargetGroup,
    low: int | None,
    high: int | None,
    share: tuple[int, int] | None,
) -> None:
    limits = {"min_percentage": low, "max_percentage": high}
    own = {"id": 8, "name": "Own", "completes": 0}
    body = {
        "open_exchange_allocations": {"groups": [limits | {"suppliers": [{}]}]},
        "private_exchange_allocations": {
            "groups": [limits | {"supplier": own, "completes": 3, "prescreens": 9}]
        },
    }
    answers(exchange, body)
    assert read_suppliers(group) == [
        SupplierCount("Unnamed supplier", None, None, share=share),
        SupplierCount("Own", 0, 9, is_private=True, share=share),
    ]
