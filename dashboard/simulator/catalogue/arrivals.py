"""How people come to a field: a level that wanders, releases of invitations, tails and silence.

What real fieldwork shows (`bench/forecast/fields/data`): the level of a day is a random walk of
0.4, a part of which groups of one project and of one country share; quarter days scatter by more
than their mean; weekends are quieter. Some fields come in batches, some fade and are opened again,
some begin with a few people and then wait. All of it follows from the seed and the field's age.
"""

import math
from functools import lru_cache

from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.catalogue.seeded_random import normal_deviate, seed_of, uniform_draws

WALK, NOISE = 0.4, 0.17  # sd of the log of a day's level: from day to day, and by itself
PROJECT_PART, COUNTRY_PART = 0.15, 0.05  # of the variance of the walk
FARTHEST = 1.6  # the walk turns back where its log gets so far from where it began
SCATTER = (0.4, 1.2)  # relative variance of a quarter day's rate
WEEKEND = (0.5, 1.0)  # people on a weekend day over those on a weekday
REOPENED_A_DAY = 1 / 12
KINDS = ("even", "even", "even", "batches", "batches", "tail", "tail", "soft")
_QUARTER = 6 * HOUR
_OUTERMOST = 2.6  # sd
_USUAL_LENGTH = 14 * DAY


class Arrivals:
    """The people of one field over its usual people, by its age; ages in milliseconds.

    weekend: people on a weekend day over those on a weekday. The days are drawn one after another
    and kept.
    """

    __slots__ = (
        "_days",
        "_draws",
        "_early",
        "_heat",
        "_lasting",
        "_launch",
        "_length",
        "_opens",
        "_power",
        "_shared",
        "_walk",
        "kind",
        "seed",
        "weekend",
    )

    def __init__(self, seed: int, *, project: str, country: str, begins: int, length: int) -> None:
        self.seed = seed
        self._draws = draws = uniform_draws(seed ^ 0xA221, 0)
        self.kind = KINDS[int(draws[0] * len(KINDS))]
        self.weekend = WEEKEND[0] + draws[1] * (WEEKEND[1] - WEEKEND[0])
        self._shared = (seed_of("project", project), seed_of("country", country), begins // DAY)
        self._length = max(length, DAY) if length > 0 else _USUAL_LENGTH
        self._lasting = 12 + 28 * draws[3]
        self._early, self._power = (10 + 30 * draws[5]) * HOUR, 0.4 + 0.4 * draws[6]
        self._launch = min(0.08 * self._length, 1.5 * DAY)
        self._opens = self._launch + (0.5 + 1.2 * draws[6]) * DAY
        self._walk = self._heat = 0.0
        self._days: list[tuple[tuple[float, ...], float, int, float]] = []

    def factor(self, age: int) -> float:
        """People in the hour at this age over the usual ones; its mean over a field is near 1."""
        number = age // DAY
        while len(self._days) <= number:
            self._days.append(self._next_day(len(self._days)))
        quarters, heat, released_at, size = self._days[number]
        of_day = age - number * DAY
        rate = quarters[of_day // _QUARTER]
        if self.kind == "even":
            return rate
        if self.kind == "soft":
            return rate * self._soft_launch(age)
        hours = of_day / HOUR
        heat *= math.exp(-hours / self._lasting)
        if of_day >= released_at:
            heat += size * math.exp((released_at - of_day) / HOUR / self._lasting)
        if self.kind == "batches":
            return rate * (0.05 + 0.95 * heat)
        return rate * (self._tail(age) + heat)

    def _next_day(self, number: int) -> tuple[tuple[float, ...], float, int, float]:
        """The rates of its quarters, the heat that is left of earlier releases at its start, and
        when in it the next one is made, of what size."""
        u = uniform_draws(self.seed ^ 0xA44, number)
        project, country, first = self._shared
        step = math.sqrt(1 - PROJECT_PART - COUNTRY_PART) * _deviate(u[0])
        step += math.sqrt(PROJECT_PART) * _shared_deviate(project, first + number)
        step += math.sqrt(COUNTRY_PART) * _shared_deviate(country, first + number)
        self._walk += WALK * step
        folded = abs((self._walk + FARTHEST) % (4 * FARTHEST) - 2 * FARTHEST) - FARTHEST
        level = folded + NOISE * _deviate(u[1]) - min(0.08 * (number + 1), 0.38)
        variance = math.log1p(SCATTER[0] + self._draws[4] * (SCATTER[1] - SCATTER[0]))
        spread = math.sqrt(variance)
        quarters = tuple(math.exp(level + spread * _deviate(n) - variance / 2) for n in u[2:6])
        heat = self._heat
        at, size = self._release(number, u[6], u[7])
        cooled = math.exp(-24 / self._lasting)
        self._heat = heat * cooled + size * math.exp((at - DAY) / HOUR / self._lasting)
        return quarters, heat, at, size

    def _release(self, number: int, luck: float, size: float) -> tuple[int, float]:
        """When in a day the next people are invited, and how many over the usual ones."""
        at = int(luck * 1e6) % 24 * HOUR
        if self.kind == "batches":
            every = 1.5 + 3.5 * self._draws[5]
            if number == 0:
                at, luck = 0, 0.0
            if luck < 1 / every:
                return at, every * 24 / self._lasting * math.exp(0.5 * _deviate(size) - 0.125)
        elif self.kind == "tail" and luck < REOPENED_A_DAY:
            return at, 0.3 + 0.9 * size
        return at, 0.0

    def _soft_launch(self, age: int) -> float:
        """A few people at first, silence of a day or so while the data are checked, then all."""
        if age < self._launch:
            return 0.35
        return 0.02 if age < self._opens else 1 / max(0.3, 1 - self._opens / self._length)

    def _tail(self, age: int) -> float:
        """A steep start and a long tail, with the usual number of people over the length."""
        ratio, rest = self._length / self._early, 1 - self._power
        mean = ((1 + ratio) ** rest - 1) / (rest * ratio)
        return float((1 + age / self._early) ** -self._power / mean)


def _deviate(u: float) -> float:
    return max(-_OUTERMOST, min(_OUTERMOST, normal_deviate(u)))


@lru_cache(maxsize=65536)
def _shared_deviate(seed: int, day: int) -> float:
    return _deviate(uniform_draws(seed, day)[0])
