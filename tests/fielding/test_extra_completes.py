"""What a change of price brought and cost."""

from __future__ import annotations

import pytest

from dashboard.fielding.effects.extra_completes import (
    CpiStep,
    Estimate,
    add_estimates,
    extra_completes,
    extra_cost,
)
from dashboard.fielding.effects.rate_comparison import Measure, Verdict


def measured(ratio: float, verdict: Verdict = "raised") -> Measure:
    return Measure(1.0, ratio, ratio, ratio * 0.8, ratio * 1.25, verdict, "")


def test_with_a_ratio_of_a_quarter_more_a_fifth_of_the_completes_are_extra() -> None:
    extra = extra_completes(measured(1.25), 100)
    assert extra is not None
    assert extra == pytest.approx((0.0, 20.0, 36.0))


def test_fewer_completes_are_negative() -> None:
    extra = extra_completes(measured(0.5, "lowered"), 100)
    assert extra is not None
    assert extra.middle == pytest.approx(-100)
    assert extra.is_clear


@pytest.mark.parametrize("verdict", ["too early", "cannot tell"])
def test_without_a_verdict_there_is_no_number(verdict: Verdict) -> None:
    assert extra_completes(measured(1.25, verdict), 100) is None


def test_the_same_completes_at_a_higher_price_cost_more() -> None:
    cost = extra_cost(Estimate(-10.0, 0.0, 10.0), 100, CpiStep(2.0, 2.5))
    assert cost == pytest.approx((30.0, 50.0, 70.0))


def test_a_cut_that_loses_completes_costs_less_for_both_reasons() -> None:
    cost = extra_cost(Estimate(-30.0, -20.0, -10.0), 80, CpiStep(3.0, 2.0))
    assert cost.middle == pytest.approx(80 * 2 - 100 * 3)


def test_errors_of_a_sum_add_up_by_their_squares() -> None:
    total = add_estimates([Estimate(7, 10, 14), Estimate(16, 20, 23)])
    assert total == pytest.approx((25, 30, 35))
    assert add_estimates([]) == (0, 0, 0)
