"""Parts of the reads of `queries`: what is told of a row by rows of other tables."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat, Trim

# An incident needs a person from its firing until it is resolved.
OPEN_INCIDENT = ("firing", "recovering")
# What moves when an open incident changes; when it closes, there is one fewer.
INCIDENT_MOMENTS = ("fired_at", "clear_since", "acknowledged_at")
# What a line about a change says.
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
# A group is in the field when it is live, or may be again at once.
IN_FIELD = ("live", "paused")


def per_project(model: str, aggregate: Count | Sum, **only: Any) -> Coalesce:
    """An aggregate over a project's rows of a model, as a subquery: joins would multiply rows."""
    rows = all_of(model).filter(project=OuterRef("pk"), **only)
    summed = rows.order_by().values("project").annotate(figure=aggregate).values("figure")
    return Coalesce(Subquery(summed), 0, output_field=models.FloatField())


def project_sum(member: str) -> Coalesce:
    """A number of a project's outlook, 0 before the first pull has worked one out."""
    number = Cast(KT(f"outlook__{member}"), models.FloatField())
    return Coalesce(number, 0.0, output_field=models.FloatField())


def latest_among_groups(field: str, only: dict[str, Any]) -> Subquery:
    """The latest moment among a project's groups."""
    rows = all_of("TargetGroup").filter(project=OuterRef("pk"), **only).order_by().values("project")
    return Subquery(rows.annotate(latest=Max(field)).values("latest"))


def all_of(model: str) -> models.QuerySet[Any]:
    """All rows of a model, by its name: the models import this module."""
    rows: models.QuerySet[Any] = apps.get_model("fielding", model)._default_manager.all()
    return rows


def version_token(rows: str, *moments: str) -> RawSQL:
    """A text that changes whenever one of these rows comes or goes, or one of its moments moves.

    A number (`version`) is summed, so that it changes with each row's. Written as SQL, of constants
    alone: pages are asked for again and again, and the ORM takes 3 ms to write this, the database
    0.03 ms to run it.
    """
    parts = ["COUNT(*)"]
    for moment in moments:
        how = "SUM" if moment == "version" else "MAX"
        parts.append(f"COALESCE(CAST({how}(s.{moment}) AS TEXT), '')")
    said = " || '|' || ".join(parts)
    sql = f"(SELECT {said} FROM {rows})"  # noqa: S608
    return RawSQL(sql, [], output_field=models.TextField())  # noqa: S611


_OPEN = "s.state IN ('firing', 'recovering')"


def project_version_token() -> RawSQL:
    """What changes whenever an open incident of a project does."""
    mine = f"fielding_incident s WHERE s.project_id = fielding_project.id AND {_OPEN}"
    return version_token(mine, *INCIDENT_MOMENTS)


def group_version_token() -> Concat:
    """What changes whenever an incident or edit of a group does."""
    mine = "s WHERE s.group_id = fielding_targetgroup.id"
    return Concat(
        version_token(f"fielding_incident {mine}", "fired_at", "closed_at", "acknowledged_at"),
        version_token(f"fielding_mute {mine}", "until"),
        version_token(f"fielding_edit {mine}", "started_at", "settled_at"),
    )


def account_version_token() -> Concat:
    """What changes whenever a project, open incident or edit of a member's account does."""
    mine = "s WHERE s.account_id = fielding_membership.account_id"
    return Concat(
        version_token(f"fielding_project {mine}", "version"),
        version_token(f"fielding_incident {mine} AND {_OPEN}", *INCIDENT_MOMENTS),
        version_token(f"fielding_edit {mine}", "started_at", "settled_at"),
    )


def oldest_reading() -> RawSQL:
    """When the oldest numbers of an account were read, of projects that are still read if any."""
    mine = "fielding_project s WHERE s.account_id = fielding_membership.account_id"
    still = "MIN(CASE WHEN s.due_at IS NOT NULL THEN s.read_at END)"
    sql = f"(SELECT COALESCE({still}, MIN(s.read_at)) FROM {mine})"  # noqa: S608
    return RawSQL(sql, [], output_field=models.DateTimeField())  # noqa: S611


def _person(exchange_id: str, account: str) -> str:
    """SQL: the name of a person of an account by their id there."""
    return (
        "(SELECT COALESCE(NULLIF(u.name, ''), NULLIF(u.email, ''), u.exchange_id)"  # noqa: S608
        f" FROM fielding_exchangeuser u WHERE u.account_id = {account}"
        f" AND u.exchange_id = {exchange_id})"
    )


def _words(sql: str) -> RawSQL:
    return RawSQL(sql, [], output_field=models.TextField())  # noqa: S611 - constants alone


def pm_name() -> RawSQL:
    """The name of a group's project manager; empty where nobody is named."""
    of = _person("fielding_targetgroup.project_manager_id", "fielding_targetgroup.account_id")
    return _words(f"COALESCE({of}, '')")


def pm_of_project() -> RawSQL:
    """The project manager of a project; the lists seldom say, so that of most of its groups."""
    account = "fielding_project.account_id"
    most = (
        "(SELECT g.project_manager_id FROM fielding_targetgroup g"
        " WHERE g.project_id = fielding_project.id AND g.project_manager_id <> ''"
        " GROUP BY g.project_manager_id ORDER BY COUNT(*) DESC, g.project_manager_id LIMIT 1)"
    )
    own, theirs = _person("fielding_project.project_manager_id", account), _person(most, account)
    return _words(f"COALESCE(NULLIF({own}, ''), {theirs}, '')")


def actor_name() -> RawSQL:
    """Who made a change, by name; null for nobody of the account."""
    return _words(_person("fielding_change.actor_id", "fielding_change.account_id"))


def newest_note(what: str, kind: models.Field[Any, Any]) -> RawSQL:
    """A column of a group's newest note, or of its writer (`u`); null without one."""
    sql = (
        f"(SELECT {what} FROM fielding_note n LEFT JOIN fielding_user u ON u.id = n.by_id"  # noqa: S608
        " WHERE n.group_id = fielding_targetgroup.id ORDER BY n.at DESC, n.id DESC LIMIT 1)"
    )
    return RawSQL(sql, [], output_field=kind)  # noqa: S611 - constants alone


WRITER = "COALESCE(NULLIF(TRIM(u.first_name || ' ' || u.last_name), ''), u.username)"


def full_name(of: str) -> Trim:
    """First and last name of a person that these rows point to."""
    return Trim(Concat(f"{of}__first_name", Value(" "), f"{of}__last_name"))


def open_incidents() -> models.QuerySet[Any]:
    return all_of("Incident").filter(state__in=OPEN_INCIDENT)


def name_matches(text: str) -> Q:
    return (
        Q(name__icontains=text)
        | Q(human_readable_id__iexact=text)
        | Q(reference_number__icontains=text)
        | Q(exchange_id__iexact=text)
    )
