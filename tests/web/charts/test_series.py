"""Bars of a series: they add up to its last value, whatever the gaps and the clocks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series import completes
from dashboard.fielding.series.daily import sparkline_counts
from dashboard.fielding.series.readings import Readings
from dashboard.web import charts
from dashboard.web.charts import Share, frame, series
from dashboard.web.groups import completes as panel
from dashboard.web.projects.completes_by_group import GroupShares, completes_table
from tests import factories

HOUR = timedelta(hours=1)
ZONES = [
    ("Asia/Tokyo", datetime(2026, 11, 3, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 30, 2, tzinfo=UTC)),  # clocks set back on 1 Nov
    ("Australia/Sydney", datetime(2026, 10, 1, 9, tzinfo=UTC)),  # set forward on 4 Oct
    ("Australia/Lord_Howe", datetime(2026, 4, 2, 9, tzinfo=UTC)),  # set back by half an hour
    ("Asia/Kolkata", datetime(2026, 11, 3, 7, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 27, 7, tzinfo=UTC)),  # 29 March has no midnight
]


def packed(first: datetime, counts: Sequence[int | None]) -> list[series.PackedRow]:
    """Days of hourly counts, the first at `first`; None is a gap."""
    points = [(first + HOUR * i, count) for i, count in enumerate(counts) if count is not None]
    return [(day, *row) for day, row in sorted(completes.pack_days(points).items())]


def cumulate(arrivals: Sequence[int]) -> list[int]:
    return [sum(arrivals[: place + 1]) for place in range(len(arrivals))]


def even_arrivals(draw: random.Random, number: int) -> list[int]:
    """Even numbers, so that half an hour has whole completes."""
    return [2 * draw.randrange(5) for _ in range(number)]


def by_local_day(begins: datetime, arrivals: Sequence[int], zone: ZoneInfo) -> Counter[date]:
    """Count half hours one by one on the zone's calendar."""
    days: Counter[date] = Counter()
    for hour, arrived in enumerate(arrivals):
        for half in (timedelta(minutes=15), timedelta(minutes=45)):
            days[(begins + HOUR * hour + half).astimezone(zone).date()] += arrived // 2
    return days


@pytest.mark.parametrize(("name", "begins"), ZONES)
def test_days_are_what_came_between_two_local_midnights(name: str, begins: datetime) -> None:
    zone = ZoneInfo(name)
    arrivals = even_arrivals(random.Random(name), 150)  # noqa: S311
    grid = series.from_days(packed(begins + HOUR, cumulate(arrivals)), begins)
    assert grid
    steps = series.steps_of_grid(grid, 24, zone)
    assert {step.start.date(): step.gained for step in steps} == by_local_day(
        begins, arrivals, zone
    )


@pytest.mark.parametrize("hours", [1, 6, 24])
@pytest.mark.parametrize(("name", "begins"), ZONES)
def test_bars_add_up_to_the_last_value(name: str, begins: datetime, hours: int) -> None:
    draw = random.Random(hours)  # noqa: S311
    counts: list[int | None] = list(cumulate([draw.randrange(9) for _ in range(150)]))
    for place in (3, 4, 5, 70, 100, 101):
        counts[place] = None
    grid = series.from_days(packed(begins + HOUR, counts), begins)
    assert grid
    steps = series.steps_of_grid(grid, hours, ZoneInfo(name))
    assert sum(step.gained or 0 for step in steps) == counts[-1]
    assert steps[-1].completes == counts[-1]
    assert all(before.ends == after.begins for before, after in pairwise(steps))


def test_the_first_hour_counts_from_zero() -> None:
    rows = packed(factories.NOW, [7, 9])
    grid = series.from_days(rows, factories.NOW - timedelta(minutes=20))
    assert grid
    assert [step.gained for step in series.steps_of_grid(grid, 1, ZoneInfo("UTC"))] == [7, 2]
    assert grid.line() == (factories.NOW - HOUR, [0, 7, 9])


