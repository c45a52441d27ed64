"""Items of the to-do list: whose they are, and in which order they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db.models import F
from django.db.models.expressions import RawSQL

from dashboard.fielding.models.querysets.rows import VisibleQuerySet

if TYPE_CHECKING:
    from dashboard.fielding.models.alerts import Item  # noqa: F401
    from dashboard.fielding.models.people import User

_LINKED = (
    "EXISTS (SELECT 1 FROM fielding_membership o JOIN fielding_user u ON u.id = o.user_id"
    " WHERE o.account_id = i.account_id AND u.is_active AND o.exchange_user_id <> ''"
    " AND o.exchange_user_id = {owner}.project_manager_id)"
)
_OWN = (
    "({member}.exchange_user_id <> '' AND {member}.exchange_user_id = {owner}.project_manager_id)"
)


def items_of_member(member: str) -> str:
    """Return SQL: the rest of a FROM that begins with memberships, and its WHERE.

    It selects the items `i` that are the member's, on the member's account: what is assigned to
    them; of what is assigned to nobody, the items of groups that they manage; where the manager is
    not known here, of projects that they manage; and where that one is not known either, all items
    if they may edit. member: the alias of the memberships.
    """
    own_group, own_project = (_OWN.format(member=member, owner=owner) for owner in "gp")
    group_linked, project_linked = (_LINKED.format(owner=owner) for owner in "gp")
    editor = f"{member}.role IN ('editor', 'administrator')"
    by_project = f"({own_project} OR (NOT {project_linked} AND {editor}))"
    unassigned = f"({own_group} OR (NOT {group_linked} AND {by_project}))"
    return (
        "fielding_item i"
        " LEFT JOIN fielding_targetgroup g ON g.id = i.target_group_id"
        " LEFT JOIN fielding_project p ON p.id = i.project_id"
        f" WHERE i.account_id = {member}.account_id AND i.state <> 'closed'"
        f" AND (i.assigned_to_id = {member}.user_id"
        f" OR (i.assigned_to_id IS NULL AND {unassigned}))"
    )


_MINE = (
    f"SELECT i.id FROM fielding_membership m CROSS JOIN {items_of_member('m')} AND m.user_id = %s"  # noqa: S608
)


class ItemQuerySet(VisibleQuerySet["Item"]):
    """Items."""

    def open(self) -> Self:
        """Return those to do and those waiting."""
        return self.exclude(state="closed")

    def mine(self, user: User) -> Self:
        """Return the open ones that are this person's."""
        return self.filter(pk__in=RawSQL(_MINE, [user.pk]))  # noqa: S611 - constants alone

    def by_value(self) -> Self:
        """Order by completes to save, then money, then time left."""
        return self.order_by(
            "-value", F("money").desc(nulls_last=True), F("ends_at").asc(nulls_last=True), "pk"
        )

    def to_do(self, user: User) -> Self:
        """Return what this person has to do, the most savable completes first."""
        return self.mine(user).filter(state="to_do").by_value()
