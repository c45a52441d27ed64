"""Quota cells in the insight: what they let through, when they were seen full, what is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.insight import compute
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.group_history import JustRead
from dashboard.fielding.models import GroupPanels, TargetGroup
from tests import factories

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GOAL = 400


def made(completes: int = 200, days: int = 8, **fields: Any) -> TargetGroup:
    """A group that has brought so many completes evenly, with as many days to come."""
    counts = (np.arange(1, days * 24 + 1) * completes / (days * 24)).astype(int).tolist()
    group = factories.group(
        factories.project(factories.account()),
        **(
            {
                "completes": completes,
                "filling_goal": GOAL,
                "completes_goal": GOAL,
                "ends_at": factories.NOW + days * DAY,
            }
            | fields
        ),
    )
    factories.completes(group, counts=counts)
    return group


def ages(group: TargetGroup, *cells: tuple[str, int, int]) -> None:
    """Set the quotas of a group: name, completes, goal."""
    targets = [
        {"id": name, "name": name, "completes": done, "prescreens": 3 * done, "goal": goal}
        for name, done, goal in cells
    ]
    profile = {"id": "age", "name": "Age", "quotas": True, "targets": targets}
    GroupPanels.objects.update_or_create(group=group, defaults={"profiles": [profile]})


def refreshed(group: TargetGroup) -> Insight:
    compute.refresh_insights([group], fresh=JustRead(), now=factories.NOW)
    return Insight.of(group)


def test_a_group_gets_what_its_cells_let_through() -> None:
    free = refreshed(made()).completes_at_end
    group = made()
    ages(group, ("18–34", 180, 190), ("35–54", 20, 210))
    capped = refreshed(group)
    assert free is not None and capped.completes_at_end is not None
    assert free.p50 == pytest.approx(400, rel=0.1)
    assert capped.completes_at_end.p50 == pytest.approx(190 + 20 + 40, abs=50)
    assert capped.forecast is not None and (capped.forecast.chance or 0) < 0.05
    assert group.short_at_end == pytest.approx(GOAL - capped.completes_at_end.p50, abs=0.1)


def test_cells_with_ample_room_leave_the_forecast_as_it_is() -> None:
    without, group = refreshed(made()), made()
    ages(group, ("18–34", 100, 4000), ("35–54", 100, 4000))
    within = refreshed(group)
    assert without.forecast is not None and within.forecast is not None
    assert within.forecast.finish == without.forecast.finish
    assert within.forecast.at_end == without.forecast.at_end


def test_the_quota_that_is_waited_for_is_named_with_its_day_as_a_cause() -> None:
    group = made()
    ages(group, ("18–34", 180, 190), ("35–54", 20, 210))
    insight = refreshed(group)
    assert insight.quotas is not None and insight.quotas.last == "35–54"
    causes = {cause.sentence: cause for cause in insight.causes or []}
    cause = causes["A quota will stay short"]
    assert cause.observed.startswith("35–54: 20 of 210 completes now, ")
    assert insight.forecast is not None
    assert "the last quota to fill is 35–54: " in (insight.forecast.note or "")


def test_what_quotas_will_stop_is_not_called_a_slow_pace() -> None:
    group = made()
    ages(group, ("18–34", 180, 190), ("35–54", 20, 210))
    causes = [cause.sentence for cause in refreshed(group).causes or []]
    assert "Goal out of reach at this pace" not in causes


def test_the_finish_waits_for_the_last_quota() -> None:
    usual, group = made(completes=300), made(completes=300)
    ages(group, ("18–34", 180, 190), ("35–54", 120, 210))
    refreshed(usual)
    refreshed(group)
    assert usual.finish_at is not None and group.finish_at is not None
    assert group.finish_at > usual.finish_at + DAY


def test_the_hour_in_which_a_quota_was_first_seen_full_is_kept() -> None:
    group = made()
    ages(group, ("18–34", 100, 100), ("35–54", 70, 150), ("55–65", 30, 150))
    first = refreshed(group).quotas
    assert first is not None and first.full_since == {"18–34": ""}
    ages(group, ("18–34", 100, 100), ("35–54", 150, 150), ("55–65", 30, 150))
    second = refreshed(group).quotas
    seen = factories.NOW.isoformat(timespec="seconds")
    assert second is not None and second.full_since == {"18–34": "", "35–54": seen}
    compute.refresh_insights([group], fresh=JustRead(), now=factories.NOW + HOUR)
    assert (later := Insight.of(group).quotas) is not None
    assert later.full_since == second.full_since
    assert set(later.at_end or {}) == {"55–65"}


def test_goals_of_prescreens_are_held_against_prescreens() -> None:
    fields: dict[str, Any] = {
        "filling_strategy": "prescreens",
        "filling_goal": 1200,
        "completes_goal": None,
        "prescreens": 600,
        "expected_incidence_rate": 1 / 3,
    }
    group = made(**fields)
    ages(group, ("18–34", 150, 600), ("35–54", 50, 600))
    insight = refreshed(group)
    assert insight.quotas is not None and insight.quotas.at_end is not None
    young = insight.quotas.at_end["18–34"]
    assert 450 <= young.p10 <= young.p90 <= 600  # prescreens: three times its completes
    assert insight.completes_at_end is not None
    assert 200 < insight.completes_at_end.p50 < 400  # completes


def test_a_soft_launch_projects_no_quota() -> None:
    group = made(
        details={
            "fielding_assistant_assignment": {
                "soft_launch": {
                    "end_at": (factories.NOW + DAY).isoformat(),
                    "filling_goal_percentage": 60,
                }
            }
        }
    )
    ages(group, ("18–34", 190, 190), ("35–54", 10, 210))
    quotas = refreshed(group).quotas
    assert quotas is not None and quotas.at_end is None
    assert quotas.full_since == {"18–34": ""}
