"""Pace: where a group should be by now, and in which words it is told."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.fielding.forecast.group_forecast import forecast_groups
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.series.pace import (
    FieldingPlan,
    Pacing,
    SoftLaunch,
    pace_of_group,
    required_line,
    silence_of_group,
)

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
TOKYO = ZoneInfo("Asia/Tokyo")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = FieldingPlan(240, START, START + 10 * DAY, TOKYO)


def counted(*daily):
    """A reading an hour; completes come evenly within each day."""
    total = np.cumsum(np.repeat(np.array(daily) / 24, 24)).round()
    return [(START, 0), *((START + (i + 1) * HOUR, int(c)) for i, c in enumerate(total))]


def at(line, moment):
    return next(count for stamp, count in line if stamp == moment)


@pytest.mark.parametrize(
    ("daily", "band"),
    [(24, "on track"), (40, "ahead"), (19, "behind"), (8, "far behind")],
)
def test_the_band_follows_what_is_due(daily, band):
    seen = pace_of_group(counted(*[daily] * 5), PLAN, now=START + 5 * DAY)
    assert seen.band == band
    assert seen.reason.startswith(f"{daily * 5} of ")


def test_a_few_completes_are_too_early_to_tell():
    seen = pace_of_group([(START, 0), (START + HOUR, 1)], PLAN, now=START + HOUR)
    assert seen.band == "too early to tell"


def test_no_readings_are_nothing_done():
    assert pace_of_group([], PLAN, now=START + 5 * DAY).band == "far behind"
    assert pace_of_group([], PLAN, now=START).band == "too early to tell"


def test_one_reading_is_enough_for_a_band():
    assert pace_of_group([(START + 5 * DAY, 120)], PLAN, now=START + 5 * DAY).band == "on track"


def test_a_goal_reached_or_lowered_below_the_completes_is_ahead():
    seen = pace_of_group(
        counted(24, 24), FieldingPlan(40, START, START + 10 * DAY, TOKYO), now=START + 2 * DAY
    )
    assert seen.band == "ahead"
    assert "goal of 40 completes reached: 48" in seen.reason


def test_an_end_that_passed_is_held_against_the_goal():
    seen = pace_of_group(counted(*[20] * 10), PLAN, now=START + 11 * DAY)
    assert (seen.band, seen.required) == ("far behind", 240)
    assert "ended 40 completes short" in seen.reason


def test_without_an_end_nothing_is_due():
    plan = FieldingPlan(240, START, None, TOKYO)
    assert required_line(plan, now=START) == []
    assert pace_of_group(counted(24), plan, now=START + DAY).band == "too early to tell"


def test_an_end_before_the_start_asks_for_all_at_once():
    plan = FieldingPlan(240, START, START - DAY, TOKYO)
    assert required_line(plan, now=START) == [(START, 240)]


def test_a_fall_is_a_lower_count_and_no_error():
    seen = pace_of_group(
        [*counted(24, 24), (START + 2 * DAY + HOUR, 30)], PLAN, now=START + 2 * DAY + HOUR
    )
    assert seen.actual == 30


STRATEGIES: tuple[Literal["completes", "prescreens", "automated"], ...]
STRATEGIES = ("completes", "prescreens", "automated")


def test_the_strategy_chooses_the_numerator():
    prescreens = [(stamp, 10 * count) for stamp, count in counted(24, 24)]
    both = {
        strategy: pace_of_group(
            counted(24, 24), PLAN, now=START + 2 * DAY, strategy=strategy, prescreens=prescreens
        )
        for strategy in STRATEGIES
    }
    assert [both[s].actual for s in both] == [48, 480, 48]
    assert [both[s].other for s in both] == [480, 48, 480]
    assert both["prescreens"].unit == "prescreens"


@pytest.mark.parametrize("every", [1, 2, 7, 1000])
def test_a_line_of_fewer_points_has_its_first_and_last(every: int) -> None:
    whole, some = (required_line(PLAN, now=START, every=apart) for apart in (1, every))
    assert some[:-1] == whole[:-1:every]
    assert some[-1] == whole[-1]


def test_the_line_runs_from_nothing_to_the_goal_and_never_falls():
    line = required_line(PLAN, now=START)
    counts = [count for _, count in line]
    assert (line[0], line[-1]) == ((START, 0), (PLAN.ends_at, 240))
    assert counts == sorted(counts)


def test_little_is_due_at_night():
    line = required_line(PLAN, now=START)
    night = datetime(2026, 3, 4, 1, tzinfo=TOKYO).astimezone(UTC)
    evening = datetime(2026, 3, 4, 18, tzinfo=TOKYO).astimezone(UTC)
    at_night = at(line, night + 4 * HOUR) - at(line, night)
    assert at_night < 0.3 * (at(line, evening + 4 * HOUR) - at(line, evening))


def test_time_paused_is_taken_out():
    plan = FieldingPlan(
        240, START, START + 14 * DAY, TOKYO, pauses=[(START + 2 * DAY, START + 9 * DAY)]
    )
    line = required_line(plan, now=START + 10 * DAY)
    assert at(line, START + 2 * DAY) == at(line, START + 9 * DAY)
    assert at(line, START + 2 * DAY) == pytest.approx(240 * 2 / 7, rel=0.1)


def test_a_group_that_is_still_paused_asks_for_nothing_meanwhile():
    plan = FieldingPlan(240, START, START + 10 * DAY, TOKYO, pauses=[(START + DAY, None)])
    line = required_line(plan, now=START + 5 * DAY)
    assert at(line, START + DAY) == at(line, START + 5 * DAY)
    assert line[-1][1] == 240


def test_a_soft_launch_asks_for_its_share_first():
    plan = FieldingPlan(
        240, START, START + 10 * DAY, TOKYO, soft_launch=SoftLaunch(START + 2 * DAY, 0.05)
    )
    line = required_line(plan, now=START)
    assert at(line, START + 2 * DAY) == pytest.approx(12)
    assert line[-1][1] == 240
    assert pace_of_group(counted(6, 6), plan, now=START + 2 * DAY).band == "on track"


def test_linear_pacing_steps_evenly_through_the_week():
    plan = FieldingPlan(240, START, START + 10 * DAY, TOKYO, pacing=Pacing("linear", DAY))
    line = required_line(plan, now=START)
    assert [round(at(line, START + i * DAY)) for i in range(11)] == [24 * i for i in range(11)]


def test_a_group_paced_by_another_says_so():
    plan = FieldingPlan(240, START, START + 10 * DAY, TOKYO, pacing=Pacing("gemini"))
    assert "paced by another group" in pace_of_group(counted(24), plan, now=START + DAY).reason


def test_days_on_which_the_clocks_change_end_on_the_goal():
    start = datetime(2026, 3, 27, 23, tzinfo=UTC)
    plan = FieldingPlan(100, start, start + 3 * DAY - HOUR, ZoneInfo("Europe/Berlin"))
    assert required_line(plan, now=start)[-1] == (plan.ends_at, 100)


def test_silence_counts_what_was_usual_since_the_last_complete():
    history = counted(48, 48, 48)
    quiet = history + [(history[-1][0] + (i + 1) * HOUR, history[-1][1]) for i in range(5)]
    seen = silence_of_group(quiet, PLAN, now=quiet[-1][0])
    assert seen.since == history[-1][0]
    assert seen.hours == pytest.approx(5)
    assert 4 < seen.usual < 20


def test_silence_before_the_first_complete_knows_no_rate():
    seen = silence_of_group([(START, 0), (START + 6 * HOUR, 0)], PLAN, now=START + 6 * HOUR)
    assert (seen.since, seen.usual) == (None, 0)
    assert seen.hours == pytest.approx(6)
    assert silence_of_group([], PLAN, now=START).hours == 0


def test_silence_leaves_time_paused_out():
    history = counted(48, 48, 48)
    end = history[-1][0]
    plan = FieldingPlan(240, START, START + 10 * DAY, TOKYO, pauses=[(end + HOUR, end + 9 * HOUR)])
    assert silence_of_group(history, plan, now=end + 10 * HOUR).hours == pytest.approx(2)


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        pace_of_group([], PLAN, now=datetime(2026, 3, 3))  # noqa: DTZ001 - naive on purpose


def test_silence_is_the_same_where_a_forecast_had_laid_the_hours_out():
    history = counted(48, 48, 48)
    quiet = history + [(history[-1][0] + (i + 1) * HOUR, history[-1][1]) for i in range(5)]
    now = quiet[-1][0]
    [study] = forecast_groups([ForecastInput(quiet, PLAN.goal, now, PLAN.ends_at, TOKYO)])
    seen = silence_of_group(quiet, PLAN, now=now, known=(study.hours, study.shape))
    alone = silence_of_group(quiet, PLAN, now=now)
    assert (seen.since, seen.hours) == (alone.since, alone.hours)
    assert seen.rate == pytest.approx(alone.rate, rel=0.05)  # learned with the silence, or not
