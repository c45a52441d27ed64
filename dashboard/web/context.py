"""What every page's frame shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest


class Place(NamedTuple):
    """An entry of the navigation: the name of its address, its word, and what lies under it."""

    name: str
    word: str
    under: tuple[str, ...]


PLACES = [
    Place("home", "Attention", ("home",)),
    Place("projects", "Projects", ("projects", "project")),
    Place("groups", "Groups", ("groups", "group", "edit")),
    Place("activity", "Activity", ("activity",)),
    Place("spend", "Spend", ("spend",)),
    Place("mails", "Mails", ("mails", "mail")),
]


def shell(request: HttpRequest) -> dict[str, Any]:
    """The navigation, with where we are."""
    match = request.resolver_match
    here = match.url_name if match else ""
    return {"places": [(place, here in place.under) for place in PLACES]}
