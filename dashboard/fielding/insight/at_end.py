"""Where one group ends: completes on its end date, capped at its goal, and what is missing then."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from dashboard.fielding.domain.goals import HasFillingGoal, completes_target
from dashboard.fielding.domain.scope import HasPeriod, is_open
from dashboard.fielding.insight.document import EndPercentiles


class HasGoalAndPeriod(HasFillingGoal, HasPeriod, Protocol):
    """A group, or a row of its columns."""


# The columns that `group_at_end` reads of a group, for `values_list`.
FIELDS = (
    "status",
    "missing_since",
    "starts_at",
    "ends_at",
    "completes",
    "prescreens",
    "filling_strategy",
    "filling_goal",
    "completes_goal",
    "expected_incidence_rate",
)
# What the pull foresaw of a group, as a column: a list of three, or null.
EXPECTED = "insight__forecast__at_end"


class GroupAtEnd(NamedTuple):
    """A group on its end date, in completes.

    goal: None where nobody set one, or a goal of prescreens cannot be converted yet.
    p10, p50, p90: projected completes, not capped at the goal (what the field would give); all
    three are the completes so far where the group is over, or nothing is projected.
    is_projected: whether they are a forecast.
    """

    goal: float | None
    completes: float
    p10: float
    p50: float
    p90: float
    is_projected: bool

    @property
    def limit(self) -> float:
        """The most completes that it can have: the exchange stops a group at its goal."""
        return float("inf") if self.goal is None else max(self.goal, self.completes)

    @property
    def projected(self) -> float:
        """Projected completes on the end date, capped at the goal: the middle of the range."""
        return min(self.p50, self.limit)

    @property
    def shortfall(self) -> float | None:
        """Goal minus projected completes, at least 0; None without a goal."""
        return None if self.goal is None else max(self.goal - self.p50, 0.0)


def read_expected(stored: object) -> EndPercentiles | None:
    """Read the column EXPECTED; None where nothing was foreseen or an older release wrote it."""
    try:
        return msgspec.convert(stored, EndPercentiles)
    except msgspec.ValidationError:
        return None


def group_at_end(
    group: HasGoalAndPeriod, expected: EndPercentiles | None, *, now: datetime
) -> GroupAtEnd:
    """Return where a group ends; expected: its stored forecast (`Insight.completes_at_end`).

    A group that is over ends with what it has. A paused one is projected as if it resumed now.
    """
    goal = completes_target(group)
    done = float(group.completes or 0)
    if expected is None or not is_open(group, now):
        return GroupAtEnd(goal, done, done, done, done, is_projected=False)
    low, middle, high = (max(value, done) for value in (expected.p10, expected.p50, expected.p90))
    return GroupAtEnd(goal, done, low, max(middle, low), max(high, middle, low), is_projected=True)
