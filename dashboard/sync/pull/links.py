"""Which groups are asked for their one-time survey links, where the account has them.

An account without them answers 403. While it is not known to have them, one group asks for all,
once a day; of several workers one does. Once it has answered, the groups ask for their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db.models import Q

from dashboard.fielding.models import ExchangeAccount
from dashboard.sync import scheduling
from dashboard.sync.pull.fetch import GroupAnswer, GroupRequest

UNANSWERED = timedelta(hours=1)  # an account that has not answered yet is asked again so soon


class LinksAccess(Enum):
    """Which groups of a round may ask for their links."""

    NONE = auto()
    ONE = auto()
    ALL = auto()


@dataclass
class LinksReading:
    """The access of one round; it changes with the answers of the round."""

    account: ExchangeAccount
    access: LinksAccess = field(init=False)
    _tries: bool = field(init=False, default=False)  # whether this round's one group asks

    @classmethod
    def of_account(cls, account: ExchangeAccount, *, now: datetime) -> LinksReading:
        """The access as the account's last answers leave it."""
        reading = cls(account)
        if account.links_offered:
            reading.access = LinksAccess.ALL
        else:
            asked_at = account.links_asked_at
            waits = UNANSWERED if account.links_offered is None else scheduling.DAILY
            is_due = asked_at is None or now - asked_at >= waits
            reading.access = LinksAccess.ONE if is_due else LinksAccess.NONE
        return reading

    @property
    def may_ask(self) -> bool:
        """Whether any group may ask."""
        return self.access is not LinksAccess.NONE

    def limit_requests(
        self, requests: Sequence[GroupRequest], *, now: datetime
    ) -> Sequence[GroupRequest]:
        """Return the requests without the links that may not be asked for."""
        if self.access is LinksAccess.ALL or not any(request.links for request in requests):
            return requests
        allowed: GroupRequest | None = None
        if self.access is LinksAccess.ONE and self._claim(now):
            allowed = next(request for request in requests if request.links)
        return [
            request if request is allowed else replace(request, links=False) for request in requests
        ]

    def learn_from(self, answers: Iterable[GroupAnswer], *, now: datetime) -> None:
        """Store what these answers say of the account, if that is new.

        Where the account is not known to have links, an address that nobody knows (404) says that
        it has none; otherwise only this group has none.
        """
        offers = {self._offer_in(answer) for answer in answers if answer.request.links} - {None}
        if not offers:
            return
        is_offered = False not in offers
        self.access = LinksAccess.ALL if is_offered else LinksAccess.NONE
        if is_offered is not self.account.links_offered:
            self.account.links_offered, self.account.links_asked_at = is_offered, now
            ExchangeAccount.objects.filter(pk=self.account.pk).update(
                links_offered=is_offered, links_asked_at=now
            )

    def _offer_in(self, answer: GroupAnswer) -> bool | None:
        """Whether an answer says that the account has links; None if it does not say."""
        if answer.links_offered is None and self._tries and not answer.failures:
            return False
        return answer.links_offered

    def _claim(self, now: datetime) -> bool:
        """Whether this round is the one that asks; no other does in this round, either way."""
        due = Q(links_asked_at=None)
        due |= Q(links_offered=None, links_asked_at__lte=now - UNANSWERED)
        due |= Q(links_offered=False, links_asked_at__lte=now - scheduling.DAILY)
        rows = ExchangeAccount.objects.filter(due, pk=self.account.pk)
        self._tries = bool(rows.update(links_asked_at=now))
        self.access = LinksAccess.NONE
        return self._tries
