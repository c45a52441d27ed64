"""The exchange's calendar beside a draft's dates: suggested days in field, local holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from dashboard.exchange.errors import ExchangeError, NotOffered
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.lookup import calendar
from dashboard.web.edits.forms import details
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.forms.draft.fields import (
    CPI,
    END,
    GOAL,
    LOCALE,
    PERIOD,
    PII,
    PRICING,
    START,
)
from dashboard.web.edits.forms.draft.form import local_datetime
from dashboard.web.formatting import labels, numbers

SHOWN_HOLIDAYS = 12
LONGEST_DAYS = 2 * 366
FOR_DAYS = "For a suggested number of days, fill in the goal, LOI, IR and a fixed CPI."
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HolidayLine:
    """A holiday in the draft's dates, in words; `completes`: of a normal day."""

    day: date
    name: str
    completes: str


@dataclass(frozen=True, slots=True)
class DaysHint:
    """The suggested days, or why there are none.

    `end`: a later end date as its field takes it, where the draft is shorter than suggested.
    """

    text: str = ""
    is_short: bool = False
    end: str = ""
    end_day: date | None = None
    trouble: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HolidaysHint:
    """The holidays on the draft's dates, or why they are not known; `more` are left out."""

    lines: tuple[HolidayLine, ...] = ()
    more: int = 0
    trouble: str = ""
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldTimeHint:
    """What the exchange's calendar says about a draft's dates in a country."""

    country: str
    days: DaysHint
    holidays: HolidaysHint

    @property
    def read_at(self) -> datetime | None:
        """When the older of both answers was read; None without any."""
        times = (self.days.read_at, self.holidays.read_at)
        return min((at for at in times if at is not None), default=None)


def read_hint(
    *, account: ExchangeAccount, value: Value, errors: dict[str, str], zone: ZoneInfo
) -> FieldTimeHint:
    """Ask for the calendar of a draft whose locale and dates can be read."""
    locale = str(value[LOCALE])
    country = labels.country_name(locale.partition("_")[2])
    start, end = (datetime.fromisoformat(value[PERIOD][name]) for name in (START, END))
    price = _planned_price(value, errors)
    answer = calendar.read_field_time(
        account=account, locale=locale, start=start, end=end, price=price
    )
    if _is_one_trouble(answer):
        trouble = _trouble(cast("ExchangeError", answer.holidays), "Cint sent no calendar")
        return FieldTimeHint(country, DaysHint(), HolidaysHint(trouble=trouble))
    days = _days(answer.days, start, end, zone)
    return FieldTimeHint(country, days, _holidays(answer.holidays, start, end, zone))


def _is_one_trouble(answer: calendar.FieldTime) -> bool:
    """Return whether both questions failed for one reason, which is said once."""
    days, holidays = answer.days, answer.holidays
    if not isinstance(days, ExchangeError) or not isinstance(holidays, ExchangeError):
        return False
    return type(days) is type(holidays) or (days.waiting_helps and holidays.waiting_helps)


def _planned_price(value: Value, errors: dict[str, str]) -> calendar.PlannedPrice | None:
    """The draft as days are suggested for it; None while something of it is missing."""
    needed = (GOAL, details.LOI, details.IR, CPI)
    if value.get(PRICING) != "dynamic" or any(name in errors for name in needed):
        return None
    cpi = value.get(CPI)
    if not cpi or not all(value.get(name) for name in needed):
        return None
    return calendar.PlannedPrice(
        cpi=Decimal(cpi["value"]),
        currency=cpi["currency_code"],
        loi_minutes=value[details.LOI],
        incidence_rate=value[details.IR],
        completes=value[GOAL],
        collects_pii=value.get(PII) is True,
    )


def _days(
    answer: calendar.DaysInField | ExchangeError | None,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> DaysHint:
    if answer is None:
        return DaysHint(trouble=FOR_DAYS)
    if isinstance(answer, ExchangeError):
        return DaysHint(trouble=_trouble(answer, "Cint suggested no number of days"))
    planned = (end - start) / DAY
    text = (
        f"Cint suggests {_count_days(answer.days)} in field; "
        f"the draft has {_count_days(round(planned)) if planned >= 0.5 else 'less than a day'}."
    )
    is_short = round(planned) < answer.days
    if not is_short or answer.days > LONGEST_DAYS:
        return DaysHint(text, is_short, read_at=answer.read_at)
    day = start.astimezone(zone).date() + timedelta(days=answer.days)
    later = end.astimezone(zone).replace(year=day.year, month=day.month, day=day.day)
    return DaysHint(
        text, is_short, local_datetime(later.isoformat(), zone), day, read_at=answer.read_at
    )


def _count_days(days: int) -> str:
    return "1 day" if days == 1 else f"{numbers.format_count(days)} days"


def _holidays(
    answer: calendar.LocalHolidays | ExchangeError, start: datetime, end: datetime, zone: ZoneInfo
) -> HolidaysHint:
    if isinstance(answer, ExchangeError):
        return HolidaysHint(trouble=_trouble(answer, "Cint sent no holidays"))
    first, last = (moment.astimezone(zone).date() for moment in (start, end))
    lines = tuple(
        HolidayLine(
            each.day,
            each.name,
            "" if each.completes_rate is None else numbers.format_percent(each.completes_rate),
        )
        for each in answer.holidays
        if first <= each.day <= last
    )
    shown = lines[:SHOWN_HOLIDAYS]
    return HolidaysHint(shown, len(lines) - len(shown), read_at=answer.read_at)


def _trouble(exc: ExchangeError, consequence: str) -> str:
    if isinstance(exc, NotOffered):
        return f"{exc}."
    advice = f" {exc.retry_advice}." if exc.retry_advice else ""
    return f"{labels.objection_text(exc)}. {consequence}.{advice}"
