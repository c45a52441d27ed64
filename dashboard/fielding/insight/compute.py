"""Compute a group's insight, which is stored with the group so that lists need no history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from dashboard.fielding.domain.goals import is_full
from dashboard.fielding.domain.money import minor_digits
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast.cost import projected_cost
from dashboard.fielding.forecast.group_forecast import Forecast, ForecastResult, forecast_groups
from dashboard.fielding.insight import samples as group_samples
from dashboard.fielding.insight.at_end import shortfall_in_plan
from dashboard.fielding.insight.diagnosis import diagnose_group
from dashboard.fielding.insight.document import (
    EndPercentiles,
    FinishPercentiles,
    Insight,
    InsightHead,
    StoredCause,
    StoredCost,
    StoredEpc,
    StoredForecast,
    StoredPace,
    StoredRhythm,
    store_completes_today,
    store_insight,
)
from dashboard.fielding.insight.group_history import GroupHistory, JustRead, load_histories
from dashboard.fielding.insight.indicators import Indicators, indicators_of
from dashboard.fielding.insight.launch_phase import (
    LaunchPhase,
    Phase,
    launch_phase,
    stored_soft_launch,
)
from dashboard.fielding.insight.pause_risk import EXPECTED, pause_risks
from dashboard.fielding.insight.quota_cells import (
    QuotaForecast,
    forecast_quotas,
    slow_quota,
    stored_quotas,
)
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series import daily
from dashboard.fielding.series.pace import Silence, pace_of_group, silence_of_group

# (`Any`: columns of a model by name, each of its own type)
# How old a forecast may be: a twelfth of the time to its nearest date, within these bounds.
FRESH_FOR, FRESH_AT_LEAST = timedelta(hours=1), timedelta(minutes=10)
# A change of these columns needs a new forecast; other changes wait for the next due one.
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


def is_due(group: TargetGroup, before: Mapping[str, Any], *, now: datetime) -> bool:
    """Return whether a group needs a new insight; before: its old columns, empty if it is new."""
    if not before or any(getattr(group, name) != before[name] for name in DECISIVE):
        return True
    has_fallen = (group.completes or 0) < (before["completes"] or 0)
    is_filled = is_full(group) and not is_full(SimpleNamespace(**before))
    return has_fallen or is_filled or _is_old(group, now)


def _is_old(group: TargetGroup, now: datetime) -> bool:
    at = InsightHead.from_stored(group.insight).worked_out_at
    if at is None or now < at:
        return True
    dates = [day - at for day in (group.finish_at, group.ends_at) if day and day > at]
    fresh_for = max(min([FRESH_FOR * 12, *dates]) / 12, FRESH_AT_LEAST)
    return now - at >= fresh_for or not _is_same_day(group, at, now)


def _is_same_day(group: TargetGroup, moment: datetime, other: datetime) -> bool:
    zone = zone_of(group.country_code, group.time_zone)
    return moment.astimezone(zone).date() == other.astimezone(zone).date()


def advance_today(group: TargetGroup, before: Mapping[str, Any]) -> None:
    """Add new completes to today's count of an insight that is still valid."""
    new = (group.completes or 0) - (before["completes"] or 0)
    today = InsightHead.from_stored(group.insight).today
    if new and today is not None:
        store_completes_today(group, max(today + new, 0))


def refresh_insights(groups: Iterable[TargetGroup], *, fresh: JustRead, now: datetime) -> None:
    """Set the insight of each group (not saved) from its series and present figures."""
    histories = load_histories([group for group in groups if group.pk], fresh=fresh, now=now)
    set_insights(histories, now=now)


