"""Plotly figures as plain dicts, in the colours of the page's theme."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dashboard.web.series import HOUR, Grid
from dashboard.web.times import place

Figure = dict[str, Any]


class Palette(NamedTuple):
    """The colours of a theme, as the stylesheet has them."""

    ink: str
    soft: str
    line: str
    bar: str
    band: str
    goal: str
    mark: str
    paper: str


PALETTES = {
    "light": Palette(
        "#16202a", "#4a5763", "#dde1e5", "#0b7f8a", "rgba(11,127,138,0.16)", "#1f6b3a", "#855000",
        "#ffffff",
    ),
    "dark": Palette(
        "#e7edf2", "#b4c0ca", "#2b363f", "#3fb2bc", "rgba(63,178,188,0.20)", "#7fd19a", "#f0b860",
        "#1e2830",
    ),
}  # fmt: skip


class Mark(NamedTuple):
    """A change on the time axis."""

    at: datetime
    text: str


class Forecast(NamedTuple):
    """Completes at the end of the fielding period: the 10th, 50th and 90th percentile."""

    at: datetime
    p10: float
    p50: float
    p90: float


def completes(
    grid: Grid | None,
    *,
    goal: int | None,
    begins: datetime | None,
    ends: datetime | None,
    forecast: Forecast | None,
    marks: Sequence[Mark],
    palette: Palette,
    zone: ZoneInfo,
) -> Figure:
    """Cumulative completes with the goal, the line that is required, the forecast and changes."""
    layout = _layout(palette, place(zone))
    if grid is None:
        return {"data": [], "layout": layout}
    traces = [_counted(grid, palette, zone)]
    if goal and begins and ends and begins < ends:
        traces.append(_required(begins, ends, goal, palette, zone))
    if forecast and forecast.at > grid.end and grid.counts[-1] is not None:
        traces += _forecast(grid, grid.counts[-1], forecast, palette, zone)
    if marks:
        traces.append(_marks(marks, grid, palette, zone))
    if goal:
        layout["shapes"] = [_level(goal, palette)]
        layout["annotations"] = [_level_name(goal, f"Goal {goal:,}", palette)]
    return {"data": traces, "layout": layout}


def gained(grid: Grid | None, hours: int, *, palette: Palette, zone: ZoneInfo) -> Figure:
    """Completes in each step of so many hours; a fall is reconciliation."""
    layout = _layout(palette, place(zone))
    layout["showlegend"] = False
    if grid is None:
        return {"data": [], "layout": layout}
    falls = [palette.mark if (n or 0) < 0 else palette.bar for n in grid.counts]
    unit = "hour" if hours == 1 else "day"
    bars = {
        "type": "bar",
        "name": f"Completes per {unit}",
        **_times(grid.start - timedelta(hours=hours) / 2, timedelta(hours=hours), grid, zone),
        "y": grid.counts,
        "marker": {"color": falls},
        "hovertemplate": "%{y} completes<extra></extra>",
    }
    return {"data": [bars], "layout": layout}


def trend(
    points: Sequence[tuple[datetime, float]],
    *,
    name: str,
    unit: str,
    agreed: float | None,
    palette: Palette,
    zone: ZoneInfo,
) -> Figure:
    """A figure at each of our readings, as steps: it holds until the next reading."""
    layout = _layout(palette, place(zone))
    layout["showlegend"] = False
    if not points:
        return {"data": [], "layout": layout}
    if agreed is not None:
        layout["shapes"] = [_level(agreed, palette)]
        layout["annotations"] = [_level_name(agreed, f"Agreed {agreed:g} {unit}", palette)]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [_clock(at, zone) for at, _ in points],
        "y": [round(value, 4) for _, value in points],
        "line": {"color": palette.bar, "width": 2, "shape": "hv"},
        "marker": {"size": 4},
        "hovertemplate": f"{name} %{{y:.4~g}} {unit}<extra></extra>",
    }
    return {"data": [line], "layout": layout}


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as the group's clocks show it; Plotly takes it as it is."""
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def _times(start: datetime, step: timedelta, grid: Grid, zone: ZoneInfo) -> Figure:
    """The times of a regular grid: a start and a step, or each one if the clocks change within."""
    end = start + step * (len(grid.counts) - 1)
    if start.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
        return {"x0": _clock(start, zone), "dx": step / timedelta(milliseconds=1)}
    return {"x": [_clock(start + step * i, zone) for i in range(len(grid.counts))]}


