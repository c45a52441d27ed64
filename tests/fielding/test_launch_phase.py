"""The phase of a launch: a soft launch, the wait for the full launch, the full launch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.insight import compute
from dashboard.fielding.insight.document import Insight, StoredSoftLaunch
from dashboard.fielding.insight.group_history import JustRead
from dashboard.fielding.insight.launch_phase import Phase, launch_phase
from dashboard.fielding.models import Change, TargetGroup
from tests import factories

NOW, HOUR, DAY = factories.NOW, timedelta(hours=1), timedelta(days=1)
SOFT_LAUNCH, WAITING, FULL_LAUNCH = Phase.SOFT_LAUNCH, Phase.WAITING, Phase.FULL_LAUNCH


def soft(*, ends_in: timedelta = DAY, is_on: bool = True, share: float = 0.1) -> StoredSoftLaunch:
    """A soft launch of a tenth of the goal."""
    return StoredSoftLaunch(share=share, ends_at=(NOW + ends_in).isoformat(), is_on=is_on)


def group(**fields: Any) -> TargetGroup:
    """A live group with a goal of 500."""
    values = {
        "status": "live",
        "completes": 32,
        "filling_goal": 500,
        "filling_strategy": "completes",
    }
    return TargetGroup(**(values | fields))


PAUSED: dict[str, Any] = {"status": "paused", "status_changed_at": NOW - HOUR}


@pytest.mark.parametrize(
    ("fields", "module", "phase", "text"),
    [
        ({}, None, FULL_LAUNCH, ""),
        ({}, soft(), SOFT_LAUNCH, "Soft launch: 32 of 50 completes"),
        (
            {"completes": 50},
            soft(),
            WAITING,
            "Soft launch: 50 of 50 completes, waiting for the full launch",
        ),
        (
            {"filling_strategy": "prescreens", "prescreens": 20, "completes": 60},
            soft(),
            SOFT_LAUNCH,
            "Soft launch: 20 of 50 prescreens",
        ),
        # The end of the soft launch has passed.
        ({}, soft(ends_in=-HOUR), FULL_LAUNCH, ""),
        (
            PAUSED,
            soft(ends_in=-HOUR),
            WAITING,
            "Soft launch: 32 of 50 completes, waiting for the full launch",
        ),
        (PAUSED | {"status_reason": "high_median_loi"}, soft(ends_in=-DAY), FULL_LAUNCH, ""),
        # The exchange switched the module off as it paused the group.
        (
            PAUSED | {"status_reason": "past_soft_launch_end_date"},
            soft(is_on=False),
            WAITING,
            "Soft launch: 32 of 50 completes, waiting for the full launch",
        ),
        (
            PAUSED | {"status_reason": "past_soft_launch_end_date"},
            None,
            WAITING,
            "Soft launch: 32 completes, waiting for the full launch",
        ),
        (
            PAUSED | {"completes": 51, "status_reason": "total_completes_reached"},
            soft(is_on=False),
            WAITING,
            "Soft launch: 51 of 50 completes, waiting for the full launch",
        ),
        # The goal was raised after the whole of it was reached.
        (
            PAUSED | {"completes": 400, "status_reason": "total_completes_reached"},
            soft(is_on=False),
            FULL_LAUNCH,
            "",
        ),
        ({}, soft(is_on=False), FULL_LAUNCH, ""),
        ({"completes": 500}, soft(), FULL_LAUNCH, ""),
        ({"status": "completed"}, soft(), FULL_LAUNCH, ""),
        ({"filling_goal": None}, soft(), FULL_LAUNCH, ""),
    ],
)
def test_a_group_is_in_the_phase_that_its_module_and_status_say(
    fields: dict[str, Any], module: StoredSoftLaunch | None, phase: Phase, text: str
) -> None:
    current = launch_phase(group(**fields), module, now=NOW)
    assert (current.phase, current.text) == (phase, text)


@pytest.mark.parametrize(("goal", "share", "limit"), [(500, 0.29, 145), (7, 0.1, 1), (3, 0.01, 1)])
def test_the_limit_is_rounded_down_and_at_least_one(goal: int, share: float, limit: int) -> None:
    current = launch_phase(group(completes=0, filling_goal=goal), soft(share=share), now=NOW)
    assert current.limit == limit


def soft_launched(*, completes: int, ends_in: timedelta = 5 * DAY, **fields: Any) -> TargetGroup:
    """A stored group with a goal of 500 in a soft launch of a tenth."""
    counts = np.linspace(0, completes, 48).astype(int).tolist()
    stored = factories.group(
        factories.project(factories.account()),
        **(
            {
                "completes": completes,
                "filling_goal": 500,
                "completes_goal": 500,
                "starts_at": NOW - 2 * DAY,
            }
            | fields
        ),
    )
    factories.completes(stored, until=NOW, counts=counts)
    changes = {
        "soft_launch_assisted_change": True,
        "soft_launch_end_date_change": (NOW + ends_in).isoformat(),
        "soft_launch_filling_goal_percentage_change": 10,
    }
    for position, (kind, new) in enumerate(changes.items()):
        Change.objects.create(
            account=stored.account,
            group=stored,
            batch_id="soft",
            position=position,
            kind=kind,
            new=new,
            occurred_at=NOW - 2 * DAY,
            seen_at=NOW,
        )
    return stored


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("completes", "text"),
    [
        (32, "Soft launch: 32 of 50 completes"),
        (50, "Soft launch: 50 of 50 completes, waiting for the full launch"),
    ],
)
def test_the_insight_of_a_soft_launch_judges_no_pace_and_promises_no_date(
    completes: int, text: str
) -> None:
    stored = soft_launched(completes=completes)
    compute.refresh_insights([stored], fresh=JustRead(), now=NOW)
    insight = Insight.of(stored)
    assert insight.pace is not None
    assert (insight.pace.band, insight.pace.reason) == ("soft launch", text)
    assert (stored.short_at_end, stored.finish_at, insight.cost) == (None, None, None)
    assert insight.forecast is not None
    assert (insight.forecast.chance, insight.finish_dates) == (None, (None, None, None))
    assert insight.forecast.note == f"{text}: there is no forecast before the full launch"
    sentences = {cause.sentence for cause in insight.causes or []}
    assert not sentences & {"Goal out of reach at this pace", "No completes", "Very few entrants"}
    assert ("Waiting for the full launch" in sentences) is (completes == 50)


@pytest.mark.django_db
def test_a_soft_launch_that_the_exchange_switched_off_is_still_waited_for() -> None:
    stored = soft_launched(
        completes=50,
        status="paused",
        status_reason="total_completes_reached",
        status_changed_at=NOW,
    )
    for position, kind in enumerate(
        (
            "soft_launch_assisted_change",
            "soft_launch_end_date_change",
            "soft_launch_filling_goal_percentage_change",
        )
    ):
        Change.objects.create(
            account=stored.account,
            group=stored,
            batch_id="off",
            position=position,
            kind=kind,
            new=None if position else False,
            occurred_at=NOW - HOUR,
            seen_at=NOW,
        )
    compute.refresh_insights([stored], fresh=JustRead(), now=NOW)
    current = launch_phase(stored, Insight.of(stored).soft_launch, now=NOW)
    assert (current.phase, current.limit) == (Phase.WAITING, 50)
    stored.status, stored.status_reason = "live", ""
    assert launch_phase(stored, Insight.of(stored).soft_launch, now=NOW).is_full_launch
