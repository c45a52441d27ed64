"""Advice for groups: the plans, the saving, and what a CPI brings."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from dashboard.fielding.advice.outlook import NO_LIMIT, GroupOutlook
from dashboard.fielding.advice.plan import (
    LEAST_SAVING,
    SAFE,
    TARGET,
    Advice,
    Condition,
    Plan,
    PlanKind,
    PriceRange,
    RelaxedCell,
    Standing,
    against_client,
    exceeds_budget,
    money,
    sort_plans,
    standing_without_advice,
)
from dashboard.fielding.advice.response_curve import Luck, draw_luck
from dashboard.fielding.advice.results import (
    TriedChange,
    draw_change,
    percentiles_of_draws,
    plan_of_change,
)
from dashboard.fielding.advice.search import (
    Curves,
    Field,
    LaterRaise,
    later_raises,
    lay_out_field,
    least_days,
    least_move,
    lively_ends,
)
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.series.readings import Floats, Ints

CHUNK = 100  # groups whose draws stay in the processor's cache
LOWEST = np.log(0.7)  # log of CPI: a deeper cut was never measured
MOST_RELAXED = 5  # cells, before all of the fullest are tried
NEW_LIMITS = (0.9, 1.0)  # of what may come of a relaxed cell: what its new limit lets through
LATER_MAY_COST = 1.2  # over a raise now: what a conditional raise costs at most
SELDOM = 0.02  # chance of a conditional raise below which it is none
NEARLY = 1.16  # of the least cost
HOPELESS = 0.45  # chance with the highest CPI below which the goal is out of reach
NEARLY_MOST = 0.75  # of what the highest CPI adds to the chance: what an attempt adds
PUT_OFF = 0.05  # of the chance of an attempt: what it may cost to put it off
LEAST_GAIN = 0.05  # of the chance: less is not worth a raise
LEAST_FEWER, LEAST_FEWER_SHARE = 5, 0.01  # completes, and of the goal: less is no lower goal
MIXED_DAYS = 7  # of an extension beside a raise, where no extension alone is enough


def advise_groups(
    outlooks: Sequence[GroupOutlook], *, luck: Luck | None = None, curves: Curves | None = None
) -> list[Advice]:
    """The advice for each group, in order.

    luck: the random draws, the same for every group. curves: those of the groups, where they are
    known (in benchmarks); else they are drawn from the elasticities.
    """
    luck = luck or draw_luck()
    advice: list[Advice] = []
    for first in range(0, len(outlooks), CHUNK):
        chunk = outlooks[first : first + CHUNK]
        known = curves.select(np.arange(first, first + len(chunk))) if curves else None
        advice += _advise_chunk(chunk, luck, known)
    return advice


def plan_raises(outlooks: Sequence[GroupOutlook], *, luck: Luck | None = None) -> list[Plan | None]:
    """The raise of each group, in order, as `Advice.raise_now` has it, without the other plans."""
    luck = luck or draw_luck()
    raises: list[Plan | None] = [None] * len(outlooks)
    rows = [row for row, each in enumerate(outlooks) if standing_without_advice(each) is None]
    if not rows:
        return raises
    field = lay_out_field([outlooks[row] for row in rows], luck)
    behind = [row for row, chance in enumerate(field.chance(field.unmoved)) if chance < TARGET]
    field = field.select(behind)
    moves = least_move(field.highest, _attempted_chance(field), field.chance)
    for place, row in enumerate(behind):
        raises[rows[row]] = _raise(field, place, PlanKind.RAISE, moves)
    losing = [row for row, plan in enumerate(raises) if plan is not None and plan.loses_money]
    advice = advise_groups([outlooks[row] for row in losing], luck=luck)
    for row, each in zip(losing, advice, strict=True):
        raises[row] = each.raise_now
    return raises


def range_at_price(outlook: GroupOutlook, cpi: Decimal, *, luck: Luck | None = None) -> PriceRange:
    """What a CPI brings a group that is in field and not at its goal. ValueError for a CPI that
    is not above zero."""
    if cpi <= 0:
        raise ValueError("a CPI is above zero")
    return draw_change(lay_out_field([outlook], luck or draw_luck()), 0, TriedChange(cpi)).result()


def _advise_chunk(
    outlooks: Sequence[GroupOutlook], luck: Luck, curves: Curves | None
) -> list[Advice]:
    standings = [standing_without_advice(outlook) for outlook in outlooks]
    rows = [row for row, standing in enumerate(standings) if standing is None]
    planned: dict[int, Advice] = {}
    if rows:
        known = curves.select(np.array(rows)) if curves else None
        field = lay_out_field([outlooks[row] for row in rows], luck, known)
        planned = dict(zip(rows, _advise_field(field), strict=True))
    return [
        planned[row] if standing is None else Advice(standing, outlooks[row].evidence)
        for row, standing in enumerate(standings)
    ]


def _advise_field(field: Field) -> list[Advice]:
    chances = field.chance(field.unmoved)
    behind = [row for row, chance in enumerate(chances) if chance < TARGET]
    safe = [row for row, chance in enumerate(chances) if chance >= SAFE]
    plans = dict(zip(behind, _plans_of_field(field.select(behind)), strict=True))
    savings = dict(zip(safe, _savings(field.select(safe)), strict=True))
    return [
        _advice_of(field, row, plans.get(row), savings.get(row))
        for row in range(len(field.outlooks))
    ]


def _advice_of(field: Field, row: int, plans: Sequence[Plan] | None, saving: Plan | None) -> Advice:
    outlook = field.outlooks[row]
    today = plan_of_change(field, row, PlanKind.NOTHING, TriedChange(outlook.pricing.cpi))
    if plans is None:
        return Advice(Standing.ON_TRACK, outlook.evidence, today, saving=saving)
    pricing = outlook.pricing
    if pricing.is_fixed:
        return Advice(Standing.NO_PRICE, outlook.evidence, today, sort_plans(plans))
    most = plan_of_change(field, row, PlanKind.RAISE, TriedChange(pricing.cap))
    standing = _standing_with(most.chance)
    return Advice(standing, outlook.evidence, today, sort_plans(plans), most=most)


def _standing_with(most: float) -> Standing:
    """What is to be said of a group that is behind, by its chance with the highest CPI."""
    if most >= TARGET:
        return Standing.NEEDS_MORE
    return Standing.UNSURE if most >= HOPELESS else Standing.OUT_OF_REACH


def _plans_of_field(field: Field) -> list[list[Plan]]:
    """The least plan of each kind of groups that are behind."""
    if not field.outlooks:
        return []
    attempted = _attempted_chance(field)
    raised = least_move(field.highest, attempted, field.chance)
    later = later_raises(field, np.where(attempted < TARGET, attempted - PUT_OFF, attempted))
    days = least_days(field, TARGET, field.unmoved)
    relaxed, alone = _least_relaxed(field)
    needed = field.relaxed([{cell.name: cell.room for cell in cells} for cells in relaxed])
    halves = lively_ends(field, np.where(days > 0, (days + 1) // 2, MIXED_DAYS))
    growth = field.growth(halves)
    mixed = least_move(field.highest, TARGET, lambda move: field.chance(move, growth))
    eased = least_move(field.highest, TARGET, lambda move: field.chance(move, needed=needed))
    eased_days = least_days(field, TARGET, field.unmoved, needed)
    plans = []
    for row in range(len(field.outlooks)):
        cells = relaxed[row]
        choices = [
            _raise(field, row, PlanKind.RAISE, raised),
            _raise_later(field, row, later, raised[row]),
            _extend(field, row, PlanKind.EXTEND, days),
            _lower_goal(field, row),
        ]
        if alone[row]:
            choices.append(
                plan_of_change(field, row, PlanKind.RELAX, TriedChange(_cpi(field, row), 0, cells))
            )
        if mixed[row] > 0 and not mixed[row] >= raised[row] and halves[row] != days[row]:
            kind = PlanKind.RAISE_AND_EXTEND
            choices.append(_raise(field, row, kind, mixed, days=int(halves[row])))
        if cells and not alone[row]:
            if eased[row] > 0 and not eased[row] >= raised[row]:
                choices.append(_raise(field, row, PlanKind.RAISE_AND_RELAX, eased, cells=cells))
            if eased_days[row] and (not days[row] or eased_days[row] < days[row]):
                kind = PlanKind.EXTEND_AND_RELAX
                choices.append(_extend(field, row, kind, eased_days, cells))
        plans.append([plan for plan in choices if plan is not None])
    return plans


def _attempted_chance(field: Field) -> Floats:
    """The chance that a raise is to bring (groups): the one that is asked for, or nearly what the
    highest CPI brings; inf where that is next to nothing."""
    today, most = field.chance(field.unmoved), field.chance(field.highest)
    attempt = np.where(most >= TARGET, TARGET, today + NEARLY_MOST * (most - today))
    is_worth_it = (most >= TARGET) | ((most >= HOPELESS) & (most - today >= LEAST_GAIN))
    return np.where(is_worth_it, attempt, np.inf)


def _cpi(field: Field, row: int) -> Decimal:
    return field.outlooks[row].pricing.cpi


def _raise(
    field: Field,
    row: int,
    kind: PlanKind,
    moves: Floats,
    *,
    days: int = 0,
    cells: tuple[RelaxedCell, ...] = (),
) -> Plan | None:
    pricing = field.outlooks[row].pricing
    if np.isnan(moves[row]) or pricing.is_fixed:
        return None
    cpi = pricing.round_up(float(pricing.cpi) * float(np.exp(moves[row])))
    if cpi <= pricing.cpi:
        return None
    return plan_of_change(field, row, kind, TriedChange(cpi, days, cells))


def _raise_later(field: Field, row: int, raises: Sequence[LaterRaise], now: float) -> Plan | None:
    """The conditional raise that costs least, if that is less than to raise now.

    Of those that cost nearly the least, the one that is least often needless.
    """
    pricing = field.outlooks[row].pricing
    reaching = [
        later
        for later in raises
        if not np.isnan(later.move[row]) and later.behind[row].mean() >= SELDOM
    ]
    if pricing.is_fixed or not reaching:
        return None
    cheapest = min(float(later.relative_cost[row]) for later in reaching)
    if not np.isnan(now) and cheapest >= np.exp(now) * LATER_MAY_COST:
        return None
    near = [later for later in reaching if later.relative_cost[row] <= cheapest * NEARLY]
    later = min(near, key=lambda each: (each.needless[row], each.relative_cost[row]))
    cpi = pricing.round_up(float(pricing.cpi) * float(np.exp(later.move[row])))
    return None if cpi <= pricing.cpi else _conditional_plan(field, row, later, cpi)


def _conditional_plan(field: Field, row: int, later: LaterRaise, cpi: Decimal) -> Plan:
    """The plan of a conditional raise; completes an hour are those after it, where it is made."""
    outlook, pricing = field.outlooks[row], field.outlooks[row].pricing
    before, arrivals, behind = later.before[row], field.arrivals[row], later.behind[row]
    factor = draw_change(field, row, TriedChange(cpi)).factor
    after = (arrivals - before) * factor
    coming = np.where(behind, before + after, arrivals)
    at_old = np.where(behind, np.minimum(before, outlook.missing), outlook.missing)
    hours = outlook.hours_left * (1 - later.part)
    old, new = float(pricing.cpi), float(cpi)
    paid = np.where(
        behind,
        at_old * old + np.clip(coming - before, 0, outlook.missing - at_old) * new,
        np.minimum(arrivals, outlook.missing) * old,
    )
    by_end = [pricing.paid + money(outlook, float(end)) for end in percentiles_of_draws(paid)]
    on_average = float((at_old * old + (outlook.missing - at_old) * new).mean())
    cost = pricing.paid + money(outlook, on_average)
    plan = Plan(
        PlanKind.RAISE_LATER,
        cpi,
        PriceRange(
            cpi,
            Percentiles(*(end / hours for end in percentiles_of_draws(after[behind]))),
            percentiles_of_draws(factor),
            Percentiles(*(outlook.completes + end for end in percentiles_of_draws(coming))),
            float((coming >= field.needed[row] - 1e-6).mean()),
        ),
        (by_end[0], by_end[1], by_end[2]),
        cost,
        exceeds_budget(outlook, cost),
        Condition(
            _full_hour(outlook, later.part),
            round(outlook.completes + later.line[row]),
        ),
    )
    return against_client(outlook, plan)


def _full_hour(outlook: GroupOutlook, part: float) -> datetime:
    """The full hour after a part of the time left, before the end."""
    at = outlook.now + timedelta(hours=outlook.hours_left * part)
    hour = at.replace(minute=0, second=0, microsecond=0)
    hour += timedelta(hours=1) if hour < at else timedelta(0)
    return hour if hour < outlook.ends_at else at


def _extend(
    field: Field, row: int, kind: PlanKind, days: Ints, cells: tuple[RelaxedCell, ...] = ()
) -> Plan | None:
    if not days[row]:
        return None
    return plan_of_change(field, row, kind, TriedChange(_cpi(field, row), int(days[row]), cells))


def _lower_goal(field: Field, row: int) -> Plan | None:
    """The highest goal that today's CPI reaches; None where it hardly differs from the goal."""
    outlook = field.outlooks[row]
    coming = draw_change(field, row, TriedChange(outlook.pricing.cpi)).coming
    goal = int(np.floor(np.quantile(coming, 1 - TARGET, method="lower") + outlook.completes))
    fewer = outlook.goal - goal
    if goal <= outlook.completes or fewer < max(LEAST_FEWER, LEAST_FEWER_SHARE * outlook.goal):
        return None
    return plan_of_change(
        field, row, PlanKind.LOWER_GOAL, TriedChange(outlook.pricing.cpi), goal=goal
    )


