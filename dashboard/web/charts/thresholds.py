"""What an incident adds to a figure: the thresholds of its rule, and the time it was open."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.web.charts import Figure, Palette


def add_level(
    figure: Figure, value: float, text: str, palette: Palette, *, left: bool = False
) -> None:
    """A named threshold across a figure; `left` has its name there, away from one close to it."""
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
    """A stretch of time behind a figure, on the clocks of its zone."""
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
