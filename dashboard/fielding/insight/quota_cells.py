"""What the quota cells of groups let through, from their counts now and the group's own series.

The exchange gives no history of a cell. So the hour in which a cell was first seen full is kept in
the insight; where nobody saw it (it was full at the first read), the group's series is taken as it
is, which a full cell makes too high for a day or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.fielding.domain.goals import completes_per_prescreen
from dashboard.fielding.domain.quotas import StoredQuota, quota_unit
from dashboard.fielding.forecast.cells import (
    LATEST,
    CellForecast,
    CellsForecast,
    CellState,
    QuotaDelays,
    forecast_cells,
    without_full_cells,
)
from dashboard.fielding.forecast.confidence import with_range
from dashboard.fielding.forecast.group_forecast import Forecast, ForecastResult, forecast_many
from dashboard.fielding.forecast.inputs import NO_END, ForecastInput
from dashboard.fielding.insight.document import CellAtEnd, EndPercentiles, Insight, StoredQuotas
from dashboard.fielding.insight.group_history import GroupHistory
from dashboard.fielding.insight.indicators import SlowQuota
from dashboard.fielding.insight.launch_phase import launch_phase, stored_soft_launch

MOST_CELLS = 200  # of a group whose cells are forecast
LONGEST_NAME = 60
UNLIKELY = 0.5  # chance to fill below which a quota is a cause
NOT_SEEN = ""  # instead of a time: the cell was full when it was first read


@dataclass(frozen=True, slots=True)
class QuotaForecast:
    """The forecast of a group as its quota cells let it through, and of each cell; unstopped:
    completes at the end if no cell filled any more."""

    group: Forecast
    cells: CellsForecast
    unstopped: EndPercentiles


@dataclass(frozen=True, slots=True)
class _Case:
    """A group whose cells are forecast: completes that one unit of its quotas is worth, its cells
    in that unit, its forecast, and the question without its full cells, None where that is the
    same."""

    history: GroupHistory
    share: float
    cells: Sequence[CellState]
    outlook: Forecast
    question: ForecastInput | None

    @property
    def completes(self) -> float:
        return float(self.history.group.completes or 0)

    @property
    def missing(self) -> float:
        return float(self.history.goal or 0) - self.completes

    @property
    def ends_at(self) -> datetime:
        return self.history.group.ends_at or self.history.now + timedelta(days=NO_END)


def full_since(history: GroupHistory) -> dict[str, str]:
    """Return when each full quota was first seen full (ISO 8601), NOT_SEEN where it was at the
    first read."""
    stored = Insight.of(history.group).quotas
    known = None if stored is None else stored.full_since or {}
    seen = NOT_SEEN if known is None else history.now.isoformat(timespec="seconds")
    return {
        target.key: (known or {}).get(target.key, seen)
        for target in history.quotas
        if target.is_full
    }


def forecast_quotas(
    histories: Sequence[GroupHistory], results: Sequence[ForecastResult | None]
) -> list[QuotaForecast | None]:
    """Return the forecast of each group's quotas, in order; None where there is nothing to tell:
    no quotas, no forecast, before the full launch, at the goal or after the end."""
    cases = [
        None if result is None else _case_of(history, result.forecast)
        for history, result in zip(histories, results, strict=True)
    ]
    questions = [case.question for case in cases if case is not None and case.question is not None]
    without_full = iter(forecast_many(questions))
    return [
        None
        if case is None
        else _forecast_case(case, case.outlook if case.question is None else next(without_full))
        for case in cases
    ]


def _case_of(history: GroupHistory, outlook: Forecast) -> _Case | None:
    group, share = history.group, 1.0
    if not 0 < len(history.quotas) <= MOST_CELLS or (group.completes or 0) >= outlook.goal:
        return None
    if group.ends_at is not None and group.ends_at <= history.now:
        return None
    phase = launch_phase(group, stored_soft_launch(history.modules), now=history.now)
    if not phase.is_full_launch:
        return None
    if quota_unit(group.filling_strategy) == "prescreens":
        share = completes_per_prescreen(group) or 0.0
        if share <= 0:
            return None
    cells = _cell_states(history)
    return _Case(history, share, cells, outlook, _question_of(history, cells, share))


def _cell_states(history: GroupHistory) -> list[CellState]:
    since = full_since(history)
    return [
        CellState(
            name=target.key,
            limit=float(target.goal),
            completes=float(max(target.done, 0)),
            question=target.question,
            full_since=_as_time(since.get(target.key)),
        )
        for target in history.quotas
    ]


def _as_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _question_of(
    history: GroupHistory, cells: Sequence[CellState], share: float
) -> ForecastInput | None:
    """Return the question of the open cells; None where no cell was seen to fill."""
    if not any(cell.full_since for cell in cells):
        return None
    in_completes = [
        replace(cell, limit=cell.limit * share, completes=cell.completes * share) for cell in cells
    ]
    series = without_full_cells(history.series, in_completes)
    had = float(series.count[-1]) if series.count.size else 0.0
    missing = (history.goal or 0) - (history.group.completes or 0)
    return replace(history.forecast_input(), history=series, goal=had + missing)


def _forecast_case(case: _Case, open_cells: Forecast) -> QuotaForecast:
    """open_cells: the forecast of the group's series without its full cells."""
    counted, now = case.completes, case.history.now
    if case.question is not None:
        counted = open_cells.goal - case.missing
    ends = _ends_of(open_cells)
    in_unit = _with_ends(open_cells, [counted + (end - counted) / case.share for end in ends])
    done = _done_in_unit(case)
    cells = forecast_cells(
        case.cells,
        open_cells=in_unit,
        counted=counted,
        goal=done + case.missing / case.share,
        completes=done,
        now=now,
        ends_at=case.ends_at,
    )
    free = [case.completes + end - counted for end in ends]
    let_in = [case.completes + (end - done) * case.share for end in cells.at_end]
    capped = [
        end if most >= case.outlook.goal - 1e-6 else min(end, most)
        for end, most in zip(free, let_in, strict=True)
    ]
    confidence, note = with_range(case.outlook.confidence, case.outlook.note, capped)
    early, middle, late = _finishes(open_cells, cells.delays, now)
    group = replace(
        _with_ends(case.outlook, capped),
        finish_p10=early,
        finish_p50=middle,
        finish_p90=late,
        chance=min(open_cells.chance, cells.chance),
        confidence=confidence,
        note="; ".join(filter(None, (note, _describe_last(case, cells)))),
    )
    return QuotaForecast(group, cells, EndPercentiles(*free))


