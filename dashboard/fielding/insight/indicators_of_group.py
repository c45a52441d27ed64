"""The indicators of a group, from its columns, its history and its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from dashboard.fielding.forecast.group_forecast import Forecast
from dashboard.fielding.insight.group_history import GroupHistory
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.launch_phase import LaunchPhase, Phase
from dashboard.fielding.insight.samples import (
    LATELY,
    RecentFigures,
    Sample,
    recent_figures,
    sample_of,
    usual_figure,
)
from dashboard.fielding.series.pace import Silence

_HOUR = timedelta(hours=1)
_COLUMNS = {
    "status": "status",
    "entrants": "entrants",
    "prescreens": "prescreens",
    "completes": "completes",
    "ir": "incidence_rate",
    "ir_expected": "expected_incidence_rate",
    "loi_seconds": "median_loi_seconds",
    "loi_minutes": "expected_loi_minutes",
    "drop_off": "drop_off_rate",
    "cpi": "cpi",
    "epc": "epc",
    "epcm": "epcm",
}


def indicators_of(
    history: GroupHistory,
    outlook: Forecast | None,
    silence: Silence | None,
    samples: Sequence[Sample],
    phase: LaunchPhase,
) -> Indicators:
    """Return the figures of one group that diagnosis and pause risk use.

    A soft launch is not judged by the pace that the whole goal needs, and a group that waits for
    its full launch is not silent.
    """
    if phase.phase is Phase.WAITING:
        silence = None
    group, now, soft = history.group, history.now, history.modules.soft_launch
    left = (group.ends_at - now) / _HOUR if group.ends_at else None
    expected, needed = (
        _completes_per_hour(outlook, group.completes or 0, left)
        if phase.is_full_launch
        else (None, None)
    )
    indicators = Indicators(
        **{name: getattr(group, column) for name, column in _COLUMNS.items()},
        is_waiting=phase.phase is Phase.WAITING,
        phase=phase.text,
        currency=group.currency or "USD",
        goal=history.goal,
        cpi_usual=history.pools.price(group),
        cpi_limit=history.modules.cpi_limit,
        epc_usual=usual_figure(samples, "epc", group.cpi),
        epcm_usual=usual_figure(samples, "epcm", group.cpi),
        hours_silent=silence.hours if silence else None,
        expected_in_silence=silence.usual if silence else None,
        hours_left=left,
        chance=outlook.chance if outlook else None,
        soft_launch_hours_left=(soft.ends_at - now) / _HOUR if soft else None,
        completes_an_hour=expected,
        needed_an_hour=needed,
        quotas_full=history.quotas_full,
        analysis={
            answer["label"] or answer["status"]: answer["count"] or 0
            for answer in group.respondent_analysis
        },
    )
    recent = _figures_lately(samples, sample_of(group, now=now), silence)
    return indicators if recent is None else _with_recent_figures(indicators, recent)


def _completes_per_hour(
    outlook: Forecast | None, done: int, left: float | None
) -> tuple[float | None, float | None]:
    """Return the completes an hour expected until the end date, and those the goal needs."""
    if outlook is None or left is None or left <= 0:
        return None, None
    return (outlook.completes_at_end_p50 - done) / left, (outlook.goal - done) / left


def _with_recent_figures(indicators: Indicators, recent: RecentFigures) -> Indicators:
    """Return the indicators with the recent figures set."""
    return replace(
        indicators,
        lately_hours=recent.hours,
        completes_lately=recent.completes,
        entrants_lately=recent.entrants,
        prescreens_lately=recent.prescreens,
        drop_off_lately=recent.drop_off,
        ir_lately=recent.ir,
        loi_lately=recent.loi_seconds,
    )


def _figures_lately(
    samples: Sequence[Sample], now: Sample, silence: Silence | None
) -> RecentFigures | None:
    """Return the figures during a silence, or else over the last hours."""
    if silence is not None and silence.since is not None:
        span = timedelta(seconds=now.at) - timedelta(seconds=silence.since.timestamp())
        silent = [sample for sample in samples if sample.at >= silence.since.timestamp()]
        if span > LATELY and silent and silent[0].at < now.at:
            return recent_figures(silent, now, span=timedelta(seconds=now.at - silent[0].at))
    return recent_figures(samples, now)
