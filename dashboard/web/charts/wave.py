"""Two waves of a tracker: percent of the goal against the day in field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dashboard.web.charts import frame
from dashboard.web.charts.frame import Figure, Palette
from dashboard.web.formatting import numbers

APART = 8.0  # percent between two names that stand above each other
NOW, THEN, WHOLE = "This wave", "Previous wave", "Previous wave to its end"


class CurvePoint(NamedTuple):
    """Completes of a goal on a day in field."""

    day: float
    done: float
    goal: float

    @property
    def percent(self) -> float:
        """The percent of the goal; 0 without one."""
        return 100 * self.done / self.goal if self.goal else 0.0


class WaveCurve(NamedTuple):
    """A wave over its days in field."""

    points: Sequence[CurvePoint]


def wave_figure(now: WaveCurve, then: WaveCurve, whole: WaveCurve, *, palette: Palette) -> Figure:
    """Return both waves as lines with their names at the end, and the present age as a rule.

    whole: the previous wave beyond the present age, as a faint line.
    """
    layout = frame.figure_layout(palette, "")
    if not now.points or not then.points:
        return {"data": [], "layout": layout}
    layout["showlegend"] = False
    layout["margin"] |= {"t": 24, "b": 44}
    layout["xaxis"] = {
        key: value
        for key, value in layout["xaxis"].items()
        if key not in ("type", "hoverformat", "tickformatstops")
    } | {
        "type": "linear",
        "title": {"text": "Day in field", "font": {"color": palette.soft, "size": 12}},
        "rangemode": "tozero",
        "hoverformat": ".1f",
        "tickformat": "d",
        "unifiedhovertitle": {"text": "Day %{x}"},
    }
    top = max(100.0, *(point.percent for point in (*now.points, *then.points, *whole.points)))
    layout["yaxis"] |= {"ticksuffix": " %", "range": [0, top * 1.08]}
    last = now.points[-1]
    layout["shapes"] = [frame.level_line(100, palette), _age_line(last.day, palette)]
    layout["annotations"] = [
        frame.level_name(100, "Goal", palette),
        *_end_names(now, then, whole, palette),
    ]
    return {
        "data": [
            *(
                [_trace(whole, WHOLE, palette.soft, {"width": 1, "dash": "dot"})]
                if whole.points
                else []
            ),
            _trace(then, THEN, palette.soft, {"width": 1.5, "dash": "dash"}),
            _trace(now, NOW, palette.bar, {"width": 2.5}),
        ],
        "layout": layout,
    }


def _trace(curve: WaveCurve, name: str, colour: str, line: Figure) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [round(point.day, 3) for point in curve.points],
        "y": [round(point.percent, 2) for point in curve.points],
        "customdata": [
            f"{numbers.format_count(point.done)} of {numbers.format_count(point.goal)} completes"
            for point in curve.points
        ],
        "line": {"color": colour, **line},
        "hovertemplate": f"%{{y:.0f}} % {name.lower()}, %{{customdata}}<extra></extra>",
    }


def _age_line(day: float, palette: Palette) -> Figure:
    return {
        "type": "line",
        "yref": "paper",
        "x0": day,
        "x1": day,
        "y0": 0,
        "y1": 1,
        "line": {"color": palette.soft, "width": 1, "dash": "dash"},
    }


def _end_names(now: WaveCurve, then: WaveCurve, whole: WaveCurve, palette: Palette) -> list[Figure]:
    """The names of the lines with their last values; the higher of two stands above its line."""
    mine, theirs = now.points[-1], then.points[-1]
    names = [
        _end_name(mine, NOW, palette.bar, is_above=mine.percent >= theirs.percent),
        _end_name(theirs, THEN, palette.soft, is_above=mine.percent < theirs.percent),
    ]
    final = whole.points[-1] if whole.points else theirs
    if final.day > theirs.day * 1.3 or abs(final.percent - theirs.percent) >= APART:
        names.append(_end_name(final, "Final", palette.soft, is_above=True))
    return names


def _end_name(point: CurvePoint, name: str, colour: str, *, is_above: bool) -> Figure:
    """The name of a line with its last value, above or below its end."""
    return {
        "text": f"{name} {numbers.format_percent(point.percent / 100)}",
        "x": point.day,
        "y": point.percent,
        "xanchor": "right",
        "yanchor": "bottom" if is_above else "top",
        "yshift": 0 if is_above else -6,
        "showarrow": False,
        "font": {"color": colour, "size": 12},
    }
