"""Stories told in processes of their own, with the settings that they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parents[2]


class Stories(TypedDict):
    """What came of some stories; `cpu_seconds` without the start of the process."""

    stories: int
    wrong: list[str]
    cpu_seconds: float
    field_days: float  # days of one target group in field
    steps: int
    digests: dict[str, str]
    counts: dict[str, int]


@contextmanager
def migrated_tables() -> Iterator[Path]:
    """An SQLite file with the tables of a new installation."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-simulate-") as home:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=environment(home), check=True)
        yield Path(home) / "fieldwatch.sqlite3"


def tell_stories(seeds: Sequence[int], tables: Path, *, hours: float, lie: str = "") -> Stories:
    """Tell the stories of consecutive seeds in a process; `tables`: a migrated SQLite file."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-simulate-") as home:
        ended = subprocess.run(
            [
                sys.executable,
                *("-m", "bench.simulate.run", f"{seeds[0]}-{seeds[-1]}"),
                *("--tables", str(tables), "--hours", str(hours), "--lie", lie),
            ],
            cwd=ROOT,
            env=environment(home),
            capture_output=True,  # also what the product logs of its faults
            text=True,
            check=False,
        )
    if not ended.stdout:
        raise RuntimeError(
            f"seeds {seeds[0]}-{seeds[-1]} ended without a result:\n{ended.stderr[-3000:]}"
        )
    result: Stories = json.loads(ended.stdout.splitlines()[-1])
    return result


def tell_side_by_side(
    seeds: Sequence[int], tables: Path, *, hours: float, at_once: int = 50
) -> list[Stories]:
    """Tell many stories, a process for each core, so many in one process after another."""
    parts = [seeds[first : first + at_once] for first in range(0, len(seeds), at_once)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as processes:
        return list(processes.map(lambda part: tell_stories(part, tables, hours=hours), parts))


def environment(home: str) -> dict[str, str]:
    """The settings of a simulated installation: no server is asked for anything."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "FIELDWATCH_URL")
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "FIELDWATCH_HOME": home,
        "EXCHANGE_ALLOWED_HOSTS": "127.0.0.1:*",
        "CHANNEL_ALLOWED_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        "PYTHONHASHSEED": "0",  # the order of sets is part of a story
    }
