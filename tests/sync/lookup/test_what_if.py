"""What-ifs of launched groups as a person asks for them, over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.exchange.auth import ApiKey
from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from dashboard.fielding.domain.what_if import CellRange, SupplierRange, WhatIf, WhatIfState
from dashboard.fielding.models import (
    ExchangeAccount,
    GroupPanels,
    TargetGroup,
    WhatIfAnswer,
)
from dashboard.fielding.queries import what_if as stored_answers
from dashboard.simulator.harness import Simulator
from dashboard.sync import retention
from dashboard.sync.lookup import what_if
from tests import factories
from tests.contract import validate
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, Reply, money

pytestmark = pytest.mark.django_db(transaction=True)
OPERATION = "calculate_target_group_feasibility_by_id"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADDRESS = f"/projects/{ulid(1)}/target-groups/{ulid(11)}/calculate-feasibility"
ANSWER: dict[str, Any] = {
    "suggested_price": money("3.10"),
    "suggested_price_range": {"min": money("2.40"), "max": money("4.20")},
    "suggested_completes_goal_range": {"min": 140, "max": 190},
    "profiles": [
        {
            "object": "regular",
            "targets": [
                {
                    "conditions": [{"object": "range", "question_id": 42, "min": low, "max": high}],
                    "quota": {
                        "min_completes": {
                            "projected_completes_percentage": 40,
                            "projected_completes_goal": 56,
                        },
                        "max_completes": {
                            "projected_completes_percentage": 45.5,
                            "projected_completes_goal": 86,
                        },
                    },
                }
                for low, high in ((18, 34), (35, 65))
            ],
        }
    ],
    "allocations": {
        "open_exchange_allocations": {
            "min_completes": 120,
            "max_completes": 170,
            "groups": [{"group_name": "Premium", "min_completes": 60, "max_completes": 90}],
        },
        "private_exchange_allocations": {
            "groups": [{"group_name": "Own panel", "min_completes": 20, "max_completes": 20}]
        },
    },
}


@pytest.fixture
def group(account: ExchangeAccount) -> TargetGroup:
    project = factories.project(account, exchange_id=ulid(1))
    return factories.group(
        project,
        exchange_id=ulid(11),
        status="live",
        pricing_model="dynamic",
        cpi=Decimal("2.75"),
        currency="USD",
        ends_at=NOW + timedelta(days=4),
        expected_loi_minutes=12,
        expected_incidence_rate=0.35,
    )


def answers(exchange: Exchange, *replies: Reply, last: Reply = (200, ANSWER)) -> None:
    """The replies in turn, then the last one again and again."""
    turn = iter(replies)
    exchange.on("POST", ADDRESS, lambda: next(turn, last))


def bodies_to(exchange: Exchange) -> list[Any]:
    """The bodies of the requests to come, as they come."""
    bodies: list[Any] = []
    usual = exchange.reply

    def keep(method: str, path: str, body: Any) -> Reply:
        bodies.append(body)
        return usual(method, path, body)

    exchange.reply = keep  # type: ignore[method-assign]
    return bodies


def asked(exchange: Exchange) -> int:
    return exchange.asked("calculate-feasibility", "POST")


def read(group: TargetGroup, *, after: timedelta = timedelta(), **more: Any) -> WhatIf:
    return what_if.read_what_if(group, now=NOW + after, **more)


def test_a_look_asks_for_todays_cpi_and_some_around_it(
    exchange: Exchange, group: TargetGroup
) -> None:
    validate.validate_response(OPERATION, 200, ANSWER)
    answers(exchange)
    found = read(group)
    assert found.state == WhatIfState.READ
    assert found.reason == ""
    assert [str(point.cpi) for point in found.points] == ["2.61", "2.75", "2.89", "3.03", "3.44"]
    assert {(point.low, point.high) for point in found.points} == {(140, 190)}
    assert found.points[0].suggested_cpi == Decimal("3.10")
    assert found.read_at == NOW


def test_quotas_and_supplier_groups_have_their_ranges(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(exchange)
    point = read(group, cpis=[Decimal(3)]).points[0]
    assert point.cells == (
        CellRange("", "18–34", 56, 86, (40.0, 45.5)),
        CellRange("", "35–65", 56, 86, (40.0, 45.5)),
    )
    assert point.supplier_groups == (
        SupplierRange("Premium", 60, 90),
        SupplierRange("Own panel", 20, 20, is_private=True),
    )


def test_quotas_are_named_as_the_groups_own(exchange: Exchange, group: TargetGroup) -> None:
    targets = [{"id": name, "name": name, "goal": 50} for name in ("Young", "Old")]
    profile = {"id": "p", "name": "Age", "quotas": True, "targets": targets}
    GroupPanels.objects.create(group=group, profiles=[profile])
    answers(exchange)
    cells = read(group, cpis=[Decimal(3)]).points[0].cells
    assert [(cell.profile, cell.name) for cell in cells] == [("Age", "Young"), ("Age", "Old")]


def test_only_what_is_asked_about_is_sent(exchange: Exchange, group: TargetGroup) -> None:
    bodies = bodies_to(exchange)
    answers(exchange)
    change = stored_answers.PlannedChange(ends_at=NOW + timedelta(days=7), loi_minutes=9)
    read(group, cpis=[Decimal("3.50")], change=change)
    read(group, cpis=[Decimal("2.7352")])
    assert bodies == [
        {
            "cost_per_interview": {"value": "3.5", "currency_code": "USD"},
            "end_at": "2026-11-27T12:00:00.000Z",
            "length_of_interview": 9,
        },
        {"cost_per_interview": {"value": "2.7352", "currency_code": "USD"}},
    ]


def test_an_answer_is_kept_for_an_hour(exchange: Exchange, group: TargetGroup) -> None:
    answers(exchange)
    read(group)
    again = read(group, after=timedelta(minutes=59))
    assert asked(exchange) == 5
    assert again.read_at == NOW
    assert again.points == read(group).points
    late = read(group, after=timedelta(minutes=61))
    assert asked(exchange) == 10
    assert late.read_at == NOW + timedelta(minutes=61)
    assert WhatIfAnswer.objects.count() == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"ends_at": NOW + timedelta(days=9)},
        {"expected_loi_minutes": 20},
        {"expected_incidence_rate": 0.2},
        {"completes_goal": 777},
        {"status": "paused"},
    ],
)
def test_a_changed_group_is_asked_about_again(
    exchange: Exchange, group: TargetGroup, changed: dict[str, Any]
) -> None:
    answers(exchange)
    read(group, cpis=[Decimal(3)])
    for name, value in changed.items():
        setattr(group, name, value)
    read(group, cpis=[Decimal(3)])
    assert asked(exchange) == 2


@pytest.mark.parametrize("status", [403, 405])
def test_an_account_without_it_is_asked_once_an_hour(
    exchange: Exchange, group: TargetGroup, status: int
) -> None:
    other = factories.group(
        group.project, exchange_id=ulid(12), status="live", cpi=Decimal(2), currency="USD"
    )
    exchange.on("POST", "calculate-feasibility", lambda: (status, {"detail": "no"}))
    for each in (group, other, group):
        found = read(each)
        assert (found.state, found.reason) == (WhatIfState.NOT_OFFERED, stored_answers.NOT_OFFERED)
        assert found.points == ()
    assert asked(exchange) == 1
    read(group, after=timedelta(minutes=61))
    assert asked(exchange) == 2


def test_a_group_that_is_not_found_is_not_asked_again_within_the_hour(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(exchange, last=(404, {"detail": "no"}))
    for _ in range(2):
        found = read(group, cpis=[Decimal(3)])
        assert (found.state, found.reason) == (WhatIfState.NOT_OFFERED, stored_answers.NOT_LISTED)
    assert asked(exchange) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_an_exchange_that_fails_is_a_state_that_asks_for_another_try(
    exchange: Exchange, group: TargetGroup, status: int
) -> None:
    answers(exchange, last=(status, {"detail": "broken"}))
    found = read(group, client=patient_client(exchange))
    assert found.state == WhatIfState.COULD_NOT_READ
    assert "Try again in a moment." in found.reason
    assert len(found.missing) == 5
    assert not WhatIfAnswer.objects.exists()


def test_old_answers_are_shown_with_their_age_while_the_exchange_fails(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(exchange)
    read(group)
    answers(exchange, last=(500, {}))
    found = read(group, after=timedelta(hours=3), client=patient_client(exchange))
    assert found.state == WhatIfState.OUT_OF_DATE
    assert len(found.points) == 5
    assert found.read_at == NOW
    assert "Try again" in found.reason
    gone = read(group, after=timedelta(hours=25), client=patient_client(exchange))
    assert gone.state == WhatIfState.COULD_NOT_READ


def test_points_that_were_read_before_a_failure_are_kept(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(exchange, (200, ANSWER), (200, ANSWER), last=(500, {}))
    found = read(group, client=patient_client(exchange))
    assert found.state == WhatIfState.READ
    assert [str(point.cpi) for point in found.points] == ["2.75", "3.03"]
    assert [str(cpi) for cpi in found.missing] == ["2.61", "2.89", "3.44"]
    assert "Try again" in found.reason


GARBAGE: list[Any] = [
    {},
    {"suggested_price": money("3")},
    {"suggested_completes_goal_range": {"min": 5}},
    {"suggested_completes_goal_range": {"min": 9, "max": 5}},
    {"suggested_completes_goal_range": {"min": -1, "max": 5}},
    {"suggested_completes_goal_range": {"min": "many", "max": "more"}},
    [],
    "<html>",
    "{",
    7,
]


@pytest.mark.parametrize("body", GARBAGE, ids=str)
def test_garbage_is_no_answer(exchange: Exchange, group: TargetGroup, body: Any) -> None:
    answers(exchange, last=(200, body))
    found = read(group, cpis=[Decimal(3)], client=patient_client(exchange))
    assert found.state == WhatIfState.COULD_NOT_READ
    assert found.reason.startswith("Cint sent")
    assert found.points == ()


def test_garbage_among_the_details_costs_only_itself(
    exchange: Exchange, group: TargetGroup
) -> None:
    body = ANSWER | {
        "suggested_price": {"value": "much", "currency_code": "USD"},
        "profiles": [
            7,
            {"targets": "none"},
            {
                "targets": [
                    {"conditions": [{"condition_name": "A\0ge"}], "quota": quota(low=1, high=2)},
                    {"conditions": [], "quota": quota(low=3, high=2)},
                    {"conditions": [], "quota": quota(low=0, high=1e300)},
                    {"conditions": [], "quota": {}},
                    {},
                ]
            },
        ],
        "allocations": {"open_exchange_allocations": {"groups": [{"min_completes": -4}, None]}},
    }
    answers(exchange, last=(200, body))
    point = read(group, cpis=[Decimal(3)]).points[0]
    assert (point.low, point.high) == (140, 190)
    assert point.suggested_cpi is None
    assert [(cell.name, cell.low, cell.high) for cell in point.cells] == [("A\ufffdge", 1, 2)]
    assert point.supplier_groups == ()


def quota(*, low: float, high: float) -> dict[str, Any]:
    return {
        "min_completes": {"projected_completes_goal": low},
        "max_completes": {"projected_completes_goal": high},
    }


def test_a_cpi_that_is_refused_leaves_the_others(exchange: Exchange, group: TargetGroup) -> None:
    refusal = {"detail": "too high", "invalid_params": [{"name": "price", "reason": "too high"}]}
    answers(exchange, (200, ANSWER), (400, refusal))
    found = read(group)
    assert found.state == WhatIfState.READ
    assert [str(cpi) for cpi in found.missing] == ["3.03"]
    assert "too high" in found.reason
    assert read(group) == found
    assert asked(exchange) == 5


def patient_client(
    exchange: Exchange, policy: GatePolicy | None = None, timeout: float = 1.0
) -> ExchangeClient:
    """A client that gives up soon, behind a gate of its own."""
    return ExchangeClient(
        account_id="101",
        auth=ApiKey("key"),
        base_url=exchange.url,
        gate=LocalGate(policy),
        allowed_hosts=["127.0.0.1:*"],
        timeout=timeout,
    )


def test_a_spent_budget_is_said_and_asks_for_no_more(
    exchange: Exchange, group: TargetGroup
) -> None:
    answers(exchange)
    client = patient_client(exchange, GatePolicy(requests_per_minute=10))  # one at a time
    found = read(group, client=client)
    assert found.state == WhatIfState.READ
    assert len(found.points) == 1
    assert "request limit" in found.reason
    assert asked(exchange) == 1


def test_an_exchange_that_hangs_ends_at_the_deadline(
    exchange: Exchange, group: TargetGroup
) -> None:
    def hang() -> Reply:
        time.sleep(3)
        return 200, ANSWER

    exchange.on("POST", ADDRESS, hang)
    found = read(group, client=patient_client(exchange, timeout=0.3))
    assert found.state == WhatIfState.COULD_NOT_READ
    assert "did not answer in time" in found.reason


def test_yen_are_asked_in_whole_yen(exchange: Exchange, group: TargetGroup) -> None:
    group.currency, group.cpi = "JPY", Decimal(305)
    yen = ANSWER | {"suggested_price": money("320", "JPY")}
    answers(exchange, (200, ANSWER), last=(200, yen))
    found = read(group)
    assert found.currency == "JPY"
    assert [str(point.cpi) for point in found.points] == ["290", "305", "320", "336", "381"]
    suggested = {str(point.cpi): point.suggested_cpi for point in found.points}
    assert suggested["305"] is None  # it was in dollars
    assert suggested["320"] == 320


def test_steps_that_round_to_the_same_price_are_asked_once() -> None:
    assert [str(cpi) for cpi in stored_answers.price_steps(Decimal(4), "JPY")] == ["4", "5"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"status": "draft"}, stored_answers.NOT_LAUNCHED),
        ({"status": "completed"}, stored_answers.NOT_LAUNCHED),
        ({"pricing_model": "rate_card"}, stored_answers.RATE_CARD),
        ({"cpi": None}, stored_answers.NO_PRICE),
        ({"missing_since": NOW}, stored_answers.NOT_LISTED),
    ],
)
def test_a_group_that_cannot_be_estimated_is_not_asked_about(
    exchange: Exchange, group: TargetGroup, changed: dict[str, Any], reason: str
) -> None:
    for name, value in changed.items():
        setattr(group, name, value)
    found = read(group)
    assert (found.state, found.reason) == (WhatIfState.NOT_OFFERED, reason)
    assert asked(exchange) == 0


def test_a_page_can_show_what_is_stored_without_a_request(
    exchange: Exchange,
    group: TargetGroup,
    django_assert_num_queries: Callable[[int], Any],
) -> None:
    empty = stored_answers.stored_what_if(group, now=NOW)
    assert (empty.state, empty.reason) == (WhatIfState.NOT_ASKED, "")
    answers(exchange)
    read(group)
    with django_assert_num_queries(1):
        found = stored_answers.stored_what_if(group, now=NOW + timedelta(minutes=10))
    assert found == read(group)
    assert asked(exchange) == 5
    old = stored_answers.stored_what_if(group, now=NOW + timedelta(hours=2))
    assert (old.state, len(old.points)) == (WhatIfState.OUT_OF_DATE, 5)


def test_groups_with_the_same_terms_have_answers_of_their_own(
    exchange: Exchange, group: TargetGroup
) -> None:
    money = ["cpi", "currency", "pricing_model"]
    bids = ["completes_goal", "expected_loi_minutes", "expected_incidence_rate"]
    terms = [*money, *bids, "starts_at", "ends_at", "status"]
    twin = factories.group(group.project, **{name: getattr(group, name) for name in terms})
    answers(exchange)
    read(group)
    found = stored_answers.stored_what_ifs([group, twin], now=NOW)
    assert [found[each.pk].state for each in (group, twin)] == [
        WhatIfState.READ,
        WhatIfState.NOT_ASKED,
    ]


def test_old_answers_are_deleted(exchange: Exchange, group: TargetGroup) -> None:
    answers(exchange)
    read(group)
    retention.delete_old_rows(now=NOW + timedelta(hours=23))
    assert WhatIfAnswer.objects.count() == 5
    retention.delete_old_rows(now=NOW + timedelta(hours=25))
    assert not WhatIfAnswer.objects.exists()


def test_the_whole_change_is_asked_about_and_kept_with_its_answer(
    exchange: Exchange, group: TargetGroup
) -> None:
    bodies = bodies_to(exchange)
    answers(exchange)
    planned = stored_answers.PlannedChange(
        starts_at=NOW,
        ends_at=NOW + timedelta(days=7),
        loi_minutes=9,
        incidence_rate=0.5,
        completes_goal=10_001,
    )
    read(group, cpis=[Decimal(3)], change=planned)
    assert bodies == [
        {
            "cost_per_interview": {"value": "3", "currency_code": "USD"},
            "start_at": "2026-11-20T12:00:00.000Z",
            "end_at": "2026-11-27T12:00:00.000Z",
            "length_of_interview": 9,
            "incidence_rate": 0.5,
            "completes_goal": 10_000,
        }
    ]
    row = WhatIfAnswer.objects.get()
    assert (row.cpi, row.starts_at, row.ends_at, row.loi_minutes) == (
        Decimal(3),
        planned.starts_at,
        planned.ends_at,
        9,
    )
    assert (row.incidence_rate, row.completes_goal, row.outcome) == (0.5, 10_001, "answered")
    assert (row.reason, row.read_at) == ("", NOW)


@pytest.mark.parametrize(
    ("reply", "outcome", "asks"),
    [
        ((403, {}), "forbidden", 1),
        ((405, {}), "forbidden", 1),
        ((404, {}), "not_found", 1),
        ((400, {}), "refused", 2),
        ((200, {}), None, 2),
        ((401, {}), None, 1),
    ],
)
def test_a_refusal_is_kept_and_only_one_of_a_question_leaves_the_next_to_ask(
    exchange: Exchange, group: TargetGroup, reply: Reply, outcome: str | None, asks: int
) -> None:
    answers(exchange, last=reply)
    found = read(group, cpis=[Decimal(3), Decimal(4)])
    assert asked(exchange) == asks
    kept = list(WhatIfAnswer.objects.values_list("outcome", flat=True))
    assert kept == ([] if outcome is None else [outcome] * asks)
    assert found.reason.endswith(" Check the connection.") is (reply[0] == 401)


@pytest.mark.parametrize(
    ("low", "high", "cells"),
    [
        (0, 0, [(0, 0)]),
        (1.4, 2.2, [(1, 3)]),
        (5, 5, [(5, 5)]),
        (6, 5, []),
        (-0.1, 5, []),
        (0, 2_147_483_647, [(0, 2_147_483_647)]),
        (0, 2_147_483_648, []),
        (None, 5, []),
        (5, None, []),
    ],
)
def test_a_range_of_a_quota_or_supplier_is_whole_and_possible(
    exchange: Exchange,
    group: TargetGroup,
    low: float | None,
    high: float | None,
    cells: list[tuple[int, int]],
) -> None:
    target = {
        "conditions": [],
        "quota": {
            "min_completes": {"projected_completes_goal": low},
            "max_completes": {
                "projected_completes_goal": high,
                "projected_completes_percentage": 3,
            },
        },
    }
    whole = isinstance(low, float) is False
    part = {"group_name": None, "min_completes": low, "max_completes": high} if whole else {}
    body = ANSWER | {
        "profiles": [{"targets": [{"quota": None}, target, {"quota": {}}, target]}],
        "allocations": {
            "open_exchange_allocations": None,
            "private_exchange_allocations": {"groups": [{}, part]},
        },
    }
    answers(exchange, last=(200, body))
    point = read(group, cpis=[Decimal(3)]).points[0]
    assert [(cell.low, cell.high, cell.share) for cell in point.cells] == [
        (*each, None) for each in cells * 2
    ]
    suppliers = [SupplierRange("Unnamed suppliers", *each, is_private=True) for each in cells]
    assert point.supplier_groups == tuple(suppliers if whole else ())


def test_quotas_that_do_not_match_those_of_the_group_keep_their_conditions(
    exchange: Exchange, group: TargetGroup
) -> None:
    profile = {"id": "p", "name": "Age", "quotas": True, "targets": [{"id": "x", "name": "x"}]}
    GroupPanels.objects.create(group=group, profiles=[profile])
    answers(exchange)
    cells = read(group, cpis=[Decimal(3)]).points[0].cells
    assert [(cell.profile, cell.name) for cell in cells] == [("", "18–34"), ("", "35–65")]


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(5, 5, WhatIfState.READ), (0, 0, WhatIfState.READ), (6, 5, WhatIfState.COULD_NOT_READ)],
)
def test_a_range_of_completes_may_be_one_number(
    exchange: Exchange, group: TargetGroup, low: int, high: int, state: WhatIfState
) -> None:
    goal = {"suggested_completes_goal_range": {"min": low, "max": high}}
    answers(exchange, last=(200, ANSWER | goal))
    assert read(group, cpis=[Decimal(3)]).state == state


def test_a_refusal_of_the_account_holds_for_an_hour_and_for_no_other_account(
    exchange: Exchange, group: TargetGroup
) -> None:
    elsewhere = factories.group(factories.project(factories.account()))
    common: dict[str, Any] = {"key": "k", "cpi": Decimal(3), "outcome": "forbidden"}
    WhatIfAnswer.objects.create(group=elsewhere, read_at=NOW, **common)
    answers(exchange)
    assert read(group, cpis=[Decimal(3)]).state == WhatIfState.READ
    WhatIfAnswer.objects.create(group=group, read_at=NOW - timedelta(hours=1), **common)
    assert read(group, cpis=[Decimal(4)]).state == WhatIfState.READ
    WhatIfAnswer.objects.filter(key="k").update(read_at=NOW - timedelta(minutes=59))
    assert read(group, cpis=[Decimal(5)]).state == WhatIfState.NOT_OFFERED
    assert asked(exchange) == 2
    for seconds, number in ((0, 4), (1, 2)):
        late = NOW + timedelta(hours=24, minutes=-59, seconds=seconds)
        what_if.delete_old_answers(now=late)
        assert WhatIfAnswer.objects.count() == number


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with Simulator(projects=4, groups=8, history_days=3, seed=7) as running:
        yield running


def test_the_simulated_exchange_answers_every_group_in_its_currency(
    simulator: Simulator, pulled_account: ExchangeAccount
) -> None:
    groups = TargetGroup.objects.filter(status="live", pricing_model="dynamic")
    groups = groups.select_related("account", "project")
    states = {group.currency: what_if.read_what_if(group).state for group in groups}
    assert set(states) >= {"USD", "JPY"}
    assert set(states.values()) == {WhatIfState.READ}
    assert simulator.violations() == []
