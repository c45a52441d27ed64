"""SQLite: no row of the audit log is replaced, which its triggers of changes do not see.

SQLite calls the trigger of a deletion for `REPLACE` only with `recursive_triggers` on. PostgreSQL
has no such statement.
"""

from typing import Any

from django.db import migrations

TABLE = "fielding_auditevent"
MESSAGE = "rows of the audit log are added, never changed or deleted"
KNOWN = f"EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)"  # noqa: S608


# Any: Django does not type the arguments of a migration's functions.
def create(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER audit_kept_replace BEFORE INSERT ON {TABLE} WHEN {KNOWN}"
            f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def drop(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER audit_kept_replace")


class Migration(migrations.Migration):
    dependencies = [("fielding", "0061_job_waiting_since")]
    operations = [migrations.RunPython(create, drop)]
