"""Databases of earlier releases and an empty one end with the same tables, and no row is lost.

`release_0_1_0/` and `release_0_2_0/` hold a database of that release as its own code made it, in
the SQL of each database: its tables, the record of its migrations and a row of every table.
`fill_release.py` says how they were made.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.conftest import missing
from tests.management.machine import Machine
from tests.prepared import create_postgresql, prepare_tables

RELEASES = ("release_0_1_0", "release_0_2_0")
FOLDER = Path(__file__).parent
LAST_OF_THE_FIRST = "0026_costs_of_billions"
POSTGRESQL_SCHEMA = (
    "SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision,"
    " numeric_scale, is_nullable, column_default, identity_generation"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
)

Rows = dict[str, list[dict[str, Any]]]


class SqliteDatabase:
    """A file of SQLite below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.machine = Machine(folder)

    def connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "own.sqlite3")

    def fill_with_release(self, release: str) -> None:
        with contextlib.closing(self.connect()) as connection:
            connection.executescript((FOLDER / release / "sqlite.sql").read_text())

    def execute(self, statement: str) -> None:
        with contextlib.closing(self.connect()) as connection, connection:
            connection.execute(statement)

    def schema(self) -> set[object]:
        """Every table as the set of its columns and constraints, every index and trigger."""
        query = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        with contextlib.closing(self.connect()) as connection:
            return {
                (kind, name, _parts_of_table(text) if kind == "table" else text)
                for kind, name, text in connection.execute(query)
            }

    def rows(self) -> Rows:
        with contextlib.closing(self.connect()) as connection:
            connection.row_factory = sqlite3.Row
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            return {
                name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]  # noqa: S608
                for (name,) in names.fetchall()
            }


class PostgresqlDatabase:
    """A database of PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self.machine = Machine(folder, url)

    def fill_with_release(self, release: str) -> None:
        self.execute((FOLDER / release / "postgresql.sql").read_text())

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def schema(self) -> set[object]:
        """Every column, constraint, index, trigger and function."""
        with psycopg.connect(self.url) as connection:
            return {
                tuple(_without_casts(value) for value in row)
                for query in POSTGRESQL_SCHEMA
                for row in connection.execute(query.encode())
            }

    def rows(self) -> Rows:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        with psycopg.connect(self.url, row_factory=psycopg.rows.dict_row) as connection:
            names = [row["tablename"] for row in connection.execute(query)]
            return {
                name: connection.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
                ).fetchall()
                for name in names
            }


Database = SqliteDatabase | PostgresqlDatabase


def _parts_of_table(text: str) -> frozenset[str]:
    """The columns and constraints of a CREATE TABLE, whatever their order."""
    body = text[text.index("(") + 1 : text.rindex(")")]
    parts, depth, quoted = [""], 0, False
    for character in body:
        quoted ^= character == "'"
        depth += (character == "(") - (character == ")") if not quoted else 0
        if character == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return frozenset(re.sub(r"\s+", " ", part).strip() for part in parts)


def _without_casts(value: object) -> object:
    """A definition without casts and brackets: pg_dump writes those of conditions otherwise."""
    if not isinstance(value, str):
        return value
    return re.sub(r"::(text|character varying)(\[\])?|[()]", "", value)


# Tables and columns that took other names since, by their names of then.
TABLES = {
    "fielding_usual": "fielding_baseline",
    "fielding_pulse": "fielding_heartbeat",
    "fielding_thinned": "fielding_thinningprogress",
    "fielding_mailchoice": "fielding_mailpreferences",
    "fielding_groupsheet": "fielding_grouppanels",
}
COLUMNS = {
    "told_at": "webhook_changed_at",
    "owed_at": "retry_at",
    "owes_since": "failing_since",
    "reconciling": "completes_may_fall",
    "pass_to": "pass_cursor",
    "pass_since": "pass_started_at",
    "whole_at": "first_pull_completed_at",
    "left": "groups_left",
}
# Django's own, which Fieldwatch does not use; and the cache.
NEVER_FILLED = {
    "auth_group",
    "auth_group_permissions",
    "fielding_user_groups",
    "fielding_user_user_permissions",
    "fielding_cache",
}
# Django's own list of models names them, too.
MODELS = {"usual", "pulse", "thinned", "mailchoice", "groupsheet"}


# Columns that are gone: quiet weekends became quiet days, and a speed is learned anew each hour.
GONE = {"fielding_mailchoice": {"quiet_weekends"}, "fielding_usual": {"speed"}}


def _renamed(table: str, row: dict[str, object]) -> dict[str, object]:
    gone = GONE.get(table, set())
    return {COLUMNS.get(name, name): value for name, value in row.items() if name not in gone}


def _lost(before: Rows, after: Rows) -> list[str]:
    """What a table held before and no longer holds as it was, table by table."""
    return [
        f"{table}: {row}"
        for table, rows in before.items()
        for row in (_renamed(table, row) for row in rows)
        if row.get("model") not in MODELS
        if not any(
            row.items() <= other.items() for other in after.get(TABLES.get(table, table), [])
        )
    ]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, ...]]:
    """Two empty databases of a kind, and one that was migrated from an empty one."""
    if request.param == "sqlite":
        prepared = tuple(SqliteDatabase(tmp_path / name) for name in ("first", "second", "new"))
        prepare_tables(prepared[-1].folder, "own.sqlite3")
        yield prepared
        return
    url = os.environ.get("TEST_DATABASE_URL", "")
    if not url:
        missing("TEST_DATABASE_URL names no PostgreSQL")
    names = [f"fieldwatch_upgrade_{secrets.token_hex(4)}" for _ in range(3)]
    with psycopg.connect(url, autocommit=True) as server:
        for name in names[:-1]:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    create_postgresql(url, names[-1])
    yield tuple(
        PostgresqlDatabase(tmp_path / name, urlunsplit(urlsplit(url)._replace(path=f"/{name}")))
        for name in names
    )
    with psycopg.connect(url, autocommit=True) as server:
        for name in names:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_the_releases_and_an_empty_database_end_with_the_same_tables_and_lose_no_row(
    databases: tuple[Database, ...],
) -> None:
    *old, new = databases
    recorded = _migrations(new)
    for database, release in zip(old, RELEASES, strict=True):
        database.fill_with_release(release)
        before = database.rows()
        empty = {name for name, rows in before.items() if not rows}
        assert empty <= NEVER_FILLED, f"{release} holds no row of {empty - NEVER_FILLED}"
        database.machine.run("migrate", "--verbosity", "0")
        assert database.schema() == new.schema(), release
        after = database.rows()
        assert not _lost(before, after), release
        assert [row["quiet_days"] for row in after["fielding_mailpreferences"]] == ["67"]
        assert _migrations(database) == recorded, release


def _migrations(database: Database) -> set[tuple[str, str]]:
    return {(row["app"], row["name"]) for row in database.rows()["django_migrations"]}


def test_a_database_from_before_the_first_release_is_refused_and_left_as_it_is(
    databases: tuple[Database, ...],
) -> None:
    old = databases[0]
    old.fill_with_release(RELEASES[0])
    old.execute(f"DELETE FROM django_migrations WHERE name = '{LAST_OF_THE_FIRST}'")  # noqa: S608
    before = old.rows()
    assert LAST_OF_THE_FIRST in old.machine.run("migrate", code=1)
    assert old.rows() == before
