"""What a group that does not exist yet could bring."""

from decimal import Decimal
from typing import NamedTuple

from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import DAY
from dashboard.simulator.catalogue.money import in_currency, monetary_amount
from dashboard.simulator.catalogue.people import SimulatedBusinessUnit, business_unit
from dashboard.simulator.catalogue.places import LOCALES
from dashboard.simulator.catalogue.quota_fill import split_total
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    json_answer,
    not_found,
    trace_headers,
)
from dashboard.simulator.world.world import World


class Wish(NamedTuple):
    """A group to be: minutes of interview, incidence rate, completes wanted, days of field."""

    loi: int
    incidence: float
    goal: int
    days: float


@route(
    "calculate_target_group_feasibility",
    "POST",
    "/demand/accounts/{account_id}/target-groups/calculate-feasibility",
)
def calculate_target_group_feasibility(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """What a group that does not exist yet could bring."""
    check = ValueCheck.of_request(ask)
    unit = business_unit(ask.account_id, check.get("business_unit_id") or "")
    if unit is None:
        check.fault("business_unit_id", "is no business unit of this account")
    locale = check.one_of("locale", tuple(LOCALES))
    incidence = check.share("expected_incidence_rate")
    if not incidence:
        check.fault("expected_incidence_rate", "must be greater than 0")
    loi = check.whole("expected_length_of_interview_minutes", 1, 45)
    goal = check.whole("completes_goal", 1, 10_000)
    period = check.get("fielding_specification")
    days = _days(check, period if isinstance(period, dict) else {})
    check.done()
    if unit is None:
        raise not_found("the business unit")
    body = _feasible(check, unit, locale, Wish(loi, incidence, goal, days))
    return json_answer(body, headers=trace_headers(ask))


def _days(check: ValueCheck, period: Json) -> float:
    inner = ValueCheck(period)
    start, end = inner.moment("start_at"), inner.moment("end_at")
    for name, reason in inner.faults:
        check.fault(f"fielding_specification.{name}", reason)
    if start is None or end is None:
        return 7.0
    if end <= start:
        check.fault("fielding_specification.end_at", "must be after the start")
    return max(0.1, (end - start) / DAY)


def _feasible(
    check: ValueCheck,
    unit: SimulatedBusinessUnit,
    locale: str,
    wish: Wish,
) -> Json:
    dollars = market_dollars(locale, wish)
    price = in_currency(dollars, unit.currency)
    offered = check.body.get("cost_per_interview") or check.body.get("price") or {}
    ratio = 1.0
    if isinstance(offered, dict) and str(offered.get("value", "")).replace(".", "", 1).isdigit():
        ratio = float(Decimal(str(offered["value"])) / price)
    maximum = int(wish.days * completes_a_day(wish, ratio))
    body: Json = {
        "suggested_price": monetary_amount(price, unit.currency),
        "suggested_price_range": {
            "min": monetary_amount(in_currency(dollars * 0.8, unit.currency), unit.currency),
            "max": monetary_amount(in_currency(dollars * 1.6, unit.currency), unit.currency),
        },
        "suggested_completes_goal_range": {
            "min": min(wish.goal, maximum) * 7 // 10,
            "max": maximum,
        },
    }
    profiles = (check.body.get("profiling") or {}).get("profiles") or []
    if profiles:
        body["profiles"] = [_feasible_profile(p, wish.goal, maximum) for p in profiles]
    return body


def market_dollars(locale: str, wish: Wish) -> float:
    """The market's price of a complete in dollars."""
    return (0.9 + 0.12 * wish.loi + 2.2 * (1 - wish.incidence)) * LOCALES[locale].dearness


def completes_a_day(wish: Wish, ratio: float) -> float:
    """Completes a day that the exchange expects of a new group; ratio: its price over the market's.

    The days and the goal of the wish do not count.
    """
    return 160 * (wish.incidence + 0.05) * min(3.0, max(0.05, float(ratio**1.6)))


def _feasible_profile(profile: Json, goal: int, maximum: int) -> Json:
    targets = profile["targets"]
    parts = split_total(min(goal, maximum), [1.0] * len(targets))
    return {
        "object": profile["object"],
        "targets": [
            {
                "conditions": target["conditions"],
                "quota": {
                    "min_completes": _projection(part * 7 // 10, goal),
                    "max_completes": _projection(part, goal),
                },
            }
            for target, part in zip(targets, parts, strict=True)
        ],
    }


def _projection(completes: int, goal: int) -> Json:
    return {
        "projected_completes_percentage": round(min(100, 100 * completes / goal), 2),
        "projected_completes_goal": completes,
    }
