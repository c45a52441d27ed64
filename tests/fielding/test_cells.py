"""Quota cells: what each lets through, and the one that holds the field up."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.fielding.forecast import forecast
from dashboard.fielding.forecast.cells import (
    CellState,
    forecast_cells,
    sum_of_open_cells,
    without_full_cells,
)
from dashboard.fielding.series.readings import clean_history

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW, END = START + 5 * DAY, START + 10 * DAY


def histories(*daily, days=5):
    """Hourly cumulative completes of cells at these daily rates."""
    rng = np.random.default_rng(4)
    return [
        [
            (START + (hour + 1) * HOUR, float(total))
            for hour, total in enumerate(np.cumsum(rng.poisson(rate / 24, days * 24)))
        ]
        for rate in daily
    ]


def seen(limits, series, **more):
    cells = [
        CellState(f"cell {place}", limit, min(limit, history[-1][1]))
        for place, (limit, history) in enumerate(zip(limits, series, strict=True))
    ]
    completes, goal = sum(cell.completes for cell in cells), sum(limits)
    history = sum_of_open_cells(cells, series)
    outlook = forecast(history, goal=goal, now=NOW, ends_at=END, zone="UTC")
    return forecast_cells(
        cells,
        open_cells=outlook,
        counted=sum(cell.completes for cell in cells if cell.room > 0),
        completes=completes,
        now=NOW,
        ends_at=END,
        **({"goal": goal} | more),
    )


def test_the_cell_that_trickles_is_named_and_the_others_fill():
    answer = seen([300, 300, 100], histories(60, 60, 4))
    trickle = answer.cells[2]
    assert answer.last_to_fill is trickle
    assert trickle.ends_short
    assert trickle.full_at is None or trickle.full_at > END
    assert not answer.cells[0].ends_short
    assert answer.chance < 0.1


def test_a_group_gets_what_its_cells_let_through():
    answer = seen([300, 300, 100], histories(60, 60, 4))
    assert answer.at_end.p90 < 700
    assert answer.at_end.p50 == pytest.approx(600 + 40, abs=30)


def test_an_ample_group_fills_every_cell_and_is_named_none():
    answer = seen([200, 200], histories(60, 60))
    assert answer.chance > 0.9
    assert answer.cells[0].full_at < END
    assert not any(cell.ends_short for cell in answer.cells)


def test_a_full_cell_stays_full_and_takes_no_more():
    answer = seen([100, 400], histories(60, 60))
    assert answer.cells[0].at_end == (100.0, 100.0, 100.0)
    assert answer.cells[0].full_at == NOW
    assert answer.last_to_fill is None or answer.last_to_fill is answer.cells[1]


def test_of_two_questions_the_tighter_one_counts():
    series = histories(60, 60)
    now = [history[-1][1] for history in series]
    open_question = [CellState(f"sex {n}", 1000.0, now[n], "sex") for n in range(2)]
    tight = [CellState(f"age {n}", now[n] + 20, now[n], "age") for n in range(2)]
    history = sum_of_open_cells(tight, series)
    outlook = forecast(history, goal=2000, now=NOW, ends_at=END, zone="UTC")
    answer = forecast_cells(
        [*open_question, *tight],
        open_cells=outlook,
        counted=history[-1][1],
        goal=2000,
        completes=sum(now),
        now=NOW,
        ends_at=END,
    )
    assert answer.at_end.p90 == pytest.approx(sum(now) + 40, abs=1)


def test_the_goal_of_the_group_caps_its_cells():
    answer = seen([500, 500], histories(60, 60), goal=650)
    assert answer.at_end.p90 <= 650


def test_the_same_figures_give_the_same_answer():
    assert seen([300, 100], histories(60, 4)) == seen([300, 100], histories(60, 4))


def test_open_cells_alone_make_the_history():
    series = histories(60, 60)
    cells = [CellState("full", series[0][-1][1], series[0][-1][1]), CellState("open", 999.0, 0.0)]
    assert sum_of_open_cells(cells, series) == series[1]


def test_the_groups_own_series_gives_the_open_cells_when_a_cell_was_seen_to_fill():
    at = [START + hour * HOUR for hour in range(1, 101)]
    total = [float(4 * hour if hour <= 40 else 160 + hour - 40) for hour in range(1, 101)]
    series = clean_history(list(zip(at, total, strict=True)), at[-1].timestamp())
    cells = [
        CellState("full", 120.0, 120.0, full_since=at[39]),  # three of four completes until then
        CellState("open", 300.0, 100.0),
    ]
    own = without_full_cells(series, cells)
    assert own.count.tolist() == pytest.approx([float(hour) for hour in range(1, 101)])


def test_the_series_stays_as_it_is_where_nobody_saw_a_cell_fill():
    series = clean_history([(START + HOUR, 5.0), (START + 2 * HOUR, 9.0)], NOW.timestamp())
    cells = [CellState("full", 5.0, 5.0), CellState("open", 9.0, 4.0)]
    assert without_full_cells(series, cells).count.tolist() == [5.0, 9.0]


def test_the_goal_takes_longer_where_one_cell_trickles_and_is_never_reached_where_one_is_shut():
    even, slow = (seen([300, 300], histories(40, rate)).delays.p50 for rate in (40, 15))
    assert 1 <= even < 1.6
    assert slow > 2
    assert seen([300, 300], histories(60, 60), goal=900).delays.p50 == float("inf")


def test_goals_of_cells_that_were_rounded_down_still_fill_the_group():
    answer = seen([100, 100, 100], histories(60, 60, 60), goal=301)
    assert answer.chance > 0.9
    assert answer.at_end.p50 == 301


def test_no_cell_is_waited_for_where_all_are_as_slow():
    assert seen([900, 900], histories(20, 20)).last_to_fill is None


def test_negative_limits_are_refused():
    with pytest.raises(ValueError, match="negative"):
        forecast_cells(
            [CellState("odd", -1.0, 0.0)],
            open_cells=forecast([], goal=1, now=NOW, ends_at=END, zone="UTC"),
            counted=0,
            goal=1,
            completes=0,
            now=NOW,
            ends_at=END,
        )
