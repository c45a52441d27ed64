"""Compare a tracker with a previous wave: the same groups on the same day in field."""

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
# Wave labels in names: "W23", "Wave 4", "KW 12", "2026-03", "Q4 2026".
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

WaveKey = tuple[str, str]
GroupRow = Any  # Any: a named row of FIELDS, which Django does not type


def wave_key(group: GroupRow) -> WaveKey:
    """Return what a group keeps in every wave: its country and its name without wave labels."""
    name = _WAVE.sub(" ", group.name)
    return group.country_code, " ".join(re.sub(r"[^\w]+", " ", name).casefold().split())


def count_matches(own: Iterable[GroupRow], others: Iterable[GroupRow]) -> dict[int, int]:
    """Count the groups that each other project fielded earlier, by project."""
    own_starts = {wave_key(group): group.starts_at for group in own}
    matches: dict[int, set[WaveKey]] = {}
    for other in others:
        key, start = wave_key(other), other.starts_at
        if key in own_starts and start and (own_starts[key] is None or start < own_starts[key]):
            matches.setdefault(other.project_id, set()).add(key)
    return {project: len(keys) for project, keys in matches.items()}


@dataclass(frozen=True, slots=True)
class WaveSide:
    """A group on a day in field: completes of goal, share, and completes per day."""

    pk: int
    done: str
    share: str
    pace: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A group and its previous wave on the same day in field."""

    name: str
    country: str
    age: str
    now: WaveSide
    then: WaveSide
    ahead: int | None  # completes more (negative: fewer) than the previous wave
    lead: float | None  # share of the own goal minus that of the previous wave
    ended: str

    @property
    def ahead_text(self) -> str:
        """Return the completes ahead with their sign; a dash without a comparison."""
        return numbers.DASH if self.ahead is None else numbers.format_signed(self.ahead)

    @property
    def lead_text(self) -> str:
        """Return the lead in percentage points of the goal: "+4 % of goal"; a dash without one."""
        if self.lead is None:
            return numbers.DASH
        points = round(self.lead * 100)
        return f"{numbers.format_signed(points)} % of goal" if points else "level"


def compare_groups(
    own: Sequence[GroupRow], earlier: Sequence[GroupRow], *, now: datetime
) -> list[Pair]:
    """Return the matched groups, those furthest behind the previous wave first.

    They are ranked by the share of the goal at the same age, since goals differ between groups
    and waves; groups without a goal come last.
    """
    previous_waves = {wave_key(group): group for group in earlier if group.starts_at}
    matched = [
        (group, previous_waves[wave_key(group)])
        for group in own
        if group.starts_at and wave_key(group) in previous_waves
    ]
    series = _load_points([then.pk for _, then in matched])
    pairs = [_compare_pair(group, then, series.get(then.pk, []), now) for group, then in matched]
    return sorted(pairs, key=lambda pair: (pair.lead is None, pair.lead or 0, pair.name))


Points = list[tuple[datetime, int]]


def _load_points(pks: Sequence[int]) -> dict[int, Points]:
    days: dict[int, dict[date, completes.PackedDay]] = {}
    rows = CompletesDay.objects.filter(group_id__in=pks)
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        days.setdefault(pk, {})[day] = completes.as_packed_day(hours, odd)
    return {pk: completes.points_of_days(packed_days) for pk, packed_days in days.items()}


def _compare_pair(group: GroupRow, then: GroupRow, points: Points, now: datetime) -> Pair:
    age = max(min(now, group.ends_at or now) - group.starts_at, timedelta(0))
    at = bisect_right(points, then.starts_at + age, key=lambda point: point[0])
    previous_completes = points[at - 1][1] if at else (0 if points else None)
    comparable = group.completes is not None and previous_completes is not None
    shares = _share_of_goal(group, group.completes), _share_of_goal(then, previous_completes)
    return Pair(
        name=group.name,
        country=labels.country_name(group.country_code) if group.country_code else numbers.DASH,
        age=_format_days(age),
        now=_wave_side(group, group.completes, age),
        then=_wave_side(then, previous_completes, age),
        ahead=group.completes - previous_completes if comparable else None,
        lead=None if None in shares else (shares[0] or 0.0) - (shares[1] or 0.0),
        ended=_final_result(then, now),
    )


def _final_result(then: GroupRow, now: datetime) -> str:
    """Return the previous wave's final completes and duration, or its count so far."""
    result = (
        f"{numbers.format_count(then.completes)} / {numbers.format_count(completes_target(then))}"
    )
    if then.status in ("live", "paused") and (then.ends_at is None or then.ends_at > now):
        return f"{result} so far"
    return f"{result} in {_format_days(then.ends_at - then.starts_at)}" if then.ends_at else result


def _share_of_goal(group: GroupRow, done: int | None) -> float | None:
    goal = completes_target(group)
    return done / goal if done is not None and goal else None


def _wave_side(group: GroupRow, done: int | None, age: timedelta) -> WaveSide:
    goal = completes_target(group)
    share = _share_of_goal(group, done)
    pace = done / (age / DAY) if done is not None and age else None
    return WaveSide(
        pk=group.pk,
        done=f"{numbers.format_count(done)} / {numbers.format_count(goal)}",
        share=numbers.format_percent(share),
        pace=numbers.DASH if pace is None else f"{pace:,.1f}/day",
    )


def _format_days(span: timedelta) -> str:
    days = span / DAY
    return f"{days:.1f} days" if days < 10 else f"{days:.0f} days"


def groups_of(projects: Iterable[int]) -> dict[int, list[GroupRow]]:
    """Return the groups of projects as rows of FIELDS, by project."""
    groups: dict[int, list[GroupRow]] = {}
    rows = TargetGroup.objects.filter(project__in=projects).exclude(status="draft")
    for row in rows.order_by("name", "pk").values_list(*FIELDS, named=True):
        groups.setdefault(row.project_id, []).append(row)
    return groups


def best_match(counts: Mapping[int, int]) -> int | None:
    """Return the project with most matches; None without any."""
    return max(counts, key=lambda pk: (counts[pk], pk), default=None)
