"""The quotas of a group: completes and goal of each quota cell, slowest first."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.quotas import QuotaUnit, StoredQuota, quota_targets, quota_unit
from dashboard.fielding.insight.document import CellAtEnd, Insight, StoredQuotas
from dashboard.fielding.models import GroupPanels, TargetGroup
from dashboard.web.formatting import numbers, times

ENDED = (TargetGroup.Status.COMPLETED, TargetGroup.Status.ARCHIVED)
BEHIND = 0.8  # a cell is slow below this part of the group's own share of goal


@dataclass(frozen=True, slots=True)
class QuotaCell:
    """One quota cell: its audience and its progress, in what the group's goal counts.

    at_end: its count on the end date as a range; chance: that it fills by then; fills: when. All
    three are empty for a cell without a forecast.
    """

    profile: str
    name: str
    done: int
    goal: int
    text: str
    left: str
    word: str
    tone: str
    at_end: str = ""
    chance: str = ""
    fills: str = ""
    is_last: bool = False


def sheet_of(group: TargetGroup) -> GroupPanels | None:
    """Return the panels that were loaded for the group's page; None before the first time."""
    return getattr(group, "panels", None)


def quota_cells(group: TargetGroup) -> list[QuotaCell]:
    """Return the cells that have a goal, smallest share first; among equals, most missing."""
    panels, unit, share = sheet_of(group), unit_of_quotas(group), _share_of_goal(group)
    stored = Insight.of(group).quotas or StoredQuotas()
    cells = [
        _quota_cell(group, target, share, stored)
        for target in quota_targets(panels.profiles if panels else None, unit)
    ]
    return sorted(cells, key=lambda cell: (cell.done / cell.goal, cell.done - cell.goal))


def unit_of_quotas(group: TargetGroup) -> QuotaUnit:
    """Return what the quota goals of a group count."""
    return quota_unit(group.filling_strategy)


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
    group: TargetGroup, target: StoredQuota, share_of_group: float, stored: StoredQuotas
) -> QuotaCell:
    done, goal, ended = target.done, target.goal, group.status in ENDED
    forecast = None if ended or target.is_full else (stored.at_end or {}).get(target.key)
    word, tone = _status_of(target, share_of_group, ended=ended)
    return QuotaCell(
        profile=target.profile,
        name=target.name or numbers.DASH,
        done=min(done, goal),
        goal=goal,
        text=f"{numbers.format_count(done)} / {numbers.format_count(goal)}",
        left=numbers.format_count(max(goal - done, 0)),
        word=word,
        tone=tone,
        at_end=_range_at_end(forecast, target) if forecast else "",
        chance=numbers.format_likelihood(forecast.chance) if forecast else "",
        fills=_fill_date(forecast, group) if forecast else "",
        is_last=forecast is not None and target.key == stored.last,
    )


def _status_of(target: StoredQuota, share_of_group: float, *, ended: bool) -> tuple[str, str]:
    if target.is_full:
        return "Full", "good"
    if ended:
        return "Short", "warn"
    is_slow = target.done / target.goal < BEHIND * min(share_of_group, 1.0)
    return ("Slow", "warn") if is_slow else ("", "")


def _range_at_end(forecast: CellAtEnd, target: StoredQuota) -> str:
    """Return the count at the end, as read since: it only grows, and not beyond the goal."""
    low, high = (
        numbers.format_count(min(max(count, target.done), target.goal))
        for count in (forecast.p10, forecast.p90)
    )
    return low if low == high else f"{low}–{high}"


def _fill_date(forecast: CellAtEnd, group: TargetGroup) -> str:
    if forecast.fills is None:
        return "More than 90 days away"
    return f"{forecast.fills.astimezone(times.zone_of(group)):%a %-d %b}"
