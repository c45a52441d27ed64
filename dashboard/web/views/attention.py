"""The home page: what needs a person now."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Incident, TargetGroup
from dashboard.fielding.queries import IncidentQuerySet
from dashboard.web.access import Rule, memberships, person, rule


@rule(Rule.SIGNED_IN)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Open incidents, the most urgent first."""
    user = person(request)
    incidents = IncidentQuerySet(Incident).visible_to(user).open().by_urgency()
    context = {
        "incidents": incidents.select_related("group", "project"),
        "live": TargetGroup.objects.visible_to(user).filter(status="live").count(),
        "accounts": [one.account for one in memberships(request).values()],
    }
    return render(request, "attention.html", context)
