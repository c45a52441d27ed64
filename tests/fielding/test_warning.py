"""Early warning: each pause reason scores from its own number, and from nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dashboard.fielding.vitals import Vitals
from dashboard.fielding.warning import LINE, RULES, warnings

WELL = Vitals(
    entrants=1000, prescreens=500, completes=300, goal=1000, ir=0.6, ir_expected=0.6,
    loi_seconds=540, loi_minutes=9, drop_off=0.1, cpi=Decimal(3), cpi_limit=Decimal(105),
    epc=Decimal("0.30"), prescreens_lately=5, hours_silent=1, hours_left=200, chance=0.9,
    completes_an_hour=5, soft_launch_hours_left=100,
    analysis={"Complete": 300, "Terminate": 200, "Screener": 500},
)  # fmt: skip
ILL = {
    "max_cpi_limit_reached": {"cpi": Decimal(104)},
    "past_scheduled_end_date": {"hours_left": 4.0, "chance": 0.1},
    "total_completes_reached": {"completes": 980},
    "past_soft_launch_end_date": {"soft_launch_hours_left": 3.0},
    "no_completes_in_several_days": {"hours_silent": 60.0},
    "no_completes_after_many_prescreens": {"completes": 0},
    "high_median_loi": {"loi_seconds": 1000},
    "excessive_redirect_errors": {"analysis": {"Complete": 60, "Redirect error": 40}},
    "excessive_encryption_errors": {"analysis": {"Complete": 60, "Encryption failure": 40}},
    "excessive_qualification_setup_errors": {"analysis": {"Complete": 60, "Setup error": 40}},
    "high_drop_rates": {"drop_off": 0.55},
    "low_epc": {"epc": Decimal("0.06")},
    "high_client_side_termination_rate": {"ir": 0.2},
}


def scores(vitals):
    return {risk.reason_code: risk.score for risk in warnings(vitals)}


def test_a_healthy_group_is_below_the_line_everywhere():
    assert max(score or 0 for score in scores(WELL).values()) < LINE


@pytest.mark.parametrize("reason", ILL)
def test_a_group_near_its_pause_is_named_first(reason):
    risks = warnings(replace(WELL, **ILL[reason]))
    assert risks[0].reason_code == reason
    assert risks[0].score >= LINE
    assert any(sign.isdigit() for sign in risks[0].says)


def test_what_no_number_shows_is_not_scored():
    seen = scores(Vitals())
    assert set(seen.values()) == {None}
    assert len(seen) == len(RULES) == 14


def test_few_people_are_no_evidence():
    few = replace(WELL, entrants=20, prescreens=10, completes=3, drop_off=0.9, loi_seconds=5000)
    seen = scores(few)
    assert (seen["high_drop_rates"], seen["high_median_loi"], seen["low_epc"]) == (None,) * 3


def test_a_group_that_is_not_live_is_beyond_warning():
    assert set(scores(replace(WELL, status="paused", hours_silent=90)).values()) == {0.0}


def test_epc_in_another_currency_is_held_against_the_usual():
    euro = replace(WELL, currency="EUR", epc=Decimal("0.06"))
    assert scores(euro)["low_epc"] is None
    assert scores(replace(euro, epc_usual=Decimal("0.30")))["low_epc"] == 1.0
    assert scores(replace(euro, epc_usual=Decimal("0.06")))["low_epc"] == 0.0


def test_a_goal_that_is_met_is_at_its_pause():
    assert scores(replace(WELL, completes=1000))["total_completes_reached"] == 1.0


def test_a_score_never_leaves_its_scale():
    worst = replace(WELL, hours_silent=1e6, drop_off=1.0, epc=Decimal(0), cpi=Decimal(500))
    assert all(score is None or 0 <= score <= 1 for score in scores(worst).values())