def _least_relaxed(field: Field) -> tuple[list[tuple[RelaxedCell, ...]], list[bool]]:
    """The fewest cells to relax, the fullest first, and whether that alone is enough."""
    relaxed: list[tuple[RelaxedCell, ...]] = []
    alone: list[bool] = []
    for row, limits in enumerate(field.limits):
        order = limits.fullest_first() if limits is not None else []
        cells, is_enough = _fewest_cells(field.select([row]), order) if order else ((), False)
        relaxed.append(cells)
        alone.append(is_enough)
    return relaxed, alone


def _fewest_cells(field: Field, order: Sequence[str]) -> tuple[tuple[RelaxedCell, ...], bool]:
    for count in range(1, min(MOST_RELAXED, len(order) - 1) + 1):
        cells = order[:count]
        if _chance_with(field, dict.fromkeys(cells, NO_LIMIT)) >= TARGET:
            for share in NEW_LIMITS:
                relaxed = _new_limits(field, cells, share)
                if _chance_with(field, {cell.name: cell.room for cell in relaxed}) >= TARGET:
                    return relaxed, True
    full = {cell.name for cell in field.outlooks[0].cells if cell.room <= 0}
    return _new_limits(field, [name for name in order if name in full], NEW_LIMITS[0]), False


def _chance_with(field: Field, rooms: Mapping[str, float]) -> float:
    """The chance of the first group of a field with these rooms of some cells."""
    return float(field.chance(field.unmoved, needed=field.relaxed([rooms]))[0])