def test_where_earlier_days_are_left_out_the_first_gain_is_not_known() -> None:
    grid = series.from_days(packed(factories.NOW, [7, 9]), is_cut=True)
    assert grid
    assert [step.gained for step in series.steps_of_grid(grid, 1, ZoneInfo("UTC"))] == [None, 2]
    assert grid.line() == (factories.NOW, [7, 9])


def test_a_gap_is_spread_evenly_and_said() -> None:
    grid = series.from_days(packed(factories.NOW, [10, None, None, None, 50, 51]))
    assert grid
    steps = series.steps_of_grid(grid, 1, ZoneInfo("UTC"))
    assert [step.gained for step in steps] == [10, 10, 10, 10, 10, 1]
    gap = series.Gap(4, 40)
    assert [step.gap for step in steps] == [None, gap, gap, gap, gap, None]
    (bars,) = bars_of(steps, 1)
    assert bars["marker"]["pattern"]["shape"] == ["", "/", "/", "/", "/", ""]
    assert bars["customdata"][1] == "<br>estimated: 40 in a gap of 4 h, spread evenly"


def test_hours_before_the_first_count_are_a_gap() -> None:
    grid = series.from_days(
        packed(factories.NOW, [30]), factories.NOW - timedelta(hours=2, minutes=50)
    )
    assert grid
    steps = series.steps_of_grid(grid, 1, ZoneInfo("UTC"))
    assert [(step.gained, step.gap) for step in steps] == [(10, series.Gap(3, 30))] * 3


def bars_of(
    steps: Sequence[series.GridStep], hours: int, zone: str = "UTC"
) -> list[dict[str, Any]]:
    palette = charts.PALETTES["light"]
    data = charts.gained_figure(steps, hours, palette=palette, zone=ZoneInfo(zone))["data"]
    assert isinstance(data, list)
    return data


def test_a_step_that_is_not_over_is_lighter_and_says_until_when() -> None:
    begins = datetime(2026, 11, 19, 0, tzinfo=UTC)
    now = begins + timedelta(hours=30, minutes=20)
    grid = series.from_days(packed(begins + HOUR, cumulate([1] * 30)), begins)
    assert grid
    steps = series.steps_of_grid(grid, 24, ZoneInfo("UTC"), now=now)
    assert [(step.gained, step.until) for step in steps] == [
        (24, None),
        (6, begins + timedelta(hours=30)),
    ]
    (bars,) = bars_of(steps, 24)
    assert bars["marker"]["opacity"][0] > bars["marker"]["opacity"][1]
    assert bars["customdata"] == ["", "<br>so far, until 06:00"]
    over = series.steps_of_grid(grid, 24, ZoneInfo("UTC"))
    assert [step.until for step in over] == [None, None]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 2, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 10, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 11, 1, 1, tzinfo=UTC)),
    ],
)
def test_no_two_bars_of_an_autumn_night_lie_on_one_another(name: str, begins: datetime) -> None:
    grid = series.from_days(packed(begins + HOUR, cumulate([3] * 12)), begins)
    assert grid
    steps = series.steps_of_grid(grid, 1, ZoneInfo(name))
    (bars,) = bars_of(steps, 1, name)
    starts = [datetime.fromisoformat(x) for x in bars["x"]]
    ends = [
        start + timedelta(milliseconds=width)
        for start, width in zip(starts, bars["width"], strict=True)
    ]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert len(set(bars["x"])) == 12
    twice = [remark for remark in bars["customdata"] if remark]
    assert len(twice) == (1 if name == "Australia/Lord_Howe" else 2)
    assert len(set(twice)) == len(twice)


def test_an_hour_that_comes_twice_names_its_clock() -> None:
    begins = datetime(2026, 10, 24, 23, tzinfo=UTC)
    grid = series.from_days(packed(begins + HOUR, [1, 3, 7]), begins)
    assert grid
    steps = series.steps_of_grid(grid, 1, ZoneInfo("Europe/Berlin"))
    assert [(step.start.hour, step.clock, step.gained) for step in steps] == [
        (1, "", 1),
        (2, "CEST", 2),
        (2, "CET", 4),
    ]


