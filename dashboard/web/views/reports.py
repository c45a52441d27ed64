"""What was changed from here, and what was spent."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.web.auth.lookups import names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.edits import activity
from dashboard.web.reports import spend_table
from dashboard.web.tables import exports, saved_views


@requires(Permission.SIGNED_IN)
@require_safe
def activity_page(request: HttpRequest) -> HttpResponse:
    """Every edit that was made through Fieldwatch."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    mine = EditQuerySet(Edit).visible_to(current_user(request))
    context = activity.activity_context(
        request, mine, names_by_exchange_id(request), zone=current_user(request).time_zone
    )
    return render(request, "reports/activity.html", context | {"views": views})


@requires(Permission.SIGNED_IN)
@require_safe
def changes_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The edits as filtered on screen, all pages."""
    mine = EditQuerySet(Edit).visible_to(current_user(request))
    sheet = activity.activity_sheet(
        request, mine, names_by_exchange_id(request), zone=current_user(request).time_zone
    )
    return exports.download_sheet("activity", kind, sheet)


@requires(Permission.SIGNED_IN)
@require_safe
def spend_page(request: HttpRequest) -> HttpResponse:
    """Completes and money by reference, project, country and month, each currency apart."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    groups = TargetGroup.objects.visible_to(current_user(request))
    context = spend_table.spend_context(request, groups, now=datetime.now(UTC))
    return render(request, "reports/spend.html", context | {"views": views})


@requires(Permission.SIGNED_IN)
@require_safe
def spend_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The lines on screen as a file."""
    groups = TargetGroup.objects.visible_to(current_user(request))
    return exports.download_sheet(
        "spend", kind, spend_table.spend_sheet(request, groups, now=datetime.now(UTC))
    )
