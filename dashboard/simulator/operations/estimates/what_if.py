"""What a launched group could bring at another price, end, LOI or IR, as the exchange believes."""

import math
from decimal import Decimal
from typing import NamedTuple

from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.money import in_currency, monetary_amount
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.places import LOCALES
from dashboard.simulator.catalogue.price_response import TYPICAL, PriceResponse
from dashboard.simulator.catalogue.quota_fill import cell_shares, fill_cells, split_total
from dashboard.simulator.catalogue.seeded_random import normal_deviate, seed_of, uniform_draws
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.operations.estimates.feasibility import Wish, market_dollars
from dashboard.simulator.operations.profiles import profiles_of
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    json_answer,
    trace_headers,
    wrong_state,
)
from dashboard.simulator.world.respondents import completes_an_hour, price_ratio
from dashboard.simulator.world.world import World

_GROUP = "/demand/accounts/{account_id}/projects/{project_id}/target-groups/{target_group_id}"
_WITHOUT_RUN = 7 * DAY
# The exchange takes every market for an average one in part, and the supply for more than it is.
_OWN_KNOWLEDGE = 0.6
_BELIEVED_CEILING = 0.2
# Half of a range over its middle: at today's price, and more by the log of the ratio to it.
_DOUBT, _FAR_DOUBT = 0.12, 0.35
_SHORTER_PULLS = 0.5  # power of LOI: a longer interview brings fewer completes


class WhatIfChange(NamedTuple):
    """What a what-if asks of a group; times in milliseconds."""

    cpi: Decimal
    start: int
    end: int
    loi_minutes: int
    incidence: float


@route("calculate_target_group_feasibility_by_id", "POST", f"{_GROUP}/calculate-feasibility")
def calculate_target_group_feasibility_by_id(
    world: World, ask: SimulatedRequest
) -> SimulatedAnswer:
    """Completes of a launched group by its end date, with what the body says otherwise.

    The range is of the whole group: what it has collected counts.
    """
    status = world.what_if_status
    if status == 200 and not ACCOUNTS[ask.account_id].has_what_if:
        status = 403
    if status != 200:
        raise Refusal(status, "forbidden_error", "the account has no feasibility by group")
    group = world.group(ask.params)
    if group.status == "draft":
        raise wrong_state("feasibility by group needs a launched group")
    check = ValueCheck(ask.json() or {})
    locale, goal, change = _read_change(check, group, ask.now)
    check.done()
    figures_of_group(group, ask.now)
    wish = Wish(change.loi_minutes, change.incidence, goal, 1.0)
    dollars = market_dollars(locale, wish)
    low, high = _believed_completes(group, change, ask.now)
    body: Json = {
        "suggested_price": _amount(dollars, group),
        "suggested_price_range": {
            "min": _amount(dollars * 0.8, group),
            "max": _amount(dollars * 1.6, group),
        },
        "suggested_completes_goal_range": {"min": low, "max": high},
        "profiles": _profiles(group, goal, (low, high)),
        "allocations": _allocations(group, (low, high)),
    }
    return json_answer(body, headers=trace_headers(ask))


def _read_change(
    check: ValueCheck, group: SimulatedGroup, now: int
) -> tuple[str, int, WhatIfChange]:
    """The locale, the goal and the change that a body asks for, faults noted."""
    body, run = check.body, group.run
    locale, goal, loi = group.locale_code, group.filling_goal, group.loi_minutes
    incidence = group.incidence_rate
    if "locale" in body:
        locale = check.one_of("locale", tuple(LOCALES))
    if "length_of_interview" in body:
        loi = check.whole("length_of_interview", 1, 45)
    if "completes_goal" in body:
        goal = check.whole("completes_goal", 1, 10_000)
    if "incidence_rate" in body:
        incidence = check.share("incidence_rate")
        if not incidence:
            check.fault("incidence_rate", "must be greater than 0")
    start, end = (run.start, run.end) if run else (now, now + _WITHOUT_RUN)
    if "start_at" in body:
        start = check.moment("start_at") or start
    if "end_at" in body:
        end = check.moment("end_at") or end
    if end <= start:
        check.fault("end_at", "must be after the start")
    return locale, goal, WhatIfChange(_price(check, group), start, end, loi, incidence)


def _price(check: ValueCheck, group: SimulatedGroup) -> Decimal:
    """The price that is asked about; a rate card's own cannot be changed here."""
    for name in ("cost_per_interview", "price"):
        if name in check.body:
            amount = check.money(name, group.currency)
            if amount is not None and group.pricing_model == "dynamic":
                return amount
            break
    return group.cpi


