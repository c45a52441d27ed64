"""A thousand seeded stories of deaths and bad mail servers: what was lost, and what came twice."""

from collections.abc import Sequence

from bench.figures import Figure, skipped
from bench.stage import ENGINES, missing, run, stage

SEEDS = 1000
GOALS = {"lost": "<=0", "notices_twice": "<=0", "mails_repeated_without_cause": "<=0"}


def figures() -> list[Figure]:
    """Half of the seeds on each database."""
    found: list[Figure] = []
    for number, engine in enumerate(ENGINES):
        if reason := missing(engine):
            found += [skipped(f"alert_{name}_{engine}", GOALS[name], reason) for name in GOALS]
            continue
        told = stories(engine, range(number, SEEDS, len(ENGINES)))
        note = ", ".join(f"{told[name]} {name}" for name in ("mails", "deaths", "repeats"))
        found += [
            Figure(f"alert_{name}_{engine}", told[name], goal, told[name] == 0, note)
            for name, goal in GOALS.items()
        ]
    return found


def stories(engine: str, seeds: Sequence[int]) -> dict[str, int]:
    """What the stories of these seeds came to, in all."""
    with stage(engine) as given:
        told: dict[str, int] = run("bench.faults_side:stories", given, list(seeds))
    return told
