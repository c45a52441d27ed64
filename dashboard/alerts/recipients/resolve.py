"""Who is told of an incident.

Unless somebody chose otherwise: of a group, the people who are its project manager on the
exchange; without one, those who are the project's; without one, everybody who may edit there. Of a
whole account: everybody who may edit. People who can no longer sign in are not told; addresses
that are there for mail alone are.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from dashboard.alerts.recipients.settings import Recipients
from dashboard.fielding.models import Incident, Membership, Project, TargetGroup

TELLABLE = Q(user__is_active=True) | Q(role=Membership.Role.MAIL, user__closed_at=None)


def managers_of(group: TargetGroup | None, project: Project | None) -> tuple[str, ...]:
    """The exchange's ids of their project managers, the nearest first."""
    return tuple(one.project_manager_id for one in (group, project) if one)


class People:
    """The members of an account and who of them wants to be told, read in two queries."""

    def __init__(self, account_id: int) -> None:
        self._by_exchange_id: dict[str, list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        self._by_address: dict[str, int] = {}
        self._editors: list[int] = []
        rows = Membership.objects.filter(TELLABLE, account_id=account_id)
        for member in rows.select_related("user").order_by("user_id"):
            self._by_exchange_id.setdefault(member.exchange_user_id, []).append(member.user_id)
            self._by_role.setdefault(member.role, []).append(member.user_id)
            self._by_address[member.user.email.lower()] = member.user_id
            if member.may_edit:
                self._editors.append(member.user_id)
        self._recipients = Recipients.of(account_id)

    def told(self, incident: Incident, managers: Iterable[str]) -> list[int]:
        """The ids of the users to tell, the likeliest project manager's id first."""
        wanted = self._recipients.wanted(incident.project_id, incident.group_id)
        found = list(self._managing(managers)) if wanted.managers else []
        for role in wanted.roles:
            found += self._by_role.get(role, ())
        found += [self._by_address[one] for one in wanted.addresses if one in self._by_address]
        return list(dict.fromkeys(found)) or self._editors

    def _managing(self, managers: Iterable[str]) -> list[int]:
        for exchange_id in managers:
            if exchange_id and exchange_id in self._by_exchange_id:
                return self._by_exchange_id[exchange_id]
        return self._editors
