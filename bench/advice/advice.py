"""What advice on prices is worth, in hidden worlds: beside doing nothing, raising by habit, and an
oracle that knows how people answer to prices.

Run by `python -m bench advice [--seeds 1 2 …]`. The oracle plans with the same forecasts and the
same rules; it differs by what it knows of prices alone.
"""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

from bench.advice.evidence import add_what_ifs, learn_world, outlooks_of_world
from bench.advice.policies import (
    Outcome,
    TrueCurves,
    follow_plan,
    raise_when_behind,
)
from bench.advice.worlds import make_world
from bench.shared.figure import Figure
from dashboard.fielding.advice.advise import advise_groups
from dashboard.fielding.advice.plan import Advice, Standing

SEEDS = tuple(range(201, 221))
POLICIES = ("no advice", "+10 % whenever behind", "oracle", "advice", "advice and what-if")


@dataclass(frozen=True, slots=True)
class Case:
    """One group: whether a plan was needed, what came of each policy, and what was foretold."""

    outcomes: dict[str, Outcome]
    advice: Advice
    oracle: Advice

    @property
    def is_reachable(self) -> bool:
        """Whether the oracle had a plan with the chance that is asked for, and met the deadline."""
        return self.oracle.standing is Standing.NEEDS_MORE and self.outcomes["oracle"].met


def figures(seeds: Sequence[int] = SEEDS) -> list[Figure]:
    """The figures over all worlds; one line a policy goes to the standard error."""
    workers = min(len(seeds), os.cpu_count() or 1)
    cases: list[Case] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for world in pool.map(cases_of_world, seeds):
            cases += world
    for policy in POLICIES:
        outcomes = [case.outcomes[policy] for case in cases]
        met = np.mean([outcome.met for outcome in outcomes])
        cost = sum(outcome.cost for outcome in outcomes)
        raised = np.mean([outcome.raised for outcome in outcomes])
        print(f"{policy}: met {met:.3f}, cost {cost:,.0f}, raised {raised:.3f}", file=sys.stderr)
    return [*figures_of_cases(cases), _cpu_figure()]


def cases_of_world(seed: int) -> list[Case]:
    """Live through one world with each policy."""
    world = make_world(seed)
    outlooks = outlooks_of_world(world, learn_world(world))
    truth = TrueCurves(
        tuple(group.response for group in world.groups),
        np.array([g.price_at(now) for g, now in zip(world.groups, world.nows, strict=True)]),
    )
    ours, oracle = advise_groups(outlooks), advise_groups(outlooks, curves=truth)
    with_what_if = advise_groups(add_what_ifs(world, outlooks))
    return [
        Case(
            {
                "no advice": follow_plan(group, now, None),
                "+10 % whenever behind": raise_when_behind(group, now),
                "oracle": follow_plan(group, now, known.best),
                "advice": follow_plan(group, now, mine.best),
                "advice and what-if": follow_plan(group, now, asked.best),
                "saving": follow_plan(group, now, mine.saving),
            },
            mine,
            known,
        )
        for group, now, mine, known, asked in zip(
            world.groups, world.nows, ours, oracle, with_what_if, strict=True
        )
    ]


def figures_of_cases(cases: Sequence[Case]) -> list[Figure]:
    """The figures of all cases."""
    reachable = [case for case in cases if case.is_reachable]
    both = [case for case in reachable if case.outcomes["advice"].met]
    met = len(both) / len(reachable)
    ratios = [case.outcomes["advice"].cost / case.outcomes["oracle"].cost for case in both]
    median, high = np.quantile(ratios, (0.5, 0.9))
    held = [_is_held(case) for case in cases if case.outcomes["advice"].raised]
    holds = float(np.mean(held))
    wrong = np.mean([case.advice.standing is Standing.OUT_OF_REACH for case in reachable])
    fine = [case for case in cases if case.outcomes["no advice"].met]
    needless = sum(case.outcomes["advice"].raised for case in fine)
    cheaper = [case for case in cases if case.advice.saving is not None]
    safe = float(np.mean([case.outcomes["saving"].met for case in cheaper]))
    paid, usual = (
        sum(case.outcomes[policy].cost for case in cheaper) for policy in ("saving", "no advice")
    )
    count = f"{len(reachable)} of {len(cases)} groups"
    return [
        Figure("advice_met_deadline", met, ">=0.90", met >= 0.90, count),
        _met_with_what_if(reachable),
        Figure("advice_cost_median", float(median), "<=1.10", bool(median <= 1.10)),
        Figure("advice_cost_p90", float(high), "<=1.35", bool(high <= 1.35)),
        Figure(
            "advice_range_holds", holds, "0.75..0.90", 0.75 <= holds <= 0.90, f"{len(held)} raises"
        ),
        Figure("advice_wrongly_out_of_reach", float(wrong), "<=0.05", bool(wrong <= 0.05)),
        Figure(
            "advice_needless_raises",
            needless / len(cases),
            "<=0.05",
            needless <= 0.05 * len(cases),
            f"{needless} of {len(cases)} groups; of those that would have made it "
            f"{needless / len(fine):.3f}; the oracle {_count_needless(fine, 'oracle')}",
        ),
        Figure(
            "advice_savings_safe",
            safe,
            ">=0.95",
            safe >= 0.95,
            f"{len(cheaper)} lower prices, which save {1 - paid / usual:.1%}",
        ),
    ]


def _met_with_what_if(reachable: Sequence[Case]) -> Figure:
    """The same where the exchange's what-if was read."""
    met = float(np.mean([case.outcomes["advice and what-if"].met for case in reachable]))
    return Figure("advice_met_deadline_with_what_if", met, ">=0.90", met >= 0.90)


def _count_needless(fine: Sequence[Case], policy: str) -> int:
    """How many groups that would have made it were raised."""
    return sum(case.outcomes[policy].raised for case in fine)


def _is_held(case: Case) -> bool:
    """Whether the foretold range of completes an hour holds."""
    plan = case.advice.best
    assert plan is not None
    low, _, high = plan.result.an_hour
    return bool(low <= case.outcomes["advice"].an_hour <= high)


def _cpu_figure() -> Figure:
    """CPU of the advice for 1,000 groups."""
    world = make_world(1, old=20, groups=100)
    outlooks = outlooks_of_world(world, learn_world(world)) * 10
    begun = time.process_time()
    advise_groups(outlooks)
    spent = time.process_time() - begun
    return Figure("advice_cpu_1000_groups", spent, "<2 s", spent < 2.0)
