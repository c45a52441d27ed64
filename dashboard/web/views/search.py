"""Search over everything the person may see; an unknown ULID is looked up on the exchange."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.fielding.models import ExchangeAccount, Project, TargetGroup
from dashboard.sync.lookup import on_demand
from dashboard.web.auth.permissions import Permission, View, current_user, memberships_of, requires
from dashboard.web.formatting import status

MAX_RESULTS = 50
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII | re.IGNORECASE)


class GroupLookup(Protocol):
    """Looks up a group on the exchange; `sync.lookup.on_demand` is one."""

    def group_by_id(
        self, *, ulid: str, accounts: Sequence[ExchangeAccount]
    ) -> on_demand.LookupAnswer:
        """Return the group with this ULID among these accounts."""


def search_view(exchange: GroupLookup) -> View:
    """Return the search view, with this client for look-ups."""

    @requires(Permission.SIGNED_IN)
    @require_safe
    def search(request: HttpRequest) -> HttpResponse:
        """Search projects and groups by name, short ID, reference number or ULID."""
        text = request.GET.get("q", "").strip()[:100]
        context: dict[str, object] = {
            "text": text,
            "projects": [],
            "groups": [],
            "most": MAX_RESULTS,
        }
        if text:
            context |= _find_locally(request, text)
        if not context["groups"] and not context["projects"] and ULID.fullmatch(text):
            context |= _ask_exchange(request, exchange, text.upper())
        return render(request, "home/search.html", context)

    return search


def _find_locally(request: HttpRequest, text: str) -> dict[str, object]:
    """Return matches in Fieldwatch's own tables."""
    user = current_user(request)
    groups = TargetGroup.objects.visible_to(user).called(text).select_related("project")
    return {
        "projects": list(Project.objects.visible_to(user).called(text)[:MAX_RESULTS]),
        "groups": list(groups.order_by("name", "pk")[:MAX_RESULTS]),
    }


def _ask_exchange(request: HttpRequest, exchange: GroupLookup, ulid: str) -> dict[str, object]:
    """Look up an id on the exchange, over the person's own accounts."""
    accounts = [membership.account for membership in memberships_of(request).values()]
    answer = exchange.group_by_id(ulid=ulid, accounts=accounts)
    group = answer.found
    return {
        "asked": True,
        "found": group,
        "status": status.status_label(group.status) if group else None,
        "failed": answer.failed,
    }


search = search_view(on_demand)
