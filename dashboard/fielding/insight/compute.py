"""What is worked out of a group's figures, stored with the group so that lists need no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from dashboard.fielding.domain.goals import is_full
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast.cost import projected_cost
from dashboard.fielding.forecast.forecast import Forecast, ForecastResult, forecast_groups
from dashboard.fielding.insight import samples as trail
from dashboard.fielding.insight.diagnosis import diagnose_group
from dashboard.fielding.insight.group_history import GroupHistory, JustRead, load_histories
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.indicators_of_group import indicators_of
from dashboard.fielding.insight.pause_risk import EXPECTED, pause_risks
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series import daily
from dashboard.fielding.series.pace import FieldingPlan, Silence, pace_of_group, silence_of_group

# How old a forecast may be: a twelfth of the time to its nearest date, within these bounds.
FRESH_FOR, FRESH_AT_LEAST = timedelta(hours=1), timedelta(minutes=10)
# What makes a forecast another one; what else moves is told within the hour.
DECISIVE = (
    "status",
    "filling_goal",
    "completes_goal",
    "filling_strategy",
    "starts_at",
    "ends_at",
    "cpi",
    "currency",
    "country_code",
    "time_zone",
    "status_changed_at",
)
CAUSES_SHOWN = 3


def is_due(group: TargetGroup, was: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether a group's insight no longer holds, given its columns as they were; empty: new."""
    if not was or any(getattr(group, name) != was[name] for name in DECISIVE):
        return True
    fell = (group.completes or 0) < (was["completes"] or 0)
    reached = is_full(group) and not is_full(SimpleNamespace(**was))
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


def advance_today(group: TargetGroup, was: Mapping[str, Any]) -> None:
    """Count today's completes on, where the insight still holds."""
    risen = (group.completes or 0) - (was["completes"] or 0)
    today = group.insight.get("today")
    if risen and today is not None:
        group.insight = group.insight | {"today": max(today + risen, 0)}


def refresh_insights(groups: Iterable[TargetGroup], *, fresh: JustRead, now: datetime) -> None:
    """Set the insight of each group (not saved) from its series and present figures."""
    told = load_histories([group for group in groups if group.pk], fresh=fresh, now=now)
    foreseen = [story for story in told if story.is_forecast]
    found = forecast_groups([story.question(now) for story in foreseen])
    by_pk = {story.group.pk: one for story, one in zip(foreseen, found, strict=True)}
    for story in told:
        group, study = story.group, by_pk.get(story.group.pk)
        insight = insight_document(story, study, now=now)
        if insight != {name: told for name, told in group.insight.items() if name != "at"}:
            group.insight = insight | {"at": now.isoformat(timespec="seconds")}
        outlook = study.forecast if study else None
        group.short_at_end = round(outlook.short_p50, 1) if outlook else None
        finish = outlook.finish_p50 if outlook else None
        group.finish_at = finish.replace(second=0, microsecond=0) if finish else None


def insight_document(
    story: GroupHistory, study: ForecastResult | None, *, now: datetime
) -> dict[str, Any]:
    """What pages and rules read of a group beyond the exchange's own figures; JSON values only."""
    group = story.group
    samples = trail.with_sample(
        trail.samples_from_json(group.insight.get("trail")), trail.sample_of(group, now=now)
    )
    found: dict[str, Any] = {
        "spark": daily.sparkline_counts(story.series, now=now),
        "today": daily.completes_today(group.completes, story.series, story.zone, now=now),
        "trail": [list(sample) for sample in samples],
    }
    if (median := trail.usual_figure(samples, "epc", group.cpi)) is not None:
        found["epc"] = {"median": str(median)}
    quiet = silence_of(story, study, now=now)
    if study is not None:
        found |= _ahead(story, study, quiet, now)
    if study is not None or group.status == "live":
        vitals = indicators_of(story, study.forecast if study else None, quiet, samples, now=now)
        found |= {"warnings": _risks(vitals), "causes": _causes(vitals)}
    return found


def forecast_document(
    story: GroupHistory, study: ForecastResult | None, *, now: datetime, risks: bool
) -> dict[str, Any]:
    """What alone of a group's insight the rules about its end read; with the risks of a pause."""
    found = _outcome(story, study) if study else {}
    if risks:
        quiet = silence_of(story, study, now=now)
        samples = trail.samples_from_json(story.group.insight.get("trail"))
        found["warnings"] = _risks(
            indicators_of(story, study.forecast if study else None, quiet, samples, now=now)
        )
    return found


def _outcome(story: GroupHistory, study: ForecastResult) -> dict[str, Any]:
    """The forecast, and what it costs."""
    cost = _cost(story.group, study.forecast)
    return {"forecast": _told(study.forecast)} | ({"cost": cost} if cost else {})


def _ahead(
    story: GroupHistory, study: ForecastResult, quiet: Silence | None, now: datetime
) -> dict[str, Any]:
    """Forecast, cost, pace and rhythm of a group that has something left to do."""
    found = _outcome(story, study)
    if story.plan is not None:
        found["pace"] = _pace(story, story.plan, study, now)
    if quiet is not None and quiet.rate:
        found["rhythm"] = daily.rhythm_document(study.shape, quiet.rate)
    return found


def silence_of(
    story: GroupHistory, study: ForecastResult | None, *, now: datetime
) -> Silence | None:
    """How long no complete came; None without a plan or a reading."""
    if story.plan is None or not story.series.at.size:
        return None
    known = (study.hours, study.shape) if study else None
    return silence_of_group(story.series, story.plan, now=now, known=known)


def _risks(vitals: Indicators) -> dict[str, float]:
    """How near it is to a pause by the exchange, by reason."""
    return {
        risk.reason_code: risk.score
        for risk in pause_risks(vitals)
        if risk.score and risk.reason_code not in EXPECTED
    }


def _causes(vitals: Indicators) -> list[dict[str, Any]]:
    """Why it may be slow."""
    return [
        {"sentence": c.says, "observed": c.observed, "expected": c.expected, "advice": c.advice}
        for c in diagnose_group(vitals)[:CAUSES_SHOWN]
    ]


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
        budget=group.budget or None,
    )
    cent = Decimal("0.01")
    told = {name: str(getattr(cost, name).quantize(cent)) for name in ("p10", "p50", "p90")}
    return told | {"standing": cost.standing, "note": cost.note}


def _pace(
    story: GroupHistory, plan: FieldingPlan, study: ForecastResult, now: datetime
) -> dict[str, Any]:
    group = story.group
    by_prescreens = group.filling_strategy == "prescreens"
    entered = [(now, group.prescreens)] if group.prescreens is not None else []
    found = pace_of_group(
        story.series,
        plan,
        now=now,
        strategy="prescreens" if by_prescreens else "completes",
        prescreens=entered if by_prescreens else (),
        shape=study.shape,
    )
    return {
        "band": found.band,
        "reason": found.reason,
        "actual": found.actual,
        "required": round(found.required, 1),
    }
