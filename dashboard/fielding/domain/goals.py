"""The goal of a group in completes: the exchange's limit counts completes or prescreens."""

from __future__ import annotations

from typing import Protocol

# The weight of the bid IR in prescreens of the group's own.
PRESCREENS_OF_PRIOR = 50


class HasFillingGoal(Protocol):
    """A group's limit and progress."""

    @property
    def filling_strategy(self) -> str: ...
    @property
    def completes(self) -> int | None: ...
    @property
    def prescreens(self) -> int | None: ...
    @property
    def filling_goal(self) -> int | None: ...
    @property
    def completes_goal(self) -> int | None: ...
    @property
    def expected_incidence_rate(self) -> float | None: ...


def counts_prescreens(group: HasFillingGoal) -> bool:
    """Return whether the exchange fills the group by prescreens, without a goal in completes.

    A `completes_goal` equal to the limit is no goal of its own; 0 is none either.
    """
    has_own_goal = bool(group.completes_goal) and group.completes_goal != group.filling_goal
    return group.filling_strategy == "prescreens" and not has_own_goal


def is_full(group: HasFillingGoal) -> bool:
    """Return whether the exchange's limit is reached, by the count of its strategy."""
    if group.filling_strategy == "prescreens":
        done, goal = group.prescreens, group.filling_goal
    else:
        done, goal = group.completes, group.filling_goal or group.completes_goal
    return done is not None and bool(goal) and done >= (goal or 0)


def completes_target(group: HasFillingGoal) -> int | None:
    """Return the completes at which a group is full; None if not set, or too early to estimate.

    For a limit of prescreens it is an estimate: the completes so far, plus the remaining prescreens
    at the observed IR, which is weighted towards the bid IR while prescreens are few.
    """
    if group.filling_strategy != "prescreens":
        return group.filling_goal or group.completes_goal
    if not counts_prescreens(group):
        return group.completes_goal
    if not group.filling_goal or group.prescreens is None:
        return None
    share = completes_per_prescreen(group)
    if share is None:
        return None
    to_come = max(group.filling_goal - group.prescreens, 0)
    return max((group.completes or 0) + round(to_come * share), 1)


def completes_per_prescreen(group: HasFillingGoal) -> float | None:
    """Return the completes to expect of a prescreen; None while too early to estimate."""
    prescreens, expected = group.prescreens or 0, group.expected_incidence_rate
    weight = 0 if expected is None else PRESCREENS_OF_PRIOR
    if prescreens + weight < PRESCREENS_OF_PRIOR:
        return None
    return ((group.completes or 0) + weight * (expected or 0.0)) / (prescreens + weight)
