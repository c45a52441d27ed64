"""The completes of one group: cumulative against what is required, or gained per step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.charts.series import HOUR, Grid, GridStep
from dashboard.web.formatting.times import zone_city

Line = Sequence[tuple[datetime, float]]


class Mark(NamedTuple):
    """A change on the time axis."""

    at: datetime
    text: str


class ForecastBand(NamedTuple):
    """Completes at the end of the fielding period: the 10th, 50th and 90th percentile.

    finishes: when each of the three reaches the goal; None where it is not in sight or unknown.
    """

    at: datetime
    p10: float
    p50: float
    p90: float
    finishes: tuple[datetime | None, datetime | None, datetime | None] = (None, None, None)


def completes_figure(
    grid: Grid | None,
    *,
    goal: int | None,
    goal_name: str,
    required: Line,
    forecast: ForecastBand | None,
    marks: Sequence[Mark],
    shown: tuple[datetime, datetime] | None,
    palette: Palette,
    zone: ZoneInfo,
) -> Figure:
    """Return cumulative completes with goal, required line, forecast and changes.

    `goal_name`: the label of the goal line. `shown`: the time range of the axis; None shows all.
    """
    layout = frame.figure_layout(palette, zone_city(zone))
    if grid is None:
        return {"data": [], "layout": layout}
    frame.whole_ticks(layout, max(goal or 0, *(count or 0 for count in grid.counts)))
    traces = [_completes_trace(grid, palette, zone)]
    if required:
        traces.append(_required_trace(required, palette, zone))
    if forecast and forecast.at > grid.end and grid.counts[-1] is not None:
        now = (grid.end, float(grid.counts[-1]))
        traces += _forecast_traces(
            *_forecast_paths(now, forecast, goal), palette=palette, zone=zone
        )
    if marks:
        traces.append(_mark_trace(marks, grid, palette, zone))
    if goal:
        layout["shapes"] = [frame.level_line(goal, palette)]
        layout["annotations"] = [frame.level_name(goal, goal_name, palette)]
    if shown:
        layout["xaxis"]["range"] = [frame.local_clock(moment, zone) for moment in shown]
    return {"data": traces, "layout": layout}


def gained_figure(
    steps: Sequence[GridStep], hours: int, *, palette: Palette, zone: ZoneInfo
) -> Figure:
    """Return completes gained per step of so many hours; a negative step is reconciliation."""
    layout = frame.figure_layout(palette, zone_city(zone))
    layout["showlegend"] = False
    if not steps:
        return {"data": [], "layout": layout}
    frame.whole_ticks(layout, max(abs(step.gained or 0) for step in steps))
    falls = [palette.mark if (step.gained or 0) < 0 else palette.bar for step in steps]
    bars = {
        "type": "bar",
        "name": "Completes gained",
        "x": [step.start.strftime("%Y-%m-%dT%H:%M:%S") for step in steps],
        "y": [step.gained for step in steps],
        "offset": 0,
        "width": timedelta(hours=hours) / timedelta(milliseconds=1) * 0.88,
        "marker": {"color": falls},
        "hovertemplate": "%{y:,} completes<extra></extra>",
    }
    return {"data": [bars], "layout": layout}


def _completes_trace(grid: Grid, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Completes",
        **frame.grid_times(grid.start, HOUR, len(grid.counts), zone),
        "y": grid.counts,
        "line": {"color": palette.bar, "width": 2.5},
        "connectgaps": False,
        "hovertemplate": "%{y:,} completes<extra></extra>",
    }


def _required_trace(line: Line, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Target",
        "x": [frame.local_clock(at, zone) for at, _ in line],
        "y": [round(value, 1) for _, value in line],
        "line": {"color": palette.soft, "width": 1.25, "dash": "dot"},
        "hovertemplate": "target %{y:,.0f}<extra></extra>",
    }


def _forecast_paths(
    now: tuple[datetime, float], forecast: ForecastBand, goal: int | None
) -> list[Line]:
    """Return the path of each percentile to the end date; it stops rising at the goal.

    A path reaches the goal at its own projected finish, and without one on a straight line.
    """
    (start, done) = now
    paths: list[Line] = []
    ends = forecast.p10, forecast.p50, forecast.p90
    for end, finish in zip(ends, forecast.finishes, strict=True):
        path: list[tuple[datetime, float]] = [now, (forecast.at, end)]
        if goal and done <= goal <= end:
            reached = forecast.at
            if finish is not None and start <= finish <= forecast.at:
                reached = finish
            elif goal < end:
                reached = start + (forecast.at - start) * ((goal - done) / (end - done))
            path[1:] = [(reached, goal), (forecast.at, goal)][reached == forecast.at :]
        paths.append(path)
    return paths


def _forecast_traces(
    low: Line, middle: Line, high: Line, *, palette: Palette, zone: ZoneInfo
) -> list[Figure]:
    def points(line: Line) -> Figure:
        return {
            "x": [frame.local_clock(at, zone) for at, _ in line],
            "y": [value for _, value in line],
        }

    edge = {"color": palette.bar, "width": 0}
    band = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": edge}
    return [
        band | points(low) | {"showlegend": False, "name": "Low"},
        band
        | points(high)
        | {
            "fill": "tonexty",
            "fillcolor": palette.band,
            "name": "Forecast (80 %)",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Forecast",
            **points(middle),
            "showlegend": False,
            "line": {"color": palette.bar, "width": 1.5, "dash": "dash"},
            "hovertemplate": "forecast %{y:,.0f} completes<extra></extra>",
        },
    ]


def _mark_trace(marks: Sequence[Mark], grid: Grid, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Changes",
        "x": [frame.local_clock(mark.at, zone) for mark in marks],
        "y": [_mark_height(grid, mark.at) for mark in marks],
        "text": [frame.plain_text(mark.text) for mark in marks],
        "marker": {
            "symbol": "diamond",
            "size": 10,
            "color": palette.mark,
            "line": {"color": palette.paper, "width": 1.5},
        },
        "hovertemplate": "%{text}<extra></extra>",
    }


def _mark_height(grid: Grid, at: datetime) -> int:
    """Return the height of a mark: the completes at its time; 0 before the first count."""
    if at < grid.start:
        return 0
    hour = min(int((at - grid.start).total_seconds() // 3600), len(grid.counts) - 1)
    return grid.counts[hour] or 0
