"""What is learned of a rate: stalls taken out, steps found."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.fielding.forecast.group_forecast import forecast
from dashboard.fielding.forecast.rates.change_points import find_steps
from dashboard.fielding.forecast.rates.decay_curves import GROWING, GROWN, SHAPES, decay
from dashboard.fielding.forecast.rates.evidence import half_day_sums
from dashboard.fielding.forecast.rates.rate_models import infer_rates
from dashboard.fielding.series.readings import Hours, clean_history, live_hours, stack_records
from dashboard.fielding.series.stalls import without_stalls
from dashboard.fielding.series.weekly_shape import learn_weekly_shape, waking_hours

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def counts(*daily, seed=2):
    """Completes of each hour (1, hours) at these daily rates, a day each."""
    rate = np.repeat(np.array(daily, dtype=float), 24) / 24
    return np.random.default_rng(seed).poisson(rate)[None].astype(float)


def stepped(*daily):
    """The rate now, and the chance of each half day to have begun it."""
    came = half_day_sums(counts(*daily))
    found = find_steps(
        came, np.full_like(came, 0.5), np.array([40.0]), np.zeros(came.shape, dtype=bool)
    )
    share = np.exp(found.chance[0] - np.logaddexp.reduce(found.chance[0]))
    return float((share * found.rates.rate[0]).sum()), share


def inferred(*daily):
    """What is inferred of a group with these daily rates, every hour as usual as any other."""
    came = counts(*daily)
    live = np.ones_like(came)
    slot = (np.arange(came.shape[1]) % 168)[None]
    hours = Hours(came, live, slot, live)
    unchanged = np.zeros((1, came.shape[1] // 12), dtype=bool)
    return infer_rates(hours, np.ones((1, 168)), np.array([40.0]), unchanged)


def expected(rates, days):
    """Mean and standard deviation of the mixture after so many days."""
    at = np.array([[float(days)]])
    mean, variance = rates.ahead(at, at, np.array([[2 / 7]]))
    weights = rates.weights[0]
    middle = float((weights * mean[0, 0]).sum())
    second = float((weights * (variance[0, 0] + mean[0, 0] ** 2)).sum())
    return middle, np.sqrt(second - middle**2)


def test_a_step_is_believed_within_a_day():
    rate, share = stepped(*[40] * 6, 120)
    assert rate == pytest.approx(120, rel=0.25)
    assert share[12] > 0.5


def test_without_a_step_the_whole_field_counts():
    rate, _ = stepped(*[40] * 10)
    assert rate == pytest.approx(40, rel=0.15)


def test_no_completes_are_a_low_rate_and_no_error():
    rate, _ = stepped(0, 0)
    assert 0 < rate < 10
    assert all(np.isfinite(value) for value in expected(inferred(0, 0), 3))


def test_a_field_that_never_moved_is_looked_ahead_with_more_surely_than_one_that_did():
    calm, error = expected(inferred(*[100] * 12), 7)
    wild = expected(inferred(*[60, 150, 90, 40, 160, 70, 130, 50, 140, 80, 110, 120]), 7)
    assert calm == pytest.approx(700, rel=0.1)
    assert error < 0.17 * calm
    assert wild[1] > 1.5 * error


def test_a_field_that_fades_is_expected_to_go_on_fading():
    daily = [400 * 0.75**day for day in range(9)]
    middle, _ = expected(inferred(*daily), 5)
    assert middle < 0.8 * 5 * daily[-1]


def test_each_way_starts_at_the_full_rate_and_fades_or_grows_to_an_end():
    ways = decay(np.arange(0.0, 30.0))
    assert ways.shape == (30, SHAPES)
    assert ways[0] == pytest.approx(1.0)
    moves, grow = np.diff(ways, axis=0), len(GROWING)
    assert (moves[:, :-grow] <= 0).all()
    assert (moves[:, -grow:] >= 0).all()
    assert ways.max() <= GROWN


def field(*daily, until=None):
    """Hourly cumulative readings at these daily rates."""
    totals = np.cumsum(counts(*daily)[0])
    history = [(START, 0.0), *((START + (i + 1) * HOUR, c) for i, c in enumerate(totals.tolist()))]
    return history[: until and until + 1]


def stalls(history):
    read = clean_history(history, history[-1][0].timestamp())
    one = live_hours(read, zone=UTC, pauses=(), shape=waking_hours())
    hours, base = stack_records([one]), waking_hours()[None]
    found, still = without_stalls([one], hours, learn_weekly_shape(hours, base))
    return one, found[0], still[0]


def test_two_dead_days_are_taken_out_once_they_are_over():
    before, after, still = stalls(field(60, 60, 60, 0, 0, 60, 60))
    assert before.counts.size - after.counts.size == pytest.approx(48, abs=4)
    assert after.counts.sum() == before.counts.sum()
    assert still == 0


def test_a_stall_that_is_not_over_is_taken_out_and_may_last():
    before, after, still = stalls(field(60, 60, 60, 0, 0))
    assert before.counts.size - after.counts.size == pytest.approx(48, abs=4)
    assert still > 0


def test_a_field_without_a_stall_is_left_as_it_is():
    before, after, _ = stalls(field(60, 60, 60, 60))
    assert after is before


def test_few_completes_leave_silences_alone():
    before, after, _ = stalls(field(3, 3, 0, 3))
    assert after is before


def test_a_revived_group_is_forecast_at_its_rate():
    history = field(60, 60, 60, 0, 0, 60, 60)
    now = history[-1][0]
    seen = forecast(history, goal=1000, now=now, ends_at=now + 5 * DAY, zone="UTC")
    assert seen.completes_at_end_p50 - history[-1][1] == pytest.approx(300, rel=0.2)
