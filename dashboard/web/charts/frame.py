"""What all charts share: theme colours, axes, local time, labelled levels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Figure = dict[str, Any]  # Any: a Plotly figure is JSON of many shapes, built here key by key
MOST_SINGLE_TICKS = 5  # counts up to which each gets a tick; Plotly would mark fractions


class Palette(NamedTuple):
    """The colours of a theme, as in the style sheet; `shares` are the colours of groups."""

    ink: str
    soft: str
    line: str
    bar: str
    band: str
    goal: str
    mark: str
    paper: str
    shares: Sequence[str]


PALETTES = {
    "light": Palette(
        "#16202a",
        "#4a5763",
        "#dde1e5",
        "#0b7f8a",
        "rgba(11,127,138,0.16)",
        "#1f6b3a",
        "#855000",
        "#ffffff",
        ("#0b7f8a", "#c0763b", "#5566b0", "#7f9a3a", "#a8527e", "#3f8fc4", "#8a6d4d", "#b9c1c8"),
    ),
    "dark": Palette(
        "#e7edf2",
        "#b4c0ca",
        "#2b363f",
        "#3fb2bc",
        "rgba(63,178,188,0.20)",
        "#7fd19a",
        "#f0b860",
        "#182027",
        ("#3fb2bc", "#d9935c", "#8493dd", "#a3bf5c", "#cc7aa4", "#6fb4e2", "#b3967a", "#5d6b77"),
    ),
}


def dark_colours() -> dict[str, str]:
    """Map each colour of the light theme to its colour in the dark one."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    pairs = zip([*light[:-1], *light.shares], [*dark[:-1], *dark.shares], strict=True)
    return dict(pairs)


DARKENED = dark_colours()


def local_clock(moment: datetime, zone: ZoneInfo) -> str:
    """Format a time in the zone without an offset, which Plotly shows unchanged.

    When clocks are set back, times that come twice are drawn in half their width, the first pass
    before the second one, so that nothing is drawn over another.
    """
    return clock_position(moment, zone).isoformat()[:19]  # to the second


def clock_position(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return where a time is drawn: on the zone's clock, without an offset.

    A chart draws hundreds of times: `combine` and one `replace` take a third of three `replace`.
    """
    local = moment.astimezone(zone)
    clock = datetime.combine(local.date(), local.time())
    offset, other = zone.utcoffset(clock), zone.utcoffset(clock.replace(fold=1 - local.fold))
    if offset is None or other is None or offset == other:
        return clock
    first, second = (other, offset) if local.fold else (offset, other)
    clock = clock.replace(fold=0)
    begins = _first_clock_twice(clock, zone, first - second)
    passed = (clock - begins) / 2
    return begins + passed + (first - second) / 2 * local.fold


def _first_clock_twice(clock: datetime, zone: ZoneInfo, length: timedelta) -> datetime:
    """Return the first time that comes twice of those around a time, to the minute."""
    low, high = 0, int(length / timedelta(minutes=1))  # minutes back: still twice, no longer
    while high - low > 1:
        middle = (low + high) // 2
        earlier = (clock - timedelta(minutes=middle)).replace(tzinfo=zone)
        is_twice = earlier.utcoffset() != earlier.replace(fold=1).utcoffset()
        low, high = (middle, high) if is_twice else (low, middle)
    return clock.replace(second=0, microsecond=0) - timedelta(minutes=low)


def grid_times(start: datetime, step: timedelta, number: int, zone: ZoneInfo) -> Figure:
    """Return the x values of a regular grid: start and step, or every time if clocks change."""
    end = start + step * (number - 1)
    days = range((end - start).days + 1)
    offsets = {(start + timedelta(days=day)).astimezone(zone).utcoffset() for day in days}
    if offsets == {end.astimezone(zone).utcoffset()}:
        return {"x0": local_clock(start, zone), "dx": step / timedelta(milliseconds=1)}
    return {"x": [local_clock(start + step * i, zone) for i in range(number)]}


def plain_text(text: str) -> str:
    """Remove tags and entities from text, since Plotly would interpret them."""
    return text.replace("&", "＆").replace("<", "‹").replace(">", "›")


def level_line(goal: float, palette: Palette) -> Figure:
    """Return a horizontal line across the figure."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": goal,
        "y1": goal,
        "line": {"color": palette.goal, "width": 1.25, "dash": "dash"},
    }


def whole_ticks(layout: Figure, top: float) -> None:
    """Give every count a tick in a small chart, since there are no half completes."""
    if top <= MOST_SINGLE_TICKS:
        layout["yaxis"]["dtick"] = 1


def level_name(goal: float, text: str, palette: Palette) -> Figure:
    """Return the label of a horizontal line."""
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


def figure_layout(palette: Palette, city: str) -> Figure:
    """Return axes and hover text in the theme; the hover names the city of the time zone."""
    axis = {
        "gridcolor": palette.line,
        "linecolor": palette.line,
        "zeroline": False,
        "fixedrange": False,
        "tickfont": {"color": palette.soft},
    }
    return {
        "margin": {"l": 48, "r": 16, "t": 32, "b": 36},
        "paper_bgcolor": palette.paper,  # else the line under the pointer has a white edge at night
        "plot_bgcolor": palette.paper,
        "font": {"color": palette.ink, "size": 13},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": palette.paper,
            "bordercolor": palette.line,
            "font": {"color": palette.ink, "size": 13},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "xaxis": axis
        | {
            "type": "date",
            "hoverformat": f"%a %-d %b %H:%M {city}",
            "tickformatstops": [
                {"dtickrange": [None, 43_200_000], "value": "%H:%M\n%-d %b"},
                {"dtickrange": [43_200_000, None], "value": "%-d %b"},
            ],
        },
        "yaxis": axis | {"rangemode": "tozero", "separatethousands": True},
        "barmode": "overlay",
        "bargap": 0.15,
    }
