"""Processes with the traits of real fieldwork, as `bench/forecast/fields/data` shows them.

The level of a day is a random walk (0.4 a day, 0.17 of noise), a quarter day scatters with a
dispersion of 10 to 30, weekends bring a quarter to nearly all of a weekday. On top of it: a
soft launch with silence behind it, batches of invitations, a tail that is re-opened, quota cells
of which one trickles.
"""

from typing import Protocol

import numpy as np

from bench.forecast.fields.chance import Chance, Floats

WALK, NOISE = 0.4, 0.17  # sd of the log of a day's level, from day to day and by itself
SCATTER = (0.4, 1.2)  # relative variance of a quarter day's rate
WEEKEND = (0.25, 0.93)
QUARTER, DAY = 6, 24
FARTHEST = 1.6  # the walk turns back where its log gets so far from where it began


class Clock(Protocol):
    """The hours of a field in its own zone."""

    @property
    def index(self) -> Floats: ...
    @property
    def hour(self) -> Floats: ...
    @property
    def weekday(self) -> Floats: ...


def _held(values: Floats, block: int) -> Floats:
    """The value at the first hour of each block, for all its hours; (paths, hours)."""
    first = np.arange(values.shape[1]) // block * block
    return values[:, first]


def _wander(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """The rate as it wanders and scatters: (paths, hours)."""
    rng = chance.rng
    steps = chance.shared(lambda n: rng.normal(0, WALK / np.sqrt(DAY), n))
    walk = np.cumsum(steps, axis=1)
    folded = np.abs((walk + FARTHEST) % (4 * FARTHEST) - 2 * FARTHEST) - FARTHEST
    noise = _held(chance.shared(lambda n: rng.normal(0, NOISE, n)), DAY)
    worth = 1 / rng.uniform(*SCATTER)
    scatter = _held(chance.shared(lambda n: rng.gamma(worth, 1 / worth, n)), QUARTER)
    weekend = np.where(clock.weekday >= 5, rng.uniform(*WEEKEND), 1.0)
    return np.asarray(rate * weekend * np.exp(folded + noise) * scatter)


def wandering(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """Nothing but the walk."""
    return chance.poisson(_wander(chance, rate, clock))


def soft_launch(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """A tenth of the time at a third of the rate, silence of one to four days, then all of it."""
    launch = chance.rng.uniform(0.05, 0.15) * clock.index.size
    opens = launch + chance.rng.uniform(DAY, 4 * DAY)
    chance.launch.extend((launch, opens))
    share = np.where(clock.index < launch, 0.35, np.where(clock.index < opens, 0.01, 1.0))
    return chance.poisson(_wander(chance, rate, clock) * share)


def batches(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """Invitations every few days, each answered over a day or two, and little in between."""
    rng = chance.rng
    every, fades = rng.uniform(1.5, 5) * DAY, np.exp(-1 / rng.uniform(12, 40))
    size = chance.shared(lambda n: rng.lognormal(0, 0.7, n) * (rng.random(n) < 1 / every))
    size[:, 0] = rng.lognormal(0, 0.5)
    heat, level = np.zeros(chance.paths), np.zeros(size.shape)
    for hour in range(rate.size):
        heat = heat * fades + size[:, hour]
        level[:, hour] = heat
    level *= every * (1 - fades)
    return chance.poisson(_wander(chance, rate, clock) * (0.05 + level))


def tail_reopened(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """A steep start and a long tail; in some futures and pasts it is opened again."""
    rng = chance.rng
    fall = (1 + clock.index / rng.uniform(10, 40)) ** -rng.uniform(0.7, 1.4)
    again = chance.shared(lambda n: rng.uniform(0.2, 0.8, n) * (rng.random(n) < 1 / (12 * DAY)))
    heat, level = np.zeros(chance.paths), np.zeros(again.shape)
    for hour in range(rate.size):
        heat = heat * np.exp(-1 / 36) + again[:, hour]
        level[:, hour] = heat
    level = (fall + level) / fall[: chance.known].mean()
    return chance.poisson(_wander(chance, rate, clock) * level)


def quota_trickle(chance: Chance, rate: Floats, clock: Clock) -> Floats:
    """Cells fill one by one; one of them gets a fifth of the people that it needs."""
    rng = chance.rng
    wanted = rng.dirichlet(np.full(5, 5.0))
    share = wanted * np.where(np.arange(5) == 0, 0.2, 1.0)
    share /= share.sum()
    room = np.tile(np.ceil(rate.sum() * wanted * rng.uniform(0.4, 1.1)), (chance.paths, 1))
    level, counts = _wander(chance, rate, clock), np.zeros((chance.paths, rate.size))
    for hour in range(rate.size):
        came = np.minimum(chance.hour(hour, level[:, [hour]] * share), room)
        room -= came
        counts[:, hour] = came.sum(axis=1)
    return counts
