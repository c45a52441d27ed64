"""Hidden worlds: how people answer to prices in them is known here only.

A world is an account of eight countries and three audiences. Each group has an elasticity that its
country and its audience shape, zero for some; its supply ends, by one of three laws, none of which
the product assumes; competitors move all prices of a country by day; levels wander, quarter days
scatter, quota cells fill. Managers raise prices where they are behind, as they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import erf, exp, log, sqrt

import numpy as np

from dashboard.fielding.series.readings import Floats, Ints

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 14
COUNTRIES = ("de", "fr", "pl", "br", "us", "jp", "in", "gb")
AUDIENCES = ("up to 10 min", "11 to 20 min", "over 20 min")
LAWS = ("probit", "log-log", "hard ceiling")
ZERO = 0.15  # share of countries, and of groups elsewhere, where price does nothing
HIGHEST = 3.0  # of today's people: the marks of all who might come
BEHIND = 0.9  # of an even plan: below it a manager thinks of the price
STEPS = (1.05, 1.1, 1.15, 1.2, 1.25)
_BY_HOUR = np.array([0.2] * 6 + [0.6, 1.0] + [1.2] * 7 + [1.3, 1.4, 1.5] + [1.6] * 2)
_BY_HOUR = np.append(_BY_HOUR, [1.4, 1.1, 0.7, 0.4])


@dataclass(frozen=True, slots=True)
class Response:
    """How people answer to a price over the first one, on a day with given competitors."""

    law: str
    elasticity: float
    ceiling: float

    def people(self, log_price: Floats) -> Floats:
        """People over those at a log price of 0."""
        move = np.asarray(log_price, dtype=np.float64)
        if self.elasticity <= 0:
            return np.ones_like(move)
        share, slope = 1 / self.ceiling, self.elasticity
        if self.law == "hard ceiling":
            return np.minimum(np.exp(slope * move), self.ceiling)
        if self.law == "log-log":
            at_first = -log(1 - share)
            steep = slope * share / ((1 - share) * at_first)
            return np.asarray((1 - np.exp(-at_first * np.exp(steep * move))) / share)
        score = _normal_score(share)
        density = exp(-score * score / 2) / sqrt(2 * np.pi)
        steep = slope * share / density
        return (
            np.array([_normal(score + steep * each) for each in move.ravel()]).reshape(move.shape)
            / share
        )


@dataclass
class WorldGroup:
    """A group with its hidden hours: everybody who might come, and at which price they do.

    hour and mark of each person: they come if the mark is below the people of the hour, over those
    of usual times at the first price. cell: into which quota cell they fall. prices: the log of CPI
    over the first one by hour, as it was set so far.
    """

    name: str
    country: str
    audience: str
    goal: int
    hours: int
    cpi: Decimal
    response: Response
    hour: Ints
    mark: Floats
    cell: Ints
    limits: tuple[int, ...]
    shares: Floats
    competitors: Floats
    people: Floats
    changes: list[tuple[int, float]] = field(default_factory=list)

    def log_prices(self) -> Floats:
        """The log of CPI over the first one in each hour."""
        prices = np.zeros(self.hours)
        for at, price in self.changes:
            prices[at:] = price
        return prices

    def counts(self, *, stops: bool = True) -> Floats:
        """Completes by cell and hour (cells, hours); stops: at full cells and at the goal."""
        factor = self.response.people(self.log_prices() - self.competitors[: self.hours])
        comes = self.mark < factor[self.hour]
        hour, cell = self.hour[comes], self.cell[comes]
        if stops:
            for place, limit in enumerate(self.limits):
                inside = np.flatnonzero(cell == place)
                if inside.size > limit:
                    keep = np.ones(hour.size, dtype=bool)
                    keep[inside[limit:]] = False
                    hour, cell = hour[keep], cell[keep]
            hour, cell = hour[: self.goal], cell[: self.goal]
        counts = np.zeros((max(len(self.limits), 1), self.hours))
        np.add.at(counts, (cell, hour), 1.0)
        return counts

    def changes_until(self, hour: int) -> list[tuple[int, float]]:
        """The changes of the price up to an hour."""
        return [change for change in self.changes if change[0] <= hour]

    def price_at(self, hour: int) -> float:
        """The log price in an hour."""
        return next((price for at, price in reversed(self.changes) if at <= hour), 0.0)


@dataclass(frozen=True)
class AdviceWorld:
    """An account: old groups, whose price changes are evidence, and those that are advised now."""

    seed: int
    old: Sequence[WorldGroup]
    groups: Sequence[WorldGroup]
    nows: Sequence[int]


def make_world(seed: int, *, old: int = 60, groups: int = 60) -> AdviceWorld:
    """The world of a seed."""
    rng = np.random.default_rng([seed, 4711])
    traits = _Traits(
        account=float(rng.normal(0.9, 0.35)),
        countries={
            c: None if rng.random() < ZERO else float(rng.normal(0, 0.45)) for c in COUNTRIES
        },
        audiences={a: float(rng.normal(0, 0.25)) for a in AUDIENCES},
        competitors={c: _competitors(rng) for c in COUNTRIES},
    )
    everyone = [_make_group(f"g{n}", traits, rng) for n in range(old + groups)]
    for group in everyone:
        _raise_like_managers(group, rng)
    nows = [int(group.hours * rng.uniform(0.3, 0.75)) for group in everyone[old:]]
    return AdviceWorld(seed, everyone[:old], everyone[old:], nows)


@dataclass(frozen=True)
class _Traits:
    account: float
    countries: dict[str, float | None]
    audiences: dict[str, float]
    competitors: dict[str, Floats]


def _competitors(rng: np.random.Generator) -> Floats:
    """The log of competitors' prices over usual ones, by hour: it keeps for days."""
    days, level = [], 0.0
    for _ in range(DAYS + 8):
        level = 0.8 * level + 0.06 * float(rng.normal())
        days.append(level)
    return np.repeat(days, 24)


