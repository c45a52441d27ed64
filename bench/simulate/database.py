"""The database of a simulated installation: SQLite in memory, which fails as the seed says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.utils import OperationalError

from bench.simulate.machine import Actor, Machine

AWAY = "the database went away"


class SimulatedDatabase(DatabaseWrapper):
    """One connection that all actors share: they give way only outside of transactions."""

    machine: Machine | None = None

    def _commit(self) -> None:
        """Commit; the worker may die, or its connection break, just before and just after."""
        self._pass()
        super()._commit()  # type: ignore[misc]
        self._pass()

    def run_statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Run a statement of an actor, unless it dies or fails here."""
        machine = self.machine
        if machine is not None and machine.actor is not None:
            if self.in_atomic_block:
                machine.count_statement()
            else:
                machine.pass_point(sql[:60])
            _fail_if_due(machine.actor)
        return execute(sql, params, many, context)

    def _pass(self) -> None:
        machine = self.machine
        if machine is not None and machine.actor is not None:
            machine.count_statement()
            _fail_if_due(machine.actor)


def _fail_if_due(actor: Actor) -> None:
    if actor.fails_in:
        actor.fails_in -= 1
        if actor.fails_in == 0:
            actor.had_database_error = True
            raise OperationalError(AWAY)


class Tables:
    """The tables as a new installation has them, copied anew for each story."""

    def __init__(self, migrated: Path) -> None:
        """Take the place of the process's database; `migrated`: an SQLite file of empty tables."""
        settings = {**connections[DEFAULT_DB_ALIAS].settings_dict, "NAME": ":memory:"}
        self.database = SimulatedDatabase(settings, DEFAULT_DB_ALIAS)
        connections[DEFAULT_DB_ALIAS] = self.database
        self.database.ensure_connection()
        self.database.execute_wrappers.append(self.database.run_statement)
        self._kept = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(migrated)) as tables:
            tables.backup(self._kept)
        self.restore()

    def keep(self) -> None:
        """Let every story begin with what the tables hold now."""
        self.database.connection.backup(self._kept)

    def restore(self) -> None:
        """Begin another story."""
        self._kept.backup(self.database.connection)

    def settle(self, actor: Actor) -> str:
        """Roll back what a dead actor left; of a living one, return what it left open."""
        database, raw = self.database, self.database.connection
        left = "a transaction is left open" if raw.in_transaction else ""
        if raw.in_transaction:
            raw.rollback()
        database.run_on_commit = []
        database.needs_rollback = database.in_atomic_block = False
        database.savepoint_ids, database.atomic_blocks = [], []
        database.autocommit = True
        return "" if actor.is_dead or actor.had_database_error else left
