"""The first sync of a new connection: how far it is, and what can be used already."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.fielding.models import ExchangeAccount
from dashboard.web.auth.permissions import Permission, require_administrator, requires
from dashboard.web.connections import sync_progress, waits

EVERY_SECONDS = 3


@requires(Permission.ADMINISTRATOR)
@require_safe
def first_sync(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress; while it lasts, the page asks for its live part again."""
    require_administrator(request, pk)
    account = get_object_or_404(ExchangeAccount, pk=pk)
    progress = sync_progress.sync_progress(account)
    workers = waits.known_workers(request, now=timezone.now())
    context = {
        "connection": account,
        "progress": progress,
        "wait": None if progress.is_done else waits.first_sync_wait(account, workers),
        "every": EVERY_SECONDS,
    }
    is_partial = bool(request.headers.get("HX-Request"))
    template = "first_sync_live" if is_partial else "first_sync"
    return render(request, f"connections/{template}.html", context)
