"""Refresh requests of open pages: what a person looks at is polled first.

A page writes nothing while it renders; its browser sends this request once it is open. Automatic
refreshes of an open page do not count.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.fielding.models import Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.web.auth.lookups import find_group, find_project
from dashboard.web.auth.permissions import Permission, memberships_of, requires


@requires(Permission.SIGNED_IN)
@require_POST
def refresh_home(request: HttpRequest) -> HttpResponse:
    """Request a poll of projects with open alerts, at most as often as active groups."""
    for membership in memberships_of(request).values():
        projects = Project.objects.filter(account=membership.account).with_incidents()
        scheduling.request_refresh(
            projects, floor=scheduling.poll_every(membership.account), now=timezone.now()
        )
    return HttpResponse(status=204)


@requires(Permission.MEMBER)
@require_POST
def refresh_project(request: HttpRequest, pk: int) -> HttpResponse:
    """Request a poll of a project whose page was opened."""
    project = find_project(request, pk)
    scheduling.request_refresh(Project.objects.filter(pk=project.pk), now=timezone.now())
    return HttpResponse(status=204)


@requires(Permission.MEMBER)
@require_POST
def refresh_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Request a poll of a group whose page was opened, also if it failed before."""
    group, now = find_group(request, pk), timezone.now()
    scheduling.request_refresh(Project.objects.filter(pk=group.project_id), now=now)
    scheduling.clear_backoff(TargetGroup.objects.filter(pk=group.pk), now=now)
    return HttpResponse(status=204)
