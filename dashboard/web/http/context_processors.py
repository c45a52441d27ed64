"""What every page's frame shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils import timezone

import dashboard
from dashboard.web.auth.permissions import administered_accounts
from dashboard.web.http import alert_status


class NavItem(NamedTuple):
    """An entry of the navigation: the name of its address, its word, and what lies under it."""

    name: str
    word: str
    under: tuple[str, ...]


PLACES = [
    NavItem("home", "Attention", ("home", "incidents", "incident")),
    NavItem(
        "projects",
        "Projects",
        ("projects", "project", "compare", "project-budget", "project-history"),
    ),
    NavItem("groups", "Groups", ("groups", "group", "edit", "notes")),
    NavItem("activity", "Activity", ("activity", "made")),
    NavItem("spend", "Spend", ("spend",)),
    NavItem(
        "rules",
        "Rules and mail",
        ("rules", "rules-of", "rule", "recipients", "mute", "mails", "mail", "mail-choice"),
    ),
]
CONNECTIONS = NavItem(
    "connections",
    "Connections",
    ("connections", "connection", "connection-test", "people", "person-act", "outbox", "audit"),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The navigation, with where we are; the bell, what of the alerts stands still, the release."""
    match = request.resolver_match
    here = match.url_name if match else ""
    user = getattr(request, "user", None)  # none where a page says that all is broken
    if not user or not user.is_authenticated:
        return {}
    theirs = administered_accounts(request)
    places = [*PLACES, CONNECTIONS] if theirs else PLACES
    return {
        "places": [(place, here in place.under) for place in places],
        "administered": theirs,
        "bell": alert_status.bell_counts(request),
        "off": alert_status.off(request, now=timezone.now()),
        "stalls": alert_status.stalled_alerts(request, now=timezone.now()),
        "version": dashboard.__version__,
    }
