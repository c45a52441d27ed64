"""When one cause is told of a project as a whole, not of each of its groups."""

from __future__ import annotations

WIDESPREAD_GROUPS = 3
WIDESPREAD_SHARE = 0.30


def is_widespread(groups: int, in_field: int) -> bool:
    """Whether a rule that fires on so many groups of a project is told once for all of them.

    in_field: the project's groups that are live or paused, firing or not. Paused ones count:
    a rule may be about pauses, and what still stands still was not taken out of the field.
    """
    return groups >= WIDESPREAD_GROUPS and groups >= WIDESPREAD_SHARE * in_field
