"""Fields of the simulated exchange, cut at a moment while they are live, with their truth.

Prices, pauses, goals and troubles come as its plots have them; only that nothing stops at its goal,
so that what is seen of a field is not chosen by how fast it was. Each world is forecast with what
the fields of the other one tell of level and fade, as the product learns them from an account.
Run by `python -m bench.forecast.simulated_fields`: a line a figure.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.forecast.backtest import below, losses, replay
from bench.forecast.fields.generated_fields import Field
from bench.forecast.simulated_group import START, moment_of, pauses_of, statuses
from bench.shared.figure import Figure
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.forecast.pooling import GroupRecord, pool_records
from dashboard.fielding.forecast.rate_changes import rate_change_times
from dashboard.fielding.series.weekly_shape import Prior, waking_hours
from dashboard.simulator.catalogue.clock import DAY, HOUR, SimulatedClock
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.world import World, WorldOrigin

SEEDS, PROJECTS, GROUPS, DAYS = (1, 2), 8, 70, 28
NO_GOAL = 10**9
FEWEST_HOURS = 72  # of a field that tells something of others
AHEAD = 9 * DAY  # at most


def figures() -> list[Figure]:
    """Coverage and losses, the forecasts told when prices were changed as the product is."""
    worlds = [list(_world(seed)) for seed in SEEDS]
    replays = [
        one
        for world, other in zip(worlds, reversed(worlds), strict=True)
        for one in replay(world, with_changes=True, priors=_priors(world, other))
    ]
    covered = float(np.mean([one.covered for one in replays]))
    lost = losses(replays)
    note = f"{len(replays)} fields of the simulated exchange"
    return [
        Figure("simulated_coverage", covered, "0.75..0.90", 0.75 <= covered <= 0.90, note),
        below("simulated_pinball_to_best_naive", lost.ours / lost.naive.min(), 1.0, note),
        below("simulated_pinball_to_seasonal_poisson", lost.ours / lost.seasonal, 1.0, note),
    ]


def _priors(fields: Sequence[Field], others: Sequence[Field]) -> list[Prior]:
    """What other fields of the account tell of each: shape of the day as built in, level, fade."""
    records = [record for field in others if (record := _record(field))]
    week = Prior(tuple(waking_hours()))
    return [
        pool_records(records, week, project="", country="", planned=_planned(field))
        for field in fields
    ]


def _record(field: Field) -> GroupRecord | None:
    """Its level and fade up to its cut; None before three days."""
    counts = [count for _, count in field.history]
    if len(counts) < FEWEST_HOURS:
        return None
    on_it, after = max(counts[24], 1.0), (counts[-1] - counts[24]) / (len(counts) - 25) * 24
    return GroupRecord("", "", counts[-1] / len(counts) * 24 / _planned(field), after / on_it)


def _planned(field: Field) -> float:
    """Completes a day by an even plan."""
    return field.goal / ((field.ends_at - field.starts_at) / timedelta(days=1))


def _world(seed: int) -> Iterator[Field]:
    origin = WorldOrigin(seed, PROJECTS, GROUPS, 14, START)
    world = World(origin, SimulatedClock(lambda: 0.0, 0.0, START))
    for group in world.groups.values():
        group.temper.overrun = NO_GOAL
        group.profiling = {}  # nor at its quotas, which `quota_cells` measures
    until = START + DAYS * DAY
    world.settle(until)
    rng = np.random.default_rng(seed)
    for group in world.groups.values():
        if stretches := _live(group, until):
            begin = stretches[0][0] // HOUR * HOUR
            stretch = stretches[int(rng.integers(len(stretches)))]
            found = _cut(group, rng, begin, stretch)
            if found is not None:
                yield found


def _live(group: SimulatedGroup, until: int) -> list[tuple[int, int]]:
    """From when until when it was live, where that was two days or more."""
    since, found = 0, []
    told = sorted(statuses(group), key=lambda one: one[0])
    for at, new, *_ in [*told, (until, "", "", "")]:
        if new == "live":
            since = since or at
        elif since:
            found.append((since, at))
            since = 0
    return [(a, b) for a, b in found if b - a >= 2 * DAY]


def _cut(
    group: SimulatedGroup, rng: np.random.Generator, begin: int, stretch: tuple[int, int]
) -> Field | None:
    """The field up to a moment of the stretch, a day old at least and with a day to come."""
    first, last = max(stretch[0], begin + DAY), stretch[1] - DAY
    if first >= last:
        return None
    now = int(rng.uniform(first, last)) // HOUR * HOUR
    end = now + int(rng.uniform(DAY, min(stretch[1] - now, AHEAD))) // HOUR * HOUR
    hours = range(begin + HOUR, now + 1, HOUR)
    truth = float(group.tally.completes_at(end))
    changes = [
        (moment_of(batch.at), change["object"], change.get("old_value"), change.get("new_value"))
        for batch in group.changelog
        for change in batch.changes
        if batch.at <= now
    ]
    return Field(
        process="simulated",
        history=[(moment_of(hour), float(group.tally.completes_at(hour))) for hour in hours],
        goal=max(10, group.filling_goal),
        starts_at=moment_of(begin),
        now=moment_of(now),
        ends_at=moment_of(end),
        zone=zone_of(group.locale.country.lower()),
        pauses=tuple((a, b) for a, b in pauses_of(group) if b and b <= moment_of(now)),
        truth=truth,
        finish=None,
        futures=np.array([truth]),
        turns=tuple(rate_change_times(changes)),
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")  # for countries' zones
    print(*figures(), sep="\n")
