"""Which links, emails and tokens still work: what their person may still share or read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from dashboard.fielding.models.querysets.expressions import all_of

if TYPE_CHECKING:
    from dashboard.fielding.models.people import User
    from dashboard.fielding.models.sharing.access_token import AccessToken  # noqa: F401
    from dashboard.fielding.models.sharing.shared_status import (  # noqa: F401
        StatusAddress,
        StatusLink,
        StatusSchedule,
    )

SHARING_ROLES = ("editor", "administrator")


def may_still_share(person: str) -> Exists:
    """Return whether the person in a column can sign in, and edits the status's account.

    A status is theirs to share only while they could share it today.
    """
    return Exists(
        all_of("Membership").filter(
            user=OuterRef(person),
            account=OuterRef("status__account"),
            role__in=SHARING_ROLES,
            user__is_active=True,
            user__closed_at=None,
        )
    )


class StatusLinkQuerySet(models.QuerySet["StatusLink"]):
    """Read-only links."""

    def working(self, now: datetime) -> Self:
        """Return those that open: not expired, not revoked, and still their creator's to share."""
        rows = self.filter(revoked_at=None, expires_at__gt=now)
        return rows.filter(may_still_share("created_by"))


class StatusScheduleQuerySet(models.QuerySet["StatusSchedule"]):
    """Schedules of emails."""

    def working(self) -> Self:
        """Return those with days whose person may still share the status."""
        return self.exclude(days="").filter(may_still_share("person"))


class StatusAddressQuerySet(models.QuerySet["StatusAddress"]):
    """Addresses of schedules."""

    def listed(self) -> Self:
        """Return those that a person of ours has not removed, in alphabetical order."""
        return self.filter(removed_at=None).order_by("address")

    def mailable(self) -> Self:
        """Return those that get emails: neither removed, unsubscribed nor refused."""
        return self.listed().filter(stopped_at=None, refused="")


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Tokens of people."""

    def working(self, now: datetime) -> Self:
        """Return those that open: not expired, not revoked, of a person who can sign in."""
        rows = self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
        return rows.filter(user__is_active=True, user__closed_at=None)

    def newest(self, user: User, purpose: str) -> Self:
        """Return a person's tokens for a purpose, without the revoked ones, newest first."""
        return self.filter(user=user, purpose=purpose, revoked_at=None).order_by("-pk")
