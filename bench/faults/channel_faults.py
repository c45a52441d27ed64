"""A thousand seeded faults on each channel: what was lost, and what came twice unsaid."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from tests.fakes.channel_receiver import SERVICES

SEEDS = 900  # 180 a channel, with some seven faults each
CHAINS = 2
WRONG = ("lost", "intents_twice", "repeated_unsaid")
COUNTS = ("messages", "faults", "deaths", "said_again")


def figures() -> list[Figure]:
    """For each channel: nothing lost, no intent twice, no repeat that does not say so."""
    chains = [range(n * 5, SEEDS, CHAINS * 5) for n in range(CHAINS)]
    seeds = [[seed + k for seed in chain for k in range(5)] for chain in chains]
    with ThreadPoolExecutor(CHAINS) as pool:
        parts = list(pool.map(stories, seeds))
    figures = []
    for service in SERVICES:
        counts: Counter[str] = sum((Counter(part[service]) for part in parts), Counter())
        note = ", ".join(f"{counts[name]} {name}" for name in COUNTS)
        figures += [
            Figure(f"channel_{name}_{service}", counts[name], "<=0", counts[name] == 0, note)
            for name in WRONG
        ]
    return figures


def stories(seeds: Sequence[int]) -> dict[str, dict[str, int]]:
    """What the stories of these seeds came to, by service; on a database of their own."""
    with stage(SQLITE) as given:
        counts: dict[str, dict[str, int]] = run(
            "bench.faults.channel_story:tell_stories", given, list(seeds)
        )
        return counts
