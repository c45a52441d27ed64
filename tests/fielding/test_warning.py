"""Early warning: each pause reason scores from its own number, and from nothing else."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.pause_risk import LINE, RULES, PauseRule, pause_risks

WELL = Indicators(
    entrants=1000,
    prescreens=500,
    completes=300,
    goal=1000,
    ir=0.6,
    ir_expected=0.6,
    loi_seconds=540,
    loi_minutes=9,
    drop_off=0.1,
    cpi=Decimal(3),
    cpi_limit=Decimal(105),
    epc=Decimal("0.30"),
    lately_hours=8.0,
    completes_lately=20,
    entrants_lately=80,
    prescreens_lately=40,
    drop_off_lately=0.12,
    ir_lately=0.58,
    loi_lately=550,
    hours_silent=1,
    hours_left=200,
    chance=0.9,
    completes_an_hour=5,
    soft_launch_hours_left=100,
    analysis={"Complete": 300, "Terminate": 200, "Screener": 500},
)
SURE: dict[str, dict[str, Any]] = {
    "past_scheduled_end_date": {"hours_left": 4.0, "chance": 0.1},
    "total_completes_reached": {"completes": 980},
    "past_soft_launch_end_date": {"soft_launch_hours_left": 3.0},
    "no_completes_in_several_days": {"hours_silent": 62.0},
    "no_completes_after_many_prescreens": {"completes": 0, "prescreens": 240},
    "excessive_redirect_errors": {"analysis": {"Complete": 60, "Redirect error": 40}},
    "excessive_encryption_errors": {"analysis": {"Complete": 60, "Encryption failure": 40}},
    "excessive_qualification_setup_errors": {"analysis": {"Complete": 60, "Setup error": 40}},
}
LIKELIER: dict[str, dict[str, Any]] = {
    "max_cpi_limit_reached": {"cpi": Decimal(104)},
    "high_median_loi": {"loi_lately": 1400},
    "high_drop_rates": {"drop_off_lately": 0.53},
    "low_epc": {"ir_lately": 0.12},
    "high_client_side_termination_rate": {"ir_lately": 0.0},
    "excessive_redirect_errors": {"drop_off_lately": 0.84},
    "no_completes_after_many_prescreens": {"completes_lately": 0, "prescreens_lately": 60},
}


def scores(vitals):
    return {risk.reason_code: risk.score for risk in pause_risks(vitals)}


def test_a_healthy_group_is_hardly_at_risk():
    assert max(score or 0 for score in scores(WELL).values()) < 0.05


@pytest.mark.parametrize("reason", SURE)
def test_a_group_near_its_pause_is_named_first_and_told(reason):
    risks = pause_risks(replace(WELL, **SURE[reason]))
    assert risks[0].reason_code == reason
    assert risks[0].score is not None
    assert risks[0].score >= LINE
    assert any(sign.isdigit() for sign in risks[0].sentence)
    assert all(" %" in said for risk in risks if "%" in (said := risk.sentence))


@pytest.mark.parametrize("reason", LIKELIER)
def test_what_changed_lately_makes_its_pause_likelier(reason):
    assert scores(replace(WELL, **LIKELIER[reason]))[reason] > scores(WELL)[reason]


def test_every_reason_that_can_be_seen_has_its_case_here():
    unseen = {"live_respondent_unique_codes_exhausted"}
    assert {rule.reason_code for rule in RULES} - unseen == set(SURE) | set(LIKELIER)


def test_what_no_number_shows_is_not_scored():
    seen = scores(Indicators())
    assert set(seen.values()) == {None}
    assert len(seen) == 14


def test_few_people_are_no_evidence():
    few = replace(
        WELL,
        prescreens_lately=5,
        completes_lately=1,
        drop_off_lately=0.9,
        loi_lately=5000,
        ir_lately=0.0,
    )
    seen = scores(few)
    assert (seen["high_drop_rates"], seen["high_median_loi"], seen["low_epc"]) == (None,) * 3


def test_a_group_that_is_not_live_is_beyond_warning():
    assert set(scores(replace(WELL, status="paused", hours_silent=90)).values()) == {0.0}


def test_a_far_end_is_no_risk_however_hopeless_the_goal():
    assert scores(replace(WELL, hours_left=60, chance=0.0))["past_scheduled_end_date"] == 0.0


def test_of_two_numbers_for_one_reason_the_graver_counts():
    both = replace(WELL, drop_off_lately=0.84, analysis={"Complete": 60, "Redirect error": 40})
    assert scores(both)["excessive_redirect_errors"] >= LINE


def test_a_goal_that_is_met_is_at_its_end():
    assert scores(replace(WELL, completes=1000))["total_completes_reached"] > 0.9


def test_a_score_never_leaves_its_scale():
    worst = replace(WELL, hours_silent=1e6, drop_off_lately=1.0, cpi=Decimal(500), hours_left=-5)
    assert all(score is None or 0 <= score <= 1 for score in scores(worst).values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.reason_code} {rule.template}")
def test_scales_run_upwards_and_hold_shares(rule):
    at, share = zip(*rule.scale, strict=True)
    assert list(at) == sorted(set(at))
    assert 0 <= min(share) <= max(share) <= 1


def constant_figure(value: float) -> Callable[[Indicators], float]:
    return lambda _: value


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.template], ids=lambda rule: rule.template
)
def test_a_score_lies_on_the_line_between_the_points_of_its_scale(rule: PauseRule) -> None:
    at, share = zip(*rule.scale, strict=True)
    for value in np.linspace(at[0] - 1, at[-1] + 1, 61):
        risk = replace(rule, figure=constant_figure(float(value))).risk(Indicators())
        assert risk.score == pytest.approx(float(np.interp(value, at, share)), abs=0.0006)
