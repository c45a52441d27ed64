"""What was changed from here, and what was spent."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.fielding.querysets.querysets import EditQuerySet
from dashboard.web.auth.permissions import Rule, person, rule
from dashboard.web.edits import activity
from dashboard.web.reports import spend_table
from dashboard.web.tables import exports, saved_views
from dashboard.web.views.projects import people


@rule(Rule.SIGNED_IN)
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Every edit that was made through Fieldwatch."""
    views = saved_views.views(request)
    if first := saved_views.first(request, views):
        return redirect(first)
    mine = EditQuerySet(Edit).visible_to(person(request))
    context = activity.context(request, mine, people(request), zone=person(request).time_zone)
    return render(request, "activity.html", context | {"views": views})


@rule(Rule.SIGNED_IN)
@require_safe
def changes_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The edits as filtered on screen, all pages."""
    mine = EditQuerySet(Edit).visible_to(person(request))
    sheet = activity.file(request, mine, people(request), zone=person(request).time_zone)
    return exports.answer("activity", kind, sheet)


@rule(Rule.SIGNED_IN)
@require_safe
def spend(request: HttpRequest) -> HttpResponse:
    """Completes and money by reference, project, country and month, each currency apart."""
    views = saved_views.views(request)
    if first := saved_views.first(request, views):
        return redirect(first)
    groups = TargetGroup.objects.visible_to(person(request))
    context = spend_table.context(request, groups, now=datetime.now(UTC))
    return render(request, "spend.html", context | {"views": views})


@rule(Rule.SIGNED_IN)
@require_safe
def spend_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The lines on screen as a file."""
    groups = TargetGroup.objects.visible_to(person(request))
    return exports.answer("spend", kind, spend_table.file(request, groups, now=datetime.now(UTC)))
