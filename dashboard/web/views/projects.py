"""Projects, a project with its groups, and the groups of all projects."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.project_verdict import verdict_of_project
from dashboard.fielding.models import Incident, Project, TargetGroup
from dashboard.fielding.models.querysets.rows import IncidentQuerySet
from dashboard.sync import scheduling
from dashboard.web.auth.lookups import find_project, find_project_for_page
from dashboard.web.auth.permissions import (
    Permission,
    account_version_tokens,
    current_user,
    may_edit,
    memberships_of,
    requires,
)
from dashboard.web.batches import planning
from dashboard.web.connections import polling_status
from dashboard.web.connections.waits import known_workers, refresh_wait
from dashboard.web.home.page import needs_of_project
from dashboard.web.http import conditional
from dashboard.web.projects import by_country, summary
from dashboard.web.tables import exports, group_table, project_table, saved_views


@requires(Permission.SIGNED_IN)
@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    """List the person's projects."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    everything = Project.objects.visible_to(current_user(request))
    context = project_table.project_table_context(request, everything, now=datetime.now(UTC))
    context |= {"views": views, "accounts": polling_status.accounts_of(request)}
    context["may_begin"] = [
        membership.account for membership in memberships_of(request).values() if membership.may_edit
    ]
    return render(request, "projects/list.html", context)


@requires(Permission.SIGNED_IN)
@require_safe
def projects_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Download the projects as filtered and sorted on screen, all pages."""
    everything = Project.objects.visible_to(current_user(request))
    return exports.download_sheet(
        "projects", kind, project_table.project_table_sheet(request, everything)
    )


@requires(Permission.MEMBER)
@require_safe
def project_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a project with its groups."""
    if not_modified := conditional.not_modified_early(request, Project.objects.filter(pk=pk)):
        return not_modified
    project = find_project_for_page(request, pk)
    late = conditional.late_work(project.due_at, project.urgency, None)
    etag = conditional.page_etag(request, project.version, project.version_token, *late)  # type: ignore[attr-defined]
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    firing = IncidentQuerySet(Incident).filter(project=project)
    groups = project.target_groups.all()
    editable = may_edit(request, project.account_id)
    context = group_table.group_table_context(
        request, groups, firing, named=False, may_act=editable
    )
    context |= {"project": project, "views": views, "may_edit": editable}
    context["actions"] = planning.ACTION_CHOICES
    user, now = current_user(request), datetime.now(UTC)
    context["verdict"] = verdict_of_project(project, zone=zone_named(user.time_zone))
    context["tiles"] = summary.project_tiles(project)
    context |= needs_of_project(user, project, now=now)
    context["by_group"] = request.GET.get("chart") == "group"
    context["refresh_wait"] = refresh_wait(project, known_workers(request, now=now))
    context["old"] = scheduling.is_old(project, now=now)
    return conditional.render_page(
        request, "projects/detail", context, etag=etag, read_at=project.read_at
    )


@requires(Permission.MEMBER)
@require_safe
def project_countries(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a project's groups add up to by country, as a page or as a part for htmx."""
    project = find_project(request, pk)
    part = bool(request.headers.get("HX-Request"))
    template = "partials/project_countries.html" if part else "projects/countries.html"
    rows = by_country.country_rows(project, now=datetime.now(UTC))
    return render(request, template, {"project": project, "countries": rows})


@requires(Permission.SIGNED_IN)
@require_safe
def group_list(request: HttpRequest) -> HttpResponse:
    """List the groups of all the person's projects."""
    user = current_user(request)
    stamps, read_at = account_version_tokens(request)
    etag = conditional.page_etag(request, stamps)
    if not_modified := conditional.not_modified(request, etag, read_at):
        return not_modified
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    everything = TargetGroup.objects.visible_to(user)
    firing = IncidentQuerySet(Incident).visible_to(user)
    editable = any(membership.may_edit for membership in memberships_of(request).values())
    context = group_table.group_table_context(
        request, everything, firing, named=True, may_act=editable
    )
    context |= {
        "views": views,
        "accounts": polling_status.accounts_of(request),
        "actions": planning.ACTION_CHOICES,
    }
    return conditional.render_page(request, "groups/list", context, etag=etag, read_at=read_at)


@requires(Permission.MEMBER)
@require_safe
def project_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download a project's groups as filtered and sorted on screen, all pages."""
    project = find_project(request, pk)
    sheet = group_table.group_table_sheet(request, project.target_groups.all())
    return exports.download_sheet(f"groups-{project.human_readable_id or project.pk}", kind, sheet)


@requires(Permission.SIGNED_IN)
@require_safe
def groups_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Download the groups of all projects as filtered and sorted on screen, all pages."""
    everything = TargetGroup.objects.visible_to(current_user(request))
    return exports.download_sheet(
        "groups", kind, group_table.group_table_sheet(request, everything)
    )
