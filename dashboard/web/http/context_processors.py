"""The context of every page's frame."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest
from django.utils import timezone

import dashboard
from dashboard.web.auth.permissions import administered_accounts, may_add_connections
from dashboard.web.http import alert_status


class NavItem(NamedTuple):
    """A navigation entry: its URL name, its label, and the URL names below it."""

    name: str
    word: str
    under: tuple[str, ...]


PLACES = [
    NavItem("home", "To do", ("home", "incidents", "incident")),
    NavItem(
        "projects",
        "Projects",
        (
            "projects",
            "project",
            "compare",
            "project-budget",
            "client-cpi",
            "project-history",
            "share",
            "share-options",
            "share-link",
            "share-emails",
            "shares",
        ),
    ),
    NavItem("groups", "Groups", ("groups", "group", "edit", "notes")),
    NavItem("activity", "Activity", ("activity", "made", "prices")),
    NavItem("spend", "Spend", ("spend", "reconciliation")),
    NavItem(
        "rules",
        "Alerts",
        (
            "rules",
            "rules-of",
            "rule",
            "recipients",
            "channels",
            "channel",
            "mute",
            "mails",
            "mail",
            "mail-choice",
            "my-channels",
            "my-channel",
        ),
    ),
]
HELP = NavItem("help", "Help", ("help", "help-page", "words"))
CONNECTIONS = NavItem(
    "connections",
    "Connections",
    (
        "connections",
        "connection",
        "connection-add",
        "connection-change",
        "connection-remove",
        "connection-test",
        "first-sync",
        "people",
        "person-act",
        "outbox",
        "audit",
    ),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Return navigation with the active entry, alert status, and the release."""
    match = request.resolver_match
    current = match.url_name if match else ""
    user = getattr(request, "user", None)  # missing on the page of a server error
    if not user or not user.is_authenticated:
        return {}
    administered = administered_accounts(request)
    may_connect = may_add_connections(request)
    places = [*PLACES, *([CONNECTIONS] if administered or may_connect else []), HELP]
    return {
        "places": [(place, current in place.under) for place in places],
        "administered": administered,
        "may_connect": may_connect,
        "bell": alert_status.bell_counts(request),
        "off": alert_status.downtime_notice(request, now=timezone.now()),
        "stalls": alert_status.stalled_alerts(request, now=timezone.now()),
        "version": dashboard.__version__,
    }
