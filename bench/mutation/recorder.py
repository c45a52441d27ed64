"""A pytest plugin: which statements of the product each test runs, and how long the test takes.

The modules of the folders in RECORDED_SOURCES note each statement as it begins. That costs a test
next to nothing; coverage.py, which hears of every line of Django too, took two thirds more time.
Each process writes its file into the folder that RECORDED names.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bench.mutation.noting import AT_IMPORT, NAME, NotedModules
from bench.mutation.statements import forget_statements


class Recorder:
    """Keeps what each test began."""

    def __init__(self, file: Path, folders: Sequence[str]) -> None:
        self.file = file
        self.begun: set[tuple[str, int]] = set()
        self.seconds: dict[str, float] = {}
        self.tests_of: dict[tuple[str, int], list[str]] = defaultdict(list)
        setattr(builtins, NAME, self.begun)
        sys.meta_path.insert(0, NotedModules(folders))

    def note(self, test: str) -> None:
        """Give what was begun to a test."""
        for spot in list(self.begun):
            self.tests_of[spot].append(test)
        self.begun.clear()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what a test begins, with its fixtures."""
        if not self.seconds:
            self.note(AT_IMPORT)
        forget_statements()
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self.note(item.nodeid)
            self.seconds[item.nodeid] = time.monotonic() - began

    def pytest_unconfigure(self) -> None:
        """Write what this process saw."""
        numbers = {test: number for number, test in enumerate((AT_IMPORT, *self.seconds))}
        lines: dict[str, dict[int, list[int]]] = defaultdict(dict)
        for (path, line), tests in self.tests_of.items():
            lines[path][line] = sorted({numbers[test] for test in tests})
        self.file.write_text(json.dumps({"seconds": self.seconds, "lines": lines}))


# At once: the first conftest.py, which pytest reads before it configures plugins, imports modules.
_recorder = Recorder(
    Path(os.environ["RECORDED"]) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json",
    os.environ["RECORDED_SOURCES"].split(os.pathsep),
)


def pytest_configure(config: pytest.Config) -> None:
    """Hear of the tests."""
    config.pluginmanager.register(_recorder)
