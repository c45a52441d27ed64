"""What is sent back of an answer: all of it but what the contract knows in answers alone."""

from __future__ import annotations

from decimal import Decimal
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


USD = {"currency_code": "USD"}
ALL_OF_THE_OPEN_EXCHANGE = {
    "open_exchange_allocations": {
        "exchange_min_percentage": 0,
        "exchange_max_percentage": 100,
        "blocked_supplier_ids": [],
        "groups": [],
    },
    "private_exchange_allocations": {"blocked_supplier_ids": [], "groups": []},
}


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        ({}, {}),
        ({"name": "A", "live_url": None, "created_at": "x", "links": {}}, {"name": "A"}),
        ({"cost_per_interview": USD | {"value": 2}}, {"cost_per_interview": USD | {"value": "2"}}),
        (
            {"pricing_model": "dynamic", "client_cost_per_interview_note": USD | {"value": "2.5"}},
            {"client_cost_per_interview_note": USD | {"value": "2.5"}},
        ),
        (
            {
                "pricing_model": "rate_card",
                "cost_per_interview": USD | {"value": "2"},
                "client_cost_per_interview_note": USD | {"value": "2"},
            },
            {},
        ),
        ({"business_unit_id": 7}, {"business_unit_id": "7"}),
        ({"client_id": "12"}, {"client_id": 12}),
        ({"client_id": 12}, {"client_id": 12}),
        ({"client_id": "a12"}, {"client_id": "a12"}),
        ({"client_id": "\u0661\u0662"}, {"client_id": "\u0661\u0662"}),
        ({"client_id": ""}, {"client_id": ""}),
        ({"profiling": {"profiles": []}}, {}),
        ({"profiling": {"profiles": None, "profile_adjustment_type": "percentage"}}, {}),
        ({"profiling": {"profiles": [], "template_id": "t"}}, {"profiling": {"template_id": "t"}}),
    ],
)
def test_a_draft_is_sent_in_the_types_that_a_request_takes(
    raw: dict[str, object], sent: dict[str, object]
) -> None:
    always = {"allocations": ALL_OF_THE_OPEN_EXCHANGE, "fielding_assistant_assignment": {}}
    assert sendable.draft(raw) == always | sent


@pytest.mark.parametrize(
    ("kind", "enabled", "sent"),
    [
        ("percentage", True, {"quota": {"completes_goal_percentage": 40, "name": "Men"}}),
        ("nominal", True, {"quota": {"completes_goal": 80, "name": "Men"}}),
        (None, True, {"quota": {"completes_goal": 80, "name": "Men"}}),
        ("percentage", False, {"object": "nominal"}),
        ("nominal", None, {"object": "nominal"}),
    ],
)
def test_a_target_is_sent_with_the_goal_of_its_kind_or_without_a_quota(
    kind: str | None, enabled: bool | None, sent: dict[str, object]
) -> None:
    quota = {
        "name": "Men",
        "completes_goal_percentage": 40,
        "completes_goal": 80,
        "quota_nominal": 9,
    }
    shown = {"condition_name": "Age", "condition_name_translated": "Alter"}
    target = {
        "id": "t",
        "text": "Men",
        "object": "nominal",
        "conditions": [{"min": 18, "max": None} | shown],
        "quota": quota,
    }
    profile = {"id": "p", "quotas_enabled": enabled, "targets": [target]}
    raw = {"profile_adjustment_type": kind, "profiles": [profile]}
    profiles: Any = sendable.profiling(raw)["profiles"]
    assert profiles[0]["targets"] == [{"conditions": [{"min": 18, "max": None}]} | sent]


@pytest.mark.parametrize(
    ("kind", "goal"), [("percentage", "completes_goal_percentage"), ("nominal", "completes_goal")]
)
def test_a_quota_without_a_goal_is_sent_with_none_to_fill(kind: str, goal: str) -> None:
    target: dict[str, object] = {"object": "other", "conditions": [], "quota": None}
    profile = {"quotas_enabled": True, "targets": [target]}
    raw = {"profile_adjustment_type": kind, "profiles": [profile]}
    assert sendable.profiling(raw)["profiles"] == [
        {
            "quotas_enabled": True,
            "targets": [{"object": "other", "conditions": [], "quota": {goal: 0}}],
        }
    ]


def test_shares_are_sent_with_suppliers_by_id_whether_they_were_read_or_are_sent_again() -> None:
    group = {"group_id": "G", "min_percentage": 5, "total_remaining": 9, "completes": 1}
    read = {
        "open_exchange_allocations": {
            "exchange_min_percentage": 10,
            "exchange_max_percentage": None,
            "exchange_suppliers": [{"id": 1}],
            "blocked_suppliers": [{"id": 7}, {"name": "No id"}, 8, None],
            "groups": [group | {"suppliers": ["9", {"id": 10}]}, {"suppliers": "odd"}],
        },
        "private_exchange_allocations": {
            "blocked_suppliers": [],
            "groups": [{"supplier": {"id": 3}, "prescreens": 4, "conversion_rate": 0.1}],
        },
        "x_new": None,
    }
    sent = {
        "open_exchange_allocations": {
            "exchange_min_percentage": 10,
            "exchange_max_percentage": 100,
            "blocked_supplier_ids": ["7", "8"],
            "groups": [
                {"group_id": "G", "min_percentage": 5, "suppliers": ["9", "10"]},
                {"suppliers": []},
            ],
        },
        "private_exchange_allocations": {
            "blocked_supplier_ids": [],
            "groups": [{"supplier_id": "3"}],
        },
    }
    assert sendable.allocations(read) == sent
    assert sendable.allocations(sent) == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("2.50", "2.50"),
        (3, "3"),
        (Decimal("2.50"), "2.50"),
        (Decimal("3.00"), "3.00"),
        (Decimal("1E+2"), "100"),
        (Decimal("1E-7"), "0.0000001"),
    ],
)
def test_an_amount_is_sent_as_text_in_plain_digits(value: object, sent: str) -> None:
    amount = USD | {"value": value, "currency_scale": 2, "x": None}
    assert sendable.money(amount) == USD | {"value": sent}
    note = {"client_cost_per_interview_note": amount, "name": "A", "id": "g", "locale": "eng_us"}
    assert sendable.details(note) == {
        "client_cost_per_interview_note": USD | {"value": sent},
        "name": "A",
    }


def test_what_is_no_amount_is_sent_back_unchanged() -> None:
    assert sendable.money("2.75 USD") == "2.75 USD"
    assert sendable.money(USD | {"value": "many"}) == USD | {"value": "many"}
    assert sendable.details({"name": "A", "live_url": None}) == {"name": "A"}


@pytest.mark.parametrize(
    ("overlay", "sent"),
    [
        ({}, {"prevent_overfill": False, "balance_fill": False}),
        ({"balance_fill": True, "x": 1}, {"prevent_overfill": False, "balance_fill": True, "x": 1}),
        ({"prevent_overfill": 1}, {"prevent_overfill": False, "balance_fill": False}),
        ("odd", "odd"),
    ],
)
def test_a_switch_of_the_assistant_that_is_not_on_is_sent_as_off(
    overlay: object, sent: object
) -> None:
    raw = {"quota_overlay": overlay, "pricing": None, "pacing": {"type": "linear"}}
    assert sendable.assistant(raw) == {"quota_overlay": sent, "pacing": {"type": "linear"}}
    assert sendable.assistant({"pacing": None}) == {}
