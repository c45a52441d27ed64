"""How long the exchange would field a group, and the local holidays on its dates.

Asked when a person asks, within some seconds, and cached for some hours. An account that does not
have the exchange's calendar is asked once an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TypeVar

import msgspec
from django.core.cache import cache
from django.utils import timezone
from msgspec import Struct

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
)
from dashboard.exchange.shapes.base import MonetaryAmountRequestModel
from dashboard.exchange.shapes.pricing import SuggestDaysRequest, SuggestedHoliday
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.fielding.series.holidays import NO_CALENDAR, GroupCalendar, Holiday
from dashboard.sync.connections import clients
from dashboard.sync.lookup.cache_keys import cache_key

SECONDS = 6.0  # for both questions together
CACHE_SECONDS = 6 * 3600
REFUSED_SECONDS = 3600
NOT_OFFERED = "Cint does not offer its calendar to this account"
MOST_DAYS = 3650
LONGEST_NAME = 80
LONGEST_LOI = 45  # minutes of a request
AHEAD_DAYS = 29  # after the end date of a group: an extension has at most 28

T = TypeVar("T", bound=Struct)


@dataclass(frozen=True, slots=True)
class PlannedPrice:
    """What a suggestion of days needs besides the locale; IR from 0 to 1, LOI in minutes."""

    cpi: Decimal
    currency: str
    loi_minutes: int
    incidence_rate: float
    completes: int
    collects_pii: bool = False


class DaysInField(Struct, frozen=True):
    """The days in field that the exchange suggests."""

    days: int
    read_at: datetime


class LocalHolidays(Struct, frozen=True):
    """The holidays between two moments."""

    holidays: tuple[Holiday, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class FieldTime:
    """Both suggestions, or for each the error in its place; None: not asked for."""

    days: DaysInField | ExchangeError | None
    holidays: LocalHolidays | ExchangeError


def read_field_time(
    *,
    account: ExchangeAccount,
    locale: str,
    start: datetime,
    end: datetime,
    price: PlannedPrice | None = None,
    client: ExchangeClient | None = None,
    now: datetime | None = None,
) -> FieldTime:
    """Read the holidays of a locale from start to end, and the days that a price needs."""
    now = now or timezone.now()
    try:
        client = client or clients.client_for(account)
    except ExchangeError as exc:
        return FieldTime(exc if price else None, exc)
    with client.deadline(SECONDS):
        holidays = _result(lambda: _holidays(account, client, locale, (start, end), now))
        days = None
        if price is not None:
            days = _result(lambda: _days(account, client, locale, price, now))
    return FieldTime(days, holidays)


def read_group_calendar(
    group: TargetGroup, *, client: ExchangeClient | None = None, now: datetime | None = None
) -> GroupCalendar:
    """Read the holidays of a group in field until four weeks after its end date, and the days that
    its missing completes need at its CPI. Needs the group's account.

    What cannot be read is missing. Sends nothing for what was read in the last hours.
    """
    now = now or timezone.now()
    stored = stored_group_calendar(group)
    if stored.is_read or group.ends_at is None or not group.locale:
        return stored
    # Whole days in UTC: groups that end on the same day share an answer.
    first = now.replace(hour=0, minute=0, second=0, microsecond=0)
    last = max(group.ends_at, first) + timedelta(days=AHEAD_DAYS)
    price = _price_of_group(group)
    answer = read_field_time(
        account=group.account,
        locale=group.locale,
        start=first,
        end=last.replace(hour=0, minute=0, second=0, microsecond=0),
        price=price,
        client=client,
        now=now,
    )
    days, holidays = answer.days, answer.holidays
    calendar = GroupCalendar(
        holidays=() if isinstance(holidays, ExchangeError) else holidays.holidays,
        days=days.days if isinstance(days, DaysInField) else None,
        completes=price.completes if price else 0,
        is_read=True,
    )
    if not any(isinstance(each, ExchangeError) and each.waiting_helps for each in (days, holidays)):
        cache.set(_group_key(group), msgspec.json.encode(calendar), timeout=CACHE_SECONDS)
    return calendar


def stored_group_calendar(group: TargetGroup) -> GroupCalendar:
    """The calendar of a group as it was last read, for some hours. Sends no request. Needs the
    group's account."""
    try:
        return msgspec.json.decode(cache.get(_group_key(group)) or b"", type=GroupCalendar)
    except (msgspec.MsgspecError, TypeError):
        return NO_CALENDAR  # nothing, or another version of Fieldwatch wrote it


