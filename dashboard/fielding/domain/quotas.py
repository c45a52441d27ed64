"""The quotas of a group as the tables store them: one reader for pages, forecast and effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

QuotaUnit = Literal["completes", "prescreens"]


@dataclass(frozen=True, slots=True)
class StoredQuota:
    """A target with a quota: its key in the group, its question (the profile) with that name, its
    own name, its goal and its count, both in the unit that the group's goal counts."""

    key: str
    question: str
    profile: str
    name: str
    goal: int
    done: int

    @property
    def is_full(self) -> bool:
        """Return whether it takes nobody any more."""
        return self.done >= self.goal


def quota_unit(filling_strategy: str) -> QuotaUnit:
    """Return what quota goals count: what the filling strategy of their group counts."""
    return "prescreens" if filling_strategy == "prescreens" else "completes"


def quota_targets(profiles: object, unit: QuotaUnit) -> Iterator[StoredQuota]:
    """Yield each target with a goal, of profiles whose quotas are on."""
    for number, profile in enumerate(profiles if isinstance(profiles, list) else ()):
        if not isinstance(profile, Mapping) or not profile.get("quotas"):
            continue
        question, targets = str(profile.get("id") or number), profile.get("targets")
        for place, target in enumerate(targets if isinstance(targets, list) else ()):
            goal = _count(target, "goal")
            if goal:
                yield StoredQuota(
                    key=str(target.get("id") or f"{question}.{place}"),
                    question=question,
                    profile=str(profile.get("name") or ""),
                    name=str(target.get("name") or ""),
                    goal=goal,
                    done=_count(target, unit) or 0,
                )


def _count(target: object, name: str) -> int | None:
    value = target.get(name) if isinstance(target, Mapping) else None
    return int(value) if isinstance(value, int | float) else None
