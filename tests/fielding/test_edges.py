"""Every function of the insight on every odd field: an answer that holds together, no error."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.fielding.effects.effect import Group, SettingChange, effect_of_change
from dashboard.fielding.effects.of_changes import VERDICTS
from dashboard.fielding.forecast.cost import projected_cost
from dashboard.fielding.forecast.group_forecast import forecast_many
from dashboard.fielding.forecast.inputs import ForecastInput
from dashboard.fielding.insight.diagnosis import diagnose_group
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.pause_risk import pause_risks
from dashboard.fielding.series.pace import (
    FieldingPlan,
    pace_of_group,
    required_line,
    silence_of_group,
)
from dashboard.fielding.series.weekly_shape import Prior

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + 10 * DAY


def steady(days=10, daily=24.0, *, start=START):
    """Hourly cumulative readings at an even rate."""
    counts = np.floor(np.arange(1, int(days * 24) + 1) * daily / 24)
    return [(start + (i + 1) * HOUR, float(c)) for i, c in enumerate(counts)]


def paused_week():
    before = steady(3)
    return [*before, *((at + 7 * DAY, 72 + c) for at, c in steady(0.1))]


ASKED = ForecastInput(steady(), 400, NOW, NOW + 7 * DAY, BERLIN)
SPRING = datetime(2026, 3, 29, 12, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 25, 12, tzinfo=UTC)
EDGES = {
    "no data": replace(ASKED, history=[]),
    "one point": replace(ASKED, history=[(NOW, 3.0)]),
    "four completes": replace(ASKED, history=steady(10, 0.45)),
    "no completes": replace(ASKED, history=steady(10, 0.0)),
    "goal reached": replace(ASKED, goal=200),
    "goal lowered below completes": replace(ASKED, goal=50),
    "no goal": replace(ASKED, goal=0),
    "counts falling": replace(ASKED, history=[*steady(), (NOW + HOUR, 150.0)], now=NOW + HOUR),
    "counts falling to nothing": replace(ASKED, history=[*steady(9), (NOW, 0.0)]),
    "end before now": replace(ASKED, ends_at=NOW - DAY),
    "end before start": replace(ASKED, ends_at=START - DAY),
    "no end": replace(ASKED, ends_at=None),
    "a day of 23 hours": replace(
        ASKED, history=steady(start=SPRING - 10 * DAY), now=SPRING, ends_at=SPRING + DAY
    ),
    "a day of 25 hours": replace(
        ASKED, history=steady(start=AUTUMN - 10 * DAY), now=AUTUMN, ends_at=AUTUMN + DAY
    ),
    "paused for a week": replace(
        ASKED,
        history=paused_week(),
        pauses=[(START + 3 * DAY, START + 10 * DAY)],
        now=START + 10.1 * DAY,
    ),
    "paused now": replace(ASKED, history=steady(3), pauses=[(START + 3 * DAY, None)]),
    "paused from start to end": replace(ASKED, pauses=[(START, NOW + 7 * DAY)]),
    "a pause that ends before it begins": replace(ASKED, pauses=[(NOW, START)]),
    "changed before its first reading": replace(ASKED, rate_changes=[START - DAY]),
    "changed just now": replace(ASKED, rate_changes=[NOW]),
    "changed after now": replace(ASKED, rate_changes=[NOW + DAY]),
    "changed every hour": replace(ASKED, rate_changes=[START + n * HOUR for n in range(240)]),
    "changed without data": replace(ASKED, history=[], rate_changes=[START, NOW]),
    "changed while it was paused": replace(
        ASKED,
        history=paused_week(),
        pauses=[(START + 3 * DAY, START + 10 * DAY)],
        rate_changes=[START + 5 * DAY],
    ),
}


@pytest.fixture(params=EDGES)
def asked(request):
    return EDGES[request.param]


def plan_of(asked):
    start = asked.history[0][0] if asked.history else START
    return FieldingPlan(max(asked.goal, 1), start, asked.ends_at, asked.zone, asked.pauses)


def test_a_forecast_is_ordered_and_never_surer_than_it_may_be(asked):
    (seen,) = forecast_many([asked])
    at_end = seen.completes_at_end_p10, seen.completes_at_end_p50, seen.completes_at_end_p90
    assert list(at_end) == sorted(at_end)
    dates = [at for at in (seen.finish_p10, seen.finish_p50, seen.finish_p90) if at is not None]
    assert dates == sorted(dates)
    assert 0 <= seen.chance <= 1
    completes = asked.history[-1][1] if asked.history else 0
    if completes < 5 and (dates or completes < asked.goal):
        ended = asked.ends_at is not None and asked.ends_at <= asked.now
        assert ended or seen.confidence in ("none", "low")
        assert seen.note


def test_a_later_end_never_brings_fewer_completes(asked):
    usual = replace(asked, prior=Prior((1.0,) * 168, daily=20.0))
    ends = [replace(usual, ends_at=asked.now + days * DAY) for days in (1, 5, 30)]
    middles = [seen.completes_at_end_p50 for seen in forecast_many(ends)]
    assert middles == sorted(middles)


def test_a_pace_has_a_band_and_its_reason(asked):
    seen = pace_of_group(asked.history, plan_of(asked), now=asked.now)
    assert seen.band
    assert seen.reason
    assert seen.required >= 0


def test_a_required_line_never_falls(asked):
    counts = [count for _, count in required_line(plan_of(asked), now=asked.now)]
    assert counts == sorted(counts)


def test_a_silence_has_no_negative_time(asked):
    seen = silence_of_group(asked.history, plan_of(asked), now=asked.now)
    assert seen.hours >= 0
    assert seen.usual >= 0
    assert seen.rate >= 0


def test_an_effect_has_a_verdict_and_its_reason(asked):
    group = Group(asked.history, BERLIN, asked.pauses)
    seen = effect_of_change(SettingChange(asked.now - 3 * DAY, "strategy"), group, now=asked.now)
    assert seen.completes_an_hour.verdict in VERDICTS
    assert seen.completes_an_hour.reason


def test_a_cost_is_ordered_and_never_below_what_was_paid(asked):
    (outlook,) = forecast_many([asked])
    completes = int(asked.history[-1][1]) if asked.history else 0
    seen = projected_cost(
        outlook,
        completes=completes,
        current_cpi=Decimal("2.50"),
        currency="EUR",
        budget=Decimal(90),
    )
    assert seen.so_far <= seen.p10 <= seen.p50 <= seen.p90


def test_causes_and_risks_stand_on_any_numbers(asked):
    (outlook,) = forecast_many([asked])
    quiet = silence_of_group(asked.history, plan_of(asked), now=asked.now)
    vitals = Indicators(
        completes=int(asked.history[-1][1]) if asked.history else None,
        goal=int(asked.goal),
        entrants=0,
        prescreens=0,
        hours_silent=quiet.hours,
        expected_in_silence=quiet.usual,
        chance=outlook.chance,
        hours_left=0.0,
        completes_an_hour=0.0,
        needed_an_hour=0.0,
    )
    assert all(0 < cause.weight <= 1 for cause in diagnose_group(vitals))
    assert all(risk.score is None or 0 <= risk.score <= 1 for risk in pause_risks(vitals))
