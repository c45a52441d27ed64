"""Saved views: filters, columns and sorting of a table under a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.http import HttpRequest, QueryDict

from dashboard.fielding.models import SavedView, User
from dashboard.web.auth.permissions import current_user

# The pages that have views, by URL name, with their label in the list of views.
PAGES = {
    "projects": "Projects",
    "project": "Groups of a project",
    "groups": "Groups of all projects",
    "activity": "Activity",
    "prices": "Price changes",
    "spend": "Spend",
}
# The page number is not part of a view.
LEFT_OUT = ("page",)
LONGEST_QUERY = 8000


class SavedViewLink(NamedTuple):
    """A saved view as its page lists it."""

    name: str
    address: str
    here: bool
    first: bool


def views_of_page(request: HttpRequest) -> list[SavedViewLink]:
    """Return the person's views of this page; none for a partial page."""
    if request.headers.get("HX-Request"):
        return []
    match = request.resolver_match
    stored = SavedView.objects.filter(
        user=current_user(request), page=match.url_name if match else ""
    )
    current = query_to_keep(request.GET)
    return [
        SavedViewLink(view.name, f"{request.path}?{view.query}", view.query == current, view.first)
        for view in stored
    ]


def first_view_url(request: HttpRequest, views: Iterable[SavedViewLink]) -> str:
    """Return the URL of the default view if the request has no query string; else empty."""
    if request.META.get("QUERY_STRING") or request.headers.get("HX-Request"):
        return ""
    return next((view.address for view in views if view.first), "")


def query_to_keep(query: QueryDict) -> str:
    """Return a query string as a view stores it."""
    copy = query.copy()
    for name in LEFT_OUT:
        copy.pop(name, None)
    return copy.urlencode() or "q="


def save_view(*, user: User, page: str, name: str, query: str) -> SavedView:
    """Save a view; an earlier one of that name is replaced."""
    view, _ = SavedView.objects.update_or_create(
        user=user, page=page, name=name, defaults={"query": query_to_keep(QueryDict(query))}
    )
    return view


@transaction.atomic
def open_first(*, view: SavedView, first: bool) -> None:
    """Make a view the default of its page, or clear the default."""
    SavedView.objects.filter(user=view.user, page=view.page, first=True).update(first=False)
    SavedView.objects.filter(pk=view.pk).update(first=first)
