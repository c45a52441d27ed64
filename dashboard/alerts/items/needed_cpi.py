"""The CPI that each of several groups needs, as lists of items and emails name it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.advice.advised_groups import (
    AdvisedGroup,
    advise_together,
    load_advised_groups,
    plan_raises_together,
)
from dashboard.fielding.advice.evidence import PriceEvidence, describe_evidence
from dashboard.fielding.advice.plan import Plan
from dashboard.fielding.domain.countries import country_name
from dashboard.fielding.domain.figures import format_likelihood, format_signed
from dashboard.fielding.domain.money import format_money
from dashboard.fielding.models import Item, TargetGroup

RAISE_CPI, LOWER_CPI = "raise_cpi", "lower_cpi_or_leave"


@dataclass(frozen=True, slots=True)
class NeededCpi:
    """The CPI that a group needs, and today's.

    chance: of the goal by the end date (0–1). times: completes an hour over those at today's CPI,
    p10 and p90. evidence: what that rests on, in words. loses_money: it is above the client's CPI,
    and nothing else reaches the goal.
    """

    cpi: Decimal
    today: Decimal
    currency: str
    chance: float
    times: tuple[float, float]
    evidence: str
    loses_money: bool = False

    def __str__(self) -> str:
        beyond = ", beyond the client's CPI" if self.loses_money else ""
        return f"about {format_money(self.cpi, self.currency)}{beyond}"

    @property
    def percent(self) -> int:
        """The change in per cent of today's CPI."""
        return round((self.cpi - self.today) / self.today * 100)

    @property
    def sentence(self) -> str:
        """What the CPI brings: its chance, the range of completes an hour, and its evidence."""
        price = f"about {format_money(self.cpi, self.currency)} ({format_signed(self.percent)} %)"
        chance = format_likelihood(self.chance)
        ends = [format_signed(round((ratio - 1) * 100)) for ratio in self.times]
        brings = f"{' to '.join(dict.fromkeys(ends))} % completes an hour ({self.evidence})."
        if self.cpi < self.today:
            return f"At a CPI of {price} the chance to reach the goal stays {chance}: {brings}"
        beyond = " This is beyond the client's CPI." if self.loses_money else ""
        return (
            f"Raising the CPI to {price} gives a chance of {chance} to meet the deadline: "
            f"{brings}{beyond}"
        )


def load_needed_cpis(
    pks: Iterable[int], *, now: datetime, remedy: str = RAISE_CPI
) -> dict[int, NeededCpi]:
    """Return the CPI that each of these groups needs, in five queries, none without a group.

    Groups that need none, or that none helps, are left out.
    """
    wanted = list(pks)
    if not wanted:
        return {}
    groups = TargetGroup.objects.filter(pk__in=wanted).select_related("project")
    return needed_cpis(list(groups), now=now, remedy=remedy)


def needed_cpis(
    groups: Sequence[TargetGroup], *, now: datetime, remedy: str = RAISE_CPI
) -> dict[int, NeededCpi]:
    """Return the CPI that each group needs, in four queries. Needs each group's project."""
    advised = load_advised_groups(groups, now=now)
    if remedy == RAISE_CPI:
        plans = plan_raises_together(advised)
    else:
        advice = advise_together(advised)
        plans = {pk: each.saving for pk, each in advice.items() if each.saving is not None}
    return {pk: _needed_cpi(advised[pk], plan) for pk, plan in plans.items()}


def _needed_cpi(advised: AdvisedGroup, plan: Plan) -> NeededCpi:
    group, times = advised.group, plan.result.over_today
    evidence = advised.outlook.evidence if advised.outlook else PriceEvidence()
    return NeededCpi(
        plan.cpi,
        group.cpi or plan.cpi,
        group.currency,
        plan.chance,
        (times.p10, times.p90),
        describe_evidence(evidence, country_name(group.country_code)),
        plan.loses_money,
    )


def describe_raises(needed: Sequence[NeededCpi]) -> str:
    """Return "to about 3.80 USD" for one group, "by about 8 to 25 %" for several."""
    if len(needed) == 1:
        return f"to {needed[0]}"
    low, high = (limit(each.percent for each in needed) for limit in (min, max))
    text = f"by about {low} %" if low == high else f"by about {low} to {high} %"
    losing = sum(each.loses_money for each in needed)
    return f"{text}, {losing} of them beyond the client's CPI" if losing else text


def cpi_sentences(items: Iterable[Item], *, now: datetime) -> dict[int, str]:
    """Return the CPI that groups need with its range and evidence, by the keys of items whose
    remedy is another CPI. Five queries a remedy, none without such an item."""
    rows = list(items)
    sentences: dict[int, str] = {}
    for remedy in (RAISE_CPI, LOWER_CPI):
        pk_by_item = {
            item.pk: item.target_group_id
            for item in rows
            if item.remedy == remedy and item.target_group_id is not None
        }
        needed = load_needed_cpis(set(pk_by_item.values()), now=now, remedy=remedy)
        sentences |= {
            pk: needed[group].sentence for pk, group in pk_by_item.items() if group in needed
        }
    return sentences
