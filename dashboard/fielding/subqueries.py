"""Parts of the reads of `queries`: what is told of a row by rows of other tables."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim

# An incident needs a person from its firing until it is resolved.
OPEN_INCIDENT = ("firing", "recovering")
# What moves when an open incident changes; when it closes, there is one fewer.
INCIDENT_MOMENTS = ("fired_at", "clear_since", "acknowledged_at")
# A group is in the field when it is live, or may be again at once.
IN_FIELD = ("live", "paused")


def per_project(model: str, aggregate: Count | Sum, **only: Any) -> Coalesce:
    """An aggregate over a project's rows of a model, as a subquery: joins would multiply rows."""
    rows = all_of(model).filter(project=OuterRef("pk"), **only)
    summed = rows.order_by().values("project").annotate(figure=aggregate).values("figure")
    return Coalesce(Subquery(summed), 0, output_field=models.FloatField())


def latest(field: str, only: dict[str, Any]) -> Subquery:
    """The latest moment among a project's groups."""
    rows = all_of("TargetGroup").filter(project=OuterRef("pk"), **only).order_by().values("project")
    return Subquery(rows.annotate(latest=Max(field)).values("latest"))


def all_of(model: str) -> models.QuerySet[Any]:
    """All rows of a model, by its name: the models import this module."""
    rows: models.QuerySet[Any] = apps.get_model("fielding", model)._default_manager.all()
    return rows


def stamp(model: str, of: dict[str, OuterRef], *moments: str, **only: Any) -> Coalesce:
    """A text that changes whenever one of these rows comes or goes, or one of its moments moves.

    A number (`version`) is summed, so that it changes with each row's.
    """
    parts: list[Any] = [Count("pk")]
    for moment in moments:
        parts += [Value("|"), Sum(moment) if moment == "version" else Max(moment)]
    rows = all_of(model).filter(**of, **only).order_by().values(*of)
    stamped = rows.annotate(stamp=Concat(*parts, output_field=models.TextField()))
    return Coalesce(Subquery(stamped.values("stamp")), Value(""), output_field=models.TextField())


def one(rows: models.QuerySet[Any], field: str) -> Subquery:
    """A field of the first of these rows."""
    return Subquery(rows.values(field)[:1])


def pm_name() -> Coalesce:
    """The name of the project manager that the rows of the outer query have the id of."""
    return Coalesce(person_named(OuterRef("project_manager_id")), Value(""))


def pm_of_project() -> Coalesce:
    """The project manager of a project; the lists seldom say, so that of most of its groups."""
    groups = all_of("TargetGroup").filter(project=OuterRef(OuterRef("pk")))
    told = groups.exclude(project_manager_id="").order_by().values("project_manager_id")
    most = told.annotate(number=Count("pk")).order_by("-number", "project_manager_id")
    theirs = person_named(Subquery(most.values("project_manager_id")[:1]))
    return Coalesce(NullIf(pm_name(), Value("")), theirs, Value(""))


def person_named(exchange_id: Any) -> Subquery:
    """The name of a person of the account of the outer query."""
    them = all_of("ExchangeUser").filter(account=OuterRef("account"), exchange_id=exchange_id)
    said = Coalesce(NullIf("name", Value("")), NullIf("email", Value("")), "exchange_id")
    return one(them.annotate(said=said), "said")


def full_name(of: str) -> Trim:
    """First and last name of a person that these rows point to."""
    return Trim(Concat(f"{of}__first_name", Value(" "), f"{of}__last_name"))


def open_incidents() -> models.QuerySet[Any]:
    return all_of("Incident").filter(state__in=OPEN_INCIDENT)


def called(text: str) -> Q:
    return (
        Q(name__icontains=text)
        | Q(human_readable_id__iexact=text)
        | Q(reference_number__icontains=text)
        | Q(exchange_id__iexact=text)
    )