def _new_limits(field: Field, cells: Sequence[str], share: float) -> tuple[RelaxedCell, ...]:
    """Limits that are high enough for this share of what may come until the goal is reached."""
    limits, outlook = field.limits[0], field.outlooks[0]
    if limits is None or not cells:
        return ()
    needed = field.relaxed([dict.fromkeys(cells, NO_LIMIT)])[0]
    arrivals = np.where(np.isfinite(needed), needed, outlook.missing)
    known = {cell.name: cell for cell in outlook.cells}
    relaxed = []
    for name in cells:
        coming = float(np.quantile(limits.arrivals_of_cell(name, arrivals), share))
        cell = known[name]
        room = float(np.ceil(max(min(coming, outlook.missing), cell.room + 1)))
        relaxed.append(RelaxedCell(name, room, (cell.completes + room) / cell.limit))
    return tuple(relaxed)


def _savings(field: Field) -> list[Plan | None]:
    """The lowest CPI at which groups that fill early are still safe."""
    if not field.outlooks:
        return []
    depth = np.full(len(field.outlooks), -LOWEST)
    # Bisect upwards from the deepest cut: the chance grows with the CPI.
    raised = least_move(depth, SAFE, lambda move: field.chance(move - depth))
    plans: list[Plan | None] = []
    for row, outlook in enumerate(field.outlooks):
        pricing = outlook.pricing
        cpi = pricing.cpi
        if not np.isnan(raised[row]) and not pricing.is_fixed:
            cpi = pricing.round_up(float(cpi) * float(np.exp(raised[row] - depth[row])))
        is_worth_it = cpi <= pricing.cpi * (1 - Decimal(str(LEAST_SAVING))) and cpi < pricing.cpi
        plans.append(
            plan_of_change(field, row, PlanKind.SAVE, TriedChange(cpi)) if is_worth_it else None
        )
    return plans
