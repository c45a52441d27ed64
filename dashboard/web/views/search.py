"""Search over everything that is the person's; a ULID that we do not know is asked for."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Project, TargetGroup
from dashboard.sync.lookup import on_demand
from dashboard.web.auth.permissions import Permission, View, current_user, memberships_of, requires
from dashboard.web.formatting import status

FOUND = 50
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII | re.IGNORECASE)


def search_view(exchange: Any) -> View:
    """The search, over this way to the exchange."""

    @requires(Permission.SIGNED_IN)
    @require_safe
    def search(request: HttpRequest) -> HttpResponse:
        """Projects and groups by name, human-readable id, reference number or ULID."""
        text = request.GET.get("q", "").strip()[:100]
        context: dict[str, Any] = {"text": text, "projects": [], "groups": [], "most": FOUND}
        if text:
            context |= _known(request, text)
        if not context["groups"] and not context["projects"] and ULID.fullmatch(text):
            context |= _asked(request, exchange, text.upper())
        return render(request, "home/search.html", context)

    return search


def _known(request: HttpRequest, text: str) -> dict[str, Any]:
    """What our own tables have."""
    user = current_user(request)
    groups = TargetGroup.objects.visible_to(user).matching(text).select_related("project")
    return {
        "projects": list(Project.objects.visible_to(user).matching(text)[:FOUND]),
        "groups": list(groups.order_by("name", "pk")[:FOUND]),
    }


def _asked(request: HttpRequest, exchange: Any, ulid: str) -> dict[str, Any]:
    """What the exchange says of an id, over the person's own accounts alone."""
    accounts = [one.account for one in memberships_of(request).values()]
    answer = exchange.group_by_id(ulid=ulid, accounts=accounts)
    found = answer.found
    return {
        "asked": True,
        "found": found,
        "status": status.status_label(found.status) if found else None,
        "failed": answer.failed,
    }


search = search_view(on_demand)
