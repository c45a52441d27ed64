"""A project whose every field carries a mark that no client may read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

from dashboard.fielding.figures.client.status import COLUMNS
from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    AuditEvent,
    Channel,
    ExchangeAccount,
    Mail,
    Membership,
    Project,
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
    TargetGroup,
    User,
)
from tests import factories

TEXT = "LEAKED"
CODE = "qzx"  # where a text has no room for more
NUMBER = 919_191_919
SMALL = 29_191
MOMENT = datetime(2019, 9, 19, 19, 19, tzinfo=UTC)
COUNTRIES = ("de", "jp", "us", "br", "fr", "gb", "it", "es", "pl", "se", "nl", "in", "mx", "kr")
# What a client may see of a group; everything else is marked, a new column too.
SHARED = {"id", "account", "project", "exchange_id", "insight", "row_hash", *COLUMNS}
# Rows that are no part of the field, or what is tested.
OTHERS: set[type[models.Model]] = {
    AuditEvent,
    Channel,
    ExchangeAccount,
    Mail,
    Membership,
    Project,
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
    TargetGroup,
    User,
}


# Values by type of column, the narrower type first; texts are marked with a number of their own.
MARKS: tuple[tuple[type[models.Field[Any, Any]], Any], ...] = (
    (models.JSONField, {"text": TEXT, "numbers": [NUMBER], "more": {TEXT: TEXT}}),
    (models.PositiveSmallIntegerField, SMALL),
    (models.IntegerField, NUMBER),
    (models.FloatField, NUMBER),
    (models.DecimalField, NUMBER),
    (models.BooleanField, True),
    (models.DateTimeField, MOMENT),
    (models.DateField, MOMENT.date()),
    (models.TimeField, MOMENT.time()),
    (models.BinaryField, b""),
)


def marked_value(field: models.Field[Any, Any], number: int) -> Any:
    """A value of a column's type that is recognised wherever it is shown."""
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.CharField | models.TextField):
        longest = field.max_length or 99
        return CODE[:longest] if longest < len(TEXT) + 4 else f"{TEXT}{number}"
    matches = [value for kind, value in MARKS if isinstance(field, kind)]
    assert matches, f"say how a {type(field).__name__} is marked"
    return matches[0]


def marked_columns(
    model: type[models.Model], number: int, without: Collection[str]
) -> dict[str, Any]:
    """Marked values of all columns of a table but those that are given."""
    return {
        field.name: marked_value(field, number)
        for field in model._meta.concrete_fields
        if not field.is_relation and not field.primary_key and field.name not in without
    }


def marked_groups(project: Project, count: int) -> list[TargetGroup]:
    """Groups in many countries with progress and forecast; all else is marked."""
    now = timezone.now()
    marked = (
        marked_columns(TargetGroup, number, SHARED)
        | {
            "account_id": project.account_id,
            "project_id": project.pk,
            "exchange_id": factories.ulid(10_000 + number),
            "name": f"Name-{number}",
            "status": ("live", "paused", "completed", "scheduled", "draft")[number % 5],
            "missing_since": None,
            "country_code": COUNTRIES[number % len(COUNTRIES)],
            "starts_at": now - timedelta(days=7),
            "ends_at": now + timedelta(days=7),
            "finish_at": now + timedelta(days=9),
            "completes": number % 150,
            "prescreens": 300,
            "filling_strategy": "completes",
            "filling_goal": 200,
            "completes_goal": 200,
            "expected_incidence_rate": 0.3,
            "insight": {"forecast": {"at_end": [150, 170, 190], "text": TEXT}, "causes": [TEXT]},
        }
        for number in range(count)
    )
    return TargetGroup.objects.bulk_create(TargetGroup(**columns) for columns in marked)


def mark_other_tables(group: TargetGroup, user: User) -> set[str]:
    """A marked row in every other table that leads to the group; the names of those tables."""
    named = set()
    for model in apps.get_app_config("fielding").get_models():
        if model in OTHERS or not (columns := _relations(model, group, user)):
            continue
        marks = marked_columns(model, 1, columns)
        model._default_manager.create(**marks, **columns)
        named.add(model.__name__)
    return named


def _relations(model: type[models.Model], group: TargetGroup, user: User) -> dict[str, Any]:
    """The foreign keys of a table, if all those that it needs lead into the field."""
    known: dict[type[models.Model], models.Model] = {
        TargetGroup: group,
        Project: group.project,
        ExchangeAccount: group.account,
        User: user,
    }
    relations = [field for field in model._meta.concrete_fields if field.is_relation]
    columns = {
        field.name: known[field.related_model]  # type: ignore[index]
        for field in relations
        if field.related_model in known
    }
    if TargetGroup in {field.related_model for field in relations}:
        optional = [f.name for f in relations if f.null and f.related_model is Project]
        columns = {name: row for name, row in columns.items() if name not in optional}
    if model is Channel:  # of an account or of a person, never of both
        columns.pop("owner")
    needed = {field.name for field in relations if not field.null}
    return columns if columns and needed <= columns.keys() else {}


def marked_field(count: int) -> tuple[Project, User]:
    """An account with a project of many groups, and an editor; everything is marked."""
    account = factories.account(name=f"{TEXT}-account")
    names = {"username": f"{TEXT}-user", "first_name": TEXT, "last_name": TEXT}
    user = factories.person("editor", account, email=f"{TEXT}@example.com", **names)
    now = timezone.now()
    shared = {"id", "account", "exchange_id", "name", "read_at", "outlook"}
    marks = marked_columns(Project, 1, {*shared, "missing_since"})
    project = Project.objects.create(
        account=account, exchange_id=factories.ulid(9), name="Tracker", read_at=now, **marks
    )
    groups = marked_groups(project, count)
    factories.completes(
        TargetGroup.objects.get(pk=groups[0].pk),
        until=now.replace(minute=0, second=0, microsecond=0),
        counts=range(50),
    )
    mark_other_tables(TargetGroup.objects.get(pk=groups[1].pk), user)
    refresh_project_outlook(project.pk, now=now)
    return Project.objects.get(pk=project.pk), user


def find_leaks(text: str) -> Iterator[str]:
    """Every mark in a text; large numbers are marks, also where they were added up."""
    plain = re.sub(r"rgba\([\d,.]*\)", "", text)  # a colour
    plain = re.sub(r"(?<=\d),(?=\d)", "", plain)
    yield from re.findall(rf"(?i).{{0,30}}(?:{TEXT}|\b{CODE}\b).{{0,30}}", plain)
    yield from re.findall(rf"(?<![\d.])(?:\d{{9,}}|{SMALL})\b", plain)
    yield from re.findall(r"\b(?:2019|19 Sep)\b.{0,30}", plain)
