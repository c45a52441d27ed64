"""The completes of a project: their sum, or stacked by group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.forecast.joint import Percentiles
from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.charts.series import HOUR
from dashboard.web.formatting import numbers
from dashboard.web.formatting.times import zone_city

Line = Sequence[tuple[datetime, float]]
Band = Sequence[tuple[datetime, Percentiles]]


class Share(NamedTuple):
    """One group's cumulative completes at each hour of the project's grid."""

    name: str
    counts: Sequence[int]


def project_figure(
    start: datetime | None,
    shares: Sequence[Share],
    *,
    required: Line,
    forecast: Band,
    palette: Palette,
    zone: ZoneInfo,
) -> Figure:
    """Return stacked areas from `start`, largest first, with target and forecast totals."""
    layout = frame.figure_layout(palette, zone_city(zone))
    if start is None:
        return {"data": [], "layout": layout}
    frame.whole_ticks(layout, sum(max(share.counts, default=0) for share in shares))
    traces = [
        _area_trace(start, share, palette.shares[min(i, len(palette.shares) - 1)], palette, zone)
        for i, share in enumerate(shares)
    ]
    if required:
        traces.append(_line_trace(required, "Target", "dot", palette.soft, zone))
    if forecast:
        traces += _band_traces(forecast, palette, zone)
    return {"data": traces, "layout": layout}


class ProjectSum(NamedTuple):
    """The sum of all groups at each hour of the project's grid, and what it is held against.

    ends_at: the last end date of open groups.
    """

    counts: Sequence[int]
    goal: float
    ends_at: datetime | None


def project_sum_figure(
    start: datetime | None,
    total: ProjectSum,
    *,
    target: Line,
    forecast: Band,
    palette: Palette,
    zone: ZoneInfo,
) -> Figure:
    """Return the completes of all groups from `start`, with the target line and the forecast.

    The goal, the last end date and now are lines with their names; so there is no legend.
    """
    layout = frame.figure_layout(palette, zone_city(zone))
    if start is None:
        return {"data": [], "layout": layout}
    layout["showlegend"] = False
    layout["margin"]["t"] = 24
    high = max((points.p90 for _, points in forecast), default=0.0)
    top = max(*total.counts, total.goal, high, *(value for _, value in target), 1)
    frame.whole_ticks(layout, top)
    layout["yaxis"]["range"] = [0, top * 1.12]
    traces = [_sum_trace(start, total.counts, palette, zone)]
    if target:
        traces.append(_line_trace(target, "Target", "dot", palette.soft, zone))
    if forecast:
        traces += _band_traces(forecast, palette, zone)
    now = start + HOUR * (len(total.counts) - 1)
    shapes = [_moment_line(now, palette.soft, "dash", zone)] if forecast else []
    notes = _names_of_lines(target, forecast, now, palette, zone)
    if total.ends_at:
        shapes.append(_moment_line(total.ends_at, palette.goal, "dash", zone))
        name = f"Last end date {total.ends_at.astimezone(zone):%-d %b}"
        notes.append(_moment_name(total.ends_at, name, palette.goal, zone))
    if total.goal:
        shapes.append(frame.level_line(total.goal, palette))
        name = f"Goal {numbers.format_count(total.goal)}"
        notes.append(frame.level_name(total.goal, name, palette))
    layout["shapes"], layout["annotations"] = shapes, notes
    return {"data": traces, "layout": layout}


def _sum_trace(start: datetime, counts: Sequence[int], palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Completes",
        **frame.grid_times(start, HOUR, len(counts), zone),
        "y": list(counts),
        "fill": "tozeroy",
        "fillcolor": palette.band,
        "line": {"color": palette.bar, "width": 2.5},
        "hovertemplate": "%{y:,} completes<extra></extra>",
    }


def _moment_line(at: datetime, colour: str, dash: str, zone: ZoneInfo) -> Figure:
    clock = frame.local_clock(at, zone)
    return {
        "type": "line",
        "yref": "paper",
        "x0": clock,
        "x1": clock,
        "y0": 0,
        "y1": 1,
        "line": {"color": colour, "width": 1, "dash": dash},
    }


def _moment_name(at: datetime, text: str, colour: str, zone: ZoneInfo) -> Figure:
    return {
        "text": text,
        "x": frame.local_clock(at, zone),
        "xanchor": "right",
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"color": colour, "size": 12},
    }


def _names_of_lines(
    target: Line, forecast: Band, now: datetime, palette: Palette, zone: ZoneInfo
) -> list[Figure]:
    """Return the labels beside now: of itself, of the target by then; and of the forecast."""
    if not forecast:
        return []
    name = {"showarrow": False, "xanchor": "left", "yanchor": "top"}
    soft = {"font": {"color": palette.soft, "size": 12}, "x": frame.local_clock(now, zone)}
    names = [name | soft | {"text": "Now", "y": 0, "yanchor": "bottom"}]
    for (begins, low), (ends, high) in pairwise(target):
        if begins <= now < ends:
            value = low + (high - low) * ((now - begins) / (ends - begins))
            names.append(name | soft | {"text": "Target", "y": value})
    at, (lowest, middle, _) = forecast[-1]
    at_end = {
        "text": f"Forecast {numbers.format_count(middle)}",
        "x": frame.local_clock(at, zone),
        "xanchor": "right",
        "y": lowest,
        "font": {"color": palette.ink, "size": 12},
    }
    return [*names, name | at_end]


def _area_trace(
    start: datetime, share: Share, colour: str, palette: Palette, zone: ZoneInfo
) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _legend_name(share.name),
        "stackgroup": "completes",
        **frame.grid_times(start, HOUR, len(share.counts), zone),
        "y": share.counts,
        "line": {"color": palette.paper, "width": 0.75},
        "fillcolor": colour,
        "hovertemplate": "%{y:,} %{fullData.name}<extra></extra>",
    }


def _band_traces(forecast: Band, palette: Palette, zone: ZoneInfo) -> list[Figure]:
    """The 80 % range of the sum, and its median."""
    band = {
        "type": "scatter",
        "mode": "lines",
        "hoverinfo": "skip",
        "x": [frame.local_clock(at, zone) for at, _ in forecast],
        "line": {"width": 0, "color": palette.ink},
    }
    low, high = ([round(points[edge]) for _, points in forecast] for edge in (0, 2))
    middle = [(at, points.p50) for at, points in forecast]
    return [
        band | {"y": low, "name": "Low", "showlegend": False},
        band
        | {
            "y": high,
            "name": "Forecast (80 %)",
            "fill": "tonexty",
            "fillcolor": palette.band,
        },
        _line_trace(middle, "Forecast", "dash", palette.ink, zone),
    ]


def _line_trace(line: Line, name: str, dash: str, colour: str, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [frame.local_clock(at, zone) for at, _ in line],
        "y": [round(value) for _, value in line],
        "line": {"color": colour, "width": 1.5, "dash": dash},
        "hovertemplate": f"%{{y:,}} {name.lower()}<extra></extra>",
    }


def _legend_name(name: str) -> str:
    """Shorten a name for the legend."""
    text = frame.plain_text(name)
    return text if len(text) <= 32 else text[:31] + "…"
