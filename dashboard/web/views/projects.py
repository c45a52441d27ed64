"""Projects, a project with its groups, and the groups of all projects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import ExchangeUser, Incident, Project, TargetGroup
from dashboard.fielding.queries import ExchangeUserQuerySet, IncidentQuerySet
from dashboard.web import conditional, exports, sections, tables
from dashboard.web.access import Rule, memberships, person, rule
from dashboard.web.listing import Listing
from dashboard.web.rows import group_rows, leading, project_row


@rule(Rule.SIGNED_IN)
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """The person's projects."""
    listing = Listing(request.GET, tables.PROJECTS, "activity", tables.PROJECT_FILTERS)
    mine = Project.objects.visible_to(person(request))
    found, total = listing.rows(tables.narrow(mine.for_list(), listing))
    names, now = people(request), datetime.now(UTC)
    context = {
        "rows": [project_row(project, names, now) for project in found],
        "listing": listing,
        "pages": listing.pages(total),
        "statuses": tables.statuses(mine.values_list("status", flat=True).distinct()),
        "accounts": [one.account for one in memberships(request).values()],
    }
    return render(request, "projects.html", context)


def found_project(request: HttpRequest, pk: int) -> Project:
    """The project, if it is one of the person's; 404 otherwise."""
    of = Project.objects.visible_to(person(request)).with_pulse().filter(pk=pk).first()
    if of is None:
        raise Http404
    return cast("Project", of)


@rule(Rule.MEMBER)
@require_safe
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """A project with its groups."""
    of = found_project(request, pk)
    etag = conditional.mark(request, of.version, of.pulse)  # type: ignore[attr-defined]
    if same := conditional.unchanged(request, etag, of.read_at):
        return same
    names = people(request)
    firing = IncidentQuerySet(Incident).filter(project=of)
    context = _table(request, _listing(request), of.target_groups.all(), firing, names)
    context |= {"project": of, "manager": names.get(of.project_manager_id, "")}
    return conditional.page(request, "project", context, etag=etag, read_at=of.read_at)


@rule(Rule.SIGNED_IN)
@require_safe
def groups(request: HttpRequest) -> HttpResponse:
    """The groups of all of the person's projects."""
    user = person(request)
    versions = Project.objects.visible_to(user).versions()
    read_at = versions.pop("read_at")
    firing = IncidentQuerySet(Incident).visible_to(user)
    etag = conditional.mark(request, versions, firing.pulse())
    if same := conditional.unchanged(request, etag, read_at):
        return same
    everything = TargetGroup.objects.visible_to(user)
    context = _table(request, _listing(request), everything, firing, people(request))
    context["accounts"] = [one.account for one in memberships(request).values()]
    return conditional.page(request, "groups", context, etag=etag, read_at=read_at)


@rule(Rule.MEMBER)
@require_safe
def project_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A project's groups as filtered and sorted on screen, all pages."""
    of = found_project(request, pk)
    listing = _listing(request)
    rows = listing.all_rows(tables.narrow(of.target_groups.select_related("project"), listing))
    name = f"groups-{of.human_readable_id or of.pk}"
    return exports.as_csv(name, exports.GROUP_HEADINGS, map(exports.group_line, rows))


@rule(Rule.SIGNED_IN)
@require_safe
def groups_csv(request: HttpRequest) -> HttpResponseBase:
    """The groups of all projects as filtered and sorted on screen, all pages."""
    listing = _listing(request)
    mine = TargetGroup.objects.visible_to(person(request)).select_related("project")
    rows = listing.all_rows(tables.narrow(mine, listing))
    return exports.as_csv("groups", exports.GROUP_HEADINGS, map(exports.group_line, rows))


def _listing(request: HttpRequest) -> Listing:
    return Listing(
        request.GET, tables.GROUPS, "short", tables.GROUP_FILTERS, groupings=tables.GROUPINGS
    )


def _table(
    request: HttpRequest,
    listing: Listing,
    everything: Any,
    incidents: IncidentQuerySet,
    names: Mapping[str, str],
) -> dict[str, Any]:
    """The table of groups, under headings if the address asks for them."""
    narrowed = tables.narrow(everything.select_related("project"), listing)
    found, total = listing.rows(narrowed)
    rows = group_rows(found, leading(incidents.open().by_urgency()))
    parts = sections.whole(rows)
    if column := listing.column:
        parts = sections.under(
            found,
            rows,
            column,
            subtotals=sections.subtotals(listing.filtered(narrowed), column),
            name=sections.namer(listing.grouped, names),
        )
    return {
        "sections": parts,
        "listing": listing,
        "pages": listing.pages(total),
        "choices": tables.choices(everything, names),
        "groupings": tables.GROUPING_WORDS,
        "export": request.path + "export.csv" + listing.address(),
    }


def people(request: HttpRequest) -> dict[str, str]:
    """Names by the exchange's ids, of the accounts that the person may see."""
    seen = ExchangeUserQuerySet(ExchangeUser).visible_to(person(request))
    return {one.exchange_id: str(one) for one in seen}
