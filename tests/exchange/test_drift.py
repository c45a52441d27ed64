"""A member that drifted from the contract costs itself: every other member is still read."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from dashboard.exchange.decode import decode_body, decode_page
from dashboard.exchange.errors import BadAnswer
from dashboard.exchange.shapes.assistant import FieldingAssistantModulesAssignment
from dashboard.exchange.shapes.base import Shape
from dashboard.exchange.shapes.drafts import FetchTargetGroupResponse
from dashboard.exchange.shapes.groups import (
    TargetGroupDetails,
    TargetGroupOverview,
    TargetGroupOverviewByTargetGroupId,
    TargetGroupPerformance,
    TargetGroupsListItem,
)
from dashboard.exchange.shapes.projects import ProjectListItem, ProjectOverview

PROGRESS = {"current_completes": 1, "current_prescreens": 2, "filling_goal": 3}
MONEY = {"value": "2.75", "currency_code": "USD"}
STATISTICS = {
    "progress": {"value": PROGRESS, "issues": []},
    "earnings_per_click": {"value": MONEY, "issues": []},
    "incidence_rate": {"value": 0.3, "issues": []},
}
WHOLE: dict[type[Shape], dict[str, Any]] = {
    TargetGroupOverview: {
        "status": "live",
        "progress": PROGRESS,
        "drop_off_rate": 0.2,
        "incidence_rate": 0.3,
        "current_cost_per_interview": MONEY,
        "median_length_of_interview_seconds": 540,
        "is_pricing_restricted": False,
        "country_code": "us",
        "created_at": "2026-03-01T10:00:00Z",
    },
    TargetGroupOverviewByTargetGroupId: {
        "status": "live",
        "progress": PROGRESS,
        "account_id": 1,
        "project_id": "p",
        "conversion_rate": 0.2,
        "current_cost": MONEY,
    },
    TargetGroupDetails: {
        "name": "Germany",
        "completes_goal": 200,
        "expected_length_of_interview_minutes": 9,
        "expected_incidence_rate": 0.35,
        "client_cost_per_interview_note": MONEY,
        "collects_pii": False,
        "live_url": "https://x.example",
        "links": {"test_screener": "x"},
        "created_at": "2026-03-01T10:00:00Z",
        "project_manager_id": "abc",
    },
    TargetGroupPerformance: {
        "entrants": 9,
        "prescreens": 5,
        "completes": 3,
        "completes_cost": MONEY,
        "first_complete": "2026-03-01T10:00:00Z",
        "incidence_rate": 0.3,
        "drop_off_rate": 0.2,
        "respondent_analysis": {"live": [{"status": "1", "count": 2}], "test": []},
    },
    TargetGroupsListItem: {
        "id": "a",
        "name": "Germany",
        "status": "live",
        "statistics": STATISTICS,
        "locale": "eng_us",
        "exclusion_enabled": True,
        "updated_at": "2026-03-01T10:00:00Z",
    },
    ProjectListItem: {
        "id": "a",
        "name": "Tracker",
        "target_group_count": 3,
        "status": "active",
        "statistics": {"filling_goal": 3, "drop_off_rate_average": 0.2},
    },
    ProjectOverview: {"id": "a", "name": "Tracker", "statistics": {"filling_goal": 3}},
}
NEEDED = {
    TargetGroupOverview: {"status", "progress"},
    TargetGroupOverviewByTargetGroupId: {"status", "progress", "account_id", "project_id"},
    TargetGroupDetails: {"name"},
    TargetGroupPerformance: {"entrants", "prescreens", "completes"},
    TargetGroupsListItem: {"id", "name", "status", "statistics"},
    ProjectListItem: {"id", "name"},
    ProjectOverview: {"id"},
}
# What takes the place of a member: none of these is any of them.
DRIFTS: list[Any] = ["high", {"amount": [1, 2]}, [1], True, 10**12]
LOOSE = ("links", "respondent_analysis", "statistics")
IDS = ("id", "human_readable_id", "account_id", "business_unit_id", "client_id", "project_id")


def cases() -> Iterator[tuple[type[Shape], str, Any]]:
    for shape, body in WHOLE.items():
        for name in body:
            for drift in DRIFTS:
                yield shape, name, drift


def _is_fine(shape: type[Shape], name: str, drift: Any) -> bool:
    """Whether the member may be this by the contract: a text, a number as an id, a flag."""
    kinds = typing.get_type_hints(shape, include_extras=False).get(name)
    among = typing.get_args(kinds) if isinstance(kinds, types.UnionType) else (kinds,)
    if isinstance(drift, dict):  # a mapping may have members that nobody knows
        return name in LOOSE and shape is not TargetGroupsListItem
    if isinstance(drift, bool):
        return bool in among
    if isinstance(drift, str):
        return str in among
    return isinstance(drift, int) and name in IDS


@pytest.mark.parametrize(
    ("shape", "name", "drift"), [case for case in cases() if not _is_fine(*case)]
)
def test_each_member_that_drifts_costs_itself_alone(
    shape: type[Shape], name: str, drift: Any
) -> None:
    body = WHOLE[shape]
    whole = decode_body(json.dumps(body).encode(), shape)
    drifted = json.dumps(body | {name: drift}).encode()
    if name in NEEDED[shape]:
        with pytest.raises(BadAnswer):
            decode_body(drifted, shape)
        return
    decoded = decode_body(drifted, shape)
    assert decoded.drifted == {name: drift}
    rest = [each for each in body if each != name]
    assert [getattr(decoded, each) for each in rest] == [getattr(whole, each) for each in rest]
    default = next(field for field in msgspec.structs.fields(shape) if field.name == name).default
    assert getattr(decoded, name) == default


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_figure_deep_in_a_row_costs_that_figure_and_the_row_stays(drift: Any) -> None:
    statistics = STATISTICS | {"incidence_rate": {"value": drift, "issues": []}}
    rows = [WHOLE[TargetGroupsListItem] | {"id": str(n)} for n in range(3)]
    rows[1] = rows[1] | {"statistics": statistics}
    page = decode_page(json.dumps({"rows": rows}).encode(), "rows", TargetGroupsListItem)
    assert ([row.id for row in page.items], page.quarantined) == (["0", "1", "2"], [])
    hit = page.items[1]
    assert hit.drifted == {"statistics.incidence_rate.value": drift}
    assert hit.statistics.earnings_per_click == page.items[0].statistics.earnings_per_click
    assert [row.drifted for row in (page.items[0], page.items[2])] == [{}, {}]


@pytest.mark.parametrize("value", ["a lot", [], {"x": 1}, True])
def test_an_amount_that_drifts_costs_that_amount(value: Any) -> None:
    body = WHOLE[TargetGroupOverview] | {"current_cost_per_interview": MONEY | {"value": value}}
    decoded = decode_body(json.dumps(body).encode(), TargetGroupOverview)
    assert (decoded.current_cost_per_interview, decoded.drop_off_rate) == (None, 0.2)
    assert decoded.drifted == {"current_cost_per_interview": MONEY | {"value": value}}


def test_several_members_that_drift_cost_each_itself() -> None:
    names = ["drop_off_rate", "incidence_rate", "median_length_of_interview_seconds", "created_at"]
    body = WHOLE[TargetGroupOverview] | dict.fromkeys(names, "high")
    decoded = decode_body(json.dumps(body).encode(), TargetGroupOverview)
    assert sorted(decoded.drifted) == sorted(names)
    assert decoded.current_cost_per_interview is not None


@pytest.mark.parametrize("goal", ["many", [], {"x": 1}])
def test_what_is_sent_back_whole_is_not_read_without_its_parts(goal: Any) -> None:
    with pytest.raises(BadAnswer, match="completes_goal"):
        decode_body(
            json.dumps({"name": "A draft", "completes_goal": goal}).encode(),
            FetchTargetGroupResponse,
        )
    pricing = {"pricing": [goal]}
    with pytest.raises(BadAnswer, match="pricing"):
        decode_body(json.dumps(pricing).encode(), FieldingAssistantModulesAssignment)


def test_what_the_exchange_calls_unreadable_is_not_taken_for_ours() -> None:
    body = WHOLE[TargetGroupOverview] | {"unreadable": {"x": "y"}}
    assert decode_body(json.dumps(body).encode(), TargetGroupOverview).drifted == {}
