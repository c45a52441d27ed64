"""A machine of an administrator: its own database and keys, and the commands of manage.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent.parent
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class Machine:
    """A machine with a database of its own and these keys."""

    def __init__(self, home: Path, database: str = "", keys: str = OLD) -> None:
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "FIELDWATCH_HOME": str(home),
            "DATABASE_URL": database or f"sqlite:///{home / 'own.sqlite3'}",
            "ENCRYPTION_KEYS": keys,
            "PYTHONPATH": str(ROOT),
        }
        home.mkdir(parents=True, exist_ok=True)

    def run(self, *words: str, code: int = 0) -> str:
        """What a command of manage.py printed; it must end with this code."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == code, ended.stderr
        return ended.stdout + ended.stderr

    def do(self, script: str) -> str:
        """What a few lines of Python printed there."""
        return self.run("shell", "--no-imports", "-c", script).strip()
