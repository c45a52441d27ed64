"""The audit log of a connection, for its administrators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import ExchangeAccount
from dashboard.web.auth.permissions import Permission, current_user, require_administrator, requires
from dashboard.web.tables import audit_table, exports


@requires(Permission.ADMINISTRATOR)
@require_safe
def audit_log(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what happened on the connection and how its people signed in, newest first."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    rows, zone = audit_table.audit_rows(account), current_user(request).time_zone
    context = audit_table.audit_table_context(request.GET, rows, path=request.path, zone=zone)
    return render(
        request, "connections/audit_log.html", context | {"connection": account, "zone": zone}
    )


@requires(Permission.ADMINISTRATOR)
@require_safe
def audit_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the log as filtered on screen, all pages."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    rows, zone = audit_table.audit_rows(account), current_user(request).time_zone
    sheet = audit_table.audit_sheet(request.GET, rows, zone=zone)
    return exports.download_sheet(f"audit-{account.pk}", kind, sheet)
