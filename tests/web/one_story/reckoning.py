"""An independent reckoning of every figure: nothing of the product's code.

It takes what the exchange said of a group and, of the forecasts, the stored range of each group.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from operator import itemgetter
from zoneinfo import ZoneInfo

from dashboard.fielding.models import TargetGroup
from tests.web.one_story.world import COUNTRIES, GroupPlan, Point

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPEN = ("scheduled", "live", "paused")


# One group


def in_plan(group: TargetGroup) -> bool:
    return group.missing_since is None and group.status not in ("draft", "archived")


def is_open(group: TargetGroup, now: datetime) -> bool:
    return group.status in OPEN and (group.ends_at is None or group.ends_at > now)


def goal_of(group: TargetGroup) -> int | None:
    """Completes at which it is full."""
    if group.filling_strategy != "prescreens":
        return group.filling_goal or group.completes_goal
    if group.completes_goal and group.completes_goal != group.filling_goal:
        return group.completes_goal
    done, seen = group.completes or 0, group.prescreens or 0
    if group.expected_incidence_rate is None and seen < 50:
        return None
    weight = 0 if group.expected_incidence_rate is None else 50
    share = (done + weight * (group.expected_incidence_rate or 0)) / (seen + weight)
    return max(done + round(max((group.filling_goal or 0) - seen, 0) * share), 1)


def forecast_of(group: TargetGroup) -> tuple[float, float, float] | None:
    """The stored range of its completes on the end date."""
    stored = (group.insight.get("forecast") or {}).get("at_end")
    return tuple(stored) if stored else None


def ends_of(group: TargetGroup, now: datetime) -> tuple[float, float, float]:
    """Completes on the end date (p10, p50, p90), not capped."""
    done, stored = float(group.completes or 0), forecast_of(group)
    if not is_open(group, now):
        return done, done, done
    if stored is None:
        reached = max(goal_of(group) or done, done)
        return reached, reached, reached
    low, middle, high = (max(end, done) for end in stored)
    return low, middle, high


def short_of(group: TargetGroup, now: datetime) -> int | None:
    """Completes that are missing on the end date; None where nothing says so."""
    goal = goal_of(group)
    if goal is None or not in_plan(group):
        return None
    if is_open(group, now) and forecast_of(group) is None:
        return None
    return max(goal - round(ends_of(group, now)[1]), 0)


def cost_at_goal(group: TargetGroup) -> Decimal | None:
    """Cost to date and what is missing to the goal at today's CPI."""
    goal = goal_of(group)
    if goal is None or group.cpi is None or group.cost is None or group.completes is None:
        return None
    return group.cost + max(goal - group.completes, 0) * group.cpi


# Its days


def zone_of(group: TargetGroup) -> ZoneInfo:
    return ZoneInfo(group.time_zone or COUNTRIES[group.country_code])


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))


def known_counts(points: Sequence[Point]) -> list[Point]:
    """The counts of a series, which begins with none an hour before its first one."""
    return [(points[0][0] - HOUR, 0), *points] if points else []


def count_at(moment: datetime, known: Sequence[Point]) -> Fraction:
    """The count at a moment, straight between the counts before and after it."""
    before = known[max(bisect_right(known, moment, key=itemgetter(0)) - 1, 0)]
    after = known[min(bisect_left(known, moment, key=itemgetter(0)), len(known) - 1)]
    if before[0] >= after[0]:
        return Fraction(before[1])
    passed = Fraction(int((moment - before[0]).total_seconds())) / int(
        (after[0] - before[0]).total_seconds()
    )
    return before[1] + (after[1] - before[1]) * passed


def completes_by_day(group: TargetGroup, points: Sequence[Point]) -> dict[date, Fraction]:
    """Completes of each day of its calendar, from the first count to the last one."""
    zone, known = zone_of(group), known_counts(points)
    day, last = known[0][0].astimezone(zone).date(), known[-1][0]
    days = {}
    while (begins := midnight_of(day, zone)) < last:
        ends = midnight_of(day + DAY, zone)
        days[day] = count_at(min(ends, last), known) - count_at(max(begins, known[0][0]), known)
        day += DAY
    return days


def today_of(group: TargetGroup, plan: GroupPlan, *, read: datetime, now: datetime) -> int | None:
    """Completes since its midnight; None if nothing was read of it since.

    read: when it was last read.
    """
    zone, done = zone_of(group), group.completes or 0
    midnight = midnight_of(now.astimezone(zone).date(), zone)
    if not done:
        return 0
    may_gain = group.status == "live" and group.missing_since is None
    if not may_gain and group.last_complete_at and group.last_complete_at < midnight:
        return 0
    if plan.read_before_midnight or read < midnight:
        return None
    first_reading = plan.fields["completes"]
    known = known_counts([point for point in plan.points if point[0] < read])
    known.append((read, first_reading))
    before = max((point for point in known if point[0] <= midnight), default=known[0])
    after = min(point for point in known if point[0] >= midnight)
    if after[0] - before[0] > 3 * HOUR and before[1] != after[1]:
        return None
    return max(done - round(count_at(midnight, known)), 0)


