"""The quotas of a group: completes and goal of each cell, the slowest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import GroupPanels, TargetGroup
from dashboard.web.formatting import numbers

ENDED = (TargetGroup.Status.COMPLETED, TargetGroup.Status.ARCHIVED)
BEHIND = 0.8  # of the group's own share of its goal: a cell below this holds it up


@dataclass(frozen=True, slots=True)
class QuotaCell:
    """One quota: whom it asks for, and how far it is."""

    profile: str
    name: str
    completes: int
    goal: int
    text: str
    left: str
    word: str
    tone: str


def sheet_of(group: TargetGroup) -> GroupPanels | None:
    """What was read of the group for its page alone; None before the first time."""
    return getattr(group, "panels", None)


def quota_cells(group: TargetGroup) -> list[QuotaCell]:
    """Every cell that has a goal, the smallest share first; among equals, the most missing."""
    stored, ended = sheet_of(group), group.status in ENDED
    found = [
        _cell(str(profile.get("name") or ""), target, _share(group), ended=ended)
        for profile in (stored.profiles if stored else [])
        if isinstance(profile, Mapping) and profile.get("quotas")
        for target in profile.get("targets") or []
        if target.get("goal")
    ]
    return sorted(found, key=lambda cell: (cell.completes / cell.goal, cell.completes - cell.goal))


def profiles_without_quotas(group: TargetGroup) -> list[str]:
    """Profiles whose quotas are off, by name."""
    stored = sheet_of(group)
    named = [one for one in (stored.profiles if stored else []) if not one.get("quotas")]
    return [str(one.get("name") or numbers.DASH) for one in named]


def _share(group: TargetGroup) -> float:
    goal = completes_target(group)
    return (group.completes or 0) / goal if goal else 0.0


def _cell(profile: str, target: Mapping[str, Any], usual: float, *, ended: bool) -> QuotaCell:
    done, goal = int(target.get("completes") or 0), int(target["goal"])
    word, tone = "", ""
    if done >= goal:
        word, tone = "Full", "good"
    elif ended:
        word, tone = "Short", "warn"
    elif done / goal < BEHIND * min(usual, 1.0):
        word, tone = "Slow", "warn"
    return QuotaCell(
        profile=profile,
        name=str(target.get("name") or numbers.DASH),
        completes=min(done, goal),
        goal=goal,
        text=f"{numbers.format_count(done)} / {numbers.format_count(goal)}",
        left=numbers.format_count(max(goal - done, 0)),
        word=word,
        tone=tone,
    )
