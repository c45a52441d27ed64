"""Saved views: a table under a name of the person's own, opened by its address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction
from django.http import HttpRequest, QueryDict

from dashboard.fielding.models import SavedView, User
from dashboard.web.auth.permissions import current_user

# The pages that have views, by the name of their address, with a word for a list of views.
PAGES = {
    "projects": "Projects",
    "project": "Groups of a project",
    "groups": "Groups of all projects",
    "activity": "Activity",
    "spend": "Spend",
}
# Where somebody stands in a table is no part of how it is set up.
LEFT_OUT = ("page",)
LONGEST_QUERY = 8000


class SavedViewLink(NamedTuple):
    """A saved view on the page that it belongs to."""

    name: str
    address: str
    here: bool
    first: bool


def views_of_page(request: HttpRequest) -> list[SavedViewLink]:
    """The person's views of this page; none for a part of it."""
    if request.headers.get("HX-Request"):
        return []
    match = request.resolver_match
    stored = SavedView.objects.filter(
        user=current_user(request), page=match.url_name if match else ""
    )
    now = query_to_keep(request.GET)
    return [
        SavedViewLink(one.name, f"{request.path}?{one.query}", one.query == now, one.first)
        for one in stored
    ]


def first_view_url(request: HttpRequest, of: Iterable[SavedViewLink]) -> str:
    """The address of the view that the page opens with, where its own address asks for nothing."""
    if request.META.get("QUERY_STRING") or request.headers.get("HX-Request"):
        return ""
    return next((view.address for view in of if view.first), "")


def query_to_keep(asked: QueryDict) -> str:
    """An address as a view keeps it."""
    copy = asked.copy()
    for name in LEFT_OUT:
        copy.pop(name, None)
    return copy.urlencode() or "q="


def save_view(*, user: User, page: str, name: str, query: str) -> SavedView:
    """Keep a table under a name; an earlier view of that name is replaced."""
    found, _ = SavedView.objects.update_or_create(
        user=user, page=page, name=name, defaults={"query": query_to_keep(QueryDict(query))}
    )
    return found


@transaction.atomic
def open_first(*, view: SavedView, first: bool) -> None:
    """Open the page with this view, or with none."""
    SavedView.objects.filter(user=view.user, page=view.page, first=True).update(first=False)
    SavedView.objects.filter(pk=view.pk).update(first=first)
