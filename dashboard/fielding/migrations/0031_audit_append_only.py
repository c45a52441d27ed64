"""Triggers: the database itself refuses to change or delete rows of the audit log."""

from typing import Any

from django.db import migrations

TABLE = "fielding_auditevent"
MESSAGE = "rows of the audit log are added, never changed or deleted"
SQLITE = [
    f"""CREATE TRIGGER audit_kept_{verb.lower()} BEFORE {verb} ON {TABLE}
    BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"""
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    f"""CREATE FUNCTION fielding_audit_kept() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$""",
    f"""CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION fielding_audit_kept()""",
    f"""CREATE TRIGGER audit_kept_whole BEFORE TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION fielding_audit_kept()""",
]


# Any: Django does not type the arguments of a migration's functions.
def create(_apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        schema_editor.execute(statement)


def drop(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER audit_kept_update")
        schema_editor.execute("DROP TRIGGER audit_kept_delete")
        return
    schema_editor.execute(f"DROP TRIGGER audit_kept_whole ON {TABLE}")
    schema_editor.execute(f"DROP TRIGGER audit_kept ON {TABLE}")
    schema_editor.execute("DROP FUNCTION fielding_audit_kept()")


class Migration(migrations.Migration):
    dependencies = [("fielding", "0030_sealed_mails")]
    operations = [migrations.RunPython(create, drop)]
