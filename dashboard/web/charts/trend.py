"""A metric over time, from Fieldwatch's own readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.web.charts import frame
from dashboard.web.formatting.numbers import format_limit
from dashboard.web.formatting.times import zone_city

COUNTED = ("completes", "prescreens")
LEAST = timedelta(hours=2)  # shown even if the first reading is younger


def trend_figure(
    points: Sequence[tuple[datetime, float]],
    *,
    name: str,
    unit: str,
    bid: float | None = None,
    palette: frame.Palette,
    zone: ZoneInfo,
) -> frame.Figure:
    """Return a metric as a step line: each reading holds until the next."""
    layout = frame.figure_layout(palette, zone_city(zone))
    layout["showlegend"] = False
    if not points:
        return {"data": [], "layout": layout}
    if unit in COUNTED:
        frame.whole_ticks(layout, max(value for _, value in points))
    if points[-1][0] - points[0][0] < LEAST:
        reach = (points[-1][0] - LEAST, points[-1][0] + LEAST / 12)
        layout["xaxis"]["range"] = [frame.local_clock(at, zone) for at in reach]
    if bid is not None:
        layout["shapes"] = [frame.level_line(bid, palette)]
        layout["annotations"] = [frame.level_name(bid, f"Bid {format_limit(bid)} {unit}", palette)]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [frame.local_clock(at, zone) for at, _ in points],
        "y": [round(value, 4) for _, value in points],
        "line": {"color": palette.bar, "width": 2, "shape": "hv"},
        "marker": {"size": 4},
        "hovertemplate": f"{name} %{{y:,.4~r}} {unit}<extra></extra>",
    }
    return {"data": [line], "layout": layout}
