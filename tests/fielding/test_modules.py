"""Soft launch, pacing and the highest CPI, from the changelog and the draft."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.insight.assistant_modules import (
    Modules,
    changes_with_old_values,
    modules_of,
)
from dashboard.fielding.series.pace import Pacing, SoftLaunch
from tests import factories

END = factories.NOW + timedelta(days=2)
SOFT = {
    "soft_launch_assisted_change": True,
    "soft_launch_end_date_change": END.isoformat(),
    "soft_launch_filling_goal_percentage_change": 20,
}


def told(values: dict[str, Any], details: Any = None) -> Modules:
    """The modules after these changes, an hour after one another."""
    hour = timedelta(hours=1)
    changes = [
        (factories.NOW + i * hour, kind, new) for i, (kind, new) in enumerate(values.items())
    ]
    return modules_of(reversed(changes), details)


def test_nothing_told_is_nothing_on() -> None:
    assert told({}) == Modules()


def test_a_soft_launch_asks_for_its_share_until_its_end() -> None:
    assert told(SOFT).soft_launch == SoftLaunch(END, 0.2)


def test_a_soft_launch_that_is_over_is_none() -> None:
    changes = [(factories.NOW + timedelta(hours=i), *pair) for i, pair in enumerate(SOFT.items())]
    off = (factories.NOW + timedelta(days=1), "soft_launch_assisted_change", False)
    assert modules_of([*changes, off], None).soft_launch is None


@pytest.mark.parametrize("end", ["2026-11-22T12:00:00", "soon", None, 5])
def test_an_end_that_is_no_moment_is_no_soft_launch(end: Any) -> None:
    assert told(SOFT | {"soft_launch_end_date_change": end}).soft_launch is None


@pytest.mark.parametrize(
    ("interval", "length"),
    [("P1D", 24), ("PT12H", 12), ("P1DT6H", 30), ("", 24), (None, 24), ("P", 24)],
)
def test_linear_pacing_steps_by_its_interval(interval: Any, length: int) -> None:
    seen = told(
        {
            "pacing_assistance_change": "linear",
            "pacing_linear_increment_interval_change": interval,
        }
    )
    assert seen.pacing == Pacing("linear", timedelta(hours=length))


def test_pacing_by_another_group_and_pacing_unheard_of() -> None:
    assert told({"pacing_assistance_change": "gemini"}).pacing == Pacing("gemini")
    assert told({"pacing_assistance_change": "spiral"}).pacing is None


def test_the_highest_cpi_belongs_to_the_pricing_that_is_on() -> None:
    most = {"pricing_dynamic_maximum_cpi_change": {"value": "4.50", "currency_code": "USD"}}
    assert told(most).cpi_limit is None
    assert told(most | {"pricing_assistance_change": "dynamic"}).cpi_limit == Decimal("4.50")
    assert told(most | {"pricing_assistance_change": None}).cpi_limit is None


def test_a_draft_tells_what_it_was_given_and_the_changelog_has_the_last_word() -> None:
    assistant = {
        "soft_launch": {"end_at": END.isoformat(), "filling_goal_percentage": 10},
        "pacing": {"type": "adaptive", "increment_interval": "PT6H"},
        "pricing": {"type": "dynamic", "maximum_cpi": {"value": "3"}},
    }
    details = {"fielding_assistant_assignment": assistant}
    seen = told({"soft_launch_filling_goal_percentage_change": 30}, details)
    assert seen.soft_launch == SoftLaunch(END, 0.3)
    assert seen.pacing == Pacing("adaptive", timedelta(hours=6))
    assert seen.cpi_limit == Decimal(3)


def test_the_last_soft_launch_is_known_once_it_is_off() -> None:
    changes = [(factories.NOW + timedelta(hours=i), *pair) for i, pair in enumerate(SOFT.items())]
    day = factories.NOW + timedelta(days=1)
    off = [(day, kind, False if kind == "soft_launch_assisted_change" else None) for kind in SOFT]
    modules = modules_of([*changes, *off], None)
    assert (modules.soft_launch, modules.past_soft_launch) == (None, SoftLaunch(END, 0.2))
    assert modules_of(changes, None).past_soft_launch is None


def test_a_soft_launch_of_the_draft_is_known_from_the_old_values_of_its_end() -> None:
    details = {"fielding_assistant_assignment": {"soft_launch": None}}
    off = [
        (factories.NOW, kind, old, False if kind == "soft_launch_assisted_change" else None)
        for kind, old in SOFT.items()
    ]
    modules = modules_of(changes_with_old_values(off), details)
    assert (modules.soft_launch, modules.past_soft_launch) == (None, SoftLaunch(END, 0.2))
