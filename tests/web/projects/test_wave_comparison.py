"""A tracker beside its previous wave: the same groups at the same age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.fielding.models import Project
from dashboard.web.projects.wave_comparison import Pair, compare_groups, groups_of
from tests import factories

pytestmark = pytest.mark.django_db

NOW, DAY = factories.NOW, timedelta(days=1)


def wave(
    project: Project, name: str, *, day: int, completes: int, goal: int | None, **fields: Any
) -> None:
    """A group that started so many days ago, with hourly completes since then."""
    start = NOW - day * DAY
    stored = factories.group(
        project,
        name=name,
        starts_at=start,
        ends_at=start + 14 * DAY,
        completes=completes,
        filling_goal=goal,
        completes_goal=goal,
        **fields,
    )
    factories.completes(stored, until=start + 4 * DAY, counts=[completes] * 90)


def compared(*groups: tuple[str, tuple[int, int | None], tuple[int, int | None]]) -> list[Pair]:
    """Pairs of groups of four days: name, (completes, goal) now, and the same then."""
    account = factories.account()
    own, earlier = factories.project(account), factories.project(account)
    for name, (completes, goal), (before, goal_before) in groups:
        wave(own, f"{name} W2", day=4, completes=completes, goal=goal)
        wave(earlier, f"{name} W1", day=40, completes=before, goal=goal_before)
    rows = groups_of([own.pk, earlier.pk])
    return compare_groups(rows[own.pk], rows[earlier.pk], now=NOW)


def test_groups_are_ranked_by_the_share_of_their_own_goals() -> None:
    pairs = compared(
        ("Large", (4900, 10_000), (5000, 10_000)),  # 100 fewer, 1 % of the goal
        ("Small", (20, 100), (60, 100)),  # 40 fewer, 40 % of the goal
        ("Other goal", (100, 100), (110, 1000)),  # 10 fewer, yet far ahead
        ("No goal", (5, None), (900, None)),
    )
    assert [(pair.name, pair.lead_text) for pair in pairs] == [
        ("Small W2", "−40 % of goal"),
        ("Large W2", "−1 % of goal"),
        ("Other goal W2", "+89 % of goal"),
        ("No goal W2", "—"),
    ]
    assert [pair.ahead_text for pair in pairs] == ["−40", "−100", "−10", "−895"]


def test_equal_shares_are_level() -> None:
    (pair,) = compared(("Same", (50, 100), (500, 1000)))
    assert (pair.lead_text, pair.ahead_text) == ("level", "−450")
