"""Servers that tests may stop: a Redis and a PostgreSQL cluster of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from tests.end_to_end.product import free_port

WITHIN_SECONDS = 180  # of a machine with other work


def wait_for(what: Callable[[], object], *, seconds: float = WITHIN_SECONDS, of: str = "") -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"it did not come to be: {of}"
        time.sleep(0.01)


class Redis:
    """A Redis without a disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis.from_url(self.url, socket_timeout=2)

    def start(self) -> None:
        """Start it empty; returns when it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--loglevel", "warning"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self.answers, of="Redis")

    def answers(self) -> bool:
        """Whether it is there."""
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Kill it: what it held is gone."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class PostgreSQL:
    """A cluster in a folder of its own, run by an ordinary user where the tests are root's."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="fieldwatch-pg-"))
        self.user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.url = self._url(self.port)
        shutil.chown(self.folder, self.user)

    @classmethod
    def at(cls, port: int, folder: str) -> PostgreSQL:
        """The cluster that another process made."""
        there = cls.__new__(cls)
        there.port, there.folder = port, Path(folder)
        there.user = there.folder.owner()
        there.url = cls._url(port)
        return there

    @staticmethod
    def _url(port: int) -> str:
        return f"postgres://postgres@127.0.0.1:{port}/postgres"

    @staticmethod
    def programs() -> Path | None:
        """Where initdb and pg_ctl are; None where there is no PostgreSQL."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if found:
            return found[-1].parent
        on_path = shutil.which("initdb")
        return Path(on_path).parent if on_path else None

    def _run(self, program: str, *words: str) -> None:
        programs = self.programs()
        assert programs
        self._as_user([str(programs / program), "-D", str(self.folder / "data"), *words])

    def _as_user(self, command: list[str]) -> None:
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            user=self.user if os.getuid() == 0 else None,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def make(self) -> None:
        """Make the cluster and start it."""
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self.start()

    def make_standby(self, of: PostgreSQL) -> None:
        """Make a standby that follows another cluster, and start it."""
        programs = self.programs()
        assert programs
        command = [str(programs / "pg_basebackup"), "--write-recovery-conf", "--no-sync"]
        command += ["--checkpoint=fast", "--wal-method=stream", "--dbname", of.url]
        self._as_user([*command, "--pgdata", str(self.folder / "data")])
        self.start()

    def promote(self) -> None:
        """Make the standby the primary; returns when it takes writes."""
        self._run("pg_ctl", "-w", "promote")

    def start(self) -> None:
        """Start; returns when it answers."""
        options = f"-p {self.port} -k {self.folder} -c fsync=off -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-o", options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop it and take its folder away."""
        self.stop()
        shutil.rmtree(self.folder)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of a statement."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(sql)
            return done.fetchall() if done.description else []