def _counted(grid: Grid, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Completes",
        **_times(grid.start, HOUR, grid, zone),
        "y": grid.counts,
        "line": {"color": palette.bar, "width": 2.5},
        "connectgaps": False,
        "hovertemplate": "%{y} completes<extra></extra>",
    }


def _required(
    begins: datetime, ends: datetime, goal: int, palette: Palette, zone: ZoneInfo
) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Required",
        "x": [_clock(begins, zone), _clock(ends, zone)],
        "y": [0, goal],
        "line": {"color": palette.soft, "width": 1.25, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _forecast(
    grid: Grid, now: int, forecast: Forecast, palette: Palette, zone: ZoneInfo
) -> list[Figure]:
    x = [_clock(grid.end, zone), _clock(forecast.at, zone)]
    edge = {"color": palette.bar, "width": 0}
    band = {"type": "scatter", "mode": "lines", "x": x, "hoverinfo": "skip", "line": edge}
    return [
        band | {"y": [now, forecast.p10], "showlegend": False, "name": "Low"},
        band
        | {
            "y": [now, forecast.p90],
            "fill": "tonexty",
            "fillcolor": palette.band,
            "name": "Forecast (80 %)",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Middle forecast",
            "x": x,
            "y": [now, forecast.p50],
            "showlegend": False,
            "line": {"color": palette.bar, "width": 1.5, "dash": "dash"},
            "hovertemplate": "about %{y:.0f} completes<extra></extra>",
        },
    ]


def _marks(marks: Sequence[Mark], grid: Grid, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Changes",
        "x": [_clock(mark.at, zone) for mark in marks],
        "y": [_height(grid, mark.at) for mark in marks],
        "text": [mark.text for mark in marks],
        "marker": {
            "symbol": "diamond",
            "size": 10,
            "color": palette.mark,
            "line": {"color": palette.paper, "width": 1.5},
        },
        "hovertemplate": "%{text}<extra></extra>",
    }


def _height(grid: Grid, at: datetime) -> int:
    """Where a mark sits on the line of completes; on the ground outside of it."""
    if at < grid.start:
        return 0
    hour = min(int((at - grid.start).total_seconds() // 3600), len(grid.counts) - 1)
    return grid.counts[hour] or 0


def _level(goal: float, palette: Palette) -> Figure:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": goal,
        "y1": goal,
        "line": {"color": palette.goal, "width": 1.25, "dash": "dash"},
    }


def _level_name(goal: float, text: str, palette: Palette) -> Figure:
    return {
        "text": text,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": goal,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": palette.goal, "size": 12},
    }


def _layout(palette: Palette, city: str) -> Figure:
    axis = {
        "gridcolor": palette.line,
        "linecolor": palette.line,
        "zeroline": False,
        "fixedrange": False,
        "tickfont": {"color": palette.soft},
    }
    return {
        "margin": {"l": 48, "r": 16, "t": 32, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.ink, "size": 13},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": palette.paper, "font": {"color": palette.ink}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": axis
        | {
            "type": "date",
            "hoverformat": f"%a %-d %b %H:%M {city}",
            "tickformatstops": [
                {"dtickrange": [None, 43_200_000], "value": "%H:%M\n%-d %b"},
                {"dtickrange": [43_200_000, None], "value": "%-d %b"},
            ],
        },
        "yaxis": axis | {"rangemode": "tozero"},
        "barmode": "overlay",
        "bargap": 0.15,
    }
