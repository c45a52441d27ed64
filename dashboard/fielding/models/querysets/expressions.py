"""Expressions of the reads in `rows`: annotations of a row from other tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, Trim

# An incident is open from when it fires until it resolves.
OPEN_INCIDENT = ("firing", "recovering")
# The times that move when an open incident changes; when it closes, there is one fewer.
INCIDENT_MOMENTS = ("fired_at", "clear_since", "acknowledged_at")
# The columns of a line about a change.
LINE = (
    "group_id",
    "occurred_at",
    "kind",
    "old",
    "new",
    "actor_type",
    "actor_id",
    "reason_code",
)
# A group is in field if it is live, or can be live again immediately.
IN_FIELD = ("live", "paused")
BEHIND_PACE = ("behind", "far behind")  # bands of a group's pace


def per_project(model: str, aggregate: Count | Sum, **only: object) -> Coalesce:
    """Return an aggregate over a project's rows of a model, as a subquery: joins multiply rows."""
    rows = all_of(model).filter(project=OuterRef("pk"), **only)
    summed = rows.order_by().values("project").annotate(figure=aggregate).values("figure")
    return Coalesce(Subquery(summed), 0, output_field=models.FloatField())


def project_sum(member: str) -> Coalesce:
    """Return a number of a project's outlook, 0 before the first pull has worked one out."""
    number = Cast(KT(f"outlook__{member}"), models.FloatField())
    return Coalesce(number, 0.0, output_field=models.FloatField())


def latest_among_groups(field: str, only: Mapping[str, object]) -> Subquery:
    """Return the latest value of a time column among a project's groups."""
    rows = all_of("TargetGroup").filter(project=OuterRef("pk"), **only).order_by().values("project")
    return Subquery(rows.annotate(latest=Max(field)).values("latest"))


# Any: a model by its name has no type that the caller could read.
def all_of(model: str) -> models.QuerySet[Any]:
    """Return all rows of a model by its name, because the models import this module."""
    rows: models.QuerySet[Any] = apps.get_model("fielding", model)._default_manager.all()
    return rows


def version_token(rows: str, *moments: str) -> RawSQL:
    """Return a text that changes whenever a row is added or removed, or one of its times moves.

    A number (`version`) is summed, so that it changes with each row's. This is constant SQL because
    pages load often: the ORM takes 3 ms to compile it, the database 0.03 ms to run it.
    """
    parts = ["COUNT(*)"]
    for moment in moments:
        function = "SUM" if moment == "version" else "MAX"
        parts.append(f"COALESCE(CAST({function}(s.{moment}) AS TEXT), '')")
    text = " || '|' || ".join(parts)
    sql = f"(SELECT {text} FROM {rows})"  # noqa: S608
    return RawSQL(sql, [], output_field=models.TextField())  # noqa: S611


_OPEN = "s.state IN ('firing', 'recovering')"


def project_version_token() -> Concat:
    """Return the version token of a project's open incidents and items."""
    source = "s WHERE s.project_id = fielding_project.id"
    return Concat(
        version_token(f"fielding_incident {source} AND {_OPEN}", *INCIDENT_MOMENTS),
        version_token(f"fielding_item {source} AND s.state <> 'closed'", "changed_at"),
    )


def group_version_token() -> Concat:
    """Return the version token of a group's incidents, open items, mutes and edits."""
    source = "s WHERE s.group_id = fielding_targetgroup.id"
    return Concat(
        version_token(f"fielding_incident {source}", "fired_at", "closed_at", "acknowledged_at"),
        version_token(
            "fielding_item s WHERE s.target_group_id = fielding_targetgroup.id"
            " AND s.state <> 'closed'",
            "changed_at",
        ),
        version_token(f"fielding_mute {source}", "until"),
        version_token(f"fielding_edit {source}", "started_at", "settled_at", "check_at"),
    )


def earliest_check() -> RawSQL:
    """Return when the next check of a group's open edits is due; null without one."""
    sql = (
        "(SELECT MIN(s.check_at) FROM fielding_edit s WHERE s.group_id = fielding_targetgroup.id"
        " AND s.state IN ('sending', 'unknown'))"
    )
    return RawSQL(sql, [], output_field=models.DateTimeField(null=True))  # noqa: S611


