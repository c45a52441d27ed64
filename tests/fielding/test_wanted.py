"""What fills a group: a limit of completes, or one of prescreens."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.fielding.domain.goals import completes_target, counts_prescreens, is_full
from dashboard.fielding.models import TargetGroup


def group(**columns: Any) -> TargetGroup:
    plain = {
        "filling_strategy": "prescreens",
        "completes": 200,
        "prescreens": 1000,
        "filling_goal": 1500,
        "completes_goal": 1500,
        "expected_incidence_rate": 0.2,
    }
    return TargetGroup(**plain | columns)


def test_a_limit_of_completes_is_the_goal() -> None:
    assert completes_target(group(filling_strategy="completes", filling_goal=400)) == 400
    assert completes_target(group(filling_strategy="automated", filling_goal=400)) == 400
    only_agreed = group(filling_strategy="completes", filling_goal=None, completes_goal=300)
    assert completes_target(only_agreed) == 300


def test_a_limit_of_prescreens_wants_the_completes_that_the_rest_is_likely_to_give() -> None:
    assert completes_target(group()) == 300
    assert completes_target(group(completes_goal=None)) == 300
    assert completes_target(group(completes_goal=0)) == 300


def test_a_limit_that_is_reached_wants_what_there_is() -> None:
    assert completes_target(group(prescreens=1500)) == 200
    assert completes_target(group(prescreens=1600)) == 200


def test_few_prescreens_are_drawn_to_the_expected_incidence_rate() -> None:
    assert completes_target(group(prescreens=0, completes=0)) == 300
    assert completes_target(group(prescreens=10, completes=0)) == pytest.approx(248, abs=1)


def test_nobody_can_tell_from_few_prescreens_alone() -> None:
    assert completes_target(group(prescreens=49, expected_incidence_rate=None)) is None
    assert completes_target(group(prescreens=None)) is None
    assert completes_target(group(filling_goal=None, completes_goal=None)) is None


def test_completes_that_were_agreed_beside_the_limit_are_the_goal() -> None:
    agreed = group(completes_goal=250)
    assert completes_target(agreed) == 250
    assert not counts_prescreens(agreed)
    assert counts_prescreens(group())


@pytest.mark.parametrize(
    ("columns", "full"),
    [
        ({"prescreens": 1500}, True),
        ({"prescreens": 1499, "completes": 1500}, False),
        ({"filling_strategy": "completes", "completes": 1500}, True),
        ({"filling_strategy": "completes", "completes": 1499, "prescreens": 9000}, False),
        ({"completes": None, "prescreens": None}, False),
        ({"filling_goal": None, "completes_goal": None}, False),
    ],
)
def test_a_group_is_full_by_what_its_strategy_counts(columns: dict[str, Any], full: bool) -> None:
    assert is_full(group(**columns)) is full
