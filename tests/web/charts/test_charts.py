"""Figures are plain dicts that Plotly takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version

from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.series import completes
from dashboard.web import charts
from dashboard.web.charts import series
from tests.factories import NOW

TOKYO = ZoneInfo("Asia/Tokyo")
GRID = series.Grid(NOW - timedelta(hours=3), [1, None, 4, 6])


def figure(grid: series.Grid | None, zone: ZoneInfo = TOKYO) -> charts.Figure:
    return charts.completes_figure(
        grid,
        goal=10,
        goal_name="Goal 10",
        required=[(NOW - timedelta(days=1), 0), (NOW + timedelta(days=1), 10)],
        forecast=charts.ForecastBand(NOW + timedelta(days=1), 8, 10, 12),
        marks=[charts.Mark(NOW - timedelta(hours=1), "CPI: 2.70 → 3.10")],
        shown=None,
        palette=charts.PALETTES["dark"],
        zone=zone,
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_takes_every_figure(theme: str) -> None:
    palette = charts.PALETTES[theme]
    go.Figure(figure(GRID))
    go.Figure(figure(None))
    go.Figure(
        charts.gained_figure(series.steps_of_grid(GRID, 1, TOKYO), 1, palette=palette, zone=TOKYO)
    )
    reading = [(NOW, 14.2)]
    given: dict[str, Any] = {"name": "LOI", "unit": "min", "palette": palette, "zone": TOKYO}
    go.Figure(charts.trend_figure(reading, bid=9, **given))
    go.Figure(charts.trend_figure([], bid=None, **given))
    go.Figure(charts.gained_figure([], 24, palette=palette, zone=TOKYO))


def test_the_bundle_is_of_the_version_that_checks_the_figures_and_has_their_traces() -> None:
    bundle = (Path(__file__).parents[3] / "static/plotly/plotly-basic.min.js").read_text()
    banner = bundle[:200]
    assert f"v{get_plotlyjs_version()}\n" in banner
    for trace in ("scatter", "bar"):
        assert f'type:"{trace}"' in bundle or f'name:"{trace}"' in bundle


def test_the_line_is_on_the_groups_own_clock_and_a_gap_stays_a_gap() -> None:
    line = figure(GRID)["data"][0]
    assert line["x0"] == "2026-11-20T18:00:00"
    assert line["dx"] == 3_600_000
    assert line["y"] == [1, None, 4, 6]


def test_a_series_that_ends_off_the_hour_is_drawn_too() -> None:
    told = [(NOW + timedelta(hours=hour, minutes=12), 3 * hour) for hour in range(15)]
    rows = [(day, *row) for day, row in sorted(completes.pack_days(told).items())]
    assert series.from_days(rows) == series.Grid(NOW, [3 * hour for hour in range(15)], 0)


def test_hours_stay_true_across_a_change_of_clocks() -> None:
    fall = series.Grid(datetime(2026, 10, 24, 23, tzinfo=UTC), [1, 2, 3, 4])
    line = figure(fall, ZoneInfo("Europe/Berlin"))["data"][0]
    assert [text[11:16] for text in line["x"]] == ["01:00", "02:00", "02:30", "03:00"]


def test_the_hover_names_the_zone() -> None:
    assert figure(GRID)["layout"]["xaxis"]["hoverformat"].endswith("Tokyo")


def test_the_legend_names_each_line_in_words() -> None:
    shown = {line["name"] for line in figure(GRID)["data"] if line.get("showlegend") is not False}
    assert shown >= {"Completes", "Target", "Forecast (80 %)", "Changes"}


def test_a_mark_sits_on_the_line() -> None:
    marks = figure(GRID)["data"][-1]
    assert marks["y"] == [4]
    assert marks["text"] == ["CPI: 2.70 → 3.10"]


def test_days_are_the_groups_own_and_a_fall_is_shown_as_one() -> None:
    midnight = datetime(2026, 11, 19, 15, tzinfo=UTC)  # in Tokyo
    days = series.steps_of_grid(series.Grid(midnight, [10, 12, 11]), 24, TOKYO)
    assert [(str(day.start), day.completes, day.gained) for day in days] == [
        ("2026-11-19 00:00:00", 10, None),
        ("2026-11-20 00:00:00", 11, 1),
    ]


def test_six_hours_begin_at_the_groups_midnight() -> None:
    grid = series.Grid(datetime(2026, 11, 19, 16, tzinfo=UTC), list(range(12)))
    assert [step.start.hour for step in series.steps_of_grid(grid, 6, TOKYO)] == [0, 6]


def test_an_hour_that_comes_twice_is_two_steps() -> None:
    fall = series.Grid(datetime(2026, 10, 25, 0, tzinfo=UTC), [1, 2, 4])
    steps = series.steps_of_grid(fall, 1, ZoneInfo("Europe/Berlin"))
    assert [(step.start.hour, step.gained) for step in steps] == [(1, None), (2, 1), (2, 2)]


def test_a_step_gains_the_difference_of_counts_and_a_gap_is_spread() -> None:
    grid = series.Grid(NOW, [1, 4, None, 9, 8])
    assert [step.gained for step in series.steps_of_grid(grid, 1, TOKYO)] == [None, 3, 2, 3, -1]


def test_a_span_is_shown_on_the_groups_clock() -> None:
    shown = charts.completes_figure(
        GRID,
        goal=None,
        goal_name="",
        required=[],
        forecast=None,
        marks=[],
        shown=(NOW, NOW),
        palette=charts.PALETTES["light"],
        zone=TOKYO,
    )
    assert shown["layout"]["xaxis"]["range"] == ["2026-11-20T21:00:00"] * 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_takes_the_figure_of_a_project(theme: str) -> None:
    made = charts.project_figure(
        NOW,
        [charts.Share("Japan <b>25</b>", [1, 2]), charts.Share("x" * 128, [0, 5])],
        required=[(NOW, 0), (NOW + timedelta(days=1), 10)],
        forecast=[(NOW, Percentiles(7, 7, 7)), (NOW + timedelta(days=1), Percentiles(9, 12, 15))],
        palette=charts.PALETTES[theme],
        zone=TOKYO,
    )
    go.Figure(made)
    assert [trace["name"] for trace in made["data"]][:2] == ["Japan ‹b›25‹/b›", "x" * 31 + "…"]
    nothing: dict[str, Any] = {
        "required": [],
        "forecast": [],
        "palette": charts.PALETTES[theme],
        "zone": TOKYO,
    }
    go.Figure(charts.project_figure(None, [], **nothing))


def sum_figure(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "target": [(NOW, 0), (NOW + timedelta(hours=4), 40)],
        "forecast": [
            (NOW + timedelta(hours=2), Percentiles(30, 30, 30)),
            (NOW + timedelta(hours=4), Percentiles(33, 36, 39)),
        ],
        "palette": charts.PALETTES["light"],
        "zone": TOKYO,
    }
    total = charts.ProjectSum([10, 20, 30], 40.0, NOW + timedelta(hours=4))
    return charts.project_sum_figure(NOW, total, **(given | changes))


def test_the_sum_of_a_project_names_its_lines_where_they_are() -> None:
    made = sum_figure()
    go.Figure(made)
    names = [trace["name"] for trace in made["data"]]
    assert names == ["Completes", "Target", "Low", "Forecast (80 %)", "Forecast"]
    assert made["layout"]["showlegend"] is False
    labels = {note["text"]: note for note in made["layout"]["annotations"]}
    assert set(labels) == {"Now", "Target", "Forecast 36", "Last end date 21 Nov", "Goal 40"}
    assert labels["Target"]["y"] == 20  # half of the way to 40
    assert labels["Now"]["x"] == "2026-11-20T23:00:00"
    assert labels["Last end date 21 Nov"]["x"] == "2026-11-21T01:00:00"
    assert made["layout"]["yaxis"]["range"][1] > 40
    assert len(made["layout"]["shapes"]) == 3


def test_a_project_that_is_over_has_neither_a_forecast_nor_a_now() -> None:
    total = charts.ProjectSum([10, 20], 0.0, None)
    made = charts.project_sum_figure(
        NOW, total, target=[], forecast=[], palette=charts.PALETTES["dark"], zone=TOKYO
    )
    go.Figure(made)
    assert [trace["name"] for trace in made["data"]] == ["Completes"]
    assert (made["layout"]["annotations"], made["layout"]["shapes"]) == ([], [])
    nothing: dict[str, Any] = {"target": [], "forecast": [], "zone": TOKYO}
    bare = charts.project_sum_figure(None, total, **nothing, palette=charts.PALETTES["dark"])
    assert bare["data"] == []


def test_a_forecast_stays_at_the_goal_that_it_reaches() -> None:
    low, high, middle = figure(GRID)["data"][2:5]
    assert low["y"] == [6, 8]
    assert middle["y"] == [6, 10]
    assert high["y"] == [6, 10, 10]
    assert high["x"][1] == "2026-11-21T13:00:00"  # 4 of the 6 that come until tomorrow's noon


def test_a_group_above_its_goal_is_not_forecast_to_gain_more() -> None:
    shown = charts.completes_figure(
        series.Grid(NOW - timedelta(hours=2), [4, 7, 9]),
        goal=8,
        goal_name="Goal 8",
        required=[],
        forecast=charts.ForecastBand(NOW + timedelta(days=1), 10, 14, 20),
        marks=[],
        shown=None,
        palette=charts.PALETTES["light"],
        zone=ZoneInfo("UTC"),
    )
    middle = next(trace for trace in shown["data"] if trace["name"] == "Forecast")
    assert middle["y"] == [9, 9]


@pytest.mark.parametrize(("top", "step"), [(0, 1), (5, 1), (6, None)])
def test_few_counts_are_marked_one_by_one(top: int, step: int | None) -> None:
    steps = series.steps_of_grid(series.Grid(NOW, [0, top]), 1, TOKYO)
    made = charts.gained_figure(steps, 1, palette=charts.PALETTES["light"], zone=TOKYO)
    assert made["layout"]["yaxis"].get("dtick") == step


def test_the_first_reading_is_shown_in_two_hours_of_field() -> None:
    given: dict[str, Any] = {"name": "LOI", "unit": "min", "bid": 9, "zone": TOKYO}
    made = charts.trend_figure([(NOW, 14.2)], palette=charts.PALETTES["light"], **given)
    assert made["layout"]["xaxis"]["range"] == ["2026-11-20T19:00:00", "2026-11-20T21:10:00"]


@pytest.mark.parametrize(
    ("finish", "crossing"),
    [
        (NOW + timedelta(hours=9), NOW + timedelta(hours=9)),
        (None, NOW + timedelta(hours=16)),  # a straight line to the end date
        (NOW + timedelta(days=3), NOW + timedelta(hours=16)),
    ],
)
def test_the_forecast_reaches_the_goal_at_the_projected_finish(
    finish: datetime | None, crossing: datetime
) -> None:
    end = NOW + timedelta(days=1)
    shown = charts.completes_figure(
        series.Grid(NOW - timedelta(hours=2), [1, 2, 4]),
        goal=8,
        goal_name="Goal 8",
        required=[],
        forecast=charts.ForecastBand(end, 6, 10, 12, (None, finish, None)),
        marks=[],
        shown=None,
        palette=charts.PALETTES["light"],
        zone=ZoneInfo("UTC"),
    )
    middle = next(trace for trace in shown["data"] if trace["name"] == "Forecast")
    assert middle["y"] == [4, 8, 8]
    assert middle["x"][1] == f"{crossing:%Y-%m-%dT%H:%M:%S}"
