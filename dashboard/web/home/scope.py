"""Whose items the home page shows, and which of its tabs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict

from dashboard.alerts.items.remedies import REMEDIES
from dashboard.fielding.models import Item, Membership, User
from dashboard.fielding.models.querysets.items import ItemQuerySet
from dashboard.web.formatting.row_ids import parse_row_id

TABS = {"todo": "To do", "waiting": "Waiting", "changes": "Changes", "closed": "Closed"}
MINE, ALL = "mine", "all"


@dataclass(frozen=True, slots=True)
class HomeScope:
    """The tab, and the items on it: one's own, all, or those of a project."""

    user: User
    tab: str
    whose: str  # MINE, ALL or the id of a project
    remedy: str

    @property
    def project(self) -> int:
        """Return the id of the project; 0 without one."""
        return parse_row_id(self.whose)

    @property
    def open_items(self) -> ItemQuerySet:
        """Return the open items, those waiting included.

        What somebody assigned to another person stays in their own list of what waits.
        """
        items = self.items
        if self.whose == MINE:
            given = Q(assigned_to__isnull=False, waiting_by=self.user) & ~Q(state="closed")
            return items.filter(Q(pk__in=Item.objects.mine(self.user).values("pk")) | given)
        return items.open()

    @property
    def items(self) -> ItemQuerySet:
        """Return the items of the person's accounts, or of the project, in any state."""
        items = Item.objects.visible_to(self.user)
        return items.filter(project=self.project) if self.project else items

    @property
    def query_mine(self) -> str:
        """Return the query of one's own items on this tab."""
        return self.query(scope=MINE)

    @property
    def query_waiting(self) -> str:
        """Return the query of what waits."""
        return self.query(tab="waiting", remedy="")

    @property
    def query_all(self) -> str:
        """Return the query of all items on this tab."""
        return self.query(scope=ALL)

    def query(self, **changes: str) -> str:
        """Return the query of an address that differs in some values."""
        values = {"tab": self.tab, "scope": self.whose, "remedy": self.remedy} | changes
        return urlencode({key: value for key, value in values.items() if value})


def read_scope(query: QueryDict, user: User, memberships: Mapping[int, Membership]) -> HomeScope:
    """Return the scope that an address asks for; by default one's own once one is linked."""
    tab, whose = query.get("tab", ""), query.get("scope", "")
    if whose not in (MINE, ALL) and not parse_row_id(whose):
        linked = any(membership.exchange_user_id for membership in memberships.values())
        whose = MINE if linked else ALL
    remedy = query.get("remedy", "")
    return HomeScope(
        user,
        tab if tab in TABS else "todo",
        whose,
        remedy if remedy in REMEDIES else "",
    )
