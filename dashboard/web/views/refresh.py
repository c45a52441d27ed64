"""What a person looks at is read first: a page with old numbers tells so once it is open.

The page itself writes nothing, so that it is as quick as ever; its browser tells by a request of
its own. A refresh of an open page is no look.
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
    """The projects that need somebody are read; no more often than groups that move."""
    for one in memberships_of(request).values():
        projects = Project.objects.filter(account=one.account).with_incidents()
        scheduling.request_refresh(
            projects, floor=scheduling.poll_every(one.account), now=timezone.now()
        )
    return HttpResponse(status=204)


@requires(Permission.MEMBER)
@require_POST
def refresh_project(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a project was opened."""
    of = find_project(request, pk)
    scheduling.request_refresh(Project.objects.filter(pk=of.pk), now=timezone.now())
    return HttpResponse(status=204)


@requires(Permission.MEMBER)
@require_POST
def refresh_group(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a group was opened; one that refused to answer is asked again."""
    of, now = find_group(request, pk), timezone.now()
    scheduling.request_refresh(Project.objects.filter(pk=of.project_id), now=now)
    scheduling.clear_backoff(TargetGroup.objects.filter(pk=of.pk), now=now)
    return HttpResponse(status=204)
