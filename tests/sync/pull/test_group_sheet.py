"""Quotas and rate cards: read with a group, kept apart from it, asked for seldom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dashboard.fielding.models import GroupPanels, Project, TargetGroup
from tests.factories import ulid
from tests.fakes.canned_exchange import Exchange, group_row, money

Pull = Callable[[], dict[str, Any]]
pytestmark = pytest.mark.django_db(transaction=True)
ONE = ulid(11)
CARD = {
    "data_format": "loi_ir_matrix",
    "length_of_interview_minutes": [5, 10],
    "incidence_rate_percents": [50, 20],
    "pricing_table_currency_code": "USD",
    "pricing_table_data": [[178, 193], [226, 241]],
}


def profiles(*counts: int) -> dict[str, Any]:
    """A profile of ages, so many completes in each."""
    targets = [
        {
            "id": str(number),
            "conditions": [{"object": "range", "question_id": 42, "min": 18, "max": 34}],
            "quota": {"completes_goal": 100, "completes": count, "prescreens": 2 * count},
        }
        for number, count in enumerate(counts)
    ]
    profile = {"object": "regular", "id": "p", "name": "Age", "quotas_enabled": True}
    return {"locale": "eng_us", "completes_goal": 200, "profiles": [profile | {"targets": targets}]}


@pytest.fixture(autouse=True)
def _offered(exchange: Exchange) -> None:
    exchange.on("GET", f"{ONE}/profiles", lambda: (200, profiles(10, 20)))
    exchange.on("GET", f"{ONE}/rate-card", lambda: (200, {"bound_rate_card": CARD}))


def sheet() -> GroupPanels:
    return GroupPanels.objects.get(group__exchange_id=ONE)


def priced_by_a_card(exchange: Exchange) -> None:
    card = {
        "progress": {
            "current_completes": 1,
            "current_prescreens": 3,
            "filling_goal": 200,
            "filling_strategy": "completes",
        },
        "project_name": "Project",
        "target_group_name": "Group 11",
        "pricing_model": "rate_card",
        "current_cost_per_interview": money("2.75"),
        "status": "live",
        "created_at": "2026-11-06T09:00:00.000Z",
    }
    exchange.on("GET", f"{ONE}/overview", lambda: (200, card))


def test_a_new_group_is_read_with_its_quotas(pull: Pull) -> None:
    assert pull()["complete"] is True
    (age,) = sheet().profiles
    assert (age["name"], age["quotas"]) == ("Age", True)
    assert [(target["name"], target["completes"], target["goal"]) for target in age["targets"]] == [
        ("18–34", 10, 100),
        ("18–34", 20, 100),
    ]


def test_a_group_without_profiles_is_read_without_a_complaint(pull: Pull) -> None:
    assert pull()["errors"] == []
    assert not GroupPanels.objects.filter(group__exchange_id=ulid(12)).exists()


@pytest.mark.parametrize(("status", "left"), [(403, 1), (405, 1), (404, 0)])
def test_quotas_that_may_not_be_read_any_more_stay_and_those_that_are_gone_go(
    pull: Pull, exchange: Exchange, status: int, left: int
) -> None:
    pull()
    exchange.on("GET", f"{ONE}/profiles", lambda: (status, {"detail": "no"}))
    TargetGroup.objects.filter(exchange_id=ONE).update(row_hash=b"")
    assert pull()["errors"] == []
    assert len(sheet().profiles or []) == left


def test_only_a_group_that_a_card_prices_is_asked_for_it(pull: Pull, exchange: Exchange) -> None:
    priced_by_a_card(exchange)
    pull()
    assert exchange.asked("/rate-card") == 1
    card = sheet().rate_card
    assert (card["bound"], card["prices"], card["currency"]) == (
        True,
        [[178, 193], [226, 241]],
        "USD",
    )


def test_quotas_of_a_moving_group_are_asked_with_its_series_and_of_an_idle_one_never(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    exchange.on("GET", f"{ONE}/profiles", lambda: (200, profiles(11, 20)))
    exchange.log.clear()
    exchange.groups[ulid(1)][0] = group_row(11, completes=101)
    pull()
    assert exchange.asked("/profiles") == 0
    TargetGroup.objects.update(completes_read_at=None)
    exchange.groups[ulid(1)][0] = group_row(11, completes=102)
    pull()
    assert exchange.asked(f"{ONE}/profiles") == 1
    assert sheet().profiles[0]["targets"][0]["completes"] == 11


def test_a_quota_that_moved_alone_is_a_change_that_pages_see(
    pull: Pull, exchange: Exchange
) -> None:
    pull()
    before = Project.objects.get().version
    exchange.on("GET", f"{ONE}/profiles", lambda: (200, profiles(12, 20)))
    TargetGroup.objects.filter(exchange_id=ONE).update(row_hash=b"")
    assert pull()["groups_written"] == 1
    assert Project.objects.get().version > before
