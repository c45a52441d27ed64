"""The completes of a project, each group's share on top of the others."""

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
    """Areas from `start`, the biggest at the ground, with the required and the forecast sum."""
    layout = frame.figure_layout(palette, zone_city(zone))
    if start is None:
        return {"data": [], "layout": layout}
    frame.whole_ticks(layout, sum(max(share.counts, default=0) for share in shares))
    traces = [
        _area(start, share, palette.shares[min(i, len(palette.shares) - 1)], palette, zone)
        for i, share in enumerate(shares)
    ]
    traces += [
        _line(line, name, dash, colour, zone)
        for line, name, dash, colour in (
            (required, "Required, spread evenly", "dot", palette.soft),
            (forecast, "Middle forecast", "dash", palette.ink),
        )
        if line
    ]
    return {"data": traces, "layout": layout}


def _area(start: datetime, share: Share, colour: str, palette: Palette, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _short(share.name),
        "stackgroup": "completes",
        **frame.grid_times(start, HOUR, len(share.counts), zone),
        "y": share.counts,
        "line": {"color": palette.paper, "width": 0.75},
        "fillcolor": colour,
        "hovertemplate": "%{y:,} %{fullData.name}<extra></extra>",
    }


def _line(line: Line, name: str, dash: str, colour: str, zone: ZoneInfo) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [frame.local_clock(at, zone) for at, _ in line],
        "y": [round(value) for _, value in line],
        "line": {"color": colour, "width": 1.5, "dash": dash},
        "hovertemplate": f"%{{y:,}} {name.lower()}<extra></extra>",
    }


def _short(name: str) -> str:
    """A name as a legend can hold it."""
    kept = frame.plain_text(name)
    return kept if len(kept) <= 32 else kept[:31] + "…"
