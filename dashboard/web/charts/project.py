"""The completes of a project, stacked by group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.fielding.forecast.joint import Percentiles
from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.charts.series import HOUR
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
