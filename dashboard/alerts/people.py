"""Who is told of an incident.

Of a group: the people who are its project manager on the exchange; without one, those who are the
project's; without one, everybody who may edit there. Of a whole account: everybody who may edit.
People who can no longer sign in are not told.
"""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.fielding.models import Membership


class People:
    """The members of an account, read in one query."""

    def __init__(self, account_id: int) -> None:
        members = Membership.objects.filter(account_id=account_id, user__is_active=True)
        self._by_exchange_id: dict[str, list[int]] = {}
        self._editors: list[int] = []
        for member in members.order_by("user_id"):
            self._by_exchange_id.setdefault(member.exchange_user_id, []).append(member.user_id)
            if member.may_edit:
                self._editors.append(member.user_id)

    def told(self, managers: Iterable[str]) -> list[int]:
        """The ids of the users to tell, the likeliest project manager's id first."""
        for exchange_id in managers:
            if exchange_id and exchange_id in self._by_exchange_id:
                return self._by_exchange_id[exchange_id]
        return self._editors
