"""The recipients of an incident's alerts.

By default: for a group, its project manager on the exchange; without a Fieldwatch user, the
project's; without one, all editors of the account. For a whole account: all editors. People who can
no longer sign in get nothing; additional addresses for mail only do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from django.db.models import Q

from dashboard.alerts.recipients.settings import Recipients
from dashboard.alerts.rules.catalogue import EDIT_UNCONFIRMED
from dashboard.fielding.models import Channel, Incident, Membership, Project, TargetGroup

CAN_GET_MAIL = Q(user__is_active=True) | Q(role=Membership.Role.MAIL, user__closed_at=None)


def managers_of(group: TargetGroup | None, project: Project | None) -> tuple[str, ...]:
    """Return the exchange ids of the project managers, the group's before the project's."""
    return tuple(owner.project_manager_id for owner in (group, project) if owner)


class People:
    """The members of an account and its recipient settings, loaded in two queries."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._by_exchange_id: dict[str, list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        self._by_address: dict[str, int] = {}
        self._editors: list[int] = []
        rows = Membership.objects.filter(CAN_GET_MAIL, account_id=account_id)
        for member in rows.select_related("user").order_by("user_id"):
            self._by_exchange_id.setdefault(member.exchange_user_id, []).append(member.user_id)
            self._by_role.setdefault(member.role, []).append(member.user_id)
            self._by_address[member.user.email.lower()] = member.user_id
            if member.may_edit:
                self._editors.append(member.user_id)
        self._recipients = Recipients.of(account_id)

    def recipients_of(self, incident: Incident, managers: Iterable[str]) -> list[int]:
        """Return the ids of the users to notify; managers: exchange ids, the nearest first."""
        choice = self._recipients.choice_for(incident.project_id, incident.group_id)
        users = list(self.owners_of(managers)) if choice.managers else []
        for role in choice.roles:
            users += self._by_role.get(role, ())
        users += [
            self._by_address[address] for address in choice.addresses if address in self._by_address
        ]
        return list(dict.fromkeys(users)) or self._editors

    @cached_property
    def _channels(self) -> list[Channel]:
        """The channels of the account and its projects, and those of its members."""
        of_members = Q(owner__memberships__account=self._account_id)
        rows = Channel.objects.filter(Q(account=self._account_id) | of_members).distinct()
        return list(rows.only("pk", "account_id", "project_id", "owner_id").order_by("pk"))

    def channels_of(self, incident: Incident, users: Collection[int]) -> list[int]:
        """Return the ids of the channels to notify.

        Those of the account, of the incident's project, and of the users who are notified. What
        concerns only the author of a change goes to no shared channel.
        """
        is_private = incident.rule == EDIT_UNCONFIRMED.code
        return [
            channel.pk
            for channel in self._channels
            if channel.owner_id in users
            or (
                channel.owner_id is None
                and not is_private
                and channel.project_id in (None, incident.project_id)
            )
        ]

    def owners_of(self, managers: Iterable[str]) -> list[int]:
        """Return the ids of the users whose a group or project is: its managers, else editors.

        managers: exchange ids, the nearest first; the first of a user here counts.
        """
        for exchange_id in managers:
            if exchange_id and exchange_id in self._by_exchange_id:
                return self._by_exchange_id[exchange_id]
        return self._editors
