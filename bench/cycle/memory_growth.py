"""Five hundred rounds in one process: what its memory is after a warm-up, and at the end."""

import gc
from typing import Any

from bench.shared.canned_exchange import canned
from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from bench.shared.processes import resident_memory

ROUNDS, WARM = 500, 100
MINUTE = 50  # rounds: after each a worker looks for garbage
PROJECTS = 3


def figures() -> list[Figure]:
    """The growth of a worker's memory over the rounds after the warm-up."""
    with canned() as exchange, stage(SQLITE) as given:
        run("bench.shared.seed_tables:fill", given, exchange.base_url, PROJECTS)
        warm, end = run("bench.cycle.memory_growth:sizes", given, exchange.root)
    growth = end / warm - 1
    note = f"{warm:.1f} MB after {WARM} rounds, {end:.1f} MB after {ROUNDS}"
    return [Figure("memory_growth_500_cycles", growth, "<0.05", growth < 0.05, note)]


def sizes(root: str) -> list[float]:
    """Resident memory after the warm-up and at the end, MB."""
    from bench.cycle.measured_process import rounds  # noqa: PLC0415

    found: list[Any] = []
    for last in range(MINUTE, ROUNDS + 1, MINUTE):
        rounds(root, 10, list(range(last - MINUTE + 1, last + 1)), False)
        gc.collect()
        if last in (WARM, ROUNDS):
            found.append(resident_memory())
    return found