def _group_key(group: TargetGroup) -> str:
    """The key of a group's calendar: another end date or CPI is another question."""
    end = group.ends_at.isoformat() if group.ends_at else ""
    terms = (group.locale, end, str(group.cpi), group.currency)
    return cache_key("calendar", group.account, "group", group.exchange_id, *terms)


def _price_of_group(group: TargetGroup) -> PlannedPrice | None:
    """What a group still needs, at its CPI; None where the exchange suggests no days for it."""
    goal, loi, incidence = (
        completes_target(group),
        group.expected_loi_minutes,
        group.expected_incidence_rate,
    )
    missing = ceil((goal or 0) - (group.completes or 0))
    if group.pricing_model == "rate_card" or not group.cpi or missing <= 0:
        return None
    if not loi or loi > LONGEST_LOI or not incidence:
        return None
    return PlannedPrice(group.cpi, group.currency, loi, incidence, missing)


R = TypeVar("R")


def _result(read: Callable[[], R]) -> R | ExchangeError:
    """What a read returns, or its error: neither question waits for the other to succeed."""
    try:
        return read()
    except ExchangeError as exc:
        return exc


def _days(
    account: ExchangeAccount,
    client: ExchangeClient,
    locale: str,
    price: PlannedPrice,
    now: datetime,
) -> DaysInField:
    amount = MonetaryAmountRequestModel(
        value=f"{price.cpi.normalize():f}", currency_code=price.currency
    )
    request = SuggestDaysRequest(
        locale=locale,
        price=amount,
        length_of_interview=price.loi_minutes,
        incidence_rate=price.incidence_rate,
        completes=price.completes,
        collects_pii=price.collects_pii,
    )

    def ask() -> DaysInField:
        days = client.suggest_days(request=request).days
        if not days or days > MOST_DAYS:
            raise BadAnswer("Cint suggests no number of days for this draft")
        return DaysInField(days, now)

    question = ["days", msgspec.to_builtins(request)]
    return _cached(account, "suggest_days", question, DaysInField, ask)


def _holidays(
    account: ExchangeAccount,
    client: ExchangeClient,
    locale: str,
    span: tuple[datetime, datetime],
    now: datetime,
) -> LocalHolidays:
    start, end = span

    def ask() -> LocalHolidays:
        answer = client.suggest_time_range(locale=locale, start=start, end=end)
        if answer.start is None and answer.end is None and not answer.holidays:
            raise BadAnswer("Cint sent no calendar for these dates")
        return LocalHolidays(_readable(answer.holidays), now)

    question = ["holidays", locale, start.isoformat(), end.isoformat()]
    return _cached(account, "suggest_time_range", question, LocalHolidays, ask)


def _readable(holidays: Sequence[SuggestedHoliday]) -> tuple[Holiday, ...]:
    """The holidays with a date and a name, by date; each once."""
    found: dict[tuple[date, str], Holiday] = {}
    for each in holidays:
        name = " ".join((each.name or "").replace("\0", "").split())[:LONGEST_NAME]
        rate = each.completes_rate
        try:
            day = date.fromisoformat((each.date or "")[:10])
        except ValueError:
            continue
        if name:
            usable = rate is not None and 0 <= rate <= 10
            found[day, name] = Holiday(day, name, rate if usable else None)
    return tuple(found[key] for key in sorted(found))


def _cached(
    account: ExchangeAccount,
    operation: str,
    question: object,
    shape: type[T],
    ask: Callable[[], T],
) -> T:
    """An answer of the last hours, else as it is now; NotOffered where the account lacks it."""
    refused = cache_key("calendar", account, f"{operation} refused")
    key = cache_key("calendar", account, question)
    stored = cache.get_many([refused, key])
    if refused in stored:
        raise NotOffered(NOT_OFFERED)
    if key in stored:
        try:
            return msgspec.json.decode(stored[key], type=shape)
        except (msgspec.MsgspecError, TypeError):
            cache.delete(key)  # another version of Fieldwatch wrote it
    try:
        answer = ask()
    except (Forbidden, NotFound, MethodNotAllowed) as exc:
        cache.set(refused, True, timeout=REFUSED_SECONDS)
        raise NotOffered(NOT_OFFERED) from exc
    cache.set(key, msgspec.json.encode(answer), timeout=CACHE_SECONDS)
    return answer
