"""What is worked out of a group's figures, stored with the group so that lists need no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.fielding import completes
from dashboard.fielding.models import Change, CompletesDay, TargetGroup
from dashboard.fielding.zones import zone_of

Days = Mapping[date, completes.PackedDay]
Points = Sequence[tuple[datetime, int]]
Pauses = Sequence[tuple[datetime, datetime | None]]
SPARK_STEP = timedelta(hours=6)
SPARK_STEPS = 28
LEARNED_FROM = timedelta(days=14)
# How many completes of its own outweigh the usual shape of a day and of a week.
DAY_WORTH, WEEK_WORTH = 48.0, 28.0
_HOUR = timedelta(hours=1)
_USUAL_HOURS = (
    0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 0.8, 1.0, 1.2, 1.3, 1.3,
    1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.5, 1.5, 1.5, 1.5, 1.2, 0.9,
)  # fmt: skip


def refresh(
    groups: Iterable[TargetGroup], *, fresh_days: Mapping[int, Days], now: datetime
) -> None:
    """Set the insight of each group (not saved) from its series and present figures."""
    wanted = [group for group in groups if group.pk]
    stored = _stored_days([group.pk for group in wanted if group.pk not in fresh_days])
    status = _status_changes([group.pk for group in wanted])
    for group in wanted:
        days = fresh_days.get(group.pk) or stored.get(group.pk, {})
        points = completes.points(days)
        group.insight = insight_of(group, points, pauses_of(status.get(group.pk, ())), now=now)


def insight_of(
    group: TargetGroup, points: Points, pauses: Pauses, *, now: datetime
) -> dict[str, Any]:
    """What pages and rules read of a group beyond the exchange's own figures."""
    zone = zone_of(group.country_code, group.time_zone)
    found: dict[str, Any] = {
        "spark": spark(points, now=now),
        "today": today(group, points, zone, now=now),
    }
    if usual := rhythm(points, pauses, zone, now=now):
        found["rhythm"] = usual
    return found


def spark(points: Points, *, now: datetime) -> list[int]:
    """Completes in each 6 h of the last 7 days, oldest first; falls count as none."""
    start = now - SPARK_STEP * SPARK_STEPS
    steps = [0] * SPARK_STEPS
    for at, risen in _rises(points):
        if start < at:
            steps[min(int((at - start) / SPARK_STEP), SPARK_STEPS - 1)] += risen
    return steps


def today(group: TargetGroup, points: Points, zone: ZoneInfo, *, now: datetime) -> int | None:
    """Completes since midnight in the group's zone; None where the series does not say."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    before = [count for at, count in points if at <= midnight]
    if group.completes is None or not points:
        return None
    return max(group.completes - (before[-1] if before else 0), 0)


def rhythm(
    points: Points, pauses: Pauses, zone: ZoneInfo, *, now: datetime
) -> dict[str, Any] | None:
    """The usual completes an hour, and how hour of day and weekday (group's zone) weigh, mean 1.

    Learned from the last 14 days in the field; few completes lean on the usual shape of days.
    """
    start = now - LEARNED_FROM
    recent = [(at, risen) for at, risen in _rises(points) if at > start]
    first = max(min((at for at, _ in points), default=now), start)
    in_field = (now - first - _paused(pauses, first, now)) / _HOUR
    total = sum(risen for _, risen in recent)
    if in_field < 1 or not total:
        return None
    hours, days = [DAY_WORTH / 24 * usual for usual in _USUAL_HOURS], [WEEK_WORTH / 7] * 7
    for at, risen in recent:
        local = (at - _HOUR / 2).astimezone(zone)
        hours[local.hour] += risen
        days[local.weekday()] += risen
    return {
        "rate": round(total / in_field, 4),
        "hours": [round(24 * share / sum(hours), 3) for share in hours],
        "days": [round(7 * share / sum(days), 3) for share in days],
    }


def pauses_of(
    status_changes: Iterable[tuple[datetime, Any]],
) -> list[tuple[datetime, datetime | None]]:
    """From when to when a group was not live, from its (time, new status) changes."""
    pauses: list[tuple[datetime, datetime | None]] = []
    since: datetime | None = None
    for at, status in sorted(status_changes, key=lambda change: change[0]):
        if status == "live" and since is not None:
            pauses.append((since, at))
            since = None
        elif status != "live" and since is None:
            since = at
    return [*pauses, (since, None)] if since else pauses


def _rises(points: Points) -> Iterable[tuple[datetime, int]]:
    """By how much the series rose at each point; a fall is no completes."""
    last = 0
    for at, count in points:
        yield at, max(count - last, 0)
        last = count


def _paused(pauses: Pauses, start: datetime, end: datetime) -> timedelta:
    spans = ((max(since, start), min(until or end, end)) for since, until in pauses)
    return sum((until - since for since, until in spans if until > since), timedelta())


def _stored_days(pks: Sequence[int]) -> dict[int, dict[date, completes.PackedDay]]:
    stored: dict[int, dict[date, completes.PackedDay]] = {}
    rows = CompletesDay.objects.filter(group_id__in=pks)
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        stored.setdefault(pk, {})[day] = completes.packed(hours, odd)
    return stored


def _status_changes(pks: Sequence[int]) -> dict[int, list[tuple[datetime, Any]]]:
    found: dict[int, list[tuple[datetime, Any]]] = {}
    rows = Change.objects.filter(group_id__in=pks, kind="status_change")
    for pk, at, new in rows.values_list("group_id", "occurred_at", "new"):
        found.setdefault(pk, []).append((at, new))
    return found
