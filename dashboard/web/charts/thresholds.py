"""What an incident adds to a chart: the thresholds of its rule, and the time it was open."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.web.charts import Figure, Palette


def add_level(
    figure: Figure, value: float, text: str, palette: Palette, *, left: bool = False
) -> None:
    """Add a labelled threshold; `left` puts the label there, away from a close neighbour."""
    layout = figure["layout"]
    line = {"color": palette.mark, "width": 1.25, "dash": "dash"}
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value}
    end = {"x": 0, "xanchor": "left"} if left else {"x": 1, "xanchor": "right"}
    name = {"xref": "paper", **end, "y": value, "yanchor": "bottom"}
    font = {"color": palette.mark, "size": 12}
    layout.setdefault("shapes", []).append({"type": "line", **across, "line": line})
    layout.setdefault("annotations", []).append(
        {"text": text, **name, "showarrow": False, "font": font}
    )


def add_span(
    figure: Figure, since: datetime, until: datetime, palette: Palette, zone: ZoneInfo
) -> None:
    """Shade a time range behind a chart, in local time of the zone."""
    begins, ends = (moment.astimezone(zone) for moment in (since, until))
    stretch = {"x0": f"{begins:%Y-%m-%dT%H:%M:%S}", "x1": f"{ends:%Y-%m-%dT%H:%M:%S}"}
    figure["layout"].setdefault("shapes", []).append(
        {
            "type": "rect",
            "layer": "below",
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            **stretch,
            "fillcolor": palette.band,
            "line": {"width": 0},
        }
    )
