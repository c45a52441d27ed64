"""The forecast on fieldwork as it really goes: waves, silences, wrong goals."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bench.forecast.backtest_real import ends_of, our_forecasts, pinball_sum
from bench.forecast.fields.real_fields import panel_cuts, real_fields, without_trickle
from dashboard.fielding.forecast import forecast
from dashboard.fielding.forecast.rates.wandering import wandering_chance
from dashboard.fielding.series.pace import SoftLaunch
from dashboard.fielding.series.readings import Hours

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.xdist_group("real_fieldwork")  # one worker makes all the forecasts


def readings(hourly):
    """Cumulative readings from counts of hours, the first at nothing."""
    total = np.cumsum(hourly)
    stamps = [START + (hour + 1) * HOUR for hour in range(len(total))]
    return [(START, 0.0), *zip(stamps, map(float, total), strict=True)]


def asked(hourly, *, days, goal=1000):
    history = readings(hourly)
    now = history[-1][0]
    return forecast(history, goal=goal, now=now, ends_at=now + days * DAY, zone="UTC")


def ends(seen):
    return seen.completes_at_end_p10, seen.completes_at_end_p50, seen.completes_at_end_p90


def released(seed=1, days=12):
    """A batch every four days, nearly all of it on the first day."""
    rate = np.tile(np.repeat([80.0, 12.0, 3.0, 1.0], 24), days // 4) / 24
    return np.random.default_rng(seed).poisson(rate)


def calm(days=10, rate=60):
    return np.random.default_rng(2).poisson(rate / 24, days * 24)


@pytest.fixture(scope="module")
def real():
    """Real panel fields, cut: their forecasts and what came."""
    fields = [cut.field for cut in panel_cuts()]
    return fields, our_forecasts(fields, lambda f: f.goal), np.array([f.truth for f in fields])


def test_the_range_holds_the_ends_of_real_fields(real):
    _, forecasts, truth = real
    low, _, high = ends_of(forecasts).T
    assert 0.72 <= ((low <= truth) & (truth <= high)).mean() <= 0.9


def test_the_loss_on_real_fields_is_half_of_a_straight_line(real):
    fields, forecasts, truth = real
    ours = (pinball_sum(ends_of(forecasts), truth) / truth).mean()
    hours = np.array([(f.now - f.starts_at) / (f.ends_at - f.starts_at) for f in fields])
    line = np.array([f.history[-1][1] for f in fields]) / hours
    naive = (pinball_sum(np.repeat(line[:, None], 3, axis=1), truth) / truth).mean()
    assert ours < 0.38
    assert ours < 0.55 * naive


def test_words_of_confidence_sort_real_fields(real):
    _, forecasts, truth = real
    losses = pinball_sum(ends_of(forecasts), truth) / truth
    words = np.array([forecast.confidence for forecast in forecasts])
    assert losses[words == "medium"].mean() < 0.7 * losses[words == "low"].mean()
    assert (losses[words == "high"] < 0.25).all()


@pytest.mark.parametrize("goal", [1, 10**9])
def test_a_goal_that_nobody_has_leaves_the_forecast_of_a_wandering_field_in_reach(goal):
    usual, odd = asked(released(), days=8), asked(released(), days=8, goal=goal)
    now = float(released().sum())
    assert 0.5 < (ends(odd)[1] - now) / (ends(usual)[1] - now) < 2.0
    assert ends(odd)[2] < 6 * now


@pytest.mark.parametrize("goal", [1, 10**9])
def test_a_goal_that_nobody_has_hardly_moves_the_forecast_of_a_calm_field(goal):
    usual, odd = asked(calm(), days=8), asked(calm(), days=8, goal=goal)
    assert ends(odd)[1] == pytest.approx(ends(usual)[1], rel=0.05)


def test_a_first_day_is_not_carried_on_as_if_it_were_every_day():
    first = np.random.default_rng(3).poisson(100 / 24, 24)
    low, _, high = ends(asked(first, days=9))
    assert high - first.sum() > 3 * (low - first.sum())


def test_silence_behind_a_soft_launch_leaves_both_ends_open():
    launch = np.concatenate((np.random.default_rng(4).poisson(4.0, 10), np.zeros(40)))
    low, _, high = ends(asked(launch, days=10, goal=500))
    assert low < 2.5 * launch.sum()
    assert high > 6 * launch.sum()


def launched(ends_after, **more):
    """A soft launch of a tenth of 400, full after ten hours, then silence until it ends or now."""
    hourly = np.concatenate((np.full(10, 4.0), np.zeros(62)))
    history = readings(hourly)
    now = history[-1][0]
    launch = SoftLaunch(START + ends_after * HOUR, 0.1)
    return ends(
        forecast(
            history,
            goal=400,
            now=now,
            ends_at=now + 7 * DAY,
            zone="UTC",
            soft_launch=launch,
            **more,
        )
    )


def test_the_wait_for_the_end_of_a_soft_launch_is_no_silence():
    silent = ends(asked(np.concatenate((np.full(10, 4.0), np.zeros(62))), days=7, goal=400))
    assert launched(72)[1] - 40 > 1.7 * (silent[1] - 40)


def test_nothing_comes_until_a_soft_launch_ends():
    early, late = launched(72), launched(72 + 5 * 24)
    assert late[1] - 40 < 0.5 * (early[1] - 40)


def test_a_soft_launch_that_is_not_full_changes_nothing():
    history = readings(calm())
    now = history[-1][0]
    plain, launch = (
        forecast(history, goal=5000, now=now, ends_at=now + 5 * DAY, zone="UTC", soft_launch=soft)
        for soft in (None, SoftLaunch(now + DAY, 0.5))
    )
    assert launch == plain


def test_the_end_of_a_batch_is_not_the_end_of_the_field():
    batches = released()
    _, middle, high = ends(asked(batches, days=8))
    trickle = batches[-48:].sum() / 2 * 8
    assert middle - batches.sum() > 3 * trickle
    assert high - batches.sum() > 96 * 2


def hours_of(hourly):
    counts = np.asarray(hourly, dtype=float)[None]
    slot = (np.arange(counts.shape[1]) % 168)[None]
    return Hours(counts, np.ones_like(counts), slot, np.ones_like(counts))


def wanders(hourly):
    return float(wandering_chance(hours_of(hourly), np.ones((1, 168)))[0])


def test_batches_are_seen_to_wander_and_a_calm_field_is_not():
    assert wanders(released()) > 0.9
    assert wanders(calm()) < 0.15


def test_a_calm_first_day_proves_little():
    assert wanders(calm(days=1)) > 0.4


def test_no_reading_says_nothing_either_way():
    assert 0.4 < wanders(np.zeros(24)) < 0.8


def test_a_trickle_at_the_end_is_no_part_of_a_real_field():
    hourly = np.concatenate((np.full(50, 10.0), np.zeros(60), [1.0]))
    assert without_trickle(hourly).size == 50
    assert without_trickle(np.full(50, 10.0)).size == 50


def test_every_real_field_has_a_name_of_its_own_and_counts():
    assert len({real.id for real in real_fields()}) == len(real_fields())
    assert all((real.hourly >= 0).all() and real.hourly.sum() > 50 for real in real_fields())
