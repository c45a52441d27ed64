"""Where one group ends: completes on its end date, capped at its goal, and what is missing then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from dashboard.fielding.domain.goals import HasFillingGoal, completes_target
from dashboard.fielding.domain.scope import HasEnd, HasPeriod, is_in_plan, is_open
from dashboard.fielding.insight.document import EndPercentiles


class HasGoalAndEnd(HasFillingGoal, HasEnd, Protocol):
    """A group, a snapshot of it, or a row of its columns."""

    @property
    def country_code(self) -> str: ...


class HasGoalAndPeriod(HasGoalAndEnd, HasPeriod, Protocol):
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
    "country_code",
)
# What the pull foresaw of a group, as a column: a list of three, or null.
EXPECTED = "insight__forecast__at_end"


class GroupAtEnd(NamedTuple):
    """A group on its end date, in completes.

    goal: None where nobody set one, or a goal of prescreens cannot be converted yet.
    p10, p50, p90: projected completes, not capped at the goal (what the field would give); all
    three are the completes so far where the group is over, or nothing is projected. is_projected:
    whether they are a forecast. is_over: whether no more can come. country: its code, for what
    groups of one country share.
    """

    goal: float | None
    completes: float
    p10: float
    p50: float
    p90: float
    is_projected: bool = False
    is_over: bool = False
    country: str = ""

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
        """Goal minus projected completes, at least 0; None without a goal or a projection.

        Completes are whole: what is projected and what is missing add up to the goal as they read.
        """
        if self.goal is None or not (self.is_projected or self.is_over):
            return None
        return max(self.goal - round(self.p50), 0.0)

    @property
    def is_short(self) -> bool:
        """Whether it is open, and its middle projection misses the goal."""
        return not self.is_over and bool(self.shortfall)


def read_expected(stored: object) -> EndPercentiles | None:
    """Read the column EXPECTED; None where nothing was foreseen or an older release wrote it."""
    try:
        return msgspec.convert(stored, EndPercentiles)
    except msgspec.ValidationError:
        return None


def group_at_end(
    group: HasGoalAndEnd, expected: EndPercentiles | None, *, now: datetime
) -> GroupAtEnd:
    """Return where a group ends; expected: its stored forecast (`Insight.completes_at_end`).

    A group that is over ends with what it has. A paused one is projected as if it resumed now. In
    a soft launch nothing is projected.
    """
    goal, country = completes_target(group), group.country_code
    done = float(group.completes or 0)
    is_over = not is_open(group, now)
    if expected is None or is_over:
        return GroupAtEnd(goal, done, done, done, done, is_over=is_over, country=country)
    low, middle, high = (max(value, done) for value in (expected.p10, expected.p50, expected.p90))
    middle = max(middle, low)
    return GroupAtEnd(
        goal, done, low, middle, max(high, middle), is_projected=True, country=country
    )


class HourlyRates(NamedTuple):
    """Completes an hour until the end date: what the goal needs, and what is projected."""

    needed: float
    projected: float


def rates_to_end(
    at_end: GroupAtEnd, ends_at: datetime | None, *, now: datetime
) -> HourlyRates | None:
    """Return both rates, spread evenly over the time left; None without a goal, a projection or
    time."""
    if ends_at is None or at_end.goal is None or not at_end.is_projected or ends_at <= now:
        return None
    hours = (ends_at - now) / timedelta(hours=1)
    done = at_end.completes
    return HourlyRates((at_end.goal - done) / hours, (at_end.p50 - done) / hours)


def shortfall_in_plan(
    group: HasGoalAndPeriod, expected: EndPercentiles | None, *, now: datetime
) -> float | None:
    """Return the completes missing on the end date, as the column `short_at_end` keeps them.

    None outside the plan, without a goal, and before the full launch of a group that is open.
    """
    return group_at_end(group, expected, now=now).shortfall if is_in_plan(group) else None
