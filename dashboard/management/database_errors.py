"""What an operator can do about an error of the database, in a sentence."""

from __future__ import annotations

from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


def explain_database_error(error: DatabaseError) -> str | None:
    """Return what is wrong with the database and what to do; None for a fault of Fieldwatch.

    It asks the database whether it answers, and whether it has the tables of this release.
    """
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as exc:
        return f"The database cannot be used: {_reason_of(exc)} Check DATABASE_URL."
    if missing == len(executor.loader.graph.nodes):
        return "The database has no tables yet. Run manage.py migrate first."
    if missing:
        migrations = "1 migration" if missing == 1 else f"{missing} migrations"
        return f"The database lacks {migrations} of this release. Run manage.py migrate first."
    if isinstance(error, OperationalError):
        return f"The database refused: {_reason_of(error)}"
    return None


def _reason_of(error: DatabaseError) -> str:
    """Return the first line of an error, with a full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".") + "."
