"""What other groups tell of one that has just begun."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.fielding.forecast import forecast
from dashboard.fielding.forecast.pooling import GroupRecord, pool_records
from dashboard.fielding.series.weekly_shape import Prior

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVEN = Prior((1.0,) * 168)


def records(number, *, project="p", country="c", level=1.0, fade=0.8):
    return [GroupRecord(project, country, level, fade)] * number


def pool(*groups, project="p", country="c", planned=100.0):
    every = [record for group in groups for record in group]
    return pool_records(every, EVEN, project=project, country=country, planned=planned)


def young(prior, hours=12, rate=4.0):
    """A group of half a day with these completes an hour, which ends after ten."""
    total = np.cumsum(np.random.default_rng(1).poisson(rate, hours)).tolist()
    history = [(START, 0.0)] + [(START + (h + 1) * HOUR, c) for h, c in enumerate(total)]
    seen = forecast(
        history,
        goal=1000,
        now=history[-1][0],
        ends_at=START + 10 * DAY,
        zone="UTC",
        prior=prior,
    )
    return seen.completes_at_end_p10, seen.completes_at_end_p50, seen.completes_at_end_p90


def test_without_other_groups_the_prior_stays_as_it_was():
    assert pool() is EVEN


def test_groups_of_the_project_set_the_level_and_the_fade():
    prior = pool(records(30, level=0.5, fade=0.4))
    assert prior.daily == pytest.approx(50, rel=0.1)
    assert prior.fade == pytest.approx(0.4, rel=0.1)


def test_the_project_outweighs_the_account_and_a_new_project_gets_the_account():
    others = records(20, project="q", level=1.0)
    own = records(6, project="p", level=0.3)
    assert pool(own, others).daily < 60
    assert pool(own, others, project="new").daily > 70


def test_one_group_tells_less_than_ten():
    one, ten = (pool(records(n, level=0.2)).daily for n in (1, 10))
    assert 100 > one > 1.5 * ten


def test_a_country_has_its_own_level_in_projects_that_differ():
    slow = [r for p in "pqr" for r in records(8, project=p, country="slow", level=0.4)]
    fast = [r for p in "pqr" for r in records(8, project=p, country="fast", level=1.6)]
    rates = [pool(slow, fast, project="new", country=c).daily for c in ("slow", "fast")]
    assert rates[1] > 2 * rates[0]


def test_groups_that_are_apart_leave_a_wider_range():
    alike = pool(records(30, fade=0.8))
    apart = pool(records(15, fade=0.3), records(15, fade=2.0))
    assert apart.varies > 1.5 * alike.varies
    width = [high - low for low, _, high in (young(apart), young(alike))]
    assert width[0] > 1.15 * width[1]


def test_a_young_group_leans_on_what_its_siblings_did():
    fading, lasting = pool(records(30, fade=0.3, level=0.4)), pool(records(30, fade=1.0, level=1.0))
    assert young(fading)[1] < 0.75 * young(lasting)[1]


def test_a_group_with_two_weeks_of_its_own_hardly_does():
    fading, lasting = pool(records(30, fade=0.3, level=0.4)), pool(records(30, fade=1.0, level=1.0))
    total = np.cumsum(np.random.default_rng(1).poisson(4.0, 14 * 24)).tolist()
    history = [(START + (h + 1) * HOUR, c) for h, c in enumerate(total)]
    ends = [
        forecast(
            history,
            goal=3000,
            now=history[-1][0],
            ends_at=START + 24 * DAY,
            zone="UTC",
            prior=prior,
        ).completes_at_end_p50
        for prior in (fading, lasting)
    ]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)


@pytest.mark.parametrize("part", ["fade", "varies"])
def test_a_fade_or_a_spread_of_nothing_is_refused(part):
    with pytest.raises(ValueError, match="above zero"):
        Prior((1.0,) * 168, **{part: 0.0})
