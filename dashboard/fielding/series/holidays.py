"""Local holidays and the days in field that the exchange suggests: what is known of a calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec import Struct

QUIET = 0.05  # of a normal day: a day with fewer completes brings nothing
WEAK = 0.95  # of a normal day: a holiday with more completes is none


class Holiday(Struct, frozen=True):
    """A local holiday; completes_rate: completes over those of a normal day (1.0)."""

    day: date
    name: str
    completes_rate: float | None = None

    @property
    def is_weak(self) -> bool:
        """Whether it is known to bring fewer completes than a normal day."""
        return self.completes_rate is not None and self.completes_rate < WEAK

    @property
    def is_quiet(self) -> bool:
        """Whether it is known to bring next to nothing."""
        return self.completes_rate is not None and self.completes_rate < QUIET


class GroupCalendar(Struct, frozen=True):
    """What the exchange's calendar says about a group in field.

    days: how many days in field it suggests for so many further completes at today's CPI; None
    where it suggests none. is_read: whether the calendar was asked for at all.
    """

    holidays: tuple[Holiday, ...] = ()
    days: int | None = None
    completes: int = 0
    is_read: bool = False


NO_CALENDAR = GroupCalendar()


def rate_by_day(holidays: Iterable[Holiday]) -> dict[date, float]:
    """Completes over those of a normal day, of the holidays that are weak; the weakest of a day."""
    rates: dict[date, float] = {}
    for holiday in holidays:
        if holiday.is_weak and holiday.completes_rate is not None:
            rates[holiday.day] = min(holiday.completes_rate, rates.get(holiday.day, 1.0))
    return rates


def format_days(days: Sequence[date]) -> str:
    """Return days in order, neighbours as a span: "24 Dec, 31 Dec–1 Jan"."""
    spans: list[list[date]] = []
    for day in sorted(set(days)):
        if spans and day - spans[-1][-1] == timedelta(days=1):
            spans[-1].append(day)
        else:
            spans.append([day])
    return ", ".join(_format_span(span[0], span[-1]) for span in spans)


def _format_span(first: date, last: date) -> str:
    if first == last:
        return f"{first:%-d %b}"
    start = f"{first:%-d}" if first.month == last.month else f"{first:%-d %b}"
    return f"{start}–{last:%-d %b}"
