"""Roles that groups decide; deletion of audit entries that are older than AUDIT_DAYS.

The triggers of the audit log now let rows go that are older than the cutoff, which exists only
within the transaction that deletes them.
"""

from typing import Any

from django.db import migrations, models

TABLE, CUTOFF = "fielding_auditevent", "fielding_auditcutoff"
MESSAGE = "rows of the audit log are added, never changed or deleted"
EXPIRED = f"EXISTS (SELECT 1 FROM {CUTOFF} WHERE OLD.at < {CUTOFF}.before)"  # noqa: S608
REFUSE_ON_SQLITE = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
SQLITE = [
    "DROP TRIGGER audit_kept_delete",
    f"CREATE TRIGGER audit_kept_delete BEFORE DELETE ON {TABLE}"
    f" WHEN NOT {EXPIRED} {REFUSE_ON_SQLITE}",
]
SQLITE_BACK = [
    "DROP TRIGGER audit_kept_delete",
    f"CREATE TRIGGER audit_kept_delete BEFORE DELETE ON {TABLE} {REFUSE_ON_SQLITE}",
]
FUNCTION = "CREATE OR REPLACE FUNCTION fielding_audit_kept() RETURNS trigger LANGUAGE plpgsql AS"
POSTGRESQL = [
    f"""{FUNCTION} $$ BEGIN
    IF TG_OP = 'DELETE' THEN
      IF {EXPIRED} THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION '{MESSAGE}'; END $$"""
]
POSTGRESQL_BACK = [f"{FUNCTION} $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$"]


# Any: Django does not type the arguments of a migration's functions.
def allow_expiry(_apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE if sqlite else POSTGRESQL:
        schema_editor.execute(statement)


def forbid_expiry(_apps: Any, schema_editor: Any) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE_BACK if sqlite else POSTGRESQL_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("fielding", "0056_shared_status")]
    operations = [
        migrations.AddField(
            model_name="membership",
            name="by_groups",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="AuditCutoff",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before", models.DateTimeField()),
            ],
        ),
        migrations.RunPython(allow_expiry, forbid_expiry),
    ]
