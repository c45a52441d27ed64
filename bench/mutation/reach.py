"""Which tests reach a line of the product: recorded once for each room of tests and kept."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.mutation.mutants import Mutant
from bench.mutation.noting import AT_IMPORT, first_line_of_handler

BENCH = Path(__file__).resolve().parents[2]
Lines = dict[int, set[str]]


class Recording:
    """What the processes of one or more recordings wrote: the tests that begin each statement."""

    def __init__(self, folders: Iterable[Path], root: Path) -> None:
        self.root = root
        self.seconds: dict[str, float] = {}
        self._lines: dict[str, Lines] = defaultdict(lambda: defaultdict(set))
        for path in sorted(path for folder in folders for path in folder.glob("*.json")):
            recorded = json.loads(path.read_text())
            self.seconds |= recorded["seconds"]
            tests = [AT_IMPORT, *recorded["seconds"]]
            for module, lines in recorded["lines"].items():
                known = self._lines[module]
                for line, numbers in lines.items():
                    known[int(line)].update(tests[number] for number in numbers)

    def lines_of(self, path: str) -> Lines:
        """The tests that begin the statement of each line of a module."""
        return self._lines[str(self.root / path)]


class Reach:
    """Finds the tests of a mutant among those that were recorded."""

    def __init__(self, recording: Recording, sources: dict[str, str]) -> None:
        self.recording, self.sources = recording, sources
        self._statements: dict[str, dict[int, int]] = {}
        self._texts: dict[str, str] = {}

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Whether the line also runs while its module is imported."""
        return AT_IMPORT in self._tests_of_line(mutant)

    def tests_of(self, mutant: Mutant, *, seconds: float, least: int) -> list[str]:
        """The tests that reach a mutant, most telling first: so many, or for so many seconds."""
        tests = self._tests_of_line(mutant) - {AT_IMPORT}
        if not self._statement_of(mutant):
            for name in mutant.defines:
                tests = tests or self._tests_of_name(name)
            lines = self.recording.lines_of(mutant.path).values()
            tests = tests or set().union(*lines) - {AT_IMPORT}
            tests |= self._tests_that_import(mutant.path)
        chosen: list[str] = []
        for test in self._in_order(tests, mutant.path):
            seconds -= self._seconds(test)
            if seconds > 0 or len(chosen) < least:
                chosen.append(test)
        return chosen

    def _tests_of_line(self, mutant: Mutant) -> set[str]:
        return self.recording.lines_of(mutant.path)[self._statement_of(mutant)]

    def _statement_of(self, mutant: Mutant) -> int:
        """The line on which the statement around a mutant begins; 0 outside of functions."""
        if mutant.path not in self._statements:
            self._statements[mutant.path] = statements_by_line(self.sources[mutant.path])
        return self._statements[mutant.path].get(mutant.line, 0)

    def seconds_of(self, tests: Iterable[str]) -> float:
        """How long tests take together."""
        return sum(self.recording.seconds.get(test, 1.0) for test in tests)

    def _tests_of_name(self, name: str) -> set[str]:
        """The tests that reach a line on which a name stands, and those beside which it stands."""
        word, tests = re.compile(rf"\b{re.escape(name)}\b"), set[str]()
        for path, source in self.sources.items():
            lines = self.recording.lines_of(path)
            for number, line in enumerate(source.splitlines() if name in source else (), 1):
                if word.search(line):
                    tests |= lines[number]
        return (tests | self._tests_beside(word)) - {AT_IMPORT}

    def _tests_that_import(self, path: str) -> set[str]:
        """The tests of the modules that import a module."""
        stem = re.escape(path.rpartition("/")[2].removesuffix(".py"))
        return self._tests_beside(re.compile(rf"^(from|import)\b.*\b{stem}\b", re.MULTILINE))

    def _tests_beside(self, pattern: re.Pattern[str]) -> set[str]:
        """The tests of the modules in which a pattern stands."""
        files: dict[str, bool] = {}
        for test in self.recording.seconds:
            file = test.partition("::")[0]
            if file not in files:
                if file not in self._texts:
                    self._texts[file] = (self.recording.root / file).read_text()
                files[file] = bool(pattern.search(self._texts[file]))
        return {test for test in self.recording.seconds if files[test.partition("::")[0]]}

    def _in_order(self, tests: Iterable[str], path: str) -> list[str]:
        """Quick and near ones first; the further cases of a test a little later than its first."""
        turns: dict[str, int] = defaultdict(int)
        order = []
        for test in sorted(tests, key=lambda test: (self._seconds(test), test)):
            function = test.partition("[")[0]
            cost = self._seconds(test) + 0.01 * turns[function]
            order.append((cost / (1 + _nearness(test, path)), test))
            turns[function] += 1
        return [test for _, test in sorted(order)]

    def _seconds(self, test: str) -> float:
        return self.recording.seconds.get(test, 1.0)


def statements_by_line(source: str) -> dict[int, int]:
    """For each line inside functions and lambdas, the line that stands for it in a recording."""
    lines: dict[int, int] = {}

    def walk(node: ast.AST, *, inside: bool) -> None:
        noted: ast.expr | ast.stmt | None = None
        if isinstance(node, ast.Lambda):
            noted = node.body
        elif isinstance(node, ast.stmt) and inside:
            noted = node
        if noted is not None:
            start, end = noted.lineno, noted.end_lineno or noted.lineno
            lines.update(dict.fromkeys(range(start, end + 1), start))
        if isinstance(node, ast.ExceptHandler) and inside:
            start = first_line_of_handler(node)
            lines.update(dict.fromkeys(range(node.lineno, start), start))
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    walk(child, inside=inside or (is_function and field == "body"))

    walk(ast.parse(source), inside=False)
    return lines


def _nearness(test: str, path: str) -> int:
    """How many folders two paths share below the first, and whether the names are alike."""
    rooms, places = test.partition("::")[0].split("/")[1:], path.split("/")[1:]
    shared = 0
    for room, place in zip(rooms[:-1], places[:-1], strict=False):
        if room != place:
            break
        shared += 1
    stem = places[-1].removesuffix(".py")
    return 2 * shared + (stem in rooms[-1])


def record_rooms(
    root: Path, rooms: Sequence[str], *, sources: Sequence[str], kept: Path, options: Sequence[str]
) -> Recording:
    """Run the tests of each room once, unless its recording of the same code is kept."""
    product = sorted((root / "dashboard").rglob("*.py"))
    shared = [*(root / "tests").glob("*.py"), *(root / "tests/fakes").glob("*.py")]
    folders = []
    for room in rooms:
        files = [*product, *sorted(shared), *sorted((root / room).rglob("*.py"))]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
        name = room.replace("/", "-")
        folder = kept / f"{name}-{digest}"
        if not (folder / "done").exists():
            for old in kept.glob(f"{name}-*"):
                shutil.rmtree(old)
            folder.mkdir(parents=True)
            _record(root, room, folder, sources=sources, options=options)
            (folder / "done").touch()
        folders.append(folder)
    return Recording(folders, root)


def _record(
    root: Path, room: str, folder: Path, *, sources: Sequence[str], options: Sequence[str]
) -> None:
    given = os.environ | {
        "RECORDED": str(folder),
        "RECORDED_SOURCES": os.pathsep.join(str(root / source) for source in sources),
        "PYTHONPATH": str(BENCH),
    }
    command = [sys.executable, "-m", "pytest", "-p", "bench.mutation.recorder", *options, room]
    subprocess.run(command, cwd=root, env=given, stdout=sys.stderr, check=False)
