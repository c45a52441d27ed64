"""Projects, a project with its groups, and the groups of all projects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dashboard.fielding.compiled_queries import Given, Read
from dashboard.fielding.models import ExchangeUser, Incident, Project, TargetGroup
from dashboard.fielding.querysets.querysets import (
    ExchangeUserQuerySet,
    IncidentQuerySet,
    ProjectQuerySet,
)
from dashboard.sync import scheduling
from dashboard.web.auth.permissions import Rule, may_edit, memberships, person, rule, stamped
from dashboard.web.batches import planning
from dashboard.web.connections import polling_status
from dashboard.web.http import conditional
from dashboard.web.tables import exports, group_table, project_table, saved_views

_PEOPLE = Read(lambda: ExchangeUserQuerySet(ExchangeUser).visible_to(Given("user")))


@rule(Rule.SIGNED_IN)
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """The person's projects."""
    views = saved_views.views(request)
    if first := saved_views.first(request, views):
        return redirect(first)
    everything = Project.objects.visible_to(person(request))
    context = project_table.context(request, everything, now=datetime.now(UTC))
    context |= {"views": views, "accounts": polling_status.accounts(request)}
    context["may_begin"] = [one.account for one in memberships(request).values() if one.may_edit]
    return render(request, "projects.html", context)


@rule(Rule.SIGNED_IN)
@require_safe
def projects_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The projects as filtered and sorted on screen, all pages."""
    everything = Project.objects.visible_to(person(request))
    return exports.answer("projects", kind, project_table.file(request, everything))


def found_project(request: HttpRequest, pk: int, among: ProjectQuerySet | None = None) -> Project:
    """The project, if it is one of the person's; 404 otherwise."""
    everything = Project.objects.all() if among is None else among
    of = everything.visible_to(person(request)).filter(pk=pk).first()
    if of is None:
        raise Http404
    return cast("Project", of)


@rule(Rule.MEMBER)
@require_safe
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """A project with its groups."""
    if same := conditional.early(request, Project.objects.filter(pk=pk)):
        return same
    of = found_project(request, pk, Project.objects.with_pulse())
    etag = conditional.mark(request, of.version, of.pulse)  # type: ignore[attr-defined]
    views = saved_views.views(request)
    if first := saved_views.first(request, views):
        return redirect(first)
    firing = IncidentQuerySet(Incident).filter(project=of)
    groups = of.target_groups.all()
    context = group_table.context(request, groups, firing, named=False)
    context |= {"project": of, "views": views, "may_edit": may_edit(request, of.account_id)}
    context |= {"may_act": context["may_edit"], "actions": planning.BAR}
    context["old"] = scheduling.is_old(of, now=datetime.now(UTC))
    return conditional.page(request, "project", context, etag=etag, read_at=of.read_at)


@rule(Rule.SIGNED_IN)
@require_safe
def groups(request: HttpRequest) -> HttpResponse:
    """The groups of all of the person's projects."""
    user = person(request)
    stamps, read_at = stamped(request)
    etag = conditional.mark(request, stamps)
    if same := conditional.unchanged(request, etag, read_at):
        return same
    views = saved_views.views(request)
    if first := saved_views.first(request, views):
        return redirect(first)
    everything = TargetGroup.objects.visible_to(user)
    firing = IncidentQuerySet(Incident).visible_to(user)
    context = group_table.context(request, everything, firing, named=True)
    context |= {
        "views": views,
        "accounts": polling_status.accounts(request),
        "may_act": any(one.may_edit for one in memberships(request).values()),
        "actions": planning.BAR,
    }
    return conditional.page(request, "groups", context, etag=etag, read_at=read_at)


@rule(Rule.MEMBER)
@require_safe
def project_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """A project's groups as filtered and sorted on screen, all pages."""
    of = found_project(request, pk)
    sheet = group_table.file(request, of.target_groups.all())
    return exports.answer(f"groups-{of.human_readable_id or of.pk}", kind, sheet)


@rule(Rule.SIGNED_IN)
@require_safe
def groups_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The groups of all projects as filtered and sorted on screen, all pages."""
    everything = TargetGroup.objects.visible_to(person(request))
    return exports.answer("groups", kind, group_table.file(request, everything))


def people(request: HttpRequest) -> dict[str, str]:
    """Names by the exchange's ids, of the accounts that the person may see."""
    return {one.exchange_id: str(one) for one in _PEOPLE(user=person(request).pk)}
