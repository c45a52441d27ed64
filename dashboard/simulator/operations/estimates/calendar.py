"""The intelligent calendar: days in field for a planned group, and the holidays of a locale."""

from datetime import UTC, date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from dashboard.simulator.api.routes import route
from dashboard.simulator.api.validation import ValueCheck
from dashboard.simulator.catalogue.clock import DAY, SECOND, read_stamp, rfc3339_stamp
from dashboard.simulator.catalogue.holidays import holidays_between
from dashboard.simulator.catalogue.money import PER_DOLLAR
from dashboard.simulator.catalogue.places import LOCALES, SimulatedLocale
from dashboard.simulator.operations.estimates.feasibility import (
    Wish,
    completes_a_day,
    market_dollars,
)
from dashboard.simulator.world.messages import (
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.world import World

_CALENDAR = "/demand/intelligent-calendar"
_LONGEST = 90  # days
_MOST_DAYS = 3650
_OPENS, _CLOSES = 8, 22  # hours of the locale's own day


@route("suggest_days", "POST", f"{_CALENDAR}/suggest-days")
def suggest_days(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """How many days a planned group needs at its price."""
    check = ValueCheck.of_request(ask)
    locale = check.one_of("locale", tuple(LOCALES))
    check.flag("collects_pii", required=False)
    loi = check.whole("length_of_interview", 1, 45)
    incidence = check.share("incidence_rate")
    completes = check.whole("completes", 1, 1_000_000)
    currency = _currency(check)
    price = check.money("price", currency)
    check.done()
    dollars = float((price or 0) / PER_DOLLAR[currency])
    wish = Wish(loi, incidence, completes, 1.0)
    a_day = completes_a_day(wish, dollars / market_dollars(locale, wish))
    days = min(_LONGEST, max(1, ceil(completes / max(a_day, 0.01))))
    return json_answer({"days": days}, headers=trace_headers(ask))


def _currency(check: ValueCheck) -> str:
    """The currency of the price; the dollar after a fault."""
    price = check.body.get("price")
    code = price.get("currency_code") if isinstance(price, dict) else None
    if code in PER_DOLLAR:
        return str(code)
    check.fault("price.currency_code", f"must be one of {', '.join(PER_DOLLAR)}")
    return "USD"


@route("suggest_time_range", "GET", f"{_CALENDAR}/suggest-time-range")
def suggest_time_range(_world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """A time in field in a locale's own hours, and the holidays in it."""
    place = LOCALES.get(ask.query_value("locale") or "eng_us")
    if place is None:
        raise bad_request("the locale is unknown", [("locale", "is no locale")])
    zone = ZoneInfo(place.zone)
    first, last = _window(ask, zone)
    free = next((day for day in _days(first, last) if not _is_holiday(place, day)), first)
    body = {
        "start": _stamp(free, _OPENS, zone),
        "end": _stamp(last, _CLOSES, zone),
        "holidays": [
            {
                "date": holiday.day.isoformat(),
                "name": holiday.name,
                "respondent_rate": holiday.respondent_rate,
                "completes_rate": holiday.completes_rate,
            }
            for holiday in holidays_between(place.country, first, last)
        ],
        "timezone": place.zone,
    }
    return json_answer(body, headers=trace_headers(ask))


def _window(ask: SimulatedRequest, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day that were asked for, in the locale's own days."""
    days, start, end = (ask.query_value(name) for name in ("days", "start", "end"))
    if (days is None) == (start is None) or (start is None) != (end is None):
        raise bad_request("days, or start and end", [("days", "is required without start and end")])
    if days is not None:
        if not (days.isascii() and days.isdigit() and 1 <= int(days) <= _MOST_DAYS):
            reason = f"must be a whole number from 1 to {_MOST_DAYS}"
            raise bad_request("the days are wrong", [("days", reason)])
        first = _local_day(ask.now, zone)
        return first, first + timedelta(days=int(days))
    try:
        begins, ends = read_stamp(start or ""), read_stamp(end or "")
    except ValueError as exc:
        raise bad_request("a date is wrong", [("start", "must be an RFC 3339 date-time")]) from exc
    if not begins < ends <= begins + _MOST_DAYS * DAY:
        reason = f"must be after the start, by at most {_MOST_DAYS} days"
        raise bad_request("the dates are wrong", [("end", reason)])
    return _local_day(begins, zone), _local_day(ends, zone)


def _local_day(ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(ms / SECOND, UTC).astimezone(zone).date()


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _is_holiday(place: SimulatedLocale, day: date) -> bool:
    return bool(holidays_between(place.country, day, day))


def _stamp(day: date, hour: int, zone: ZoneInfo) -> str:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    return rfc3339_stamp(round(moment.timestamp() * SECOND))
