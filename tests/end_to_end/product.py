"""All of Fieldwatch as `manage.py run` starts it: its processes, found and stopped for good."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.prepared import prepare_static_files, prepare_tables

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(r"^Fieldwatch is ready: (http://127\.0\.0\.1:\d+/)  (.+)$", re.M)
DEMO = "sign in: demo / demo"
READY_WITHIN_SECONDS = 300  # of a machine with other work


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Product:
    """One run in a state folder of its own."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    demo: bool = True
    is_prepared: bool = True  # starts with tables and static files, as after its first start
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def said(self) -> str:
        """What the run printed so far."""
        return (self.home / "said.txt").read_text()

    def start(self) -> None:
        """Start everything; returns once the ready line is there."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.is_prepared:
            prepare_static_files(self.home)
            if "DATABASE_URL" not in self.settings:
                prepare_tables(self.home)
        port = {"PORT": str(free_port())}
        with (self.home / "said.txt").open("wb") as said:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "run"),
                    "--troubled" if self.demo else "--without-demo",
                ],
                cwd=ROOT,
                env=port | self.environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        until = time.monotonic() + READY_WITHIN_SECONDS
        while not (ready := READY.search(self.said)):
            assert self.process.poll() is None, f"it ended: {self.said}"
            assert time.monotonic() < until, f"it is not ready: {self.said}"
            time.sleep(0.1)
        self.url = ready.group(1)
        assert (ready.group(2) == DEMO) is self.demo

    @property
    def environment(self) -> dict[str, str]:
        """What its processes and commands are given."""
        return os.environ | {"FIELDWATCH_HOME": str(self.home)} | self.settings

    def manage(self, *words: str, code: int = 0) -> str:
        """What a command of manage.py printed in this state folder; it must end with this code."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(60)

    def processes(self) -> list[int]:
        """The processes that belong to this state folder, the run itself included."""
        mark = f"FIELDWATCH_HOME={self.home}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except (OSError, PermissionError):
                continue
        return [pid for pid in found if pid != os.getpid()]

    def running(self, words: str) -> list[int]:
        """Those of its processes whose command holds these words."""
        return [pid for pid in self.processes() if words in self.command(pid)]

    def command(self, pid: int) -> str:
        """How a process was called; empty where it is gone."""
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