def set_insights(histories: Sequence[GroupHistory], *, now: datetime) -> None:
    """Set the insight of the group of each history (not saved)."""
    results = forecast_histories(histories)
    quotas = forecast_quotas(histories, results)
    for history, free, let_in in zip(histories, results, quotas, strict=True):
        result = replace(free, forecast=let_in.group) if free and let_in else free
        group, outlook = history.group, result.forecast if result else None
        insight = insight_of_history(history, result, let_in)
        store_insight(group, insight, now=now)
        is_full_launch = phase_of_history(history).is_full_launch
        group.short_at_end = shortfall_in_plan(group, insight.completes_at_end, now=now)
        finish = outlook.finish_p50 if outlook and is_full_launch else None
        group.finish_at = finish.replace(second=0, microsecond=0) if finish else None


def forecast_histories(histories: Sequence[GroupHistory]) -> list[ForecastResult | None]:
    """Return the forecast of each group, in order; None for groups without a forecast."""
    ahead = [history for history in histories if history.is_forecast]
    results = iter(forecast_groups([history.forecast_input() for history in ahead]))
    return [next(results) if history.is_forecast else None for history in histories]


def phase_of_history(history: GroupHistory) -> LaunchPhase:
    """Return the phase of the launch at the time of the history."""
    return launch_phase(history.group, stored_soft_launch(history.modules), now=history.now)


def insight_of_history(
    history: GroupHistory, result: ForecastResult | None, quotas: QuotaForecast | None = None
) -> Insight:
    """Return what pages and rules need of a group beyond the exchange's own figures.

    result: its forecast, as far as its quotas let it through; quotas: that of each of them.
    """
    group, now = history.group, history.now
    samples = group_samples.with_sample(
        group_samples.samples_from_json(Insight.from_stored(group.insight).trail),
        group_samples.sample_of(group, now=now),
    )
    phase = phase_of_history(history)
    usual_epc = group_samples.usual_figure(samples, "epc", group.cpi)
    silence = silence_of(history, result)
    indicators = None
    if result is not None or group.status == "live":
        indicators = _indicators(history, result, silence, samples)
        if quotas is not None:
            indicators = _with_quotas(indicators, history, quotas)
    return Insight(
        spark=daily.sparkline_counts(history.series, now=now),
        today=daily.completes_today(group.completes, history.series, history.zone, now=now),
        trail=[list(sample) for sample in samples],
        epc=None if usual_epc is None else StoredEpc(median=usual_epc),
        forecast=_stored_forecast(result.forecast, phase) if result else None,
        cost=_stored_cost(group, result.forecast, phase) if result else None,
        pace=_stored_pace(history, result, phase) if result else None,
        rhythm=_stored_rhythm(silence, result) if result else None,
        warnings=None if indicators is None else _warnings(indicators),
        causes=None if indicators is None else _causes(indicators),
        soft_launch=stored_soft_launch(history.modules),
        quotas=stored_quotas(history, quotas),
    )


def outcome_of_history(
    history: GroupHistory, result: ForecastResult | None, *, risks: bool
) -> Insight:
    """Return only the parts that rules about the end date need, optionally with pause risks."""
    phase, warnings = phase_of_history(history), None
    if risks:
        samples = group_samples.samples_from_json(Insight.from_stored(history.group.insight).trail)
        silence = silence_of(history, result)
        warnings = _warnings(_indicators(history, result, silence, samples))
    return Insight(
        forecast=_stored_forecast(result.forecast, phase) if result else None,
        cost=_stored_cost(history.group, result.forecast, phase) if result else None,
        warnings=warnings,
        soft_launch=stored_soft_launch(history.modules),
    )


def _indicators(
    history: GroupHistory,
    result: ForecastResult | None,
    silence: Silence | None,
    samples: Sequence[group_samples.Sample],
) -> Indicators:
    outlook = result.forecast if result else None
    return indicators_of(history, outlook, silence, samples, phase_of_history(history))


def silence_of(history: GroupHistory, result: ForecastResult | None) -> Silence | None:
    """Return the time without completes; None without a plan or a reading."""
    if history.plan is None or not history.series.at.size:
        return None
    known = (result.hours, result.shape) if result else None
    return silence_of_group(history.series, history.plan, now=history.now, known=known)


