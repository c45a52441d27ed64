"""How long the exchange would field a planned group, and the local holidays on its dates.

Asked when a person asks, within some seconds, and cached for some hours. An account that does not
have the exchange's calendar is asked once an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
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
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients
from dashboard.sync.lookup.cache_keys import cache_key

SECONDS = 6.0  # for both questions together
CACHE_SECONDS = 6 * 3600
REFUSED_SECONDS = 3600
NOT_OFFERED = "Cint does not offer its calendar to this account"
MOST_DAYS = 3650
LONGEST_NAME = 80

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


class Holiday(Struct, frozen=True):
    """A local holiday; completes_rate: completes over those of a normal day (1.0)."""

    day: date
    name: str
    completes_rate: float | None = None


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
