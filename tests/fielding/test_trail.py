"""A group's figures over the last week, kept small, and what they say of the last hours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from dashboard.fielding.insight import samples as trail
from dashboard.fielding.insight.samples import Sample
from dashboard.fielding.models import TargetGroup
from tests import factories

HOUR = timedelta(hours=1)


def sample(hours: float, completes: int = 100, **figures: float) -> Sample:
    """A sample so many hours after the start of a day."""
    at = factories.NOW.timestamp() // trail.DAY * trail.DAY + hours * 3600
    told = {"prescreens": 200, "entrants": 1000, "drops": 20.0, "terminates": 80.0}
    told |= {"minutes": 1000.0, "epc": 0.1, "epcm": 0.01}
    return Sample(int(at), completes, **(told | figures))  # type: ignore[arg-type]


def kept(every: float, days: int) -> list[Sample]:
    samples: list[Sample] = []
    for step in range(int(days * 24 / every)):
        samples = trail.with_sample(samples, sample(step * every))
    return samples


def test_six_hours_have_one_sample() -> None:
    assert trail.with_sample([sample(0)], sample(5)) == [sample(0)]
    assert trail.with_sample([sample(0)], sample(6)) == [sample(0), sample(6)]


def test_a_trail_stays_small_however_often_a_group_is_read() -> None:
    samples = kept(0.25, days=20)
    assert len(samples) <= 13
    assert samples[-1].at - samples[0].at <= trail.KEEP_FOR
    assert len({one.at for one in samples}) == len(samples)


def test_what_happened_lately_is_the_difference_to_an_earlier_sample() -> None:
    now = sample(
        24, 110, prescreens=260, entrants=1300, drops=50.0, terminates=120.0, minutes=1200.0
    )
    seen = trail.recent_figures([sample(0), sample(12), sample(20)], now)
    assert seen is not None
    assert (seen.hours, seen.completes, seen.entrants) == (12, 10, 300)
    assert seen.drop_off == pytest.approx(0.5)
    assert seen.ir == pytest.approx(0.2)
    assert seen.loi_seconds == pytest.approx(1200)


def test_counts_that_fell_are_nobody_and_no_rate() -> None:
    seen = trail.recent_figures([sample(0)], sample(12, completes=90, prescreens=150))
    assert seen is not None
    assert (seen.completes, seen.prescreens, seen.drop_off) == (0, 0, None)


@pytest.mark.parametrize("samples", [[], [sample(20)]])
def test_without_an_earlier_sample_nothing_is_said(samples: list[Sample]) -> None:
    assert trail.recent_figures(samples, sample(24)) is None


def test_the_usual_epc_is_the_median_at_todays_price() -> None:
    samples = [sample(24 * day, epc=epc) for day, epc in enumerate((0.1, 0.12, 0.11, 0.5))]
    assert trail.usual_figure(samples, "epc", Decimal(3)) == Decimal("0.345")
    assert trail.usual_figure(samples[:3], "epc", Decimal(3)) is None
    assert trail.usual_figure(samples, "epc", None) is None


def test_a_group_without_figures_has_an_empty_sample() -> None:
    assert trail.sample_of(TargetGroup(), now=factories.NOW)[1:] == (None,) * 8


def test_a_sample_holds_what_the_rates_imply() -> None:
    group = TargetGroup(
        completes=100,
        prescreens=300,
        entrants=900,
        incidence_rate=0.4,
        drop_off_rate=0.1,
        median_loi_seconds=600,
        epc=Decimal("0.30"),
        epcm=Decimal("0.03"),
        cpi=Decimal(3),
    )
    seen = trail.sample_of(group, now=factories.NOW)
    assert (seen.drops, seen.terminates, seen.minutes) == (30, 150, 1000)
    assert (seen.epc, seen.epcm) == (0.1, 0.01)


@pytest.mark.parametrize("stored", [None, "x", [[1, 2]], [{"at": 1}]])
def test_what_was_stored_in_another_form_is_no_trail(stored: object) -> None:
    assert trail.samples_from_json(stored) == []
