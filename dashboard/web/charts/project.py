"""The completes of a project, stacked by group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.charts.series import HOUR
from dashboard.web.formatting.times import zone_city

Line = Sequence[tuple[datetime, float]]


class Share(NamedTuple):
    """One group's cumulative completes at each hour of the project's grid."""

    name: str
    counts: Sequence[int]


def project_figure(
    start: datetime | None,
    shares: Sequence[Share],
    *,
    required: Line,
    forecast: Line,
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
    traces += [
        _line_trace(line, name, dash, colour, zone)
        for line, name, dash, colour in (
            (required, "Target", "dot", palette.soft),
            (forecast, "Forecast", "dash", palette.ink),
        )
        if line
    ]
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
