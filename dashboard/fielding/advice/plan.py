"""The cheapest way to the goal by the end date, and what else would do: each with its chance.

A plan raises the CPI now or later, extends the end, relaxes quotas, lowers the goal, or does two of
these; it is the least of its kind that reaches the goal at a chance of 80 %. Constant prices cost
least where nothing is uncertain (what completes cost is convex in how many come), so raising later
pays only as a condition: raise then, if fewer are in by then than the goal needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from dashboard.fielding.advice.evidence import PriceEvidence
from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.forecast.joint import Percentiles

TARGET = 0.8  # chance to reach the goal that a plan has at least
SAFE = 0.95  # chance at which a group may be paid less
MOST_DAYS = 28  # of an extension
LEAST_SAVING = 0.02  # of today's CPI


class PlanKind(StrEnum):
    """What a plan changes."""

    NOTHING = "nothing"
    RAISE = "raise the CPI"
    RAISE_LATER = "raise the CPI later, if needed"
    EXTEND = "extend the end date"
    RELAX = "relax the fullest quotas"
    LOWER_GOAL = "lower the goal"
    RAISE_AND_EXTEND = "raise the CPI and extend"
    RAISE_AND_RELAX = "raise the CPI and relax quotas"
    EXTEND_AND_RELAX = "extend and relax quotas"
    SAVE = "lower the CPI"

    @property
    def keeps_terms(self) -> bool:
        """Whether goal, end date and quotas stay as they are."""
        return self in _KEEP_TERMS


_KEEP_TERMS = (PlanKind.NOTHING, PlanKind.RAISE, PlanKind.RAISE_LATER, PlanKind.SAVE)


class Standing(StrEnum):
    """What is to be said of a group first."""

    ON_TRACK = "on track"
    NEEDS_MORE = "needs more than it gets"
    UNSURE = "may be out of reach"
    OUT_OF_REACH = "out of reach at any price"
    NO_PRICE = "the rate card sets the CPI"
    AT_GOAL = "at its goal"
    ENDED = "the end date has passed"


@dataclass(frozen=True, slots=True)
class Condition:
    """Raise at this time, if fewer completes than this are in by then."""

    at: datetime
    fewer_than: int


class RelaxedCell(NamedTuple):
    """A quota cell whose limit is raised: its name, the completes that it still takes then, and its
    new limit over the old one."""

    name: str
    room: float
    times: float


@dataclass(frozen=True, slots=True)
class PriceRange:
    """What a CPI brings: completes an hour until the end (from a raise on) and that over what comes
    at today's CPI, completes on the end date (at most what quotas let through, not capped at the
    goal), the chance of the goal."""

    cpi: Decimal
    an_hour: Percentiles
    over_today: Percentiles
    completes: Percentiles
    chance: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to the goal, with what it brings; money in the currency of the group.

    cpi: the new one, or today's. cost_by_end: p10, p50, p90 of what the group costs by its
    (extended) end; cost_at_goal: what it costs if the goal is reached, on average where the raise
    is conditional. exceeds_budget: whether that is above the budget of the group, None without
    one; over_project_budget: how much of what it costs over today's CPI is beyond that of the
    project, with the goals of all groups. margin:
    what the client pays for the goal, less cost_at_goal, None without a client CPI. loses_money:
    its CPI is above what the client pays. goal: the lowered one.
    """

    kind: PlanKind
    cpi: Decimal
    result: PriceRange
    cost_by_end: tuple[Decimal, Decimal, Decimal]
    cost_at_goal: Decimal
    exceeds_budget: bool | None = None
    condition: Condition | None = None
    extra_days: int = 0
    relaxed: tuple[RelaxedCell, ...] = ()
    goal: int | None = None
    over_project_budget: Decimal = Decimal(0)
    margin: Decimal | None = None
    loses_money: bool = False

    @property
    def chance(self) -> float:
        """The chance that its goal is reached by its end."""
        return self.result.chance


@dataclass(frozen=True, slots=True)
class Advice:
    """What a group needs. today: what comes without a change. plans: the cheapest first. best: the
    cheapest that keeps goal, end date and quotas. most: what the highest CPI brings, where the goal
    is out of reach. saving: a lower CPI that is still safe."""

    standing: Standing
    evidence: PriceEvidence
    today: Plan | None = None
    plans: tuple[Plan, ...] = ()
    most: Plan | None = None
    saving: Plan | None = None

    @property
    def raise_now(self) -> Plan | None:
        """The plan that raises the CPI now; None where no raise is worth it or to be followed."""
        plans = (plan for plan in self.plans if plan.kind is PlanKind.RAISE)
        return next((plan for plan in plans if self.is_to_follow(plan)), None)

    @property
    def best(self) -> Plan | None:
        """The cheapest plan that keeps goal, end date and quotas; one within the budgets first.

        A raise that may prove needless is put off, where that costs next to nothing. None without
        such a plan, or where each loses money and another one reaches the goal.
        """
        kept = [plan for plan in self.plans if plan.kind.keeps_terms and self.is_to_follow(plan)]
        return min(
            kept,
            key=lambda plan: (
                plan.loses_money,
                bool(plan.exceeds_budget) or plan.over_project_budget > 0,
                plan.kind is PlanKind.RAISE,
            ),
            default=None,
        )

    def is_to_follow(self, plan: Plan) -> bool:
        """Whether a plan loses no money, or nothing else reaches the goal without a loss."""
        return not plan.loses_money or not any(
            other.kind is not PlanKind.LOWER_GOAL and not other.loses_money for other in self.plans
        )


def standing_without_advice(outlook: GroupOutlook) -> Standing | None:
    """Why there is nothing to advise; None where there is."""
    if outlook.missing <= 0:
        return Standing.AT_GOAL
    return Standing.ENDED if outlook.ends_at <= outlook.now else None


def exceeds_budget(outlook: GroupOutlook, cost: Decimal) -> bool | None:
    """Whether a cost is beyond the budget; None without one."""
    budget = outlook.pricing.budget
    return None if budget is None else cost > budget


def money(outlook: GroupOutlook, amount: float) -> Decimal:
    """An amount in the currency of the group, on its coin."""
    return Decimal(repr(round(amount, 6))).quantize(outlook.pricing.coin, ROUND_HALF_UP)


def against_client(outlook: GroupOutlook, plan: Plan) -> Plan:
    """The plan held against what the client pays and the budget of the project.

    What completes bring is counted for the goal, or for the lowered one.
    """
    pricing = outlook.pricing
    at_today = pricing.paid + money(outlook, outlook.missing * float(pricing.cpi))
    over = Decimal(0)
    if pricing.project_room is not None:
        over = max(plan.cost_at_goal - at_today - max(pricing.project_room, over), over)
    if pricing.client_cpi is None:
        return replace(plan, over_project_budget=over)
    billed = money(outlook, (plan.goal or outlook.goal) * float(pricing.client_cpi))
    return replace(
        plan,
        over_project_budget=over,
        margin=billed - plan.cost_at_goal,
        loses_money=plan.cpi > pricing.client_cpi,
    )


def sort_plans(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The cheapest plan first; of equal cost, the one that changes least."""
    order = list(PlanKind)
    return tuple(
        sorted(plans, key=lambda plan: (plan.cost_at_goal, order.index(plan.kind), plan.extra_days))
    )
