"""The cheapest way to a goal: plans, savings, and what is out of reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.fielding.advice.advise import advise_groups, plan_raises, range_at_price
from dashboard.fielding.advice.evidence import Elasticity
from dashboard.fielding.advice.outlook import GroupOutlook, Pricing, draw_arrivals, draw_limits
from dashboard.fielding.advice.plan import SAFE, TARGET, Advice, Plan, PlanKind, Standing
from dashboard.fielding.advice.response_curve import draw_curves, draw_luck
from dashboard.fielding.forecast.cells import CellState
from dashboard.fielding.forecast.joint import Percentiles

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIVELY, DEAD = Elasticity(1.2, 0.25), Elasticity(-3.0, 0.1)


def pricing(**fields: Any) -> Pricing:
    given: dict[str, Any] = {
        "currency": "EUR",
        "cpi": Decimal("3.16"),
        "coin": Decimal("0.01"),
        "paid": Decimal(300),
    }
    return Pricing(**(given | fields))


def outlook(coming: float = 250.0, *, sd: float = 0.2, **fields: Any) -> GroupOutlook:
    """A group with 100 of 400 completes and five days left, which forecasts `coming` more."""
    done = fields.get("completes", 100.0)
    ends = (done + coming * exp(score * sd) for score in (-1.2816, 0.0, 1.2816))
    given: dict[str, Any] = {
        "goal": 400.0,
        "completes": 100.0,
        "at_end": Percentiles(*ends),
        "now": NOW,
        "ends_at": NOW + timedelta(days=5),
        "days_left": 5.0,
        "days_after": [1.0] * 28,
        "pricing": pricing(),
        "elasticity": LIVELY,
    }
    return GroupOutlook(**(given | fields))


def advice(group: GroupOutlook) -> Advice:
    return advise_groups([group])[0]


def plan_of(group: GroupOutlook, kind: PlanKind) -> Plan:
    return next(plan for plan in advice(group).plans if plan.kind is kind)


def test_a_group_on_track_needs_nothing() -> None:
    result = advice(outlook(450.0, elasticity=Elasticity(3.0, 0.1)))
    assert result.standing is Standing.ON_TRACK
    assert result.plans == ()
    assert result.best is None


def test_a_group_behind_gets_the_least_raise_that_has_the_chance() -> None:
    group = outlook(280.0)
    plan = plan_of(group, PlanKind.RAISE)
    assert plan.chance >= TARGET
    a_coin_less = range_at_price(group, plan.cpi - group.pricing.coin)
    assert a_coin_less.chance < TARGET


def test_the_least_cost_plan_comes_first_and_costs_are_in_order() -> None:
    plans = advice(outlook(280.0)).plans
    costs = [plan.cost_at_goal for plan in plans]
    assert costs == sorted(costs)
    assert {plan.kind for plan in plans} >= {
        PlanKind.RAISE,
        PlanKind.EXTEND,
        PlanKind.LOWER_GOAL,
        PlanKind.RAISE_AND_EXTEND,
    }


def test_a_plan_with_an_extension_raises_less_than_a_raise_alone() -> None:
    group = outlook(250.0)
    both, alone = plan_of(group, PlanKind.RAISE_AND_EXTEND), plan_of(group, PlanKind.RAISE)
    assert both.cpi < alone.cpi
    assert 0 < both.extra_days < plan_of(group, PlanKind.EXTEND).extra_days


def test_the_least_extension_is_a_day_too_short_a_day_earlier() -> None:
    group = outlook(200.0)
    plan = plan_of(group, PlanKind.EXTEND)
    assert plan.chance >= TARGET
    assert plan.cpi == group.pricing.cpi
    fewer = outlook(200.0, days_after=[0.0, *[1.0] * 27])
    assert plan_of(fewer, PlanKind.EXTEND).extra_days == plan.extra_days + 1


def test_the_lowered_goal_is_reached_at_the_chance_that_is_asked_for() -> None:
    plan = plan_of(outlook(200.0), PlanKind.LOWER_GOAL)
    assert plan.goal is not None
    assert 100 < plan.goal < 400
    assert TARGET <= plan.chance < TARGET + 0.05
    assert plan.cost_at_goal == Decimal(300) + (plan.goal - 100) * Decimal("3.16")


def test_a_goal_is_lowered_by_five_completes_and_a_hundredth_of_it_at_least() -> None:
    for goal, least in ((400.0, 5), (1000.0, 10)):
        groups = [outlook(goal - 100 - short, sd=0.001, goal=goal) for short in range(1, 16)]
        plans = [plan for result in advise_groups(groups) for plan in result.plans]
        lowered = [plan.goal for plan in plans if plan.kind is PlanKind.LOWER_GOAL]
        assert max(lower for lower in lowered if lower is not None) == goal - least


def test_a_raise_that_may_be_needless_is_put_off_until_it_is_known() -> None:
    group = outlook(320.0, sd=0.35)
    plan = plan_of(group, PlanKind.RAISE_LATER)
    assert plan.condition is not None
    assert NOW < plan.condition.at < group.ends_at
    assert 100 < plan.condition.fewer_than < 400
    assert plan.chance >= TARGET - 0.01
    assert advice(group).best == plan


def test_nothing_is_won_by_price_where_nobody_answers_to_it() -> None:
    group = outlook(180.0, elasticity=DEAD)
    result = advice(group)
    assert result.standing is Standing.OUT_OF_REACH
    assert not [plan for plan in result.plans if plan.cpi != group.pricing.cpi]
    assert result.most is not None
    assert result.today is not None
    assert result.most.result.completes == result.today.result.completes
    assert result.most.result.completes.p50 == pytest.approx(280, abs=1)
    assert {plan.kind for plan in result.plans} == {PlanKind.EXTEND, PlanKind.LOWER_GOAL}


def test_what_may_be_out_of_reach_is_tried_and_says_its_chance() -> None:
    result = advice(outlook(200.0, elasticity=Elasticity(0.8, 0.5)))
    assert result.standing is Standing.UNSURE
    assert result.best is not None
    assert result.most is not None
    assert result.best.chance < TARGET
    assert result.best.cpi < result.most.cpi


def test_the_highest_cpi_of_the_exchange_holds() -> None:
    group = outlook(280.0, pricing=pricing(highest=Decimal("3.20")))
    result = advice(group)
    assert all(plan.cpi <= Decimal("3.20") for plan in result.plans)
    assert result.most is not None
    assert result.most.cpi == Decimal("3.20")


def test_a_cpi_above_the_highest_one_is_not_raised() -> None:
    group = outlook(280.0, pricing=pricing(highest=Decimal("3.00")))
    assert all(plan.cpi == Decimal("3.16") for plan in advice(group).plans)


def test_a_rate_card_gets_no_advice_on_its_cpi() -> None:
    group = outlook(200.0, pricing=pricing(is_fixed=True))
    result = advice(group)
    assert result.standing is Standing.NO_PRICE
    assert {plan.kind for plan in result.plans} == {PlanKind.EXTEND, PlanKind.LOWER_GOAL}
    assert advice(outlook(900.0, pricing=pricing(is_fixed=True))).saving is None


def test_a_group_at_its_goal_and_one_that_ended_need_nothing() -> None:
    full = replace(outlook(), completes=400.0)
    ended = replace(outlook(), ends_at=NOW)
    assert [a.standing for a in advise_groups([full, ended])] == [
        Standing.AT_GOAL,
        Standing.ENDED,
    ]


def test_a_budget_that_a_plan_exceeds_is_named() -> None:
    group = outlook(280.0, pricing=pricing(budget=Decimal(1250)))
    result = advice(group)
    raised = plan_of(group, PlanKind.RAISE)
    assert raised.exceeds_budget is True
    assert plan_of(group, PlanKind.EXTEND).exceeds_budget is False
    assert result.today is not None
    assert result.today.cost_at_goal == Decimal(300) + 300 * Decimal("3.16")


def test_a_plan_within_the_budget_is_better_than_a_cheaper_kind_beyond_it() -> None:
    result = advice(outlook(320.0, sd=0.35))
    beyond = [replace(plan, exceeds_budget=plan is result.best) for plan in result.plans]
    assert replace(result, plans=tuple(beyond)).best != result.best


def test_a_plan_says_what_it_leaves_of_the_margin() -> None:
    plans = advice(outlook(280.0, pricing=pricing(client_cpi=Decimal(7)))).plans
    for plan in plans:
        assert plan.margin == 7 * (plan.goal or 400) - plan.cost_at_goal
        assert not plan.loses_money
    assert all(plan.margin is None for plan in advice(outlook(280.0)).plans)


def test_a_plan_beyond_the_clients_cpi_is_followed_only_if_nothing_else_reaches_the_goal() -> None:
    tight = pricing(client_cpi=Decimal("3.20"))
    result = advice(outlook(280.0, pricing=tight))
    losing = {plan.kind for plan in result.plans if plan.loses_money}
    assert losing >= {PlanKind.RAISE, PlanKind.RAISE_AND_EXTEND}
    assert PlanKind.EXTEND not in losing
    assert (result.best, result.raise_now) == (None, None)
    alone = replace(result, plans=tuple(plan for plan in result.plans if plan.kind in losing))
    assert alone.best is not None
    assert alone.raise_now is not None
    assert alone.raise_now.loses_money


def test_what_a_plan_adds_is_held_against_the_budget_of_the_project() -> None:
    group = outlook(280.0, pricing=pricing(project_room=Decimal(40)))
    extended, raised = plan_of(group, PlanKind.EXTEND), plan_of(group, PlanKind.RAISE)
    assert extended.over_project_budget == 0
    extra = raised.cost_at_goal - extended.cost_at_goal
    assert raised.over_project_budget == extra - 40 > 0


def test_no_extension_ends_on_a_day_that_brings_nothing() -> None:
    group = outlook(200.0)
    usual = {plan.kind: plan.extra_days for plan in advice(group).plans if plan.extra_days}
    assert set(usual) == {PlanKind.EXTEND, PlanKind.RAISE_AND_EXTEND}
    closed = [day + 1 in usual.values() for day in range(28)]
    moved = advice(replace(group, quiet_ends=closed)).plans
    days = {plan.kind: plan.extra_days for plan in moved if plan.extra_days}
    assert days == {kind: day + 1 for kind, day in usual.items()}
    nothing = advice(replace(group, quiet_ends=[True] * 28)).plans
    assert {plan.kind: plan.extra_days for plan in nothing if plan.extra_days} == usual


def test_raises_alone_are_those_of_the_whole_advice() -> None:
    groups = [
        outlook(280.0),
        outlook(450.0, elasticity=Elasticity(3.0, 0.1)),
        outlook(280.0, pricing=pricing(client_cpi=Decimal("3.20"))),
        replace(outlook(), completes=400.0),
        outlook(200.0, elasticity=Elasticity(0.8, 0.5)),
        outlook(200.0, pricing=pricing(is_fixed=True)),
        outlook(180.0, elasticity=DEAD),
    ]
    raises = plan_raises(groups)
    assert raises == [each.raise_now for each in advise_groups(groups)]
    assert [plan is not None for plan in raises] == [True, *[False] * 3, True, False, False]
    assert plan_raises([]) == []


def test_yen_have_no_decimals() -> None:
    yen = pricing(currency="JPY", cpi=Decimal(316), coin=Decimal(1), paid=Decimal(30000))
    result = advice(outlook(280.0, pricing=yen))
    for plan in result.plans:
        amounts = [plan.cpi, plan.cost_at_goal, *plan.cost_by_end]
        assert all(amount == amount.to_integral_value() for amount in amounts)


def test_a_group_that_fills_early_may_pay_less() -> None:
    group = outlook(700.0)
    saving = advice(group).saving
    assert saving is not None
    assert saving.kind is PlanKind.SAVE
    assert group.pricing.cpi * Decimal("0.69") < saving.cpi < group.pricing.cpi
    assert saving.chance >= SAFE
    assert saving.cost_at_goal < Decimal(300) + 300 * group.pricing.cpi


def test_a_group_that_is_just_safe_saves_nothing() -> None:
    group = outlook(422.0)
    assert advice(group).standing is Standing.ON_TRACK
    assert advice(group).saving is None


def test_a_tiny_goal_gets_whole_completes() -> None:
    group = outlook(1.5, sd=0.5, goal=5.0, completes=2.0)
    for plan in advice(group).plans:
        assert plan.goal is None or plan.goal in (3, 4)
        assert plan.condition is None or 2 < plan.condition.fewer_than <= 5


def test_full_quotas_are_relaxed_where_they_hold_the_group_up() -> None:
    cells = [CellState("men", 200, 195, "sex"), CellState("women", 200, 60, "sex")]
    group = outlook(200.0, completes=255.0, cells=cells)
    plan = plan_of(group, PlanKind.RELAX)
    (men,) = plan.relaxed
    assert men.name == "men"
    assert 5 < men.room <= 145
    assert men.times == (195 + men.room) / 200
    assert plan.chance >= TARGET
    assert plan.cpi == group.pricing.cpi


def test_no_price_fills_a_quota_that_is_full() -> None:
    cells = [CellState("men", 200, 200, "sex"), CellState("women", 100, 60, "sex")]
    result = advice(outlook(900.0, completes=260.0, cells=cells))
    assert result.standing is Standing.OUT_OF_REACH
    assert result.most is not None
    assert result.most.result.completes.p90 <= 300


def test_what_cells_let_through_is_what_they_have_room_for() -> None:
    limits = draw_limits([CellState("a", 50, 40), CellState("b", 50, 10)], 401)
    assert limits is not None
    through = limits.let_through(np.full(401, 1e6))
    assert through == pytest.approx(np.full(401, 50.0))
    assert (limits.arrivals_needed(50.0, 401) > 50).all()
    assert np.isinf(limits.arrivals_needed(60.0, 401)).all()


def test_goals_of_cells_that_were_rounded_down_do_not_stop_the_goal() -> None:
    limits = draw_limits([CellState("a", 33, 0), CellState("b", 33, 0), CellState("c", 33, 0)], 401)
    assert limits is not None
    assert np.isfinite(limits.arrivals_needed(100.0, 401)).all()


def test_the_stored_chance_of_the_goal_is_that_of_the_draws() -> None:
    luck = draw_luck()
    for coming, chance in ((240.0, 0.2), (304.0, 0.55), (330.0, 0.72), (370.0, 0.87)):
        group = outlook(coming, chance=chance)
        reached = (draw_arrivals(group, luck.forecast) >= group.missing).mean()
        assert reached == pytest.approx(chance, abs=0.02)


def test_a_group_with_quotas_has_its_stored_chance() -> None:
    cells = [CellState("men", 200, 150, "sex"), CellState("women", 200, 100, "sex")]
    for chance in (0.3, 0.5, 0.66):
        group = outlook(230.0, completes=250.0, cells=cells, chance=chance)
        today = advice(group).today
        assert today is not None
        assert today.chance == pytest.approx(chance, abs=0.01)


def test_a_stored_chance_that_contradicts_the_quotas_is_left_out() -> None:
    cells = [CellState("men", 200, 200, "sex"), CellState("women", 100, 60, "sex")]
    today = advice(outlook(900.0, completes=260.0, cells=cells, chance=0.6)).today
    assert today is not None
    assert today.chance == 0.0


def test_a_conditional_raise_is_decided_on_a_full_hour() -> None:
    group = outlook(320.0, sd=0.35, now=NOW + timedelta(minutes=13))
    condition = plan_of(group, PlanKind.RAISE_LATER).condition
    assert condition is not None
    assert condition.at.minute == condition.at.second == 0


def test_a_cpi_that_is_not_above_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        range_at_price(outlook(), Decimal(0))


def test_the_range_is_today_s_forecast_at_today_s_cpi() -> None:
    group = outlook(250.0)
    today = range_at_price(group, group.pricing.cpi)
    assert today.completes == pytest.approx(group.at_end, rel=0.01)
    assert today.over_today == (1.0, 1.0, 1.0)
    assert today.an_hour.p50 == pytest.approx(250 / 120, rel=0.01)


def test_a_large_move_has_a_wider_range_than_a_small_one() -> None:
    small, large = (
        range_at_price(outlook(), Decimal("3.16") * Decimal(ratio)) for ratio in ("1.1", "1.9")
    )
    spread = [result.over_today.p90 / result.over_today.p10 for result in (small, large)]
    assert spread[1] > spread[0] * 1.2


def test_advice_is_the_same_beside_other_groups_and_every_time() -> None:
    groups = [outlook(coming) for coming in (450.0, 280.0, 120.0)]
    together = advise_groups(groups)
    assert together == [advice(group) for group in groups]
    assert together == advise_groups(groups[::-1])[::-1]


@settings(max_examples=40, deadline=None)
@given(
    mean=st.floats(-2, 4),
    sd=st.floats(0.01, 2),
    low=st.floats(-0.6, 1.5),
    step=st.floats(0, 1.5),
)
def test_completes_never_fall_with_a_higher_cpi(
    mean: float, sd: float, low: float, step: float
) -> None:
    curves = draw_curves([Elasticity(mean, sd)], draw_luck())
    before, after = (curves.multipliers(np.array([move])) for move in (low, low + step))
    assert (after >= before - 1e-12).all()
    assert curves.multipliers(np.zeros(1)) == pytest.approx(np.ones((1, 401)))


@settings(max_examples=25, deadline=None)
@given(
    forecast=st.tuples(st.floats(0, 2000), st.floats(0, 1.2)),
    counts=st.tuples(st.integers(1, 3000), st.integers(0, 3000)),
    mean=st.floats(-1, 3),
    price=st.tuples(st.decimals("0.02", "50", places=2), st.booleans()),
    hours=st.integers(1, 400),
)
def test_every_plan_can_be_done_and_its_figures_are_in_order(
    forecast: tuple[float, float],
    counts: tuple[int, int],
    mean: float,
    price: tuple[Decimal, bool],
    hours: int,
) -> None:
    (coming, sd), (goal, done), (cpi, fixed) = forecast, counts, price
    group = outlook(
        coming,
        sd=sd,
        goal=float(goal),
        completes=float(done),
        elasticity=Elasticity(mean, 0.5),
        ends_at=NOW + timedelta(hours=hours),
        days_left=hours / 24,
        pricing=pricing(cpi=cpi, is_fixed=fixed),
    )
    result = advice(group)
    every = [result.today, result.most, result.saving, *result.plans]
    for plan in (plan for plan in every if plan is not None):
        assert 0 <= plan.chance <= 1
        assert plan.cpi > 0
        assert plan.cpi <= group.pricing.cap
        assert plan.cpi % group.pricing.coin == 0
        assert not fixed or plan.cpi == cpi
        assert list(plan.cost_by_end) == sorted(plan.cost_by_end)
        assert list(plan.result.an_hour) == sorted(plan.result.an_hour)
        assert plan.cost_by_end[2] >= group.pricing.paid
        assert plan.condition is None or NOW < plan.condition.at <= group.ends_at
        assert plan.goal is None or done < plan.goal < goal
        assert 0 <= plan.extra_days <= 28
    if result.standing is Standing.NEEDS_MORE:
        assert result.best is not None
        assert result.best.chance >= TARGET - 0.01


@settings(max_examples=10, deadline=None)
@given(coming=st.floats(150, 320), less=st.floats(1.05, 1.6))
def test_a_group_that_is_further_behind_never_costs_less(coming: float, less: float) -> None:
    near, far = (advice(outlook(each)) for each in (coming, coming / less))
    costs = [
        next((p.cost_at_goal for p in a.plans if p.kind is PlanKind.RAISE), None)
        for a in (near, far)
    ]
    if costs[0] is not None and costs[1] is not None and far.standing is Standing.NEEDS_MORE:
        assert costs[0] <= costs[1]
