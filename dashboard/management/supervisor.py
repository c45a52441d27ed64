"""Starts processes, restarts those that end, and leaves none behind."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.core.management.base import CommandError

READY_WITHIN_SECONDS = 100.0
STOP_WITHIN_SECONDS = 12.0
STEADY_AFTER_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to send SIGTERM when the parent process ends; other systems ignore it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def only_one(lock: Path, *, command: str) -> Iterator[None]:
    """Lock a state folder. Raises CommandError if another run holds it."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise CommandError(
                f"Fieldwatch is already running in {lock.parent}; stop it, or use another state "
                f"folder: FIELDWATCH_HOME=/some/folder {command}"
            ) from exc
        yield


@dataclass
class Child:
    """A process that should run; its output goes to a file named after it."""

    name: str
    command: list[str]
    logs: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    failures: int = field(default=0)

    def start(self, now: float) -> None:
        """Start it in its own session, so that Ctrl-C reaches only the supervisor."""
        with (self.logs / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509  the supervisor has one thread
            )
        self.started = now

    def has_ended(self) -> bool:
        """Whether it was started and has ended."""
        return self.process is not None and self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and everything it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def tail(self, lines: int = 5) -> str:
        """Return the last lines of its log."""
        text = (self.logs / f"{self.name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


class Supervisor:
    """Keeps children running until a signal stops it."""

    def __init__(self, children: list[Child], *, log: Callable[[str], object]) -> None:
        self.children = children
        self.log = log
        self.stopping = False

    def run(self, *, answers: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Start all, call `on_ready` once they answer, watch until a signal, stop all.

        Raises CommandError if the dashboard does not answer within READY_WITHIN_SECONDS.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.start(time.monotonic())
            ready, deadline = False, time.monotonic() + READY_WITHIN_SECONDS
            while not self.stopping:
                self._watch(time.monotonic())
                if not ready and answers():
                    ready = True
                    on_ready()
                if not ready and time.monotonic() > deadline:
                    raise CommandError(f"the dashboard does not answer\n{self._tails()}")
                time.sleep(0.2 if ready else 0.05)
        finally:
            self.stopping = True
            self._stop_all()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _watch(self, now: float) -> None:
        for child in self.children:
            if child.has_ended() and child.process is not None:
                self.log(f"{child.name} ended ({child.process.returncode}); restarting it")
                steady = now - child.started > STEADY_AFTER_SECONDS
                child.failures = 0 if steady else child.failures + 1
                child.start_at = now + min(2.0**child.failures - 1, LONGEST_WAIT_SECONDS)
                child.send(signal.SIGKILL)
                child.process = None
            if child.process is None and now >= child.start_at:
                child.start(now)

    def _stop_all(self) -> None:
        for child in reversed(self.children):
            child.send(signal.SIGTERM)
            deadline = time.monotonic() + STOP_WITHIN_SECONDS
            while child.process and child.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            child.send(signal.SIGKILL)
            if child.process:
                child.process.wait()

    def _tails(self) -> str:
        return "\n".join(f"--- {child.name}\n{child.tail()}" for child in self.children)
