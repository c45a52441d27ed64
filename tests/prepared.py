"""What a new installation makes at its first start, made once for all processes of a run.

Migrating takes ten seconds of CPU and packing the static files twenty, and a run has four workers
and half a dozen products of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
COLLECT = "from dashboard.management.static_files import collect_if_changed; collect_if_changed()"


def _prepared(name: str, *command: str) -> Path:
    """Return a file or folder of a prepared state folder; the first process that asks makes it."""
    folder = Path(os.environ["FIELDWATCH_HOME"]) / "prepared"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / f"{name}.done"
        if not mark.exists():
            environment = os.environ | {"FIELDWATCH_HOME": str(folder), "DATABASE_URL": ""}
            command = (sys.executable, "manage.py", *command)
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
            mark.touch()
    return folder / name


def _migrated_file() -> Path:
    return _prepared("fieldwatch.sqlite3", "migrate", "--verbosity", "0")


def prepare_static_files(home: Path) -> None:
    """Fill a new state folder with the static files."""
    if not (home / "static").exists():
        shutil.copytree(_prepared("static", "shell", "--command", COLLECT), home / "static")


def prepare_tables(home: Path, name: str = "fieldwatch.sqlite3") -> None:
    """Fill a new state folder with an SQLite file of the tables."""
    if not (home / name).exists():
        with (
            closing(sqlite3.connect(_migrated_file())) as tables,
            closing(sqlite3.connect(home / name)) as new,
        ):
            tables.backup(new)


def copy_into_test_database(*_: object, **__: object) -> str:
    """Open the test database and copy the tables into it; stands in for Django's own."""
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.ensure_connection()
    with closing(sqlite3.connect(_migrated_file())) as tables:
        tables.backup(connection.connection)
    return name
