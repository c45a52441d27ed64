"""Every kill step × 20: a worker or beat that dies anywhere loses nothing and doubles nothing.

The steps are those of the tests (`tests/resilience/kill_points.py`), on SQLite and on a PostgreSQL
of its own; the seed chooses what moved in the field meanwhile. Then processes of a whole run, one
after another at random.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.shared.figure import Figure, skipped
from tests.resilience import kill_points
from tests.resilience.environment import Stand
from tests.resilience.servers import PostgreSQL

SEEDS = 20


def figures() -> Iterator[Figure]:
    """How many kills left something lost, doubled, by halves, or resumed late."""
    for database in ("sqlite", "postgresql"):
        name = f"kill_steps_lost_or_doubled_{database}"
        if not shutil.which("redis-server"):
            yield skipped(name, "0", "no redis-server")
        elif database == "postgresql" and not PostgreSQL.programs():
            yield skipped(name, "0", "no PostgreSQL")
        else:
            yield _measured(name, on_postgresql=database == "postgresql")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/end_to_end/test_random_kills.py"],
        env=os.environ | {"RANDOM_KILLS": str(SEEDS)},
        stdout=sys.stderr,
        check=False,
    )
    name = "random_kills_that_a_run_did_not_survive"
    yield Figure(name, ran.returncode, "0", ran.returncode == 0, f"{SEEDS} kills")


def _measured(name: str, *, on_postgresql: bool) -> Figure:
    kills, wrong = 0, 0
    for seed in range(SEEDS):
        for found in _killed(seed, PostgreSQL() if on_postgresql else None):
            kills += 1
            wrong += bool(found)
            for one in found:
                print(f"seed {seed}: {one}", file=sys.stderr)
    return Figure(name, wrong, "0", wrong == 0, f"{kills} kills")


def _killed(seed: int, database: PostgreSQL | None) -> Iterator[list[str]]:
    """What was wrong after each step, in a field of its own: one ends after some days."""
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(Path(folder), database)
        try:
            stand.open()
            worker = stand.worker()
            stand.drain()
            stand.kill(worker)
            for step in (*kill_points.WORKER, *kill_points.BEAT):
                kill = (
                    kill_points.kill_beat if step in kill_points.BEAT else kill_points.kill_worker
                )
                yield kill(stand, step, seed)
        finally:
            stand.close()
