"""What is learned of a rate: stalls taken out, steps found, declines followed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.fielding.decline import decline
from dashboard.fielding.forecast import forecast
from dashboard.fielding.readings import cleaned, record, stack
from dashboard.fielding.regimes import regime
from dashboard.fielding.rhythm import learn, waking_hours
from dashboard.fielding.stalls import without_stalls

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALM = np.ones((1, 1))


def counts(*daily, seed=2):
    """Completes of each hour (1, hours) at these daily rates, a day each."""
    rate = np.repeat(np.array(daily, dtype=float), 24) / 24
    return np.random.default_rng(seed).poisson(rate)[None].astype(float)


def even(days):
    """Usual days of each hour where every hour is as usual as any other."""
    return np.full((1, days * 24), 1 / 24)


def test_a_step_is_believed_within_two_days():
    found = regime(counts(*[40] * 6, *[120] * 2), even(8), CALM)
    assert found.rate[0, 5] == pytest.approx(40, rel=0.3)
    assert found.rate[0, 7] == pytest.approx(120, rel=0.25)


def test_without_a_step_the_whole_field_counts():
    found = regime(counts(*[40] * 10), even(10), CALM)
    assert found.rate[0, -1] == pytest.approx(40, rel=0.15)
    assert found.doubt[0] < 0.1


def test_no_completes_are_a_low_rate_and_no_error():
    found = regime(np.zeros((1, 48)), even(2), CALM)
    assert 0 < found.rate[0, -1] < 1
    assert np.isfinite(found.doubt).all()


def test_a_decline_is_followed_to_where_it_is():
    falling = [300 / (1 + day) for day in range(8)]
    found = decline(counts(*falling), even(8), np.full((1, 8), 80.0))
    assert found.exponent[0, -1] < -0.4
    assert found.rate[0, -1] < 80
    assert found.growth(np.array([[0.0, 5.0]]))[0] == pytest.approx([1.0, 0.6], abs=0.25)


def test_a_steady_field_is_hardly_a_decline():
    found = decline(counts(*[80] * 10), even(10), np.full((1, 10), 80.0))
    assert abs(found.exponent[0, -1]) < 0.2


def field(*daily, until=None):
    """Hourly cumulative readings at these daily rates."""
    totals = np.cumsum(counts(*daily)[0])
    history = [(START, 0.0), *((START + (i + 1) * HOUR, c) for i, c in enumerate(totals.tolist()))]
    return history[: until and until + 1]


def stalls(history):
    read = cleaned(history, history[-1][0].timestamp())
    one = record(read, zone=UTC, pauses=(), shape=waking_hours())
    hours, base = stack([one]), waking_hours()[None]
    found, still = without_stalls([one], hours, learn(hours, base))
    return one, found[0], still[0]


def test_two_dead_days_are_taken_out_once_they_are_over():
    before, after, still = stalls(field(60, 60, 60, 0, 0, 60, 60))
    assert before.counts.size - after.counts.size == pytest.approx(48, abs=4)
    assert after.counts.sum() == before.counts.sum()
    assert still == 0


def test_a_stall_that_is_not_over_counts_in_part_and_may_last():
    before, after, still = stalls(field(60, 60, 60, 0, 0))
    assert after.counts.size == before.counts.size
    assert after.live[-20:] == pytest.approx(0.1)
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
