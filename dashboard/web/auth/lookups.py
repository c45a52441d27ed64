"""Objects named by a URL, among those the person may see; anything else is 404."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from dashboard.fielding.models import ExchangeUser, Incident, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import (
    ExchangeUserQuerySet,
    IncidentQuerySet,
    ProjectQuerySet,
)
from dashboard.fielding.queries import group_page, project_page
from dashboard.web.auth.permissions import current_user

# Read in the same query.
INCIDENT_RELATIONS = ("account", "project", "group", "acknowledged_by", "item")


def find_project(request: HttpRequest, pk: int, among: ProjectQuerySet | None = None) -> Project:
    """Return the project, or raise 404 if the person may not see it."""
    projects = Project.objects.all() if among is None else among
    project = projects.visible_to(current_user(request)).filter(pk=pk).first()
    if project is None:
        raise Http404
    return project


def find_project_for_page(request: HttpRequest, pk: int) -> Project:
    """Return the project with what its own page shows, or raise 404 if it may not be seen."""
    project = project_page.project_for_page(pk, current_user(request))
    if project is None:
        raise Http404
    return project


def find_group(request: HttpRequest, pk: int) -> TargetGroup:
    """Return the group, or raise 404 if the person may not see it."""
    group = group_page.group_for_page(pk, current_user(request))
    if group is None:
        raise Http404
    return group


def find_incident(request: HttpRequest, pk: int) -> Incident:
    """Return the incident, or raise 404 if the person may not see it."""
    visible = IncidentQuerySet(Incident).visible_to(current_user(request))
    incident = visible.select_related(*INCIDENT_RELATIONS).filter(pk=pk).first()
    if incident is None:
        raise Http404
    return incident


def names_by_exchange_id(request: HttpRequest) -> dict[str, str]:
    """Return the names of exchange users by id, over the person's accounts."""
    people = ExchangeUserQuerySet(ExchangeUser).visible_to(current_user(request))
    return {person.exchange_id: str(person) for person in people}