def account_version_token() -> Concat:
    """Return the version token of an account's projects, incidents, items and edits."""
    source = "s WHERE s.account_id = fielding_membership.account_id"
    return Concat(
        version_token(f"fielding_project {source}", "version"),
        version_token(f"fielding_incident {source} AND {_OPEN}", *INCIDENT_MOMENTS),
        version_token(f"fielding_item {source} AND s.state <> 'closed'", "changed_at"),
        version_token(f"fielding_edit {source}", "started_at", "settled_at"),
    )


def oldest_reading() -> RawSQL:
    """Return when the least recently read project of an account was read, polled ones first."""
    source = "fielding_project s WHERE s.account_id = fielding_membership.account_id"
    polled = "MIN(CASE WHEN s.due_at IS NOT NULL THEN s.read_at END)"
    sql = f"(SELECT COALESCE({polled}, MIN(s.read_at)) FROM {source})"  # noqa: S608
    return RawSQL(sql, [], output_field=models.DateTimeField())  # noqa: S611


def _person_name(exchange_id: str, account: str) -> str:
    """Return SQL for the name of an account's person by exchange id."""
    return (
        "(SELECT COALESCE(NULLIF(u.name, ''), NULLIF(u.email, ''), u.exchange_id)"  # noqa: S608
        f" FROM fielding_exchangeuser u WHERE u.account_id = {account}"
        f" AND u.exchange_id = {exchange_id})"
    )


def _text(sql: str) -> RawSQL:
    return RawSQL(sql, [], output_field=models.TextField())  # noqa: S611 - constants alone


def pm_name() -> RawSQL:
    """Return the name of a group's project manager; empty without one."""
    name = _person_name(
        "fielding_targetgroup.project_manager_id", "fielding_targetgroup.account_id"
    )
    return _text(f"COALESCE({name}, '')")


def pm_of_project() -> RawSQL:
    """Return the project manager of a project; if unknown, that of most of its groups."""
    account = "fielding_project.account_id"
    of_most_groups = (
        "(SELECT g.project_manager_id FROM fielding_targetgroup g"
        " WHERE g.project_id = fielding_project.id AND g.project_manager_id <> ''"
        " GROUP BY g.project_manager_id ORDER BY COUNT(*) DESC, g.project_manager_id LIMIT 1)"
    )
    own = _person_name("fielding_project.project_manager_id", account)
    other = _person_name(of_most_groups, account)
    return _text(f"COALESCE(NULLIF({own}, ''), {other}, '')")


def actor_name() -> RawSQL:
    """Return the name of who made a change; null for a person outside the account."""
    return _text(_person_name("fielding_change.actor_id", "fielding_change.account_id"))


def newest_note(column: str, kind: models.Field[Any, Any]) -> RawSQL:
    """Return a column of a group's newest note, or of its author (`u`); null without one."""
    sql = (
        f"(SELECT {column} FROM fielding_note n LEFT JOIN fielding_user u ON u.id = n.by_id"  # noqa: S608
        " WHERE n.group_id = fielding_targetgroup.id ORDER BY n.at DESC, n.id DESC LIMIT 1)"
    )
    return RawSQL(sql, [], output_field=kind)  # noqa: S611 - constants alone


WRITER = "COALESCE(NULLIF(TRIM(u.first_name || ' ' || u.last_name), ''), u.username)"


def full_name(relation: str) -> Trim:
    """Return the first and last name of a related person."""
    return Trim(Concat(f"{relation}__first_name", Value(" "), f"{relation}__last_name"))


def open_incidents() -> models.QuerySet[Any]:
    return all_of("Incident").filter(state__in=OPEN_INCIDENT)


def name_matches(text: str) -> Q:
    return (
        Q(name__icontains=text)
        | Q(human_readable_id__iexact=text)
        | Q(reference_number__icontains=text)
        | Q(exchange_id__iexact=text)
    )