def needed_today(group: TargetGroup, today: int, now: datetime) -> float:
    """Completes missing at its midnight, evenly over the days to the end date."""
    goal = goal_of(group)
    if not goal:
        return 0.0
    missing = max(goal - ((group.completes or 0) - today), 0)
    if group.ends_at is None:
        return float(missing)
    zone = zone_of(group)
    left = group.ends_at - midnight_of(now.astimezone(zone).date(), zone)
    return missing / max(left / DAY, 1.0)


# Many groups


def planned(groups: Iterable[TargetGroup]) -> list[TargetGroup]:
    return [group for group in groups if in_plan(group)]


def missing_in_paused(groups: Iterable[TargetGroup], now: datetime) -> int:
    """Completes that paused groups miss today, as if none of them resumed."""
    paused = [group for group in planned(groups) if group.status == "paused"]
    return sum(
        max((goal_of(group) or 0) - (group.completes or 0), 0)
        for group in paused
        if is_open(group, now)
    )


def target_by_now(groups: Iterable[TargetGroup], now: datetime) -> float:
    """Straight lines from 0 at each start to the goal at each end date."""
    total = 0.0
    for group in planned(groups):
        if group.starts_at and group.ends_at and group.starts_at < group.ends_at:
            passed = (now - group.starts_at) / (group.ends_at - group.starts_at)
            total += (goal_of(group) or 0) * min(max(passed, 0.0), 1.0)
    return total


def cost_if_all_goals_reached(groups: Iterable[TargetGroup], now: datetime) -> dict[str, Decimal]:
    """Cost to date of all groups, and what the open ones miss at today's CPI."""
    everything = list(groups)
    costs = spent(everything)
    for group in planned(everything):
        if is_open(group, now):
            missing = max((goal_of(group) or 0) - (group.completes or 0), 0)
            to_come = missing * (group.cpi or Decimal(0))
            costs[group.currency] = costs.get(group.currency, Decimal(0)) + to_come
    return costs


def late_groups(groups: Iterable[TargetGroup], now: datetime) -> int:
    return sum(bool(short_of(group, now)) for group in planned(groups) if is_open(group, now))


def spent(groups: Iterable[TargetGroup]) -> dict[str, Decimal]:
    """Cost to date in each currency."""
    costs: dict[str, Decimal] = {}
    for group in groups:
        if group.cost:
            costs[group.currency] = costs.get(group.currency, Decimal(0)) + group.cost
    return costs


def sums_of(
    groups: Iterable[TargetGroup], now: datetime, draws: int = 600
) -> tuple[list[float], list[float]]:
    """Draws of the projected sum and of the missing sum of groups, which share their luck."""
    chance = random.Random(11)  # noqa: S311
    rows = [(group, goal_of(group), ends_of(group, now)) for group in planned(groups)]
    projected, missing = [], []
    for _ in range(draws):
        common = chance.gauss(0, 1)
        by_country: dict[str, float] = {}
        total = short = 0.0
        for group, goal, (low, middle, high) in rows:
            done = float(group.completes or 0)
            country = by_country.setdefault(group.country_code, chance.gauss(0, 1))
            score = 0.15**0.5 * common + 0.05**0.5 * country + 0.8**0.5 * chance.gauss(0, 1)
            logs = [math.log(end - done + 0.5) for end in (low, middle, high)]
            side = logs[1] - logs[0] if score < 0 else logs[2] - logs[1]
            end = done + math.exp(logs[1] + side / 1.28155 * score) - 0.5
            if low == high:
                end = middle
            end = max(end, min(done, low))
            if goal:
                end = min(end, max(goal, done))
                short += max(goal - end, 0)
            total += end
        projected.append(total)
        missing.append(short)
    return sorted(projected), sorted(missing)


def middle_of(draws: Sequence[float]) -> float:
    return draws[len(draws) // 2]


def width_of(draws: Sequence[float]) -> float:
    """From the 10th to the 90th of a hundred."""
    return draws[len(draws) * 9 // 10] - draws[len(draws) // 10]


def near_middle(value: float, draws: Sequence[float]) -> bool:
    """Whether a value is the middle of draws, within what the draws themselves leave open."""
    return abs(value - middle_of(draws)) <= 0.1 * width_of(draws) + 1
