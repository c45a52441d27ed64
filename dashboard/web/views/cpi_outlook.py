"""What a CPI that is being typed brings and costs, for the form that it is typed into."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.web.auth.lookups import find_group
from dashboard.web.auth.permissions import Permission, require_editor, requires
from dashboard.web.edits.forms.cpi import typed_price
from dashboard.web.edits.price.table import outlook_table


@requires(Permission.EDITOR)
@require_safe
def cpi_outlook(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the table of a CPI (`cpi`) beside the form's (`from`), else beside the stored one."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    present = typed_price(request.GET.get("from", "")) or group.cpi
    if present is None:
        raise Http404
    new = typed_price(request.GET.get("cpi", "").strip())
    table = outlook_table(group, present, new, now=timezone.now())
    response = render(request, "edits/cpi_outlook.html", {"table": table})
    response["Cache-Control"] = "private, no-store"
    return response
