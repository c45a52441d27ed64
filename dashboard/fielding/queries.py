"""Every read of the tables, as QuerySet methods.

Each page asks for what the signed-in person may see; an object of somebody else's account is as
absent as one that never was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from dashboard.fielding.models import User


class VisibleQuerySet(models.QuerySet[Any]):
    """Rows that belong to an exchange account."""

    def visible_to(self, user: User) -> Self:
        """The rows of the accounts that this person is a member of."""
        return self.filter(account__memberships__user=user)


class ProjectQuerySet(VisibleQuerySet):
    """Projects."""


class TargetGroupQuerySet(VisibleQuerySet):
    """Target groups."""
