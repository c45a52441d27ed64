"""A thousand seeded stories of deaths and bad mail servers: what was lost, and what came twice."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.shared.environment import ENGINES, SQLITE, run, stage
from bench.shared.figure import Figure, skipped
from tests.resilience.servers import PostgreSQL

SEEDS = 1000
CHAINS = 4  # stories told at the same time on each database: they wait more than they work
GOALS = {"lost": "<=0", "notices_twice": "<=0", "mails_repeated_without_cause": "<=0"}


def figures() -> list[Figure]:
    """Half of the seeds on each database; PostgreSQL in a cluster that is restarted meanwhile."""
    found: list[Figure] = []
    for number, engine in enumerate(ENGINES):
        if engine != SQLITE and not PostgreSQL.programs():
            found += [
                skipped(f"alert_{name}_{engine}", GOALS[name], "no PostgreSQL") for name in GOALS
            ]
            continue
        told = _side_by_side(engine, range(number, SEEDS, len(ENGINES)))
        note = ", ".join(f"{told[name]} {name}" for name in ("mails", "deaths", "repeats"))
        found += [
            Figure(f"alert_{name}_{engine}", told[name], goal, told[name] == 0, note)
            for name, goal in GOALS.items()
        ]
        never = told["never"]
        reached = f"never: {', '.join(never)}" if never else "a worker died at each marked step"
        found.append(
            Figure(f"alert_steps_never_reached_{engine}", len(never), "<=0", not never, reached)
        )
    return found


def _side_by_side(engine: str, seeds: range) -> dict[str, Any]:
    """What all stories came to; a step counts as never reached if no chain reached it."""
    with ThreadPoolExecutor(CHAINS) as chains:
        each = list(chains.map(lambda n: stories(engine, seeds[n::CHAINS]), range(CHAINS)))
    never = set.intersection(*(set(told.pop("never")) for told in each))
    told: Counter[str] = sum((Counter(one) for one in each), Counter())
    return {name: told[name] for name in each[0]} | {"never": sorted(never)}


def stories(engine: str, seeds: Sequence[int]) -> dict[str, Any]:
    """What the stories of these seeds came to, in all."""
    with stage(SQLITE) as given:
        if engine == SQLITE:
            return _told(given, seeds)
        cluster = PostgreSQL()
        cluster.make()
        try:
            given |= {"DATABASE_URL": cluster.url}
            run("bench.shared.environment:migrate", given)
            where = {"port": cluster.port, "folder": str(cluster.folder)}
            return _told(given, seeds, where)
        finally:
            cluster.remove()


def _told(given: dict[str, str], seeds: Sequence[int], *more: Any) -> dict[str, Any]:
    told: dict[str, Any] = run("bench.faults.measured_process:stories", given, list(seeds), *more)
    return told
