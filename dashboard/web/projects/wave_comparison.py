"""A tracker beside an earlier wave of it: the same group, at the same age."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import CompletesDay, TargetGroup
from dashboard.fielding.series import completes
from dashboard.web.formatting import labels, numbers

DAY = timedelta(days=1)
# What tells one wave from the next in a name: "W23", "Wave 4", "KW 12", "2026-03", "Q4 2026".
_WAVE = re.compile(r"\b(?:w|wave|kw|q|m)[ ._-]?\d{1,3}\b|\b20\d\d(?:[-/]\d{1,2})?\b", re.IGNORECASE)
FIELDS = (
    "pk",
    "project_id",
    "name",
    "country_code",
    "starts_at",
    "ends_at",
    "completes",
    "prescreens",
    "expected_incidence_rate",
    "filling_strategy",
    "filling_goal",
    "completes_goal",
    "status",
)

Key = tuple[str, str]
Group = Any  # a row of FIELDS


def wave_key(group: Group) -> Key:
    """What is the same of a group in every wave: its country and its name without the wave."""
    name = _WAVE.sub(" ", group.name)
    return group.country_code, " ".join(re.sub(r"[^\w]+", " ", name).casefold().split())


def count_matches(mine: Iterable[Group], others: Iterable[Group]) -> dict[int, int]:
    """How many of our groups each other project had before us, by project."""
    ours = {wave_key(group): group.starts_at for group in mine}
    found: dict[int, set[Key]] = {}
    for other in others:
        here, start = wave_key(other), other.starts_at
        if here in ours and start and (ours[here] is None or start < ours[here]):
            found.setdefault(other.project_id, set()).add(here)
    return {project: len(keys) for project, keys in found.items()}


@dataclass(frozen=True, slots=True)
class WaveSide:
    """A group at an age: completes, of how many, and completes a day since it began."""

    pk: int
    done: str
    share: str
    pace: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A group and its earlier wave at the same age."""

    name: str
    country: str
    age: str
    now: WaveSide
    then: WaveSide
    ahead: int | None  # completes more (or fewer) than the earlier wave had
    ended: str


def compare_groups(mine: Sequence[Group], earlier: Sequence[Group], *, now: datetime) -> list[Pair]:
    """Our groups that the earlier project had too, those furthest behind it first."""
    before = {wave_key(group): group for group in earlier if group.starts_at}
    both = [
        (group, before[wave_key(group)])
        for group in mine
        if group.starts_at and wave_key(group) in before
    ]
    series = _series([then.pk for _, then in both])
    told = [_pair(group, then, series.get(then.pk, []), now) for group, then in both]
    return sorted(told, key=lambda pair: (pair.ahead is None, pair.ahead or 0, pair.name))


Points = list[tuple[datetime, int]]


def _series(pks: Sequence[int]) -> dict[int, Points]:
    days: dict[int, dict[date, completes.PackedDay]] = {}
    rows = CompletesDay.objects.filter(group_id__in=pks)
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        days.setdefault(pk, {})[day] = completes.as_packed_day(hours, odd)
    return {pk: completes.points_of_days(of) for pk, of in days.items()}


def _pair(group: Group, then: Group, points: Points, now: datetime) -> Pair:
    age = max(min(now, group.ends_at or now) - group.starts_at, timedelta(0))
    at = bisect_right(points, then.starts_at + age, key=lambda point: point[0])
    had = points[at - 1][1] if at else (0 if points else None)
    behind = group.completes is not None and had is not None
    return Pair(
        name=group.name,
        country=labels.country_name(group.country_code) if group.country_code else numbers.DASH,
        age=_days(age),
        now=_side(group, group.completes, age),
        then=_side(then, had, age),
        ahead=group.completes - had if behind else None,
        ended=_ended(then, now),
    )


def _ended(then: Group, now: datetime) -> str:
    """What the earlier wave came to, and in how long; of one still in the field, what it has."""
    came_to = (
        f"{numbers.format_count(then.completes)} / {numbers.format_count(completes_target(then))}"
    )
    if then.status in ("live", "paused") and (then.ends_at is None or then.ends_at > now):
        return f"{came_to} so far"
    return f"{came_to} in {_days(then.ends_at - then.starts_at)}" if then.ends_at else came_to


def _side(group: Group, done: int | None, age: timedelta) -> WaveSide:
    goal = completes_target(group)
    share = done / goal if done is not None and goal else None
    pace = done / (age / DAY) if done is not None and age else None
    return WaveSide(
        pk=group.pk,
        done=f"{numbers.format_count(done)} / {numbers.format_count(goal)}",
        share=numbers.format_percent(share),
        pace=numbers.DASH if pace is None else f"{pace:,.1f} a day",
    )


def _days(span: timedelta) -> str:
    days = span / DAY
    return f"{days:.1f} days" if days < 10 else f"{days:.0f} days"


def groups_of(projects: Iterable[int]) -> dict[int, list[Group]]:
    """The groups of projects, with what a comparison needs, by project."""
    found: dict[int, list[Group]] = {}
    rows = TargetGroup.objects.filter(project__in=projects).exclude(status="draft")
    for row in rows.order_by("name", "pk").values_list(*FIELDS, named=True):
        found.setdefault(row.project_id, []).append(row)
    return found


def best_match(counts: Mapping[int, int]) -> int | None:
    """The project that shares most groups; None if none does."""
    return max(counts, key=lambda pk: (counts[pk], pk), default=None)