def test_times_are_right_in_a_summer_between_two_winters() -> None:
    start = datetime(2026, 1, 10, tzinfo=UTC)
    zone = ZoneInfo("Europe/Berlin")
    times = frame.grid_times(start, HOUR, 24 * 340, zone)
    assert times["x"][24 * 180] == "2026-07-09T02:00:00"


def test_hours_of_a_half_hour_zone_begin_at_half_past() -> None:
    begins = datetime(2026, 11, 3, 18, tzinfo=UTC)
    grid = series.from_days(packed(begins + HOUR, [4, 9]), begins)
    assert grid
    (bars,) = bars_of(series.steps_of_grid(grid, 1, ZoneInfo("Asia/Kolkata")), 1, "Asia/Kolkata")
    assert bars["x"] == ["2026-11-03T23:30:00", "2026-11-04T00:30:00"]
    assert bars["y"] == [4, 5]


def test_a_page_says_where_days_begin_between_two_counts() -> None:
    grid = series.Grid(factories.NOW, [1, 2, 3], 0)
    group = TargetGroup(time_zone="Asia/Kolkata")
    assert panel.has_interpolated_starts(grid, panel.ChartView("day", ""), group)
    assert not panel.has_interpolated_starts(grid, panel.ChartView("hour", ""), group)
    group.time_zone = "Asia/Tokyo"
    assert not panel.has_interpolated_starts(grid, panel.ChartView("day", ""), group)


@pytest.mark.parametrize(("name", "begins"), ZONES)
def test_the_table_of_a_project_counts_to_local_midnight(name: str, begins: datetime) -> None:
    zone = ZoneInfo(name)
    arrivals = even_arrivals(random.Random(name + "p"), 150)  # noqa: S311
    shares = [Share("A", cumulate(arrivals)), Share("B", cumulate([2] * 150))]
    table = completes_table(GroupShares(begins + HOUR, shares, [], []), zone)
    expected = (by_local_day(begins, arrivals, zone), by_local_day(begins, [2] * 150, zone))
    sums = [0, 0]
    for row in reversed(table.rows):
        sums = [total + days[row.day] for total, days in zip(sums, expected, strict=True)]
        assert (row.counts, row.total) == (sums, sum(sums))
    assert [row.is_over for row in table.rows] == [False] + [True] * (len(table.rows) - 1)


def test_the_sparkline_counts_each_hour_in_its_six_hours() -> None:
    now = factories.NOW
    arrivals = [7, *range(1, 30)]
    begins = now - HOUR * len(arrivals)
    at = np.array([(begins + HOUR * (i + 1)).timestamp() for i in range(len(arrivals))])
    seen = sparkline_counts(Readings(at, np.array(cumulate(arrivals), float)), now=now)
    assert seen[-5:] == [sum(arrivals[i : i + 6]) for i in range(0, 30, 6)]
    assert sum(seen) == sum(arrivals)


def test_the_sparkline_spreads_a_gap() -> None:
    now = factories.NOW
    at = np.array([(now - back * HOUR).timestamp() for back in (25, 24, 0)])
    assert sparkline_counts(Readings(at, np.array([0.0, 0.0, 24.0])), now=now)[-4:] == [6, 6, 6, 6]


@pytest.mark.django_db
def test_a_group_that_began_before_the_days_read_has_no_first_gain() -> None:
    group = factories.group(
        factories.project(factories.account()), first_complete_at=factories.NOW - timedelta(days=40)
    )
    factories.completes(group, counts=[50, 60])
    cut = series.hourly_grid(group, factories.NOW - timedelta(days=3))
    whole = series.hourly_grid(group, factories.NOW - timedelta(days=50))
    assert cut
    assert whole
    assert cut.opening is None
    assert whole.opening == 0
    assert whole.start == factories.NOW - timedelta(days=40) + HOUR
