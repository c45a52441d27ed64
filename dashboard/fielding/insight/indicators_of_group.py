"""The vitals of a group, from its columns, its story and its trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.fielding.forecast.forecast import Forecast
from dashboard.fielding.insight import samples as trail
from dashboard.fielding.insight.group_history import GroupHistory
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.samples import Sample
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
    story: GroupHistory,
    outlook: Forecast | None,
    quiet: Silence | None,
    samples: Sequence[Sample],
    *,
    now: datetime,
) -> Indicators:
    """The numbers that diagnosis and early warning read of one group."""
    group, soft = story.group, story.modules.soft_launch
    left = (group.ends_at - now) / _HOUR if group.ends_at else None
    coming, needed = _an_hour(outlook, group.completes or 0, left)
    seen = Indicators(
        **{name: getattr(group, column) for name, column in _COLUMNS.items()},
        currency=group.currency or "USD",
        goal=story.goal,
        cpi_usual=story.pools.price(group),
        cpi_limit=story.modules.cpi_limit,
        epc_usual=trail.usual_figure(samples, "epc", group.cpi),
        epcm_usual=trail.usual_figure(samples, "epcm", group.cpi),
        hours_silent=quiet.hours if quiet else None,
        expected_in_silence=quiet.usual if quiet else None,
        hours_left=left,
        chance=outlook.chance if outlook else None,
        soft_launch_hours_left=(soft.ends_at - now) / _HOUR if soft else None,
        completes_an_hour=coming,
        needed_an_hour=needed,
        quotas_full=story.quotas_full,
        analysis={
            one["label"] or one["status"]: one["count"] or 0 for one in group.respondent_analysis
        },
    )
    recent = _lately(samples, trail.sample_of(group, now=now), quiet)
    return seen if recent is None else _with(seen, recent)


def _an_hour(
    outlook: Forecast | None, done: int, left: float | None
) -> tuple[float | None, float | None]:
    """Completes an hour that are to be expected until the end, and that the goal needs."""
    if outlook is None or left is None or left <= 0:
        return None, None
    return (outlook.completes_at_end_p50 - done) / left, (outlook.goal - done) / left


def _with(seen: Indicators, recent: trail.RecentFigures) -> Indicators:
    """The vitals with what happened lately."""
    return replace(
        seen,
        lately_hours=recent.hours,
        completes_lately=recent.completes,
        entrants_lately=recent.entrants,
        prescreens_lately=recent.prescreens,
        drop_off_lately=recent.drop_off,
        ir_lately=recent.ir,
        loi_lately=recent.loi_seconds,
    )


def _lately(
    samples: Sequence[Sample], now: Sample, quiet: Silence | None
) -> trail.RecentFigures | None:
    """What happened during a silence, or else over the last hours."""
    if quiet is not None and quiet.since is not None:
        span = timedelta(seconds=now.at) - timedelta(seconds=quiet.since.timestamp())
        silent = [one for one in samples if one.at >= quiet.since.timestamp()]
        if span > trail.LATELY and silent and silent[0].at < now.at:
            return trail.recent_figures(silent, now, span=timedelta(seconds=now.at - silent[0].at))
    return trail.recent_figures(samples, now)
