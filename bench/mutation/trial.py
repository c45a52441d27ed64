"""Tries each mutant with the tests that reach it: `python -m bench.mutation.trial <task> <answer>`.

A mutant inside functions is tried in a fork of a process that has loaded the product and all of
the tests. Where a change takes effect while its module is imported, the fork is of a process that
has loaded the libraries alone. Neither writes a file of the product.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.mutation.forks import Work, run_in_forks
from bench.mutation.statements import forget_statements
from bench.mutation.swap import ChangedModule, Functions, Swaps, loaded_functions, swaps_for

LIBRARIES = (
    *("celery", "celery.app.task", "cryptography.fernet", "django.db.models", "django.forms"),
    *("django.test", "django.template.loader", "django.views.decorators.http", "httpx", "msgspec"),
    *("hypothesis", "hypothesis.strategies", "httpcore", "kombu", "markdown_it", "numpy"),
    *("plotly", "playwright.sync_api", "redis", "xlsxwriter", "h11", "icalendar", "babel.numbers"),
    *("pydantic", "django.core.management", "django.contrib.staticfiles", "allauth"),
)
START = 120.0  # seconds that loading the product may take, and one test of it
PR_SET_CHILD_SUBREAPER = 36  # of Linux: orphans of our forks become our children
BROKEN = "(the tests could not start)"


class MutantTrial(NamedTuple):
    """One change, and the tests to try it with, in their order."""

    number: int
    path: str
    before: str
    after: str
    at_import: bool
    tests: list[str]
    limit: float  # seconds after which it hangs


class Task(NamedTuple):
    """What to try: the folder of product and tests, pytest's options, and the cases.

    `first` are modules that every process of the trial shares, loaded once.
    """

    root: str
    first: list[str]
    options: list[str]
    at_once: int
    cases: list[MutantTrial]


class FirstFailure:
    """A pytest plugin: keeps the wanted tests in their order, and the name of the first failure."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.tests = tests
        self.failed = ""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Run these tests alone, in this order."""
        items = {item.nodeid: item for item in session.items}
        session.items[:] = [items[test] for test in self.tests if test in items]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what failed first."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported fails too."""
        if report.failed:
            self.failed = self.failed or report.nodeid


class Judge:
    """A pytest plugin: instead of one run of all tests, a fork for each case with its tests."""

    def __init__(self, task: Task, answer: Path) -> None:
        self.task, self.answer = task, answer
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember, in the fork, what failed."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every case that can be tried in this process, then what failed, without a change."""
        items = {item.nodeid: item for item in session.items}
        _make_tables(session.items)
        works = self._works(items, loaded_functions(Path(self.task.root)))
        _write_answers(self.answer, run_in_forks(works, at_once=self.task.at_once))
        failed = sorted({*read_answers(self.answer).values()} & items.keys())
        controls = [
            Work(number, partial(self._try, [], [items[test]]), START)
            for number, test in enumerate(failed)
        ]
        for number, answer in run_in_forks(controls, at_once=self.task.at_once):
            _write_answers(self.answer, [(failed[number], answer)])
        return True

    def _works(self, items: dict[str, pytest.Item], functions: Functions) -> Iterator[Work]:
        tried = read_answers(self.answer)
        for case in self.task.cases:
            path = Path(self.task.root) / case.path
            if case.number in tried:
                continue
            swaps = swaps_for(path, case.before, case.after, functions)
            if swaps is not None:
                wanted = [items[test] for test in case.tests if test in items]
                yield Work(case.number, partial(self._try, swaps, wanted), case.limit)

    def _try(self, swaps: Swaps, items: list[pytest.Item]) -> str:
        self.failed = ""  # whatever became of the test that made the tables
        for function, code in swaps:
            function.__code__ = code
        forget_statements()
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                break
        return self.failed


def _make_tables(items: list[pytest.Item]) -> None:
    """Run one test that uses tables, so that each fork has them.

    Its own fixtures end, with their threads: pytest believes that a test from elsewhere follows.
    """
    first = next((item for item in items if "db" in getattr(item, "fixturenames", ())), None)
    if first is not None:
        elsewhere = [item for item in items if item.path != first.path]
        other = next((item for item in elsewhere if _room(item) != _room(first)), None)
        following = other or (elsewhere[0] if elsewhere else None)
        first.config.hook.pytest_runtest_protocol(item=first, nextitem=following)


def _room(item: pytest.Item) -> list[str]:
    return item.nodeid.split("/")[:2]


def _write_answers(path: Path, answers: Iterable[tuple[int | str, str]]) -> None:
    for about, answer in answers:
        with path.open("a") as file:
            file.write(json.dumps([about, answer]) + "\n")


def read_answers(path: Path) -> dict[int | str, str]:
    """The answers so far: the test that failed, or nothing, by the number of the case.

    By the name of a test: what failed when it ran on the product as it is.
    """
    return dict(json.loads(line) for line in path.read_text().splitlines()) if path.exists() else {}


def _try_from_import(task: Task, case: MutantTrial) -> str:
    ChangedModule(Path(task.root), case.path, case.after).install()
    plugin = FirstFailure(case.tests)
    code = pytest.main([*task.options, "-x", *_files(case.tests)], plugins=[plugin])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR) or plugin.failed:
        return plugin.failed or "(import)"
    return "" if code == pytest.ExitCode.OK else BROKEN


def _files(tests: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(test.split("::")[0] for test in tests))


def _try_loaded(task: Task, answer: Path) -> str:
    tests = _files([test for case in task.cases for test in case.tests])
    return str(pytest.main([*task.options, *tests], plugins=[Judge(task, answer)]))


def _load_libraries(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)


def try_all(task: Task, answer: Path) -> None:
    """Try what needs an import, then what needs none, then what was not loaded after all."""
    _load_libraries([*task.first, *LIBRARIES])
    _try_imports(task, [case for case in task.cases if case.at_import], answer)
    day = 24 * 3600.0
    list(run_in_forks([Work(0, partial(_try_loaded, task, answer), day)], at_once=1))
    tried = read_answers(answer)
    _try_imports(task, [case for case in task.cases if case.number not in tried], answer)


def _try_imports(task: Task, cases: Sequence[MutantTrial], answer: Path) -> None:
    works = (
        Work(case.number, partial(_try_from_import, task, case), START + case.limit)
        for case in cases
    )
    _write_answers(answer, run_in_forks(works, at_once=task.at_once))


def main() -> None:
    """Read the task, and say nothing but the answers."""
    given, answer = Path(sys.argv[1]), Path(sys.argv[2])
    task = Task(*json.loads(given.read_text()))
    task = task._replace(cases=[MutantTrial(*case) for case in task.cases])
    os.chdir(task.root)
    sys.path.insert(0, task.root)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        try_all(task, answer)
    finally:  # a Redis of a test outlives its fork, which ends at once, and becomes our child
        me = os.getpid()
        for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    main()
