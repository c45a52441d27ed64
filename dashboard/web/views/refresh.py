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
from dashboard.web.auth.permissions import Rule, memberships, rule
from dashboard.web.views.groups import found
from dashboard.web.views.projects import found_project


@rule(Rule.SIGNED_IN)
@require_POST
def home(request: HttpRequest) -> HttpResponse:
    """The projects that need somebody are read; no more often than groups that move."""
    for one in memberships(request).values():
        projects = Project.objects.filter(account=one.account).with_incidents()
        scheduling.look(projects, floor=scheduling.poll_every(one.account), now=timezone.now())
    return HttpResponse(status=204)


@rule(Rule.MEMBER)
@require_POST
def project(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a project was opened."""
    of = found_project(request, pk)
    scheduling.look(Project.objects.filter(pk=of.pk), now=timezone.now())
    return HttpResponse(status=204)


@rule(Rule.MEMBER)
@require_POST
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a group was opened; one that refused to answer is asked again."""
    of, now = found(request, pk), timezone.now()
    scheduling.look(Project.objects.filter(pk=of.project_id), now=now)
    scheduling.ask_again(TargetGroup.objects.filter(pk=of.pk), now=now)
    return HttpResponse(status=204)
