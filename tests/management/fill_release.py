"""Fill every table of a release with a row, for `test_release_upgrade.py`.

Run by the code of that release, on an empty database that it has migrated:
`manage.py shell < fill_release.py`. Then dump the database: `sqlite3 FILE .dump`, and
`pg_dump --inserts --no-owner --no-privileges`, without lines that only a newer server knows.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VALUES: tuple[tuple[type[models.Field[Any, Any]], object], ...] = (
    (models.DateTimeField, NOW),
    (models.DateField, date(2026, 11, 20)),
    (models.TimeField, time(8, 0)),
    (models.JSONField, {"value": 1}),
    (models.BinaryField, b"\x01\x00\x00\x00"),
    (models.BooleanField, True),
    (models.DecimalField, Decimal("2.5")),
    (models.FloatField, 0.5),
    (models.IntegerField, 7),
    (models.EmailField, "anna@example.com"),
    (models.GenericIPAddressField, "203.0.113.7"),
)

# What may not be given together with another column.
LEFT_OUT = {("Edit", "project"), ("Mute", "group"), ("Rule", "group"), ("Rule", "project")}


def value_of(field: Any, rows: dict[Any, Any]) -> object:
    """Return a value that the field takes; foreign keys get the row of their table."""
    if field.is_relation:
        return rows.get(field.related_model) or make_row(field.related_model, rows)
    if field.choices:
        return next(value for value, _ in field.flatchoices if value not in ("", None))
    for kind, value in VALUES:
        if isinstance(field, kind):
            return value
    return f"{field.name}-1"[: field.max_length or 40]


def make_row(model: Any, rows: dict[Any, Any]) -> Any:
    """Create a row of this table, after those that it refers to, and remember it."""
    columns = {
        field.name: value_of(field, rows)
        for field in model._meta.concrete_fields
        if (not field.primary_key or field.is_relation) and field.related_model is not model
        if (model.__name__, field.name) not in LEFT_OUT
    }
    rows[model] = model._base_manager.create(**columns)
    return rows[model]


made: dict[Any, Any] = {}
for table in apps.get_app_config("fielding").get_models():
    if table not in made:
        make_row(table, made)
for label in ("account", "mfa", "socialaccount", "usersessions", "sessions"):
    for table in apps.get_app_config(label).get_models():
        if table not in made:
            make_row(table, made)
print(len(made), "tables filled")  # noqa: T201
