"""Diagnosis: each rule speaks on its own number, and stays silent without it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dashboard.fielding.insight.diagnosis import RULES, diagnose_group
from dashboard.fielding.insight.indicators import Indicators, SlowQuota

WELL = Indicators(
    entrants=1000,
    prescreens=500,
    completes=400,
    goal=1000,
    ir=0.6,
    ir_expected=0.6,
    loi_seconds=540,
    loi_minutes=9,
    drop_off=0.1,
    cpi=Decimal(3),
    cpi_usual=Decimal(3),
    epc=Decimal("0.30"),
    epc_usual=Decimal("0.30"),
    epcm=Decimal("0.033"),
    epcm_usual=Decimal("0.033"),
    entrants_lately=40,
    prescreens_lately=5,
    hours_silent=1,
    expected_in_silence=2,
    hours_left=200,
    chance=0.9,
    completes_an_hour=5,
    needed_an_hour=4,
    quotas_full=0.1,
    analysis={"Complete": 400, "Terminate": 200, "Overquota": 20},
)
ILL: dict[str, dict[str, Any]] = {
    "not_live": {"status": "paused"},
    "waiting": {"is_waiting": True, "status": "paused", "phase": "Soft launch: 50 of 50 completes"},
    "stalled": {"hours_silent": 5.0, "expected_in_silence": 9.0},
    "link": {"hours_silent": 5.0, "expected_in_silence": 9.0, "entrants_lately": 140},
    "no_entrants": {"hours_silent": 5.0, "expected_in_silence": 9.0, "entrants_lately": 2},
    "set_up": {"analysis": {"Complete": 90, "Redirect error": 10}},
    "about_to_pause": {"hours_silent": 62.0},
    "quotas": {"quotas_full": 0.7},
    "slow_quota": {"slow_quota": SlowQuota("35–54", "completes", 31, 50, 38, 44, 0.02)},
    "loi": {"loi_seconds": 852},
    "ir": {"ir": 0.3},
    "drop_off": {"drop_off": 0.4},
    "screening": {"entrants": 20_000},
    "security": {"analysis": {"Complete": 70, "Security Terminate": 30}},
    "epc": {"epc": Decimal("0.11")},
    "epcm": {"epcm": Decimal("0.011")},
    "price": {"cpi": Decimal("1.80")},
    "asked": {"needed_an_hour": 14.0},
}


def codes(vitals):
    return [cause.code for cause in diagnose_group(vitals)]


def test_nothing_is_wrong_with_a_healthy_group():
    assert diagnose_group(WELL) == []


def test_nothing_is_said_without_numbers():
    assert diagnose_group(Indicators()) == []


def test_every_rule_has_its_case_here():
    assert {rule.code for rule in RULES} == set(ILL)


@pytest.mark.parametrize("code", ILL)
def test_each_reason_is_found_by_its_own_number(code):
    causes = {cause.code: cause for cause in diagnose_group(replace(WELL, **ILL[code]))}
    assert code in causes
    assert causes[code].observed != causes[code].expected
    assert causes[code].advice.endswith(".")
    assert 0 < causes[code].weight <= 1


def test_the_numbers_are_said_as_a_pm_would():
    cause = diagnose_group(replace(WELL, **ILL["loi"]))[0]
    assert (cause.observed, cause.expected) == ("median LOI 14.2 min", "bid 9")


@pytest.mark.parametrize(
    ("case", "code", "observed", "expected"),
    [
        ({"drop_off": 0.254}, "drop_off", "drop-off 25.4 %", "limit 25 %"),
        ({"epc": Decimal("0.198")}, "epc", "EPC 0.198 USD", "healthy from 0.20 USD"),
        ({"ir": 0.006, "ir_expected": 0.01}, "ir", "IR 0.6 %", "bid 1 %"),
        (
            {"cpi": Decimal("1.8"), "currency": "KWD"},
            "price",
            "CPI 1.800 KWD",
            "comparable groups: 3.000 KWD",
        ),
    ],
)
def test_a_cause_shows_the_digit_that_decides(case, code, observed, expected):
    causes = {cause.code: cause for cause in diagnose_group(replace(WELL, **case))}
    assert causes[code].observed == observed
    assert causes[code].expected.startswith(expected)


@pytest.mark.parametrize(
    ("gives", "asks", "told"),
    [
        (5.0, 14.0, ("5.0 completes/h", "14.0/h needed")),
        (
            0.01,
            0.04,
            ("0.2 completes/day", "1.0/day needed"),
        ),  # "0.0/h, expected 0.0/h" says nothing
    ],
)
def test_what_a_slow_group_gives_is_counted_by_the_day(gives, asks, told):
    causes = diagnose_group(replace(WELL, completes_an_hour=gives, needed_an_hour=asks))
    (reason,) = [cause for cause in causes if cause.code == "asked"]
    assert (reason.observed, reason.expected) == told


@pytest.mark.parametrize("entrants", [2, 15, 140, None])
def test_a_stall_is_named_before_what_may_lie_behind_it(entrants):
    stalled = replace(WELL, hours_silent=26.0, expected_in_silence=31.0, entrants_lately=entrants)
    first = diagnose_group(stalled)[0]
    assert (first.sentence, first.observed) == ("No completes", "no completes for 26 h")
    assert first.expected == "about 31 expected"
    assert "stalled" not in codes(replace(stalled, status="paused"))


def test_a_group_that_waits_for_its_full_launch_is_not_called_out_of_field():
    waiting = replace(WELL, **ILL["waiting"], quotas_full=0.8)
    assert codes(waiting) == ["waiting"]


def test_the_worst_comes_first():
    seen = codes(replace(WELL, ir=0.45, status="paused", drop_off=0.3))
    assert seen[0] == "not_live"
    weights = [cause.weight for cause in diagnose_group(replace(WELL, ir=0.1, drop_off=0.3))]
    assert weights == sorted(weights, reverse=True)


def test_too_few_people_prove_nothing():
    few = replace(WELL, entrants=30, prescreens=20, completes=5)
    assert codes(replace(few, ir=0.1, drop_off=0.9, loi_seconds=5000, epc=Decimal(0))) == []


def test_overquota_in_the_respondent_analysis_points_at_quotas():
    seen = diagnose_group(replace(WELL, analysis={"Complete": 60, "Overquota": 40}))
    assert (seen[0].code, seen[0].observed) == ("quotas", "40 % hit a full quota")


def test_a_goal_about_to_be_met_does_not_hide_a_pause():
    seen = replace(WELL, completes=990, hours_silent=62.0)
    assert "about_to_pause" in codes(seen)
    assert "about_to_pause" not in codes(replace(WELL, completes=999))


@pytest.mark.parametrize("status", ["draft", "scheduled", "completed", "archived"])
def test_a_group_that_has_not_begun_or_is_over_is_where_it_should_be(status):
    assert codes(replace(WELL, status=status)) == []
