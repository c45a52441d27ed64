"""The product's real processes while they are measured: their memory and their CPU."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.shared.environment import ROOT, Environment


@contextmanager
def running(*command: str, given: Environment) -> Iterator[int]:
    """A process with its children; all of them end with the block."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=given,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield process.pid
            if process.poll() is not None:
                said.seek(0)
                raise RuntimeError(said.read().decode()[-2000:])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def worker(given: Environment, *more: str) -> Any:
    """A worker as `make run` starts it."""
    return running("-m", "dashboard.management.worker", *more, given=given)


def tree(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [one for child in task.read_text().split() for one in tree(int(child))]
    return found


def resident_memory() -> float:
    """What this process has in memory now, MB."""
    return _own_memory("VmRSS")


def peak_memory() -> float:
    """The most that this process has had in memory, MB.

    Not `ru_maxrss`: Linux carries the peak of the process that started this one over into it.
    """
    return _own_memory("VmHWM")


def _own_memory(line: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(one for one in lines if one.startswith(f"{line}:")).split()[1]) / 1024


def pss(pid: int) -> float:
    """The proportional set size of a process and its children, MB."""
    rollups = (Path(f"/proc/{one}/smaps_rollup").read_text() for one in tree(pid))
    lines = (line for rollup in rollups for line in rollup.splitlines() if line[:4] == "Pss:")
    return sum(int(line.split()[1]) for line in lines) / 1024
