"""Projects, and a project with its groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import ExchangeUser, Incident, Project, TargetGroup
from dashboard.fielding.queries import ExchangeUserQuerySet, IncidentQuerySet
from dashboard.web import conditional, tables
from dashboard.web.access import Rule, person, rule
from dashboard.web.listing import Listing
from dashboard.web.rows import group_rows, leading, project_row


@rule(Rule.SIGNED_IN)
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """The person's projects."""
    listing = Listing(request.GET, tables.PROJECTS, "activity", tables.PROJECT_FILTERS)
    mine = Project.objects.visible_to(person(request))
    found, total = listing.rows(tables.narrow(mine.for_list(), listing))
    names = people(request)
    now = datetime.now(UTC)
    context = {
        "rows": [project_row(project, names, now) for project in found],
        "listing": listing,
        "pages": listing.pages(total),
        "statuses": tables.statuses(mine.values_list("status", flat=True).distinct()),
    }
    return render(request, "projects.html", context)


@rule(Rule.MEMBER)
@require_safe
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """A project with its groups."""
    of = Project.objects.visible_to(person(request)).with_pulse().filter(pk=pk).first()
    if of is None:
        raise Http404
    etag = conditional.mark(request, of.version, of.pulse)
    if same := conditional.unchanged(request, etag, of.read_at):
        return same
    context = _groups(request, of)
    return conditional.page(request, "project", context, etag=etag, read_at=of.read_at)


def _groups(request: HttpRequest, of: Project) -> dict[str, Any]:
    """The table of a project's groups."""
    listing = Listing(request.GET, tables.GROUPS, "short", tables.GROUP_FILTERS)
    everything = TargetGroup.objects.filter(project=of).select_related("project")
    found, total = listing.rows(tables.narrow(everything, listing))
    firing = IncidentQuerySet(Incident).filter(project=of).open().by_urgency()
    names = people(request)
    return {
        "project": of,
        "manager": names.get(of.project_manager_id, ""),
        "rows": group_rows(found, leading(firing)),
        "listing": listing,
        "pages": listing.pages(total),
        "choices": tables.choices(everything, names),
    }


def people(request: HttpRequest) -> dict[str, str]:
    """Names by the exchange's ids, of the accounts that the person may see."""
    seen = ExchangeUserQuerySet(ExchangeUser).visible_to(person(request))
    return {one.exchange_id: str(one) for one in seen}
