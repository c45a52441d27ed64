"""The settings of a launched group as a new draft, and what is left out where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import TargetGroup
from dashboard.sync.edits import copy_group
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.merge import WHOLE
from tests import factories
from tests.fakes.canned_exchange import Exchange, Reply, group_row, money, serving

pytestmark = pytest.mark.django_db
MAY = {"allow_for_current_target_group": True, "allow_for_other_target_groups": False}
RE_ENTRY = {"completes": {"client_side": MAY}}
PROGRESS = {"current_completes": 1, "current_prescreens": 3, "filling_goal": 300}
SOFT = {
    "end_at": "2026-11-21T09:00:00Z",
    "filling_goal_percentage": 10,
    "demographics_strictness_percentage": 50,
}
DETAILS: dict[str, Any] = {
    "id": "11",
    "name": "Live",
    "business_unit_id": 7,
    "locale": "eng_us",
    "collects_pii": True,
    "completes_goal": 300,
    "expected_length_of_interview_minutes": 9,
    "expected_incidence_rate": 0.351249,
    "client_cost_per_interview_note": money("4"),
    "live_url": "https://a.example.com/",
}
QUOTAS: list[tuple[Any, float]] = [
    ({"completes_goal_percentage": 33.336, "completes_goal": 1}, 33.34),
    ({"completes_goal": 100}, 33.33),
    ({"completes_goal": 200}, 66.66),
    ({"completes_goal": 3}, 1.0),
    ({"completes_goal_percentage": 0, "completes_goal": 100}, 0.0),
    ({"name": "no goal"}, 0.0),
    (None, 0.0),
]
SHARES = {"open_exchange_allocations": {"exchange_min_percentage": 20, "groups": []}}


@dataclass
class Launched(Exchange):
    """An exchange of one launched group: each part of it by the end of its address."""

    parts: dict[str, Reply] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, method: str, path: str, body: Any) -> Reply:
        """The answer to one request."""
        self.log.append((method, path))
        address = path.split("?", maxsplit=1)[0]
        if address.endswith("/target-groups"):
            return self.parts.get("list", (200, {"target_groups": self.rows, "has_more": False}))
        missing = (404, {"object": "not_found_error", "detail": "none"})
        return self.parts.get(address.rsplit("/", 1)[1], missing)


@pytest.fixture
def exchange(settings: Any) -> Iterator[Launched]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    with serving(Launched(parts={"details": (200, DETAILS)})) as server:
        yield server


@pytest.fixture
def group(exchange: Launched) -> TargetGroup:
    account = factories.account(base_url=exchange.url, requests_per_minute=0)
    return factories.group(factories.project(account), cpi=Decimal("2.500"), name="Live")


def plain(**members: Any) -> dict[str, Any]:
    """What is copied of the details alone."""
    value: dict[str, Any] = dict.fromkeys(draft.PLAIN) | {
        name: DETAILS[name] for name in draft.PLAIN if name in DETAILS
    }
    return value | {
        "business_unit_id": "7",
        "expected_incidence_rate": 0.3512,
        "respondent_activity_exclusions": [],
        "client_cost_per_interview_note": money("4"),
        "fielding_specification": {"start_at": None, "end_at": None},
        **draft.passthrough(None, None),
        **members,
    }


def test_a_group_of_which_only_the_details_are_read_is_copied_with_our_own_price(
    exchange: Launched, group: TargetGroup
) -> None:
    copied = copy_group.copy_of_group(group)
    assert copied.missing == [
        "its price",
        "its re-entry",
        "its profiles and quotas",
        "its suppliers' shares",
        "its fielding assistant",
    ]
    assert copied.value == plain(
        profiling={},
        re_entry_configuration=None,
        exclusion=True,
        pricing_model="dynamic",
        cost_per_interview=money("2.5"),
    )
    group.pricing_model = "rate_card"
    assert copy_group.copy_of_group(group).value["pricing_model"] == "rate_card"
    exchange.parts = {}
    with pytest.raises(ExchangeError):
        copy_group.copy_of_group(group)


def test_a_group_is_copied_with_its_quotas_in_percent_and_without_its_soft_launch(
    exchange: Launched, group: TargetGroup
) -> None:
    targets = [
        {"conditions": [{"option": str(n)}], "quota": each} for n, (each, _) in enumerate(QUOTAS)
    ]
    profile = {"name": "Who", "quotas_enabled": True, "targets": targets}
    overview = {
        "status": "live",
        "progress": PROGRESS,
        "pricing_model": "rate_card",
        "current_cost_per_interview": money("3.20"),
    }
    modules = {"pacing": {"type": "linear"}, "soft_launch": SOFT}
    exchange.parts |= {
        "overview": (200, overview),
        "re-entry-configuration": (200, RE_ENTRY),
        "profiles": (200, {"completes_goal": 300, "profiles": [profile]}),
        "allocation-specification": (200, SHARES),
        "fielding-assistant-assignment": (200, modules),
    }
    exchange.rows = [
        group_row(1, exclusion_enabled=True),
        group_row(2, id=group.exchange_id, exclusion_enabled=False),
    ]
    copied = copy_group.copy_of_group(group)
    value = dict(copied.value)
    profiling = value.pop("profiling")
    shares = value.pop("allocations")
    expected = plain(
        re_entry_configuration=RE_ENTRY,
        exclusion=False,
        pricing_model="rate_card",
        cost_per_interview=money("3.20"),
        fielding_assistant_assignment={"pacing": {"type": "linear"}},
    )
    assert value == {name: part for name, part in expected.items() if name not in ("allocations",)}
    assert shares["open_exchange_allocations"]["exchange_min_percentage"] == 20
    assert copied.missing == []
    (first,) = profiling["profiles"]
    assert (profiling["profile_adjustment_type"], first["object"]) == ("percentage", "regular")
    assert [target["quota"] for target in first["targets"]] == [
        {"completes_goal_percentage": percent} for _, percent in QUOTAS
    ]
    assert "description" not in first


def test_a_quota_of_a_group_without_a_goal_is_none_of_it(
    exchange: Launched, group: TargetGroup
) -> None:
    profile = {
        "object": "blended",
        "quotas_enabled": True,
        "targets": [{"conditions": [], "quota": {"completes_goal": 5}}],
    }
    exchange.parts["profiles"] = (200, {"profiles": [profile]})
    (copied,) = copy_group.copy_of_group(group).value["profiling"]["profiles"]
    assert copied["object"] == "blended"
    assert copied["targets"][0]["quota"] == {"completes_goal_percentage": 0}
    exchange.parts["profiles"] = (200, {"profiles": []})
    assert copy_group.copy_of_group(group).value["profiling"] == {}


@pytest.mark.parametrize(
    ("rows", "takes_part"),
    [
        ([], True),
        ([{"exclusion_enabled": None}], True),
        ([{"exclusion_enabled": True}], True),
        ([{"exclusion_enabled": False}], False),
    ],
)
def test_a_copy_takes_part_in_the_exclusion_unless_the_list_says_no(
    exchange: Launched, group: TargetGroup, rows: list[dict[str, Any]], takes_part: bool
) -> None:
    exchange.rows = [group_row(1, id=group.exchange_id, **row) for row in rows]
    assert copy_group.copy_of_group(group).value["exclusion"] is takes_part
    assert exchange.asked(f"human_readable_ids.*={group.human_readable_id}") == 1
    group.human_readable_id = ""
    assert copy_group.copy_of_group(group).value["exclusion"] is takes_part
    assert exchange.asked("name=Live") == 1
    exchange.parts["list"] = (403, {"object": "error", "detail": "no"})
    assert copy_group.copy_of_group(group).value["exclusion"] is True


DRAFT = {
    "name": "Draft",
    "allocations": {
        "open_exchange_allocations": {
            "groups": [{"group_id": 1, "group_name": "A", "min_percentage": 5}, {"group_name": "B"}]
        },
        "other": {"kept": 1},
        "more": [1],
    },
    "fielding_assistant_assignment": {"pacing": {"type": "linear"}, "soft_launch": SOFT},
}


def test_a_draft_is_copied_whole_without_what_belongs_to_it_alone(
    exchange: Launched, group: TargetGroup
) -> None:
    group.status = TargetGroup.Status.DRAFT
    exchange.parts[group.exchange_id] = (200, DRAFT)
    copied = copy_group.copy_of_group(group)
    whole = copied.value[WHOLE]
    assert (copied.missing, copied.value["name"]) == ([], "Draft")
    assert whole["fielding_assistant_assignment"] == {"pacing": {"type": "linear"}}
    shares = whole["allocations"]
    assert [share["group_name"] for share in shares["open_exchange_allocations"]["groups"]] == [
        "A",
        "B",
    ]
    assert not any("group_id" in s for s in shares["open_exchange_allocations"]["groups"])
    assert (shares["other"], shares["more"]) == ({"kept": 1}, [1])
    assert shares["open_exchange_allocations"]["exchange_max_percentage"] == 100
    assert not exchange.asked("/details")
    exchange.parts[group.exchange_id] = (301, "")
    launched = copy_group.copy_of_group(group)
    assert (launched.value["name"], WHOLE in launched.value) == ("Live", False)