def _make_group(name: str, traits: _Traits, rng: np.random.Generator) -> WorldGroup:
    country, audience = str(rng.choice(COUNTRIES)), str(rng.choice(AUDIENCES))
    own = traits.countries[country]
    elasticity = 0.0
    if own is not None and rng.random() >= ZERO / 2:
        elasticity = traits.account + own + traits.audiences[audience] + float(rng.normal(0, 0.25))
    response = Response(str(rng.choice(LAWS)), max(elasticity, 0.0), 1 + 2 * rng.lognormal(0, 0.6))
    days = int(rng.integers(6, DAYS + 1))
    hours = days * 24
    goal = int(rng.choice([60, 100, 150, 200, 300, 400, 600, 1000]))
    usual = goal / hours * rng.lognormal(0.12, 0.42)
    people = usual * _people_by_hour(hours, rng)
    limits, shares = _cells(goal, rng)
    number = rng.poisson(people * HIGHEST)
    hour = np.repeat(np.arange(hours), number)
    return WorldGroup(
        name=name,
        country=country,
        audience=audience,
        goal=goal,
        hours=hours,
        cpi=Decimal(str(round(float(rng.uniform(0.9, 6)), 2))),
        response=response,
        hour=hour,
        mark=rng.uniform(0, HIGHEST, hour.size),
        cell=rng.choice(shares.size, hour.size, p=shares),
        limits=limits,
        shares=shares,
        competitors=traits.competitors[country],
        people=people,
    )


def _people_by_hour(hours: int, rng: np.random.Generator) -> Floats:
    """People over usual ones: the shape of the week, a level that wanders, quarter days."""
    walk = float(rng.uniform(0.03, 0.2))
    levels = np.cumsum(rng.normal(0, walk, hours // 24 + 1))
    quarters = rng.gamma(1 / 0.15, 0.15, hours // 6 + 1)
    at = np.arange(hours)
    weekend = np.where(at // 24 % 7 >= 5, rng.uniform(0.6, 1.0), 1.0)
    return np.asarray(
        np.exp(levels[at // 24]) * quarters[at // 6] * weekend * _BY_HOUR[at % 24] / _BY_HOUR.mean()
    )


def _cells(goal: int, rng: np.random.Generator) -> tuple[tuple[int, ...], Floats]:
    """Limits and shares of cells; three groups in four have none."""
    if rng.random() < 0.75:
        return (), np.array([1.0])
    number = int(rng.integers(2, 5))
    limits = rng.dirichlet(np.full(number, 8.0))
    shares = rng.dirichlet(limits * 25)
    sizes = np.maximum(np.floor(limits * goal), 1).astype(int)
    sizes[0] += goal - sizes.sum()
    return tuple(int(max(size, 1)) for size in sizes), shares


def _raise_like_managers(group: WorldGroup, rng: np.random.Generator) -> None:
    """Plan raises up to now: where a group is behind, and now and then for other reasons."""
    for day in range(2, group.hours // 24 - 1):
        if rng.random() > 0.25 or len(group.changes) >= 2:
            continue
        at = day * 24 + int(rng.integers(7, 18))
        if group.changes and at - group.changes[-1][0] < 60:
            continue
        done = float(group.counts()[:, :at].sum())
        if done < BEHIND * group.goal * at / group.hours or rng.random() < 0.1:
            step = log(float(rng.choice(STEPS)))
            group.changes.append((at, group.price_at(at) + step))


def _normal(score: float) -> float:
    return 0.5 + 0.5 * erf(score / sqrt(2))


def _normal_score(share: float) -> float:
    low, high = -6.0, 6.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _normal(middle) < share else (low, middle)
    return low
