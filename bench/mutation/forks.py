"""Runs works in forks of this process, a few at once, each until its limit."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

TIMEOUT, CRASH = "(timeout)", "(crash)"
MEMORY = 4 << 30  # bytes; a change may let a list grow for ever


class Work(NamedTuple):
    """What a fork does, and the seconds that it may take."""

    number: int
    run: Callable[[], str]
    seconds: float


class _Fork(NamedTuple):
    number: int
    pid: int
    until: float


def run_in_forks(works: Iterable[Work], *, at_once: int) -> Iterator[tuple[int, str]]:
    """Yield each work's number and answer, as they end: also TIMEOUT and CRASH are answers."""
    waiting, running = iter(works), dict[int, _Fork]()
    while True:
        while len(running) < at_once and (work := next(waiting, None)):
            pipe, fork = _start(work)
            running[pipe] = fork
        if not running:
            return
        left = min(fork.until for fork in running.values()) - time.monotonic()
        ready, _, _ = select.select(list(running), [], [], max(0.0, left))
        for pipe, fork in list(running.items()):
            if pipe in ready:
                answer = os.read(pipe, 65536).decode() or CRASH
            elif time.monotonic() > fork.until:
                answer = TIMEOUT
            else:
                continue
            del running[pipe]
            os.close(pipe)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(fork.pid, signal.SIGKILL)
            os.waitpid(fork.pid, 0)
            yield fork.number, answer.strip()


def _start(work: Work) -> tuple[int, _Fork]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)
        return reading, _Fork(work.number, pid, time.monotonic() + work.seconds)
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        os.write(writing, (work.run() + "\n").encode()[:4096])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)
