"""What a new installation makes at its first start, made once for all processes of a run.

Migrating takes ten seconds of CPU and packing the static files four, and a run has four workers
and a dozen products and databases of its own.
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
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
COLLECT = "from dashboard.management.static_files import collect_if_changed; collect_if_changed()"
MIGRATE = ("migrate", "--verbosity", "0")


def _prepared(name: str, *command: str) -> Path:
    """Return a file or folder of a prepared state folder; the first process that asks makes it."""
    folder = Path(os.environ["FIELDWATCH_HOME"]) / "prepared"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / f"{name}.done"
        if not mark.exists():
            _manage(folder, *command)
            mark.touch()
    return folder / name


def _manage(home: Path, *command: str, database: str = "") -> None:
    environment = os.environ | {"FIELDWATCH_HOME": str(home), "DATABASE_URL": database}
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)


def _migrated_file() -> Path:
    return _prepared("fieldwatch.sqlite3", *MIGRATE)


def create_postgresql(server: str, name: str) -> str:
    """Create a database of the tables beside the one that is named; return its address."""
    template = prepare_template(server)
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server, autocommit=True) as connected:
        connected.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    return _beside(server, name)


def fill_postgresql(server: str, address: str) -> None:
    """Write the tables into an empty database of another server."""
    template = _beside(server, prepare_template(server))
    dump = subprocess.run(
        ["pg_dump", "--no-owner", "--dbname", template], stdout=subprocess.PIPE, check=True
    )
    psql = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", address]
    subprocess.run(psql, input=dump.stdout, stdout=subprocess.DEVNULL, check=True)


def prepare_environment(given: dict[str, str]) -> None:
    """Write the tables into the new database of an environment."""
    if given["DATABASE_URL"].startswith("sqlite"):
        prepare_tables(Path(given["FIELDWATCH_HOME"]))
    else:
        fill_postgresql(given["DATABASE_URL"], given["DATABASE_URL"])


def prepare_template(server: str) -> str:
    """Return the name of the database of the tables that others are copied from."""
    name, server = _template_name(), _beside(server, "postgres")
    folder = Path(os.environ["FIELDWATCH_HOME"]) / "prepared"
    folder.mkdir(exist_ok=True)
    with (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "template.server").exists():
            with psycopg.connect(server, autocommit=True) as connected:
                connected.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            (folder / "template.server").write_text(server)
            _manage(folder, *MIGRATE, database=_beside(server, name))
    return name


def drop_template() -> None:
    """Drop the database that others were copied from, if there is one."""
    mark = Path(os.environ["FIELDWATCH_HOME"]) / "prepared" / "template.server"
    if mark.exists():
        with psycopg.connect(mark.read_text(), autocommit=True) as connected:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connected.execute(drop.format(sql.Identifier(_template_name())))


def _template_name() -> str:
    return f"fieldwatch_template_{Path(os.environ['FIELDWATCH_HOME']).name[-8:]}"


def _beside(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


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
