"""What is worked out of a group's figures, stored with the group so that lists need no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.fielding import completes, daily
from dashboard.fielding.cost import projected_cost
from dashboard.fielding.daily import Pauses
from dashboard.fielding.diagnosis import diagnose
from dashboard.fielding.forecast import Forecast, forecast_many
from dashboard.fielding.models import Change, CompletesDay, TargetGroup
from dashboard.fielding.pace import Plan, pace, silence
from dashboard.fielding.question import Question
from dashboard.fielding.readings import Readings
from dashboard.fielding.vitals import Vitals
from dashboard.fielding.warning import warnings
from dashboard.fielding.zones import zone_of

Days = Mapping[date, completes.PackedDay]
# How old a forecast may be: a twelfth of the time to its nearest date, within these bounds.
FRESH_FOR, FRESH_AT_LEAST = timedelta(hours=1), timedelta(minutes=10)
# What makes a forecast another one; what else moves is told within the hour.
DECISIVE = (
    "status", "filling_goal", "completes_goal", "filling_strategy", "starts_at", "ends_at", "cpi",
    "currency", "country_code", "time_zone", "status_changed_at",
)  # fmt: skip
FORECAST_STATUSES = ("live", "paused", "scheduled")
CAUSES_SHOWN = 3


@dataclass(frozen=True)
class Story:
    """A group with its series up to now, and when it was not live."""

    group: TargetGroup
    series: Readings
    pauses: Pauses
    zone: ZoneInfo

    @property
    def goal(self) -> int | None:
        """The goal in completes; a goal in prescreens has the agreed completes beside it."""
        if self.group.filling_strategy == "prescreens":
            return self.group.completes_goal
        return self.group.filling_goal or self.group.completes_goal

    @property
    def is_forecast(self) -> bool:
        """Whether there is anything left to foresee."""
        return self.group.status in FORECAST_STATUSES and bool(self.goal)


def is_due(group: TargetGroup, was: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether a group's insight no longer holds, given its columns as they were; empty: new."""
    if not was or any(getattr(group, name) != was[name] for name in DECISIVE):
        return True
    fell = (group.completes or 0) < (was["completes"] or 0)
    goal = group.filling_goal or group.completes_goal or 0
    reached = (group.completes or 0) >= goal > (was["completes"] or 0)
    return fell or reached or _is_old(group, now)


def _is_old(group: TargetGroup, now: datetime) -> bool:
    at = _worked_out_at(group)
    if at is None or now < at:
        return True
    dates = [date_ - at for date_ in (group.finish_at, group.ends_at) if date_ and date_ > at]
    fresh_for = max(min([FRESH_FOR * 12, *dates]) / 12, FRESH_AT_LEAST)
    return now - at >= fresh_for or not _same_day(group, at, now)


def _worked_out_at(group: TargetGroup) -> datetime | None:
    told = group.insight.get("at")
    return datetime.fromisoformat(told) if told else None


def _same_day(group: TargetGroup, one: datetime, other: datetime) -> bool:
    zone = zone_of(group.country_code, group.time_zone)
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def count(group: TargetGroup, was: Mapping[str, Any]) -> None:
    """Count today's completes on, where the insight still holds."""
    risen = (group.completes or 0) - (was["completes"] or 0)
    today = group.insight.get("today")
    if risen and today is not None:
        group.insight = group.insight | {"today": max(today + risen, 0)}


def refresh(
    groups: Iterable[TargetGroup], *, fresh_days: Mapping[int, Days], now: datetime
) -> None:
    """Set the insight of each group (not saved) from its series and present figures."""
    stories = _stories([group for group in groups if group.pk], fresh_days, now)
    foreseen = [story for story in stories if story.is_forecast]
    outlooks = forecast_many([_question(story, now) for story in foreseen])
    by_pk = {story.group.pk: one for story, one in zip(foreseen, outlooks, strict=True)}
    for story in stories:
        group, outlook = story.group, by_pk.get(story.group.pk)
        found = describe(story, outlook, now=now)
        if found != {name: told for name, told in group.insight.items() if name != "at"}:
            group.insight = found | {"at": now.isoformat(timespec="seconds")}
        group.short_at_end = round(outlook.short_p50, 1) if outlook else None
        finish = outlook.finish_p50 if outlook else None
        group.finish_at = finish.replace(second=0, microsecond=0) if finish else None


def describe(story: Story, outlook: Forecast | None, *, now: datetime) -> dict[str, Any]:
    """What pages and rules read of a group beyond the exchange's own figures; JSON values only."""
    group = story.group
    found: dict[str, Any] = {
        "spark": daily.spark(story.series, now=now),
        "today": daily.today(group.completes, story.series, story.zone, now=now),
    }
    if usual := daily.rhythm(story.series, story.pauses, story.zone, now=now):
        found["rhythm"] = usual
    if outlook is None:
        return found
    found["forecast"] = _told(outlook)
    if cost := _cost(group, outlook):
        found["cost"] = cost
    plan = _plan(story)
    if plan is not None:
        found["pace"] = _pace(story, plan, now)
    vitals = _vitals(story, plan, outlook, now)
    found["warnings"] = {r.reason_code: r.score for r in warnings(vitals) if r.score}
    found["causes"] = [
        {"sentence": c.says, "observed": c.observed, "expected": c.expected, "advice": c.advice}
        for c in diagnose(vitals)[:CAUSES_SHOWN]
    ]
    return found


