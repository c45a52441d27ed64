"""Compare a tracker with a previous wave: the share of the goal on the same day in field."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

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
Points = list[tuple[datetime, int]]
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
class WaveProgress:
    """Completes and goal of both waves at the same age: of a group, a country or all groups."""

    done_now: float
    goal_now: float
    done_then: float
    goal_then: float

    @property
    def share_now(self) -> float:
        """Return the share of the goal that this wave has."""
        return self.done_now / self.goal_now

    @property
    def share_then(self) -> float:
        """Return the share of the goal that the previous wave had at the same age."""
        return self.done_then / self.goal_then

    @property
    def points(self) -> int:
        """Return the percentage points of the goal ahead of the previous wave.

        Of the shares as they are shown, so that the difference is the one between them.
        """
        return round(self.share_now * 100) - round(self.share_then * 100)

    @property
    def points_text(self) -> str:
        """Return the difference in words: "+4 points", "level"."""
        return format_points(self.points)


@dataclass(frozen=True, slots=True)
class WaveSeries:
    """The completes of a matched group over its age in both waves.

    points_now and points_then: (time, completes), oldest first, of groups that started at
    start_now and start_then. age: how long the group was in field by now.
    """

    age: timedelta
    start_now: datetime
    start_then: datetime
    points_now: Points
    points_then: Points
    progress: WaveProgress


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
    series: WaveSeries | None  # None without a goal or a count in either wave

    @property
    def ahead_text(self) -> str:
        """Return the completes ahead with their sign; a dash without a comparison."""
        return numbers.DASH if self.ahead is None else numbers.format_signed(self.ahead)

    @property
    def lead_text(self) -> str:
        """Return the lead in percentage points of the goal: "+4 points"; a dash without one."""
        return numbers.DASH if self.series is None else self.series.progress.points_text


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
    series = _load_points([row.pk for pair in matched for row in pair])
    pairs = [_compare_pair(group, then, series, now) for group, then in matched]
    return sorted(pairs, key=lambda pair: (pair.lead is None, pair.lead or 0, pair.name))


def _load_points(pks: Sequence[int]) -> dict[int, Points]:
    days: dict[int, dict[date, completes.PackedDay]] = {}
    rows = CompletesDay.objects.filter(group_id__in=pks)
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        days.setdefault(pk, {})[day] = completes.as_packed_day(hours, odd)
    return {pk: completes.points_of_days(packed_days) for pk, packed_days in days.items()}


def _compare_pair(
    group: GroupRow, then: GroupRow, series: Mapping[int, Points], now: datetime
) -> Pair:
    points = series.get(then.pk, [])
    age = max(min(now, group.ends_at or now) - group.starts_at, timedelta(0))
    previous_completes = count_at(points, then.starts_at + age) if points else None
    comparable = group.completes is not None and previous_completes is not None
    shares = _share_of_goal(group, group.completes), _share_of_goal(then, previous_completes)
    goals = completes_target(group), completes_target(then)
    wave_series = None
    if comparable and goals[0] and goals[1]:
        wave_series = WaveSeries(
            age=age,
            start_now=group.starts_at,
            start_then=then.starts_at,
            points_now=series.get(group.pk, []),
            points_then=points,
            progress=WaveProgress(group.completes, goals[0], previous_completes or 0, goals[1]),
        )
    return Pair(
        name=group.name,
        country=labels.country_name(group.country_code) if group.country_code else numbers.DASH,
        age=_format_days(age),
        now=_wave_side(group, group.completes, age),
        then=_wave_side(then, previous_completes, age),
        ahead=group.completes - previous_completes if comparable else None,
        lead=None if None in shares else (shares[0] or 0.0) - (shares[1] or 0.0),
        ended=_final_result(then, now),
        series=wave_series,
    )


def count_at(points: Points, moment: datetime) -> int:
    """Return the completes by a time: 0 before the first point."""
    at = bisect_right(points, moment, key=lambda point: point[0])
    return points[at - 1][1] if at else 0


def sum_progress(pairs: Iterable[Pair]) -> WaveProgress | None:
    """Return the progress of groups together, each at its own age; None without a comparison."""
    parts = [pair.series.progress for pair in pairs if pair.series]
    if not parts:
        return None
    return WaveProgress(
        done_now=sum(part.done_now for part in parts),
        goal_now=sum(part.goal_now for part in parts),
        done_then=sum(part.done_then for part in parts),
        goal_then=sum(part.goal_then for part in parts),
    )


class WaveCountry(NamedTuple):
    """A country in both waves at the same age."""

    country: str
    groups: int
    progress: WaveProgress

    @property
    def now(self) -> str:
        """Return the share of the goal that this wave has."""
        return numbers.format_percent(self.progress.share_now)

    @property
    def then(self) -> str:
        """Return the share of the goal that the previous wave had."""
        return numbers.format_percent(self.progress.share_then)

    @property
    def completes_now(self) -> str:
        """Return "1,204 of 2,900 completes" of this wave."""
        return _completes_of_goal(self.progress.done_now, self.progress.goal_now)

    @property
    def completes_then(self) -> str:
        """Return the same of the previous wave."""
        return _completes_of_goal(self.progress.done_then, self.progress.goal_then)


def _completes_of_goal(done: float, goal: float) -> str:
    return f"{numbers.format_count(done)} of {numbers.format_count(goal)} completes"


def country_rows(pairs: Iterable[Pair]) -> list[WaveCountry]:
    """Return a row a country, those furthest behind the previous wave first."""
    by_country: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.series:
            by_country[pair.country].append(pair)
    rows = [
        WaveCountry(country, len(parts), progress)
        for country, parts in by_country.items()
        if (progress := sum_progress(parts))
    ]
    return sorted(rows, key=lambda row: (row.progress.points, row.country))


class WaveVerdict(NamedTuple):
    """How a wave does against the previous one, in a sentence, and the tone of it."""

    sentence: str
    tone: str
    note: str


def wave_verdict(pairs: Sequence[Pair]) -> WaveVerdict | None:
    """Return the verdict on all matched groups; None without a comparison."""
    progress = sum_progress(pairs)
    compared = [pair.series for pair in pairs if pair.series]
    if progress is None:
        return None
    ages = sorted(series.age / DAY for series in compared)
    day = numbers.format_count(round(median(ages)))
    shares = (numbers.format_percent(share) for share in (progress.share_now, progress.share_then))
    now, then = shares
    points = progress.points
    words = f"{_count_points(abs(points))} {'behind' if points < 0 else 'ahead'}"
    sentence = (
        f"At day {day}, {now} of the goal, previous wave {then}: {words if points else 'level'}."
    )
    notes = []
    if round(ages[0]) != round(ages[-1]):
        notes.append(
            f"Groups are {ages[0]:.0f} to {ages[-1]:.0f} days in field, each at its own age."
        )
    if left_out := len(pairs) - len(compared):
        plural = "s have" if left_out > 1 else " has"
        notes.append(
            f"{numbers.format_count(left_out)} matched group{plural} no goal or no counts, "
            "and no part in this."
        )
    return WaveVerdict(sentence, "warn" if points < 0 else "good", " ".join(notes))


def format_points(points: int) -> str:
    """Format a difference in percentage points: "+4 points", "−1 point", "level"."""
    if not points:
        return "level"
    return f"{numbers.format_signed(points)} point{'' if abs(points) == 1 else 's'}"


def _count_points(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


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
