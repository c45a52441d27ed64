"""Figures are plain dicts that Plotly takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from dashboard.web import charts, series
from tests.make import NOW

TOKYO = ZoneInfo("Asia/Tokyo")
GRID = series.Grid(NOW - timedelta(hours=3), [1, None, 4, 6])


def figure(grid: series.Grid | None, zone: ZoneInfo = TOKYO) -> charts.Figure:
    return charts.completes(
        grid,
        goal=10,
        begins=NOW - timedelta(days=1),
        ends=NOW + timedelta(days=1),
        forecast=charts.Forecast(NOW + timedelta(days=1), 8, 10, 12),
        marks=[charts.Mark(NOW - timedelta(hours=1), "CPI: 2.70 → 3.10")],
        palette=charts.PALETTES["dark"],
        zone=zone,
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_takes_every_figure(theme: str) -> None:
    palette = charts.PALETTES[theme]
    go.Figure(figure(GRID))
    go.Figure(figure(None))
    go.Figure(charts.gained(series.rates(GRID, 1), 1, palette=palette, zone=TOKYO))
    reading = [(NOW, 14.2)]
    given = {"name": "LOI", "unit": "min", "palette": palette, "zone": TOKYO}
    go.Figure(charts.trend(reading, agreed=9, **given))
    go.Figure(charts.trend([], agreed=None, **given))
    go.Figure(charts.gained(None, 24, palette=palette, zone=TOKYO))


def test_the_line_is_on_the_groups_own_clock_and_a_gap_stays_a_gap() -> None:
    line = figure(GRID)["data"][0]
    assert line["x0"] == "2026-11-20T18:00:00"
    assert line["dx"] == 3_600_000
    assert line["y"] == [1, None, 4, 6]


def test_hours_stay_true_across_a_change_of_clocks() -> None:
    fall = series.Grid(datetime(2026, 10, 24, 23, tzinfo=UTC), [1, 2, 3, 4])
    line = figure(fall, ZoneInfo("Europe/Berlin"))["data"][0]
    assert [text[11:16] for text in line["x"]] == ["01:00", "02:00", "02:00", "03:00"]


def test_the_hover_names_the_zone() -> None:
    assert figure(GRID)["layout"]["xaxis"]["hoverformat"].endswith("Tokyo")


def test_a_mark_sits_on_the_line() -> None:
    marks = figure(GRID)["data"][-1]
    assert marks["y"] == [4]
    assert marks["text"] == ["CPI: 2.70 → 3.10"]


def test_days_are_the_groups_own_and_a_fall_is_shown_as_one() -> None:
    midnight = datetime(2026, 11, 19, 15, tzinfo=UTC)  # in Tokyo
    counts = [10, 12, 11]
    days = series.days_in(series.Grid(midnight, counts), TOKYO)
    assert [(str(day.day), day.completes, day.gained) for day in days] == [
        ("2026-11-20", 11, 1),
        ("2026-11-19", 10, None),
    ]


def test_rates_are_differences_of_counts() -> None:
    grid = series.Grid(NOW, [1, 4, None, 9, 8])
    assert series.rates(grid, 1).counts == [3, None, None, -1]
