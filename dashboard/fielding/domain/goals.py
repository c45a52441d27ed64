"""What fills a group, in completes: the exchange's limit counts completes or prescreens."""

from __future__ import annotations

from typing import Protocol

# The expected incidence rate weighs as much as so many prescreens of the group's own.
PRESCREENS_OF_PRIOR = 50


class HasFillingGoal(Protocol):
    """What a group's limit and progress are read from."""

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
    """Whether the exchange fills the group by prescreens, and no number of completes is agreed.

    A `completes_goal` that merely repeats the limit agrees on nothing of its own.
    """
    agreed = group.completes_goal not in (None, group.filling_goal)
    return group.filling_strategy == "prescreens" and not agreed


def is_full(group: HasFillingGoal) -> bool:
    """Whether the exchange's limit is reached, by what its strategy counts."""
    if group.filling_strategy == "prescreens":
        done, goal = group.prescreens, group.filling_goal
    else:
        done, goal = group.completes, group.filling_goal or group.completes_goal
    return done is not None and bool(goal) and done >= (goal or 0)


def completes_target(group: HasFillingGoal) -> int | None:
    """The completes at which a group is full; None where nobody said, or can tell yet.

    For a limit of prescreens it is an estimate: what came so far, and of the prescreens to come
    as many as complete so far, drawn towards the expected incidence rate while they are few.
    """
    if group.filling_strategy != "prescreens":
        return group.filling_goal or group.completes_goal
    if not counts_prescreens(group):
        return group.completes_goal
    if not group.filling_goal or group.prescreens is None:
        return None
    done, expected = group.completes or 0, group.expected_incidence_rate
    weight = 0 if expected is None else PRESCREENS_OF_PRIOR
    if group.prescreens + weight < PRESCREENS_OF_PRIOR:
        return None
    share = (done + weight * (expected or 0.0)) / (group.prescreens + weight)
    to_come = max(group.filling_goal - group.prescreens, 0)
    return max(done + round(to_come * share), 1)
