"""When an alert is shown once for a project instead of once for each of its groups."""

from __future__ import annotations

WIDESPREAD_GROUPS = 3
WIDESPREAD_SHARE = 0.30


def is_widespread(groups: int, in_field: int) -> bool:
    """Return whether a rule that alerts on so many groups of a project is shown once for all.

    in_field: the number of the project's groups that are live or paused, alerting or not. Paused
    groups count: a rule can be about pauses, and a paused group is still in field.
    """
    return groups >= WIDESPREAD_GROUPS and groups >= WIDESPREAD_SHARE * in_field
