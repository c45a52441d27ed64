"""The completes of one group: cumulative against what is required, or gained per step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.charts.series import HOUR, Grid, GridStep
from dashboard.web.formatting import numbers
from dashboard.web.formatting.times import zone_city

UNFINISHED = 0.5  # opacity of a bar whose time is not over
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
    """Return completes gained per step of so many hours; a negative step is reconciliation.

    A step that is not over is lighter; one with completes of a gap is hatched.
    """
    layout = frame.figure_layout(palette, zone_city(zone))
    layout["showlegend"] = False
    if not steps:
        return {"data": [], "layout": layout}
    frame.whole_ticks(layout, max(abs(step.gained or 0) for step in steps))
    bars = {
        "type": "bar",
        "name": "Completes gained",
        "x": [frame.local_clock(step.begins, zone) for step in steps],
        "y": [step.gained for step in steps],
        "offset": 0,
        "width": [_bar_width(step, hours, zone) for step in steps],
        "marker": {
            "color": [palette.mark if (step.gained or 0) < 0 else palette.bar for step in steps],
            "opacity": [1 if step.until is None else UNFINISHED for step in steps],
            "pattern": {"shape": ["/" if step.gap else "" for step in steps]},
        },
        "customdata": [_step_remarks(step, zone) for step in steps],
        "hovertemplate": "%{y:,} completes%{customdata}<extra></extra>",
    }
    return {"data": [bars], "layout": layout}


def _bar_width(step: GridStep, hours: int, zone: ZoneInfo) -> float:
    """Return the width of a bar in ms; less than its hours where clocks are set back."""
    drawn = frame.clock_position(step.ends, zone) - frame.clock_position(step.begins, zone)
    return min(drawn, timedelta(hours=hours)) / timedelta(milliseconds=1) * 0.88


def _step_remarks(step: GridStep, zone: ZoneInfo) -> str:
    """Return what the hover adds to a step that is not a plain one."""
    remarks = []
    if step.clock:
        remarks.append(f"{step.start:%H:%M} {step.clock}")
    if step.until:
        remarks.append(f"so far, until {step.until.astimezone(zone):%H:%M}")
    if step.gap:
        gained = numbers.format_count(step.gap.gained)
        remarks.append(f"estimated: {gained} in a gap of {step.gap.hours} h, spread evenly")
    return "".join(f"<br>{remark}" for remark in remarks)


def _completes_trace(grid: Grid, palette: Palette, zone: ZoneInfo) -> Figure:
    start, counts = grid.line()
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Completes",
        **frame.grid_times(start, HOUR, len(counts), zone),
        "y": counts,
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
    """Return the path of each percentile to the end date; it stops rising at the goal, and a
    group that is above its goal gains no more.

    A path reaches the goal at its own projected finish, and without one on a straight line.
    """
    (start, done) = now
    paths: list[Line] = []
    ends = forecast.p10, forecast.p50, forecast.p90
    for end, finish in zip(ends, forecast.finishes, strict=True):
        full = goal is not None and done > goal
        path: list[tuple[datetime, float]] = [now, (forecast.at, done if full else end)]
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
