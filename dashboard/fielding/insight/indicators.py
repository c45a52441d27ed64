"""The figures of one group that diagnosis and pause risk use; a missing one is None.

They come from the group's columns, its history and its samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache

from dashboard.fielding.forecast.group_forecast import Forecast
from dashboard.fielding.insight.group_history import GroupHistory
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
_WORDS = {
    "redirect": ("redirect",),
    "encryption": ("encrypt", "hash", "signature"),
    "setup": ("setup", "set-up", "qualification error", "invalid qualification"),
    "overquota": ("overquota", "over quota", "quota full"),
    "security": ("security", "quality", "fraud", "duplicate"),
}


@dataclass(frozen=True, slots=True)
class SlowQuota:
    """A quota that is unlikely to fill by the end while others of its group do.

    done, goal, low and high (p10 and p90 of its count at the end) in `unit`; fills: the day in the
    group's zone, empty for not within 90 days.
    """

    name: str
    unit: str
    done: int
    goal: int
    low: float
    high: float
    chance: float
    fills: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """One group now. Rates 0 to 1, LOI observed in seconds and bid in minutes, hours are live.

    cpi_usual: of comparable groups; epc_usual and epcm_usual: of the group over the last 7 days.
    is_waiting: whether it is stopped between soft launch and full launch; phase: that in words,
    empty in the full launch. lately: over the last hours (`lately_hours`) instead of since launch.
    analysis: live respondents by the exchange's status label.
    """

    status: str = "live"
    is_waiting: bool = False
    phase: str = ""
    currency: str = "USD"
    entrants: int | None = None
    prescreens: int | None = None
    completes: int | None = None
    goal: int | None = None
    ir: float | None = None
    ir_expected: float | None = None
    loi_seconds: float | None = None
    loi_minutes: float | None = None
    drop_off: float | None = None
    cpi: Decimal | None = None
    cpi_usual: Decimal | None = None
    cpi_limit: Decimal | None = None
    epc: Decimal | None = None
    epc_usual: Decimal | None = None
    epcm: Decimal | None = None
    epcm_usual: Decimal | None = None
    lately_hours: float | None = None
    completes_lately: float | None = None
    entrants_lately: float | None = None
    prescreens_lately: float | None = None
    drop_off_lately: float | None = None
    ir_lately: float | None = None
    loi_lately: float | None = None
    hours_silent: float | None = None
    expected_in_silence: float | None = None
    hours_left: float | None = None
    chance: float | None = None
    soft_launch_hours_left: float | None = None
    completes_an_hour: float | None = None
    needed_an_hour: float | None = None
    quotas_full: float | None = None
    slow_quota: SlowQuota | None = None
    analysis: Mapping[str, int] = field(default_factory=dict)

    @property
    def loi_ratio(self) -> float | None:
        """Return the observed over the bid LOI."""
        if self.loi_seconds is None or not self.loi_minutes:
            return None
        return self.loi_seconds / 60 / self.loi_minutes

    def share(self, kind: str) -> float | None:
        """Return the share (0 to 1) of analysed respondents with a status label of that kind."""
        total = sum(self.analysis.values())
        if not total:
            return None
        return (
            sum(count for label, count in self.analysis.items() if _kind_of(label) == kind) / total
        )


@lru_cache(maxsize=256)  # the exchange has a few dozen
def _kind_of(label: str) -> str | None:
    """Return the first kind with a word in the label; None for an unknown label."""
    lower = label.casefold()
    return next(
        (kind for kind, words in _WORDS.items() if any(word in lower for word in words)), None
    )


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
