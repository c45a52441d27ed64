"""Twenty seeded worlds on each database: how often two surfaces gave a figure differently."""

import os
import re
import secrets
import subprocess
import sys

from bench.shared.environment import ENGINES, POSTGRESQL, SERVER, missing
from bench.shared.figure import Figure, skipped

SEEDS = 20
GOAL = "<=0"


def figures() -> list[Figure]:
    """The consistency test that `make test` runs with one world, with many."""
    return [_measure(engine) for engine in ENGINES]


def _measure(engine: str) -> Figure:
    name = f"one_story_tests_that_differ_{engine}"
    if reason := missing(engine):
        return skipped(name, GOAL, reason)
    environment = {**os.environ, "STORY_SEEDS": os.environ.get("STORY_SEEDS", str(SEEDS))}
    if engine == POSTGRESQL:
        environment |= {
            "FIELDWATCH_TEST_ON": SERVER,
            "FIELDWATCH_TEST_NAME": f"story_{secrets.token_hex(4)}",
        }
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "tests/web/one_story"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.search(r"(\d+) (?:failed|errors?)", ended.stdout)
    differs = int(failed[1]) if failed else int(ended.returncode != 0)
    passed = re.search(r"(\d+) passed", ended.stdout)
    note = f"{environment['STORY_SEEDS']} worlds, {passed[1] if passed else 0} tests passed"
    return Figure(name, differs, GOAL, not differs, ended.stdout[-3000:] if differs else note)
