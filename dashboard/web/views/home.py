"""The home page: what there is to do, what waits, what changed, and what is closed."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.fielding.figures.today import quarter_hour
from dashboard.web.auth.permissions import (
    Permission,
    account_version_tokens,
    current_user,
    requires,
)
from dashboard.web.home import visits
from dashboard.web.home.page import home_context
from dashboard.web.http import conditional


@requires(Permission.SIGNED_IN)
@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Show the to-do list by remedy, below the figures of the field."""
    now = datetime.now(UTC)
    stamps, read_at = account_version_tokens(request)
    etag = conditional.page_etag(request, stamps, quarter_hour(now))
    if not_modified := conditional.not_modified(request, etag, read_at):
        return not_modified
    if not request.headers.get("HX-Request"):
        visits.record_visit(current_user(request), now=now)
    context = home_context(request, now)
    return conditional.render_page(request, "home/todo", context, etag=etag, read_at=read_at)
