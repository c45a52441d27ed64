"""Looking things up."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Project, TargetGroup
from dashboard.web.access import Rule, person, rule

FOUND = 50


@rule(Rule.SIGNED_IN)
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Projects and groups by name, human-readable id, reference number or ULID."""
    text = request.GET.get("q", "").strip()[:100]
    user = person(request)
    context: dict[str, Any] = {"text": text, "projects": [], "groups": [], "most": FOUND}
    if text:
        context["projects"] = Project.objects.visible_to(user).called(text)[:FOUND]
        found = TargetGroup.objects.visible_to(user).called(text)
        context["groups"] = found.select_related("project").order_by("name", "pk")[:FOUND]
    return render(request, "search.html", context)
