"""How many small changes of the product its tests notice: `python -m bench --soak mutants`.

`--mutants` says how many changes are drawn, and `--seeds` by which seeds. Each survivor goes to the
standard error with its place and its change; those of `equivalent.toml` with their reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.mutation.mutants import Mutant, draw_mutants, read_sources
from bench.mutation.reach import Reach, record_rooms
from bench.mutation.swap import changed_functions, compiled
from bench.mutation.trial import MutantTrial, Task, read_answers
from bench.shared.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("dashboard/sync", "dashboard/alerts", "dashboard/exchange")
ROOMS = ("tests/exchange", "tests/sync", "tests/alerts", "tests/edits", "tests/web")
KEPT = ROOT / "var/mutation"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
QUIET = ["-q", "-p", "no:cacheprovider"]
TRIED = [*QUIET, "-p", "no:xdist"]
RECORDED = [*QUIET, "-n", str(os.cpu_count() or 1), "--dist", "loadgroup"]
GOAL = 0.9
SECONDS, LEAST = 40.0, 25  # a mutant is tried for so long, by recorded times, with as many tests
PATIENCE, TIMES = 60.0, 4.0  # a mutant's limit: these seconds, and times the recorded ones
SEEDS, SAMPLE = (1,), 60


class TriedMutant(NamedTuple):
    """A mutant, and the test that failed on it; none if it survived."""

    mutant: Mutant
    killed_by: str
    tests: int


def figures(seeds: Sequence[int] = SEEDS, mutants: int = SAMPLE) -> list[Figure]:
    """The share of mutants that a test kills, for each seed."""
    sources = read_sources(ROOT, SOURCES)
    recording = record_rooms(ROOT, ROOMS, sources=SOURCES, kept=KEPT, options=RECORDED)
    reach = Reach(recording, sources)
    found = []
    for seed in seeds:
        drawn = draw_mutants(sources, seed=seed, count=mutants)
        outcomes = try_mutants(ROOT, drawn, reach, first=["tests.environment"], options=TRIED)
        found.append(figure_of(seed, outcomes, read_equivalents()))
    return found


def read_equivalents(path: Path = EQUIVALENT) -> dict[tuple[str, str, str], str]:
    """The reasons why changes do not change what the product does, by file, line and change."""
    rows = tomllib.loads(path.read_text()).get("mutant", [])
    return {(row["file"], row["before"], row["after"]): row["reason"] for row in rows}


def figure_of(
    seed: int, outcomes: Sequence[TriedMutant], equivalents: Mapping[tuple[str, str, str], str]
) -> Figure:
    """The share that was killed; each survivor is told on the standard error."""
    survivors = [outcome for outcome in outcomes if not outcome.killed_by]
    explained = 0
    for mutant, _, tests in survivors:
        reason = equivalents.get((mutant.path, mutant.before, mutant.after), "")
        explained += bool(reason)
        words = f"equivalent: {reason}" if reason else f"survived {tests} tests"
        print(f"seed {seed}: {mutant} ({words})", file=sys.stderr, flush=True)
    killed = len(outcomes) - len(survivors)
    share = killed / max(len(outcomes), 1)
    note = f"{killed} of {len(outcomes)}, seed {seed}; {explained} survivors are equivalent"
    return Figure("mutants_killed_share", share, f">={GOAL}", share >= GOAL, note)


def try_mutants(
    root: Path,
    drawn: Sequence[Mutant],
    reach: Reach,
    *,
    first: list[str],
    options: list[str],
    patience: float = PATIENCE,
) -> list[TriedMutant]:
    """Try each mutant; tests that also fail on the product as it is kill none."""
    chosen = [reach.tests_of(mutant, seconds=SECONDS, least=LEAST) for mutant in drawn]
    answers: dict[int, str] = {}
    unreliable: set[str] = set()
    open_cases = list(range(len(drawn)))
    while open_cases:
        cases = []
        for number in open_cases:
            tests = [test for test in chosen[number] if test not in unreliable]
            if tests:
                mutant, limit = drawn[number], patience + TIMES * reach.seconds_of(tests)
                before, at_import = reach.sources[mutant.path], _is_at_import(root, mutant, reach)
                case = MutantTrial(
                    number, mutant.path, before, mutant.source, at_import, tests, limit
                )
                cases.append(case)
        task = Task(str(root), first, options, os.cpu_count() or 1, cases)
        given = _run(task) if cases else {}
        answers |= {number: given.get(number, "") for number in open_cases}
        failed = {test for test, failure in given.items() if isinstance(test, str) and failure}
        unreliable |= failed
        open_cases = [number for number in open_cases if answers[number] in failed]
    for test in sorted(unreliable):
        print(f"not reliable, and left out: {test}", file=sys.stderr, flush=True)
    return [
        TriedMutant(mutant, answers[number], len(chosen[number]))
        for number, mutant in enumerate(drawn)
    ]


def _is_at_import(root: Path, mutant: Mutant, reach: Reach) -> bool:
    """Whether a change takes effect while its module is imported."""
    path = root / mutant.path
    before, after = (compiled(path, text) for text in (reach.sources[mutant.path], mutant.source))
    return reach.runs_at_import(mutant) or changed_functions(before, after) is None


def _run(task: Task) -> dict[int | str, str]:
    """Try a task's cases in a process of its own, and forks of it; what it prints is kept."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-mutants-") as folder:
        given, answer, printed = (Path(folder) / name for name in ("task", "answer", "printed"))
        given.write_text(json.dumps(task))
        command = [sys.executable, "-m", "bench.mutation.trial", str(given), str(answer)]
        environment = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": folder}
        with printed.open("w") as output:
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False
            )
        answers = read_answers(answer)
        if ended.returncode or not answers:
            raise RuntimeError(f"no mutant was tried: {printed.read_text()[-3000:]}")
        return answers
