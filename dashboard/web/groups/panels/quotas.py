"""The quotas of a group: completes and goal of each quota cell, slowest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import GroupPanels, TargetGroup
from dashboard.web.formatting import numbers

ENDED = (TargetGroup.Status.COMPLETED, TargetGroup.Status.ARCHIVED)
BEHIND = 0.8  # a cell is slow below this part of the group's own share of goal

Unit = Literal["completes", "prescreens"]
Target = Mapping[str, Any]  # Any: a quota as the exchange sends it, stored as JSON


@dataclass(frozen=True, slots=True)
class QuotaCell:
    """One quota cell: its audience and its progress, in what the group's goal counts."""

    profile: str
    name: str
    done: int
    goal: int
    text: str
    left: str
    word: str
    tone: str


def sheet_of(group: TargetGroup) -> GroupPanels | None:
    """Return the panels that were loaded for the group's page; None before the first time."""
    return getattr(group, "panels", None)


def quota_cells(group: TargetGroup) -> list[QuotaCell]:
    """Return the cells that have a goal, smallest share first; among equals, most missing."""
    panels, ended, unit = sheet_of(group), group.status in ENDED, unit_of_quotas(group)
    share = _share_of_goal(group)
    cells = [
        _quota_cell(str(profile.get("name") or ""), target, unit, share, ended=ended)
        for profile in (panels.profiles if panels else [])
        if isinstance(profile, Mapping) and profile.get("quotas")
        for target in profile.get("targets") or []
        if target.get("goal")
    ]
    return sorted(cells, key=lambda cell: (cell.done / cell.goal, cell.done - cell.goal))


def unit_of_quotas(group: TargetGroup) -> Unit:
    """Return what the quota goals of a group count: what its filling strategy counts."""
    return "prescreens" if group.filling_strategy == "prescreens" else "completes"


def profiles_without_quotas(group: TargetGroup) -> list[str]:
    """Return the names of profiles whose quotas are off."""
    panels = sheet_of(group)
    without = [
        profile for profile in (panels.profiles if panels else []) if not profile.get("quotas")
    ]
    return [str(profile.get("name") or numbers.DASH) for profile in without]


def _share_of_goal(group: TargetGroup) -> float:
    """Return how full the group is, in the unit of its quotas."""
    if unit_of_quotas(group) == "prescreens":
        done, goal = group.prescreens, group.filling_goal
    else:
        done, goal = group.completes, completes_target(group)
    return (done or 0) / goal if goal else 0.0


def _quota_cell(
    profile: str, target: Target, unit: Unit, share_of_group: float, *, ended: bool
) -> QuotaCell:
    done, goal = int(target.get(unit) or 0), int(target["goal"])
    word, tone = "", ""
    if done >= goal:
        word, tone = "Full", "good"
    elif ended:
        word, tone = "Short", "warn"
    elif done / goal < BEHIND * min(share_of_group, 1.0):
        word, tone = "Slow", "warn"
    return QuotaCell(
        profile=profile,
        name=str(target.get("name") or numbers.DASH),
        done=min(done, goal),
        goal=goal,
        text=f"{numbers.format_count(done)} / {numbers.format_count(goal)}",
        left=numbers.format_count(max(goal - done, 0)),
        word=word,
        tone=tone,
    )