def _question(story: Story, now: datetime) -> Question:
    return Question(
        history=story.series,
        goal=story.goal or 0,
        now=now,
        ends_at=story.group.ends_at,
        zone=story.zone,
        pauses=story.pauses,
    )


def _told(outlook: Forecast) -> dict[str, Any]:
    finish = (outlook.finish_p10, outlook.finish_p50, outlook.finish_p90)
    at_end = (
        outlook.completes_at_end_p10,
        outlook.completes_at_end_p50,
        outlook.completes_at_end_p90,
    )
    return {
        "finish": [at.isoformat(timespec="seconds") if at else None for at in finish],
        "at_end": [round(count, 1) for count in at_end],
        "chance": round(outlook.chance, 3),
        "confidence": outlook.confidence,
        "note": outlook.note,
    }


def _cost(group: TargetGroup, outlook: Forecast) -> dict[str, str] | None:
    if group.cpi is None or group.completes is None:
        return None
    cost = projected_cost(
        outlook,
        completes=group.completes,
        current_cpi=group.cpi,
        currency=group.currency,
        average_cpi=group.average_cpi,
        so_far=group.cost,
    )
    cent = Decimal("0.01")
    return {name: str(getattr(cost, name).quantize(cent)) for name in ("p10", "p50", "p90")}


def _plan(story: Story) -> Plan | None:
    group = story.group
    by_prescreens = group.filling_strategy == "prescreens"
    goal = group.filling_goal if by_prescreens else story.goal
    if group.starts_at is None or not goal:
        return None
    return Plan(
        goal=goal,
        starts_at=group.starts_at,
        ends_at=group.ends_at,
        zone=story.zone,
        pauses=story.pauses,
    )


def _pace(story: Story, plan: Plan, now: datetime) -> dict[str, Any]:
    group = story.group
    by_prescreens = group.filling_strategy == "prescreens"
    entered = [(now, group.prescreens)] if group.prescreens is not None else []
    found = pace(
        story.series,
        plan,
        now=now,
        strategy="prescreens" if by_prescreens else "completes",
        prescreens=entered if by_prescreens else (),
    )
    return {
        "band": found.band,
        "reason": found.reason,
        "actual": found.actual,
        "required": round(found.required, 1),
    }


def _vitals(story: Story, plan: Plan | None, outlook: Forecast, now: datetime) -> Vitals:
    group = story.group
    quiet = silence(story.series, plan, now=now) if plan and story.series.at.size else None
    left = (group.ends_at - now).total_seconds() / 3600 if group.ends_at else None
    told = group.respondent_analysis
    analysis = {one["label"] or one["status"]: one["count"] or 0 for one in told}
    return Vitals(
        status=group.status,
        currency=group.currency or "USD",
        entrants=group.entrants,
        prescreens=group.prescreens,
        completes=group.completes,
        goal=story.goal,
        ir=group.incidence_rate,
        ir_expected=group.expected_incidence_rate,
        loi_seconds=group.median_loi_seconds,
        loi_minutes=group.expected_loi_minutes,
        drop_off=group.drop_off_rate,
        cpi=group.cpi,
        epc=group.epc,
        epcm=group.epcm,
        hours_silent=quiet.hours if quiet else None,
        expected_in_silence=quiet.usual if quiet else None,
        hours_left=left,
        chance=outlook.chance,
        analysis=analysis,
    )


def _stories(
    groups: Sequence[TargetGroup], fresh_days: Mapping[int, Days], now: datetime
) -> list[Story]:
    stored = _stored_days([group.pk for group in groups if group.pk not in fresh_days])
    status = _status_changes([group.pk for group in groups])
    stories = []
    for group in groups:
        days = fresh_days.get(group.pk) or stored.get(group.pk, {})
        series = _until(completes.readings(days), group.completes, now.timestamp())
        pauses = daily.pauses_of(status.get(group.pk, ()))
        zone = zone_of(group.country_code, group.time_zone)
        stories.append(Story(group, series, pauses, zone))
    return stories


def _until(series: Readings, count: int | None, now: float) -> Readings:
    """A series up to now, with the list's own count at its end: that is newer."""
    past = int(np.searchsorted(series.at, now, side="right"))
    at, counts = series.at[:past], series.count[:past]
    if count is None or not past:
        return Readings(at, counts)
    return Readings(np.append(at, now), np.append(counts, count))


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