def _with_quotas(
    indicators: Indicators, history: GroupHistory, quotas: QuotaForecast
) -> Indicators:
    """Return the indicators with the quota that stays short, and with the pace of now: what a
    full quota will stop later is no slow pace."""
    pace, left = indicators.completes_an_hour, indicators.hours_left
    if pace is not None and left:
        pace = (quotas.unstopped.p50 - (history.group.completes or 0)) / left
    return replace(indicators, slow_quota=slow_quota(history, quotas), completes_an_hour=pace)


def _warnings(indicators: Indicators) -> dict[str, float]:
    """Return the risk of a pause by the exchange (0 to 1) by reason code."""
    return {
        risk.reason_code: risk.score
        for risk in pause_risks(indicators)
        if risk.score and risk.reason_code not in EXPECTED
    }


def _causes(indicators: Indicators) -> list[StoredCause]:
    """Return likely causes of a slow field, the likeliest first."""
    return [
        StoredCause(
            sentence=cause.sentence,
            observed=cause.observed,
            expected=cause.expected,
            advice=cause.advice,
        )
        for cause in diagnose_group(indicators)[:CAUSES_SHOWN]
    ]


def _stored_forecast(outlook: Forecast, phase: LaunchPhase) -> StoredForecast:
    """Return the forecast to store; in a soft launch nothing is projected.

    The exchange stops the group at the limit of its soft launch, so no date of the whole goal
    follows from today's pace.
    """
    finish = (outlook.finish_p10, outlook.finish_p50, outlook.finish_p90)
    at_end = (
        outlook.completes_at_end_p10,
        outlook.completes_at_end_p50,
        outlook.completes_at_end_p90,
    )
    if not phase.is_full_launch:
        return StoredForecast(
            finish=FinishPercentiles(None, None, None),
            confidence="none",
            note=f"{phase.text}: there is no forecast before the full launch",
        )
    return StoredForecast(
        finish=FinishPercentiles(
            *(at.isoformat(timespec="seconds") if at else None for at in finish)
        ),
        at_end=EndPercentiles(*(round(count, 1) for count in at_end)),
        chance=round(outlook.chance, 3),
        confidence=outlook.confidence,
        note=outlook.note,
    )


def _stored_cost(group: TargetGroup, outlook: Forecast, phase: LaunchPhase) -> StoredCost | None:
    """Return the cost by the end date; None before the full launch, which has no forecast."""
    if group.cpi is None or group.completes is None or not phase.is_full_launch:
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
    cent = Decimal(1).scaleb(-max(minor_digits(group.currency), 2))
    return StoredCost(
        p10=cost.p10.quantize(cent),
        p50=cost.p50.quantize(cent),
        p90=cost.p90.quantize(cent),
        standing=cost.standing,
        note=cost.note,
    )


def _stored_rhythm(silence: Silence | None, result: ForecastResult) -> StoredRhythm | None:
    """Return the weekly rhythm of the forecast, at the rate before the silence."""
    if silence is None or not silence.rate:
        return None
    hours, days = daily.rhythm_weights(result.shape)
    return StoredRhythm(rate=round(silence.rate, 4), hours=hours, days=days)


def _stored_pace(
    history: GroupHistory, result: ForecastResult, phase: LaunchPhase
) -> StoredPace | None:
    group, plan = history.group, history.plan
    if plan is None:
        return None
    by_prescreens = group.filling_strategy == "prescreens"
    entered = [(history.now, group.prescreens)] if group.prescreens is not None else []
    pace = pace_of_group(
        history.series,
        plan,
        now=history.now,
        strategy="prescreens" if by_prescreens else "completes",
        prescreens=entered if by_prescreens else (),
        shape=result.shape,
    )
    if not phase.is_full_launch:
        return StoredPace(
            band=Phase.SOFT_LAUNCH.value, reason=phase.text, actual=phase.done, required=phase.limit
        )
    return StoredPace(
        band=pace.band,
        reason=pace.reason,
        actual=pace.actual,
        required=round(pace.required, 1),
    )
