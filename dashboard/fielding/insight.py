"""What is worked out of a group's figures, stored with the group so that lists need no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dashboard.fielding import completes
from dashboard.fielding.models import CompletesDay, TargetGroup

Days = Mapping[date, completes.PackedDay]
SPARK_STEP = timedelta(hours=6)
SPARK_STEPS = 28


def refresh(
    groups: Iterable[TargetGroup], *, fresh_days: Mapping[int, Days], now: datetime
) -> None:
    """Set the insight of each group (unsaved) from its series and present figures."""
    wanted = [group for group in groups if group.pk]
    lacking = [group.pk for group in wanted if group.pk not in fresh_days]
    stored: dict[int, dict[date, completes.PackedDay]] = {}
    rows = CompletesDay.objects.filter(group_id__in=lacking)
    for pk, day, hours, odd in rows.values_list("group_id", "day", "hours", "odd"):
        stored.setdefault(pk, {})[day] = completes.packed(hours, odd)
    for group in wanted:
        days = fresh_days.get(group.pk) or stored.get(group.pk, {})
        group.insight = insight_of(group, completes.points(days), now=now)


def insight_of(
    group: TargetGroup, points: list[tuple[datetime, int]], *, now: datetime
) -> dict[str, Any]:
    """Everything that pages and rules read of a group beyond the exchange's own figures."""
    return {"spark": spark(points, now=now)}


def spark(points: list[tuple[datetime, int]], *, now: datetime) -> list[int]:
    """Completes in each 6 h of the last 7 days, oldest first; falls count as none."""
    start = now - SPARK_STEP * SPARK_STEPS
    steps = [0] * SPARK_STEPS
    last = None
    for at, count in points:
        if last is not None and start < at:
            step = min(int((at - start) / SPARK_STEP), SPARK_STEPS - 1)
            steps[step] += max(count - last, 0)
        last = count
    return steps
