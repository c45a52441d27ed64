"""The product's empty tables as an SQLite file, migrated once for all processes of a run.

Migrating takes ten seconds of CPU, and a run has four workers and a dozen products of its own.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent


def migrated_file() -> Path:
    """Return the file with the tables; the first process that asks makes it."""
    folder = Path(os.environ["FIELDWATCH_HOME"])
    ready, unfinished = folder / "migrated.sqlite3", folder / "migrating.sqlite3"
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": f"sqlite:///{unfinished}"},
                check=True,
            )
            with closing(sqlite3.connect(unfinished)) as tables:
                tables.execute("PRAGMA journal_mode=DELETE")  # one file, fit for copies in memory
            unfinished.rename(ready)
    return ready


def copy_to(path: Path) -> None:
    """Write a new database file with the tables."""
    with closing(sqlite3.connect(migrated_file())) as tables, closing(sqlite3.connect(path)) as new:
        tables.backup(new)


def copy_into_test_database(*_: object, **__: object) -> str:
    """Open the test database and copy the tables into it; stands in for Django's own."""
    name: str = connection.creation._get_test_db_name()  # type: ignore[attr-defined]
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.ensure_connection()
    with closing(sqlite3.connect(migrated_file())) as tables:
        tables.backup(connection.connection)
    return name