def _done_in_unit(case: _Case) -> float:
    group = case.history.group
    by_prescreens = quota_unit(group.filling_strategy) == "prescreens"
    return float(group.prescreens or 0) if by_prescreens else case.completes


def _ends_of(outlook: Forecast) -> list[float]:
    return [
        outlook.completes_at_end_p10,
        outlook.completes_at_end_p50,
        outlook.completes_at_end_p90,
    ]


def _with_ends(outlook: Forecast, ends: Sequence[float]) -> Forecast:
    low, middle, high = ends
    return replace(
        outlook, completes_at_end_p10=low, completes_at_end_p50=middle, completes_at_end_p90=high
    )


def _finishes(outlook: Forecast, delays: QuotaDelays, now: datetime) -> list[datetime | None]:
    """Return the dates of the goal, later by as much as the quotas delay it."""
    dates = (outlook.finish_p10, outlook.finish_p50, outlook.finish_p90)
    return [_delayed(finish, delay, now) for finish, delay in zip(dates, delays, strict=True)]


def _delayed(finish: datetime | None, delay: float, now: datetime) -> datetime | None:
    if finish is None or delay * max(finish - now, timedelta(0)).total_seconds() > (
        LATEST.total_seconds()
    ):
        return None
    return now + (finish - now) * delay


def _describe_last(case: _Case, cells: CellsForecast) -> str:
    """Return which quota the group waits for, and when it fills."""
    last = cells.last_to_fill
    if last is None:
        return ""
    name, day = _target_of(case.history, last).name, _day_of(last.full_at, case.history)
    return f"the last quota to fill is {_short(name)}: {day or 'not within 90 days'}"


def stored_quotas(history: GroupHistory, quotas: QuotaForecast | None) -> StoredQuotas | None:
    """Return what is stored of the quotas; None for a group without quotas."""
    if not history.quotas:
        return None
    if quotas is None:
        return StoredQuotas(full_since=full_since(history))
    last = quotas.cells.last_to_fill
    return StoredQuotas(
        full_since=full_since(history),
        at_end={
            cell.cell.name: _stored_cell(cell) for cell in quotas.cells.cells if cell.cell.room > 0
        },
        last=last.cell.name if last is not None else None,
        unstopped=EndPercentiles(*(round(end, 1) for end in _in_order(quotas.unstopped))),
    )


def _in_order(ends: EndPercentiles) -> tuple[float, float, float]:
    return ends.p10, ends.p50, ends.p90


def _stored_cell(cell: CellForecast) -> CellAtEnd:
    low, middle, high = (round(count, 1) for count in cell.at_end)
    full_at = cell.full_at.isoformat(timespec="minutes") if cell.full_at else None
    return CellAtEnd(low, middle, high, round(cell.chance, 3), full_at)


def slow_quota(history: GroupHistory, quotas: QuotaForecast | None) -> SlowQuota | None:
    """Return the quota that the group waits for, if it is unlikely to fill by the end."""
    last = quotas.cells.last_to_fill if quotas is not None else None
    if last is None or last.chance >= UNLIKELY:
        return None
    target = _target_of(history, last)
    return SlowQuota(
        name=_short(target.name),
        unit=quota_unit(history.group.filling_strategy),
        done=target.done,
        goal=target.goal,
        low=last.at_end.p10,
        high=last.at_end.p90,
        chance=last.chance,
        fills=_day_of(last.full_at, history),
    )


def _target_of(history: GroupHistory, cell: CellForecast) -> StoredQuota:
    return next(target for target in history.quotas if target.key == cell.cell.name)


def _day_of(moment: datetime | None, history: GroupHistory) -> str:
    return f"{moment.astimezone(history.zone):%a %-d %b}" if moment else ""


def _short(name: str) -> str:
    if not name:
        return "one without a name"
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME].rstrip()}…"
