"""Fields of another make than `backtest_fields`: what a field buyer would name, one by one.

Days of four kinds, levels that wander, waves, trends, panels that are used up, counts that fall,
readings that fail. Only the dice are shared with the other fields.
Run by `python -m bench.forecast.other_fields`: one line a process, then one for all of them.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.forecast.backtest import FIELDS, FUTURES, line, replay
from bench.forecast.fields.chance import Chance, Floats
from bench.forecast.fields.generated_fields import Field, Pauses

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ("Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Asia/Tokyo")
CLOCKS_CHANGE = (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))


def _week(rng: np.random.Generator) -> Floats:
    """168 weights, mean 1: a table of hours, one hump a day, office hours, or hardly any shape."""
    hour, kind = np.arange(24), rng.integers(4)
    day = [
        rng.gamma(2.0, 0.5, 24) * np.where((hour > 7) & (hour < 23), 1.0, 0.2),
        0.1 + np.exp(-0.5 * ((hour - rng.uniform(12, 20)) / rng.uniform(3, 5)) ** 2),
        np.where((hour >= 8) & (hour < 19), 1.0, 0.05),
        1 + rng.uniform(0.0, 0.4) * np.sin((hour - 9) / 24 * 2 * np.pi),
    ][kind]
    days = np.exp(rng.normal(0, 0.06, 7))
    days[5:] *= rng.uniform(0.02, 0.2) if kind == 2 else rng.uniform(0.6, 1.3)
    week = np.outer(days, day).ravel()
    return np.asarray(week / week.mean())


def _gamma_poisson(chance: Chance, rate: Floats) -> Floats:
    """Every hour is a little better or worse than its place in the week."""
    worth = chance.rng.uniform(1.5, 20)
    return chance.poisson(rate * chance.shared(lambda n: chance.rng.gamma(worth, 1 / worth, n)))


def _trend(chance: Chance, rate: Floats) -> Floats:
    """Some per cent more or less every day."""
    return chance.batches(rate * np.exp(chance.rng.normal(0, 0.04) / 24 * _ages(rate)), 1.15)


def _wandering(chance: Chance, rate: Floats) -> Floats:
    """The log of the level is a random walk."""
    step = chance.rng.uniform(0.05, 0.25) / np.sqrt(24)
    log = np.cumsum(chance.shared(lambda n: chance.rng.normal(0, step, n)), axis=1)
    return chance.poisson(rate * np.exp(log))


def _waves(chance: Chance, rate: Floats) -> Floats:
    """Invitations at odd hours, each answered over the next half day, on top of a steady flow."""
    sent = chance.shared(lambda n: chance.rng.exponential(12, n) * (chance.rng.random(n) < 1 / 12))
    fades, heat, level = chance.rng.uniform(0.8, 0.95), np.zeros(chance.paths), np.ones(sent.shape)
    for hour in range(rate.size):
        heat = heat * fades + sent[:, hour] * (1 - fades)
        level[:, hour] = 0.4 + 0.6 * heat
    return chance.poisson(rate * level)


def _panel(chance: Chance, rate: Floats) -> Floats:
    """A finite panel: the fewer are left, the fewer come."""
    size = np.ceil(rate.sum() * chance.rng.uniform(0.6, 2.5))
    left, counts = np.full(chance.paths, size), np.zeros((chance.paths, rate.size))
    for hour, usual in enumerate(rate):
        counts[:, hour] = np.minimum(chance.hour(hour, usual * left / size), left)
        left = left - counts[:, hour]
    return counts


def _switching(chance: Chance, rate: Floats) -> Floats:
    """Other buyers come and go: now and then the level is another one."""
    levels = chance.shared(lambda n: np.exp(chance.rng.normal(0, 0.4, n)))
    moves = chance.shared(lambda n: (chance.rng.random(n) < 1 / 96).astype(float))
    moves[:, 0] = 1
    last = np.maximum.accumulate(np.where(moves, np.arange(rate.size), 0), axis=1)
    return chance.batches(rate * np.take_along_axis(levels, last, axis=1), 1.1)


def _steady(chance: Chance, rate: Floats) -> Floats:
    return chance.batches(rate, chance.rng.uniform(1.0, 1.3))


def _ages(rate: Floats) -> Floats:
    return np.arange(rate.size, dtype=np.float64)


PROCESSES: dict[str, Callable[[Chance, Floats], Floats]] = {
    "gamma-Poisson hours": _gamma_poisson,
    "trends": _trend,
    "wandering level": _wandering,
    "invitation waves": _waves,
    "finite panel": _panel,
    "levels that switch": _switching,
    "sparse": _gamma_poisson,
    "pauses, some to come": _steady,
    "counts that fall": _steady,
    "readings that fail": _gamma_poisson,
    "clocks that change": _steady,
}


def field(process: str, seed: int, *, futures: int = FUTURES) -> Field:
    """One field: 3 to 16 days of history, 1 to 9 to come, cut at any hour."""
    rng = np.random.default_rng([seed, 77, *process.encode()])
    known = int(rng.integers(72, 384))
    hours = known + int(rng.integers(24, 216))
    zone = ZoneInfo(str(rng.choice(ZONES[:2] if process == "clocks that change" else ZONES)))
    begin = datetime(2026, 1, 5, tzinfo=UTC) + int(rng.integers(300 * 24)) * HOUR
    if process == "clocks that change":
        begin = CLOCKS_CHANGE[int(rng.integers(2))] - int(rng.uniform(0.2, 0.95) * hours) * HOUR
    stamps = [begin + (i + 1) * HOUR for i in range(hours)]
    local = [(stamp - HOUR / 2).astimezone(zone) for stamp in stamps]
    daily = np.exp(rng.uniform(*np.log((0.7, 8) if process == "sparse" else (8, 300))))
    rate = _week(rng)[[at.weekday() * 24 + at.hour for at in local]] * daily / 24
    pauses = _pauses(rng, rate, stamps, known) if process.startswith("pauses") else ()
    chance = Chance(rng, known, futures + 1, hours)
    paths = np.cumsum(PROCESSES[process](chance, rate), axis=1)
    if process == "counts that fall":
        paths = _reconciled(chance, paths)
    history = [(stamps[i], float(paths[0, i])) for i in range(known)]
    if process == "readings that fail":
        history = _read_at_times(rng, history)
    goal = max(5, int(daily * hours / 24 * rng.uniform(0.5, 1.6)))
    met = np.flatnonzero(paths[0] >= goal)
    return Field(
        process=process,
        history=history,
        goal=goal,
        starts_at=begin,
        now=stamps[known - 1],
        ends_at=stamps[-1],
        zone=zone,
        pauses=pauses,
        truth=float(paths[0, -1]),
        finish=stamps[int(met[0])] if met.size else None,
        futures=paths[1:, -1],
    )


def _pauses(rng: np.random.Generator, rate: Floats, stamps: list[datetime], known: int) -> Pauses:
    """One pause of up to a week before now, and in half of the fields one after it."""
    spans = [(int(rng.uniform(0.1, 0.6) * known), int(rng.integers(6, 168)), known - 6)]
    if rng.random() < 0.5:
        spans.append((known + int(rng.integers(1, 24)), int(rng.integers(6, 48)), rate.size))
    found = []
    for first, last, end in spans:
        opens, closes = min(first, end - 1), min(first + last, end)
        rate[opens:closes] = 0.0
        found.append((stamps[opens] - HOUR, stamps[closes - 1]))
    return tuple(found)


def _reconciled(chance: Chance, paths: Floats) -> Floats:
    """Once in some days a few of a hundred completes are taken back."""
    share = chance.shared(
        lambda n: (chance.rng.random(n) < 1 / 72) * chance.rng.uniform(0.01, 0.06, n)
    )
    lost = np.cumsum(np.floor(share * paths), axis=1)
    return np.asarray(np.maximum(paths - lost, 0.0))


def _read_at_times(
    rng: np.random.Generator, history: list[tuple[datetime, float]]
) -> list[tuple[datetime, float]]:
    """Some readings failed one by one, and those of a stretch all together."""
    kept = rng.random(len(history)) > rng.uniform(0.1, 0.6)
    begin = int(rng.integers(len(history)))
    kept[begin : begin + int(rng.integers(4, 40))] = False
    kept[[0, -1]] = True
    return [point for point, keep in zip(history, kept, strict=True) if keep]


if __name__ == "__main__":
    every = {name: replay([field(name, seed) for seed in range(FIELDS)]) for name in PROCESSES}
    for name, rows in every.items():
        print(line(name, rows))
    print(line("all of them", [row for rows in every.values() for row in rows]))
