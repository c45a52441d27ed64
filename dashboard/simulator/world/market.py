"""What a price brings a group: the truth, and what the exchange believes of it.

The exchange knows what a group has collected. It takes every market for an average one in part,
and is less sure the farther a price is from today's.
"""

import math
from decimal import Decimal
from typing import NamedTuple

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.price_response import TYPICAL, PriceResponse
from dashboard.simulator.catalogue.seeded_random import normal_deviate, uniform_draws
from dashboard.simulator.world import rules
from dashboard.simulator.world.group import SimulatedGroup

OVERQUOTA, SECURITY = 0.03, 0.01  # shares of those who enter the survey
_LAUNCH_POWER = 1.6  # of people to the launch price over the market's
_SUPPLY = (0.02, 3.0)
_OWN_KNOWLEDGE = 0.6  # how far the exchange goes by the group, and not by the average market
_BELIEVED_CEILING = 0.2  # how much more than there is the exchange takes the supply for
_DOUBT, _FAR_DOUBT = (
    0.12,
    0.35,
)  # half of a range over its middle: at today's price, by log of ratio
_SHORTER_PULLS = 0.5  # power of LOI: a longer interview brings fewer completes


def price_level(group: SimulatedGroup, cpi: Decimal, at: int) -> float:
    """People at a price over those whom the group was planned with; competitors of its day count.

    An even group has no competitors' days, as it has no good and bad days at all.
    """
    temper = group.temper
    ratio = _ratio(group, cpi)
    if temper.lively:
        ratio /= temper.response.competitors(at // DAY)
    return _launch_level(group) * temper.response.people(ratio)


def completes_an_hour(group: SimulatedGroup, cpi: Decimal, at: int) -> float:
    """Completes in a typical hour at a price if everybody is let in and every quota is open.

    Prescreens where the goal counts them. Troubles count, good and bad days do not.
    """
    temper, effect = group.temper, rules.trouble_effect(group, at)
    people = temper.entrants_an_hour * temper.qualify * price_level(group, cpi, at) * effect.rate
    if group.filling_strategy == "prescreens":
        return people
    lost = min(0.9, temper.drop + effect.drop) + OVERQUOTA + effect.overquota + SECURITY
    return people * max(0.0, 1 - lost) * min(0.98, temper.incidence * effect.incidence)


def _ratio(group: SimulatedGroup, cpi: Decimal) -> float:
    launch = group.temper.launch_cpi or group.cpi
    return float(cpi) / max(0.0001, float(launch))


def _launch_level(group: SimulatedGroup) -> float:
    """How the launch price, against the market's, moved the number of people who come."""
    launch = group.temper.launch_cpi or group.cpi
    ratio = float(launch) / max(0.01, float(group.temper.market_cpi))
    low, high = _SUPPLY
    return float(min(high, max(low, ratio**_LAUNCH_POWER)))


class Change(NamedTuple):
    """What a what-if asks of a group; times in milliseconds."""

    cpi: Decimal
    start: int
    end: int
    loi_minutes: int
    incidence: float


def believed_completes(group: SimulatedGroup, change: Change, at: int) -> tuple[int, int]:
    """The completes by the end, collected ones included, from and to as the exchange believes."""
    done = group.tally.counts.completes
    hours = max(0.0, (change.end - max(change.start, at)) / HOUR)
    u = uniform_draws(group.temper.seed ^ 0xB11F, 0)
    now = completes_an_hour(group, group.cpi, at) * math.exp(
        normal_deviate(u[0]) * 0.25 / math.sqrt(1 + done / 50)
    )
    belief = _believed_response(group.temper.response, u)
    ratio, today = _ratio(group, change.cpi), _ratio(group, group.cpi)
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
