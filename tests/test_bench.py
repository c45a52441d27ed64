"""The lines of the benchmarks, which scripts read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.shared.environment import run
from bench.shared.figure import Figure, skipped

LINE = re.compile(r"\w+=(-|[\d.e+-]+) goal=.+ (ok|short|skipped)( \(.+\))?")


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (Figure("ratio", 1.034, "<=1.3", True, "CPU"), "ratio=1.03 goal=<=1.3 ok (CPU)"),
        (Figure("loss", 0.5, "<=0.35", False), "loss=0.5 goal=<=0.35 short"),
        (skipped("rate", ">=5", "no server"), "rate=- goal=>=5 skipped (no server)"),
    ],
)
def test_a_figure_is_one_line_of_a_fixed_form(figure: Figure, line: str) -> None:
    assert str(figure) == line
    assert LINE.fullmatch(line)


@pytest.mark.parametrize("module", [*bench.MODULES.values(), *bench.SOAK.values()])
def test_every_module_that_is_named_gives_figures(module: str) -> None:
    assert callable(import_module(module).figures)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["nothing"], "client"),  # a module that is not known: there are these
        (["client", "--seeds", "1"], "--seeds is for attention, advice, mutants alone"),
        (["--seeds", "1"], "--seeds is for attention, advice, mutants alone"),
        (["--soak", "story", "--mutants", "9"], "--mutants is for mutants alone"),
    ],
)
def test_what_cannot_be_measured_is_answered_with_what_can(words: list[str], answer: str) -> None:
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "bench", *words]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert answer in ended.stderr


def test_a_measured_process_does_not_inherit_the_peak_of_the_one_that_started_it() -> None:
    large = bytearray(400_000_000)
    environment = dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"}
    peak = run("bench.shared.processes:peak_memory", environment)
    assert len(large) > peak * 1_000_000 > 10_000_000
