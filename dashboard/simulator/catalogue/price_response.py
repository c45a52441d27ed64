"""How people respond to a price: elasticity, a supply that runs out, and the competitors of a day.

No operation of the API shows any of it; the control address does. Everything follows from the
seeds of the world, the market (a country and an audience) and the group. Ratios are a price over
the one at which the group was launched.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from dashboard.simulator.catalogue.seeded_random import normal_deviate, seed_of, uniform_draws

TYPICAL = 0.9  # elasticity of people to the price; its log is normal by each of the three parts
SPREAD = {"country": 0.3, "audience": 0.3, "group": 0.3}
RANGE = (0.2, 2.2)  # of the elasticity, where it is not zero
UNMOVED = 0.12  # of the groups: a higher price brings nobody
CEILING = (1.2, 2.5)  # people at any price over those at the launch price
COMPETITORS = 0.06  # sd of the log of what competitors pay, from day to day
CHEAP, FLIGHT = 0.6, 1.5  # below this ratio people leave, whatever the elasticity; by this power
_OUTERMOST = 2.6  # sd
_LEAST = 0.02


@dataclass(frozen=True, slots=True)
class PriceResponse:
    """The people of one group at a price, over those at its launch price.

    ceiling: the most that any price brings; market: the seed that groups of one country and
    audience share.
    """

    elasticity: float
    ceiling: float
    market: int

    def people(self, ratio: float) -> float:
        """People at a price over those at the launch price."""
        ratio = max(ratio, 0.001)
        share = min(float(ratio**self.elasticity), self.ceiling)
        return max(_LEAST, share * float(min(1.0, ratio / CHEAP) ** FLIGHT))

    def competitors(self, day: int) -> float:
        """What competitors pay on a day, numbered since 1970, over what they usually pay."""
        return _competitors(self.market, day)

    @property
    def saturates_at(self) -> float | None:
        """The ratio from which a higher price brings nobody more; None where no price does."""
        if self.elasticity == 0:
            return None
        return float(self.ceiling ** (1 / self.elasticity))


def draw_price_response(
    world_seed: int, *, country: str, audience: str, group_seed: int
) -> PriceResponse:
    """The response of a group; groups of one country or audience are alike, a few do not move."""
    own = uniform_draws(group_seed ^ 0xE1A5, 0)
    market = seed_of("market", world_seed, country, audience)
    if own[0] < UNMOVED:
        return PriceResponse(0.0, 1.0, market)
    parts = {
        "country": uniform_draws(seed_of("elasticity", world_seed, "country", country), 0)[0],
        "audience": uniform_draws(seed_of("elasticity", world_seed, "audience", audience), 0)[0],
        "group": own[1],
    }
    log = sum(SPREAD[part] * _deviate(u) for part, u in parts.items())
    elasticity = min(RANGE[1], max(RANGE[0], TYPICAL * math.exp(log)))
    return PriceResponse(elasticity, CEILING[0] + own[2] * (CEILING[1] - CEILING[0]), market)


@lru_cache(maxsize=65536)
def _competitors(market: int, day: int) -> float:
    today, yesterday = (_deviate(uniform_draws(market, n)[0]) for n in (day, day - 1))
    return math.exp(COMPETITORS * (0.8 * today + 0.6 * yesterday))


def _deviate(u: float) -> float:
    return max(-_OUTERMOST, min(_OUTERMOST, normal_deviate(u)))
