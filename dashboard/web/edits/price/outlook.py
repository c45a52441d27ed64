"""What a CPI brings and costs: the figures of the CPI panel, at one price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dashboard.fielding.advice.advise import range_at_price
from dashboard.fielding.advice.evidence import describe_evidence
from dashboard.fielding.advice.outlook import GroupOutlook
from dashboard.fielding.advice.plan import standing_without_advice
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.figures.goal_cost import GoalCost, cost_if_goal_reached
from dashboard.fielding.forecast.cost import completes_to_pay
from dashboard.fielding.insight.at_end import (
    GroupAtEnd,
    HourlyRates,
    group_at_end,
    rates_to_end,
)
from dashboard.fielding.insight.document import EndPercentiles, Insight
from dashboard.fielding.insight.group_history import FORECAST_STATUSES
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import labels


@dataclass(frozen=True, slots=True)
class ResponseRange:
    """What suppliers deliver at a CPI.

    rates: completes an hour until the end date, None without a goal or an end date. at_end:
    completes on the end date, not capped at the goal. chance: that the goal is reached by then
    (0–1). evidence: what the range rests on, a sentence.
    """

    rates: HourlyRates | None
    at_end: EndPercentiles
    chance: float | None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PriceOutlook:
    """A group at one CPI; money is in the currency of the group.

    needed_an_hour: completes an hour that the goal needs, at any price. response: None where it is
    not known how suppliers respond to this CPI; cost_by_end then counts the completes that today's
    CPI brings. epc: at the conversion of today.
    """

    cpi: Decimal
    needed_an_hour: float | None
    response: ResponseRange | None
    cost_by_end: Decimal | None
    at_goal: GoalCost | None
    epc: Decimal | None
    completes: float = 0.0  # so far


def outlook_at(
    group: TargetGroup, cpi: Decimal, *, now: datetime, advised: GroupOutlook | None = None
) -> PriceOutlook:
    """Return what a CPI brings and costs a group, from what is stored with it.

    now: when the group was read. advised: the group as advice sees it, None where no advice can be
    given. At the stored CPI the response is the forecast.
    """
    at_end = group_at_end(group, Insight.of(group).completes_at_end, now=now)
    rates = rates_to_end(at_end, group.ends_at, now=now)
    response = response_at(group, cpi, at_end, rates, advised)
    return PriceOutlook(
        cpi=cpi,
        needed_an_hour=rates.needed if rates else None,
        response=response,
        cost_by_end=_cost_by_end(group, cpi, response),
        at_goal=cost_if_goal_reached(group, price=cpi),
        epc=group.epc / group.cpi * cpi if group.epc is not None and group.cpi else None,
        completes=at_end.completes,
    )


def response_at(
    group: TargetGroup,
    cpi: Decimal,
    at_end: GroupAtEnd,
    rates: HourlyRates | None,
    advised: GroupOutlook | None = None,
) -> ResponseRange | None:
    """Return what suppliers deliver at a CPI; None where it is not known.

    What today's CPI brings is the forecast; any other follows the group's response to CPI.
    """
    if not at_end.is_projected:
        return None
    if cpi == group.cpi:
        ends = EndPercentiles(at_end.p10, at_end.p50, at_end.p90)
        return ResponseRange(rates, ends, _stored_chance(group))
    if advised is None or advised.pricing.is_fixed or standing_without_advice(advised):
        return None
    result = range_at_price(advised, cpi)
    return ResponseRange(
        _rates_with(at_end, rates, result.completes.p50),
        EndPercentiles(*result.completes),
        result.chance,
        evidence_sentence(group, advised),
    )


def evidence_sentence(group: TargetGroup, advised: GroupOutlook) -> str:
    """Return what is known of how completes follow CPI: "… from 3 changes of this group"."""
    text = describe_evidence(advised.evidence, labels.country_name(group.country_code))
    return f"How completes follow CPI: {text}."


def _rates_with(
    at_end: GroupAtEnd, rates: HourlyRates | None, completes: float
) -> HourlyRates | None:
    """Return both rates where so many completes are in on the end date."""
    if rates is None or at_end.goal is None or rates.needed <= 0:
        return None
    hours = (at_end.goal - at_end.completes) / rates.needed
    return HourlyRates(rates.needed, (completes - at_end.completes) / hours)


def _stored_chance(group: TargetGroup) -> float | None:
    """Return the chance of the forecast, where the page of the group shows one."""
    forecast, goal = Insight.of(group).forecast, completes_target(group)
    is_open = group.status in FORECAST_STATUSES and group.ends_at is not None
    if forecast is None or not is_open or not goal or (group.completes or 0) >= goal:
        return None
    return forecast.chance


def _cost_by_end(
    group: TargetGroup, cpi: Decimal, response: ResponseRange | None
) -> Decimal | None:
    """Return the cost by end date with what is still to come at this CPI; None where unknown.

    The cost at today's CPI is the stored one, as every page has it.
    """
    insight, goal = Insight.of(group), completes_target(group)
    stored, ends = insight.cost, insight.completes_at_end
    if stored is None or stored.p50 is None or ends is None or group.cpi is None or goal is None:
        return None
    done = group.completes or 0
    at_today = completes_to_pay(ends.p50, goal, done)
    at_price = completes_to_pay(response.at_end.p50, goal, done) if response else at_today
    cost: Decimal = stored.p50 - at_today * group.cpi + at_price * cpi
    return cost
