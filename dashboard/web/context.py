"""What every page's frame shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest

from dashboard.web.access import administered


class Place(NamedTuple):
    """An entry of the navigation: the name of its address, its word, and what lies under it."""

    name: str
    word: str
    under: tuple[str, ...]


PLACES = [
    Place("home", "Attention", ("home",)),
    Place(
        "projects",
        "Projects",
        ("projects", "project", "compare", "project-budget", "project-history"),
    ),
    Place("groups", "Groups", ("groups", "group", "edit", "notes")),
    Place("activity", "Activity", ("activity", "made")),
    Place("spend", "Spend", ("spend",)),
    Place("rate-cards", "Rate cards", ("rate-cards",)),
    Place("mails", "Mails", ("mails", "mail")),
]
CONNECTIONS = Place("connections", "Connections", ("connections", "connection", "people"))


def shell(request: HttpRequest) -> dict[str, Any]:
    """The navigation, with where we are."""
    match = request.resolver_match
    here = match.url_name if match else ""
    places = [*PLACES, CONNECTIONS] if _administers(request) else PLACES
    return {"places": [(place, here in place.under) for place in places]}


def _administers(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)  # none where a page says that all is broken
    return bool(user and user.is_authenticated and administered(request))
