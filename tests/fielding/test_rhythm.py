"""The shape of a week, learned from few hours without believing them too soon."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.fielding.series.readings import clean_history, live_hours, stack_records, week_hours
from dashboard.fielding.series.weekly_shape import (
    Prior,
    learn_weekly_shape,
    pool_shapes,
    prior_shape,
    waking_hours,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)


def learned(rate, days, *, zone=ROME):
    """The shape learned from a field with this rate by local hour of the week."""
    first = int(START.timestamp() // 3600)
    place = week_hours(zone, first, days * 24)
    counts = np.random.default_rng(1).poisson(np.asarray(rate)[place])
    history = [(START, 0)] + [
        (START + (i + 1) * HOUR, int(c)) for i, c in enumerate(np.cumsum(counts))
    ]
    read = clean_history(history, history[-1][0].timestamp())
    hours = live_hours(read, zone=zone, pauses=(), shape=waking_hours())
    return learn_weekly_shape(stack_records([hours]), waking_hours()[None])[0]


def test_no_hours_leave_the_prior():
    nothing = stack_records(
        [live_hours(clean_history([], 0.0), zone=ROME, pauses=(), shape=waking_hours())]
    )
    assert learn_weekly_shape(nothing, waking_hours()[None])[0] == pytest.approx(waking_hours())


def test_the_hours_of_a_day_are_learned():
    evening = np.tile(np.where(np.arange(24) >= 18, 12.0, 0.5), 7)
    shape = learned(evening, 14).reshape(7, 24)
    assert shape[:, 18:].mean() > 8 * shape[:, :18].mean()


def test_a_weekend_without_completes_is_learned_at_once():
    week = np.repeat([1.0, 1, 1, 1, 1, 0, 0], 24) * 4
    shape = learned(week, 9).reshape(7, 24).mean(axis=1)
    assert shape[5:].max() < 0.3 * shape[:5].min()


def test_a_weekend_not_yet_seen_is_taken_to_be_usual():
    week = np.repeat([1.0, 1, 1, 1, 1, 0, 0], 24) * 4
    shape = learned(week, 4).reshape(7, 24).mean(axis=1)
    assert shape[5:].min() > 0.6


def test_a_shape_has_mean_one_and_is_never_negative():
    shape = learned(np.full(168, 0.05), 3)
    assert shape.mean() == pytest.approx(1)
    assert shape.min() >= 0


def test_half_hour_zones_and_clock_changes_land_in_the_local_hour():
    kolkata = ZoneInfo("Asia/Kolkata")
    first = int(datetime(2026, 3, 29, tzinfo=UTC).timestamp() // 3600)
    assert week_hours(kolkata, first, 2).tolist() == [6 * 24 + 6, 6 * 24 + 7]
    assert week_hours(ROME, first, 3).tolist() == [6 * 24 + 1, 6 * 24 + 3, 6 * 24 + 4]


def test_groups_pool_into_a_prior_by_their_weight():
    flat, steep = np.ones(168), np.tile(np.arange(24.0), 7) / 11.5
    prior = pool_shapes([flat, steep], [300, 100], 40.0)
    assert prior_shape(prior).mean() == pytest.approx(1)
    assert prior.shape[0] == pytest.approx(0.75)
    assert prior.daily == 40.0


def test_nothing_to_pool_is_refused():
    with pytest.raises(ValueError, match="nothing to pool"):
        pool_shapes([], [], None)


@pytest.mark.parametrize(
    "wrong",
    [
        ((1.0,) * 24, None),
        ((0.0,) * 168, None),
        ((-1.0,) * 168, None),
        ((1.0,) * 168, 0.0),
        ((float("nan"),) * 168, None),
        ((1.0,) * 168, float("inf")),
    ],
)
def test_what_is_no_prior_is_refused(wrong):
    with pytest.raises(ValueError, match="prior"):
        Prior(*wrong)


def test_a_silent_saturday_speaks_for_a_silent_sunday():
    week = np.repeat([1.0, 1, 1, 1, 1, 0, 0], 24) * 4
    shape = learned(week, 6).reshape(7, 24).mean(axis=1)  # Monday to Saturday
    assert shape[6] < 0.4


def test_one_silent_working_day_is_not_taken_to_come_again():
    first = int(START.timestamp() // 3600)
    rate = np.where((np.arange(9 * 24) // 24) == 1, 0.0, 4.0)  # one Tuesday
    counts = np.random.default_rng(1).poisson(rate)
    history = [(START, 0)] + [
        (START + (i + 1) * HOUR, int(c)) for i, c in enumerate(np.cumsum(counts))
    ]
    read = clean_history(history, (first + 9 * 24) * 3600.0)
    hours = live_hours(read, zone=ROME, pauses=(), shape=waking_hours())
    shape = (
        learn_weekly_shape(stack_records([hours]), waking_hours()[None])[0]
        .reshape(7, 24)
        .mean(axis=1)
    )
    assert shape[1] > 0.5
