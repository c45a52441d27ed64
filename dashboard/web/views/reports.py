"""The pages Activity, Price changes and Spend."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.sync.lookup.reconciliation import read_eligibility
from dashboard.web.auth.lookups import names_by_exchange_id
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    memberships_of,
    requires,
)
from dashboard.web.edits import activity
from dashboard.web.reports import price_changes, reconciliation, spend_table
from dashboard.web.tables import exports, saved_views


@requires(Permission.SIGNED_IN)
@require_safe
def activity_page(request: HttpRequest) -> HttpResponse:
    """Show all changes made in Fieldwatch."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    edits = EditQuerySet(Edit).visible_to(current_user(request))
    context = activity.activity_context(
        request, edits, names_by_exchange_id(request), zone=current_user(request).time_zone
    )
    return render(request, "reports/activity.html", context | {"views": views})


@requires(Permission.SIGNED_IN)
@require_safe
def changes_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Download the changes as filtered on screen, all pages."""
    edits = EditQuerySet(Edit).visible_to(current_user(request))
    sheet = activity.activity_sheet(
        request, edits, names_by_exchange_id(request), zone=current_user(request).time_zone
    )
    return exports.download_sheet("activity", kind, sheet)


@requires(Permission.SIGNED_IN)
@require_safe
def prices_page(request: HttpRequest) -> HttpResponse:
    """Show the changes of price of the last days, and what each brought and cost."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    context = price_changes.prices_context(
        request, names_by_exchange_id(request), now=datetime.now(UTC)
    )
    return render(request, "reports/prices.html", {**context, "views": views})


@requires(Permission.SIGNED_IN)
@require_safe
def prices_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Download the changes of price as filtered on screen, all pages."""
    sheet = price_changes.prices_sheet(
        request, names_by_exchange_id(request), now=datetime.now(UTC)
    )
    return exports.download_sheet("price-changes", kind, sheet)


@requires(Permission.SIGNED_IN)
@require_safe
def spend_page(request: HttpRequest) -> HttpResponse:
    """Show spend of a month or the whole field with subtotals, margins, and what is open."""
    views = saved_views.views_of_page(request)
    if first := saved_views.first_view_url(request, views):
        return redirect(first)
    groups = TargetGroup.objects.visible_to(current_user(request))
    context = spend_table.spend_context(request, groups, now=datetime.now(UTC))
    accounts = [membership.account for membership in memberships_of(request).values()]
    return render(request, "reports/spend.html", {**context, "views": views, "accounts": accounts})


@requires(Permission.SIGNED_IN)
@require_safe
def spend_file(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Download the spend as filtered on screen, all pages."""
    groups = TargetGroup.objects.visible_to(current_user(request))
    return exports.download_sheet(
        "spend", kind, spend_table.spend_sheet(request, groups, now=datetime.now(UTC))
    )


@requires(Permission.MEMBER)
@require_safe
def reconciliation_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what an account can still reconcile as Cint has it, as a page or as a part."""
    membership = memberships_of(request).get(pk)
    if membership is None:
        raise Http404
    answer = read_eligibility(
        membership.account, now=datetime.now(UTC), again=request.GET.get("again") == "1"
    )
    panel = reconciliation.panel_of_account(membership.account, answer)
    part = bool(request.headers.get("HX-Request"))
    template = "reports/reconciliation_lines.html" if part else "reports/reconciliation.html"
    return render(request, template, {"panel": panel})
