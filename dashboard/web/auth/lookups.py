"""What an address names, looked up among what the person may see; anything else is a 404."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest

from dashboard.fielding.models import ExchangeUser, Incident, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import (
    ExchangeUserQuerySet,
    IncidentQuerySet,
    ProjectQuerySet,
)
from dashboard.fielding.queries import group_page
from dashboard.web.auth.permissions import current_user

INCIDENT_RELATIONS = ("account", "project", "group", "acknowledged_by")  # read in the same query


def find_project(request: HttpRequest, pk: int, among: ProjectQuerySet | None = None) -> Project:
    """The project, if it is one of the person's; 404 otherwise."""
    projects = Project.objects.all() if among is None else among
    project = projects.visible_to(current_user(request)).filter(pk=pk).first()
    if project is None:
        raise Http404
    return cast("Project", project)


def find_group(request: HttpRequest, pk: int) -> TargetGroup:
    """The group, if it is one of the person's; 404 otherwise."""
    group = group_page.group_for_page(pk, current_user(request))
    if group is None:
        raise Http404
    return group


def find_incident(request: HttpRequest, pk: int) -> Incident:
    """The incident, if it is one of the person's; 404 otherwise."""
    visible = IncidentQuerySet(Incident).visible_to(current_user(request))
    incident = visible.select_related(*INCIDENT_RELATIONS).filter(pk=pk).first()
    if incident is None:
        raise Http404
    return cast("Incident", incident)


def names_by_exchange_id(request: HttpRequest) -> dict[str, str]:
    """Names by the exchange's ids, of the accounts that the person may see."""
    people = ExchangeUserQuerySet(ExchangeUser).visible_to(current_user(request))
    return {person.exchange_id: str(person) for person in people}
