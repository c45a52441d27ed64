"""The table behind Django's cache: wrong passwords and used codes count for all processes."""

from typing import Any

from django.core.management import call_command
from django.db import migrations


def create(_apps: Any, schema_editor: Any) -> None:
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


def drop(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE fielding_cache")


class Migration(migrations.Migration):
    dependencies = [("fielding", "0008_webhooks")]
    operations = [migrations.RunPython(create, drop)]