def _amount(dollars: float, group: SimulatedGroup) -> Json:
    return monetary_amount(in_currency(dollars, group.currency), group.currency)


def _profiles(group: SimulatedGroup, goal: int, totals: tuple[int, int]) -> list[Json]:
    """The completes of each quota at both ends of the range; a full quota takes no more."""
    shown = []
    for number, profile in enumerate(profiles_of(group)):
        targets = profile["targets"]
        goals = split_total(goal, [float(target.get("goal") or 0) for target in targets])
        if not any(goals):
            continue
        shares, _ = cell_shares(group.temper.seed, number, tuple(goals))
        low, high = (
            [
                min(count, cell)
                for count, cell in zip(fill_cells(goals, shares, n)[0], goals, strict=True)
            ]
            for n in totals
        )
        answer: Json = {"object": profile["object"], "targets": []}
        if "blended_type" in profile:
            answer["blended_type"] = profile["blended_type"]
        for place, target in enumerate(targets):
            quota = {
                "min_completes": _projection(low[place], sum(low)),
                "max_completes": _projection(high[place], sum(high)),
            }
            answer["targets"].append({"conditions": target["conditions"], "quota": quota})
        shown.append(answer)
    return shown


def _projection(completes: float, total: float) -> Json:
    share = 100 * completes / total if total else 0.0
    return {
        "projected_completes_percentage": min(100.0, round(share, 2)),
        "projected_completes_goal": round(completes),
    }


def _allocations(group: SimulatedGroup, totals: tuple[int, int]) -> Json:
    """The completes by the suppliers that are grouped, and those of private exchanges."""
    opened = group.allocations.get("open_exchange_allocations") or {}
    private = group.allocations.get("private_exchange_allocations") or {}
    low, high = totals
    body: Json = {
        "open_exchange_allocations": {
            "min_completes": low,
            "max_completes": high,
            "groups": [_supplier_range(group, g, totals) for g in opened.get("groups") or []],
        }
    }
    if groups := private.get("groups"):
        body["private_exchange_allocations"] = {
            "groups": [_supplier_range(group, g, totals) for g in groups]
        }
    return body


def _supplier_range(group: SimulatedGroup, part: Json, totals: tuple[int, int]) -> Json:
    """What a group of suppliers could bring: within its shares, by a part that is its own."""
    name = str(part.get("group_name") or "Group")
    least, most = int(part.get("min_percentage", 0)), int(part.get("max_percentage", 100))
    share = min(most, max(least, 15 + seed_of(group.id, name) % 40))
    low, high = (total * share // 100 for total in totals)
    return {"group_name": name, "min_completes": low, "max_completes": high}


def _believed_completes(group: SimulatedGroup, change: WhatIfChange, at: int) -> tuple[int, int]:
    """The completes by the end, collected ones included, from and to as the exchange believes."""
    done = group.tally.counts.completes
    hours = max(0.0, (change.end - max(change.start, at)) / HOUR)
    u = uniform_draws(group.temper.seed ^ 0xB11F, 0)
    now = completes_an_hour(group, group.cpi, at) * math.exp(
        normal_deviate(u[0]) * 0.25 / math.sqrt(1 + done / 50)
    )
    belief = _believed_response(group.temper.response, u)
    ratio, today = price_ratio(group, change.cpi), price_ratio(group, group.cpi)
    more = belief.people(ratio) / belief.people(today)
    more *= change.incidence / max(group.incidence_rate, 0.01)
    more *= (group.loi_minutes / change.loi_minutes) ** _SHORTER_PULLS
    doubt = min(0.6, _DOUBT + _FAR_DOUBT * abs(math.log(max(ratio, 0.01) / max(today, 0.01))))
    middle = now * more * hours
    return done + round(middle * (1 - doubt)), done + round(middle * (1 + doubt))


def _believed_response(truth: PriceResponse, u: tuple[float, ...]) -> PriceResponse:
    own = truth.elasticity * math.exp(0.35 * normal_deviate(u[1]))
    ceiling = 1 + (truth.ceiling - 1) * math.exp(0.3 * normal_deviate(u[2])) + _BELIEVED_CEILING
    elasticity = _OWN_KNOWLEDGE * own + (1 - _OWN_KNOWLEDGE) * TYPICAL
    return PriceResponse(elasticity, ceiling, truth.market)
