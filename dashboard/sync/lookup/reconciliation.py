"""Completes that can still be reconciled: read from the exchange on demand, then cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Literal, TypedDict, cast

from django.core.cache import cache

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.decode import Page
from dashboard.exchange.errors import ExchangeError, Forbidden, MethodNotAllowed, NotFound
from dashboard.exchange.pagination import iterate_pages
from dashboard.exchange.shapes.accounts import DueMonth, EligibleTargetGroup
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients
from dashboard.sync.lookup.cache_keys import cache_key
from dashboard.sync.scheduling import reconciled_at

SECONDS = 8.0  # for all pages of both months
FRESH = timedelta(minutes=30)
CACHE_SECONDS = 24 * 3600
MAX_PAGES = 30  # of 100 groups each, by month

Trouble = Literal["", "not offered", "error"]


@dataclass(frozen=True, slots=True)
class EligibleGroup:
    """A group with completes that can be reconciled until a deadline; cost: None if not given."""

    exchange_id: str
    name: str
    project_name: str
    completes: int
    cost: Decimal | None
    currency: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What an account can still reconcile, as the exchange said at `read_at`.

    trouble: "not offered" where the account does not have reconciliation; "error" where the latest
    request failed: the groups are then those of an earlier answer, or none (read_at is None).
    reason: the error in words, or why the list is not whole. can_retry: whether waiting helps.
    """

    groups: Sequence[EligibleGroup] = ()
    read_at: datetime | None = None
    trouble: Trouble = ""
    reason: str = ""
    can_retry: bool = False


class _StoredGroup(TypedDict):
    exchange_id: str
    name: str
    project_name: str
    completes: int
    cost: str | None
    currency: str
    until: str


class _StoredAnswer(TypedDict):
    """An answer as the cache holds it: plain values only, which every release can read."""

    read_at: str
    is_offered: bool
    reason: str
    groups: list[_StoredGroup]


def read_eligibility(
    account: ExchangeAccount,
    *,
    now: datetime,
    again: bool = False,
    client: ExchangeClient | None = None,
) -> Eligibility:
    """Return what the account can still reconcile; asks at most every 30 minutes, or `again`.

    Never raises: an error is in the result, with the last answer of the past 24 hours.
    """
    stored = cast("_StoredAnswer | None", cache.get(cache_key("eligible", account)))
    if stored and not again and now - datetime.fromisoformat(stored["read_at"]) < FRESH:
        return _from_stored(stored, now)
    try:
        answer = _ask(client or clients.client_for(account), now)
    except (Forbidden, NotFound, MethodNotAllowed):
        answer = _StoredAnswer(read_at=now.isoformat(), is_offered=False, reason="", groups=[])
    except ExchangeError as exc:
        last = _from_stored(stored, now) if stored and stored["is_offered"] else Eligibility()
        return Eligibility(last.groups, last.read_at, "error", str(exc), exc.waiting_helps)
    cache.set(cache_key("eligible", account), answer, timeout=CACHE_SECONDS)
    return _from_stored(answer, now)


def due_dates(now: datetime) -> dict[DueMonth, datetime]:
    """Return the ends of reconciliation that are still ahead: this month's and the next's.

    This month's 25th is for the completes of last month, the next month's for those of this one.
    """
    next_end = reconciled_at(now)  # on the 26th of the next month
    ends: dict[DueMonth, datetime] = {
        "current_month": reconciled_at(next_end - timedelta(days=60)),  # always in last month
        "next_month": next_end,
    }
    return {due: end for due, end in ends.items() if end > now}


def _ask(client: ExchangeClient, now: datetime) -> _StoredAnswer:
    groups: list[_StoredGroup] = []
    reason = ""
    with client.deadline(SECONDS):
        for due, until in due_dates(now).items():
            pages = iterate_pages(partial(_read_page, client, due), max_pages=MAX_PAGES)
            groups += [stored for row in pages if (stored := _as_stored(row, until))]
            reason = reason or pages.reason
            if not reason and pages.quarantined:
                reason = f"{len(pages.quarantined)} groups of Cint's list could not be read"
    return _StoredAnswer(read_at=now.isoformat(), is_offered=True, reason=reason, groups=groups)


def _read_page(
    client: ExchangeClient, due: DueMonth, cursor: str | None
) -> Page[EligibleTargetGroup]:
    return client.get_eligible_target_groups(due_month=due, start_after=cursor)


def _as_stored(row: EligibleTargetGroup, until: datetime) -> _StoredGroup | None:
    """A row as it is cached; None without an eligible complete."""
    if not row.completes:
        return None
    money = row.monetary_amount
    return _StoredGroup(
        exchange_id=row.target_group_id,
        name=row.name or "",
        project_name=row.project_name or "",
        completes=row.completes,
        cost=format(money.value, "f") if money else None,
        currency=money.currency_code if money else "",
        until=until.isoformat(),
    )


def _from_stored(stored: _StoredAnswer, now: datetime) -> Eligibility:
    """The stored answer without what is past its deadline by now."""
    groups = [
        EligibleGroup(
            exchange_id=row["exchange_id"],
            name=row["name"],
            project_name=row["project_name"],
            completes=row["completes"],
            cost=None if row["cost"] is None else Decimal(row["cost"]),
            currency=row["currency"],
            until=until,
        )
        for row in stored["groups"]
        if (until := datetime.fromisoformat(row["until"])) > now
    ]
    return Eligibility(
        groups=groups,
        read_at=datetime.fromisoformat(stored["read_at"]),
        trouble="" if stored["is_offered"] else "not offered",
        reason=stored["reason"],
    )
