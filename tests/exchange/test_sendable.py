"""What is sent back of an answer: all of it but what the contract knows in answers alone."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.exchange import sendable
from tests.contract.operations import Schema, operations, resolve


def members(schema: Schema, *path: str) -> set[str]:
    """The names of members at a place of a schema, of all its variants together."""
    resolved = resolve(schema)
    variants = [each for kind in ("allOf", "oneOf", "anyOf") for each in resolved.get(kind, ())]
    names = {name for each in variants for name in members(each, *path)}
    if not path:
        return names | set(resolved.get("properties", ()))
    step, *rest = path
    inner = resolved.get("items") if step == "[]" else resolved.get("properties", {}).get(step)
    return names | (members(inner, *rest) if inner else set())


def body(operation: str, status: str = "") -> Schema:
    """The schema of an operation's request, or of its answer."""
    spec = operations()[operation].spec
    holder = resolve(spec["responses"][status] if status else spec["requestBody"])
    schema: Schema = holder["content"]["application/json"]["schema"]
    return schema


DRAFT = ("get_target_group", "update_target_group")
DETAILS = ("get_target_group_details", "update_launched_target_group_details")
RUN = ("get_fielding_run", "update_fielding_run")
PROFILE = ("profiling", "profiles", "[]")
TARGET = (*PROFILE, "targets", "[]")
OPEN = ("allocations", "open_exchange_allocations")
PRIVATE = ("allocations", "private_exchange_allocations")
PLACES: list[tuple[Any, tuple[str, ...], frozenset[str]]] = [
    (DRAFT, (), sendable.DRAFT_READ_ONLY),
    (DRAFT, ("cost_per_interview",), sendable.MONEY_READ_ONLY),
    (DRAFT, PROFILE, sendable.PROFILE_READ_ONLY),
    (DRAFT, TARGET, sendable.TARGET_READ_ONLY),
    (DRAFT, (*TARGET, "conditions", "[]"), sendable.CONDITION_READ_ONLY),
    (DRAFT, (*TARGET, "quota"), sendable.QUOTA_READ_ONLY),
    (DRAFT, OPEN, sendable.OPEN_READ_ONLY),
    (DRAFT, PRIVATE, sendable.PRIVATE_READ_ONLY),
    (DETAILS, (), sendable.DETAILS_READ_ONLY),
    (RUN, (), sendable.RUN_READ_ONLY - {"start_fielding_at", "end_fielding_at"}),
]


@pytest.mark.parametrize(("operations_pair", "path", "read_only"), PLACES)
def test_only_what_answers_have_and_requests_have_not_is_left_out(
    operations_pair: tuple[str, str], path: tuple[str, ...], read_only: frozenset[str]
) -> None:
    read, write = operations_pair
    assert members(body(read, "200"), *path) - members(body(write), *path) == read_only


def test_members_that_nobody_knows_go_along_wherever_they_stand() -> None:
    new = {"x_new": {"deep": [1, None]}}
    target = {"id": "t", "text": "Men", "conditions": [{"question_id": 43} | new]} | new
    raw = {
        "name": "A draft",
        "links": {"test_client_survey": "https://example.com"},
        "exclusion": {"enabled": True, "list": [{"entity_ids": ["r1"]}]} | new,
        "profiling": {
            "profile_adjustment_type": "percentage",
            "profiles": [
                {
                    "id": "p",
                    "quotas_enabled": True,
                    "targets": [
                        target
                        | {
                            "quota": {
                                "name": "Men",
                                "completes_goal_percentage": 40,
                                "completes_goal": 80,
                                "quota_nominal": 80,
                            }
                            | new
                        }
                    ],
                }
                | new
            ],
        }
        | new,
        "allocations": {
            "open_exchange_allocations": {
                "blocked_suppliers": [{"id": 7, "name": "Seven"}],
                "exchange_suppliers": [{"id": 8}],
                "groups": [{"group_id": "G", "suppliers": [{"id": 9}]} | new],
            }
            | new,
        }
        | new,
        "fielding_assistant_assignment": {"a_new_module": new} | new,
        "client_cost_per_interview_note": {
            "value": "2.50",
            "currency_code": "USD",
            "currency_scale": 2,
        }
        | new,
    } | new
    sent: dict[str, Any] = sendable.draft(raw)
    assert "links" not in sent
    assert sent["exclusion"] == raw["exclusion"]
    assert sent["fielding_assistant_assignment"] == raw["fielding_assistant_assignment"]
    assert sent["client_cost_per_interview_note"] == {"value": "2.50", "currency_code": "USD"} | new
    assert sent["profiling"]["profiles"] == [
        {
            "quotas_enabled": True,
            "targets": [
                {
                    "conditions": [{"question_id": 43} | new],
                    "quota": {"completes_goal_percentage": 40, "name": "Men"} | new,
                }
                | new
            ],
        }
        | new
    ]
    opened = sent["allocations"]["open_exchange_allocations"]
    assert opened["blocked_supplier_ids"] == ["7"]
    assert opened["groups"] == [{"group_id": "G", "suppliers": ["9"]} | new]
    assert all(part["x_new"] == new["x_new"] for part in (sent, sent["allocations"], opened))


@pytest.mark.parametrize(
    ("supplier", "sent"),
    [
        ({"supplier": {"id": 9}}, "9"),
        ({"supplier": 9}, "9"),
        ({"supplier": None}, None),
        ({}, None),
    ],
)
def test_a_private_share_names_its_supplier_by_the_id_alone(
    supplier: dict[str, object], sent: str | None
) -> None:
    share = {"min_percentage": 10, "max_percentage": 20}
    private: dict[str, Any] = {"groups": [share | supplier], "blocked_suppliers": [{"id": 7}]}
    body: Any = sendable.draft({"allocations": {"private_exchange_allocations": private}})
    known = {} if sent is None else {"supplier_id": sent}
    part = body["allocations"]["private_exchange_allocations"]
    assert part["groups"] == [share | known]
    assert part["blocked_supplier_ids"] == ["7"]
