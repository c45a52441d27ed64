"""Public holidays of the simulated countries, and how many people take surveys on them."""

from datetime import date, timedelta
from typing import NamedTuple

from dashboard.simulator.catalogue.seeded_random import seed_of, uniform_draws

_NEW_YEAR, _LABOUR, _CHRISTMAS = (
    (1, 1, "New Year's Day"),
    (5, 1, "Labour Day"),
    (12, 25, "Christmas"),
)
_BOXING = (12, 26, "Boxing Day")
# Those with a date of their own; Good Friday and Easter Monday follow from the year.
_FIXED: dict[str, tuple[tuple[int, int, str], ...]] = {
    "us": (_NEW_YEAR, (7, 4, "Independence Day"), (11, 11, "Veterans Day"), _CHRISTMAS),
    "gb": (_NEW_YEAR, _CHRISTMAS, _BOXING),
    "de": (_NEW_YEAR, _LABOUR, (10, 3, "German Unity Day"), _CHRISTMAS, _BOXING),
    "fr": (
        *(_NEW_YEAR, _LABOUR, (5, 8, "Victory Day"), (7, 14, "Bastille Day")),
        *((8, 15, "Assumption Day"), (11, 1, "All Saints' Day"), (11, 11, "Armistice Day")),
        _CHRISTMAS,
    ),
    "es": (
        *(_NEW_YEAR, (1, 6, "Epiphany"), _LABOUR, (8, 15, "Assumption Day")),
        *((10, 12, "National Day"), (11, 1, "All Saints' Day"), (12, 6, "Constitution Day")),
        *((12, 8, "Immaculate Conception"), _CHRISTMAS),
    ),
    "it": (
        *(_NEW_YEAR, (1, 6, "Epiphany"), (4, 25, "Liberation Day"), _LABOUR),
        *((6, 2, "Republic Day"), (8, 15, "Assumption Day"), (11, 1, "All Saints' Day")),
        *((12, 8, "Immaculate Conception"), _CHRISTMAS, _BOXING),
    ),
    "nl": (_NEW_YEAR, (4, 27, "King's Day"), _CHRISTMAS, _BOXING),
    "se": (_NEW_YEAR, (1, 6, "Epiphany"), _LABOUR, (6, 6, "National Day"), _CHRISTMAS, _BOXING),
    "pl": (
        *(_NEW_YEAR, (1, 6, "Epiphany"), _LABOUR, (5, 3, "Constitution Day")),
        *((8, 15, "Assumption Day"), (11, 1, "All Saints' Day"), (11, 11, "Independence Day")),
        *(_CHRISTMAS, _BOXING),
    ),
    "jp": (
        *(_NEW_YEAR, (2, 11, "National Foundation Day"), (2, 23, "Emperor's Birthday")),
        *((4, 29, "Showa Day"), (5, 3, "Constitution Day"), (5, 5, "Children's Day")),
        *((8, 11, "Mountain Day"), (11, 3, "Culture Day"), (11, 23, "Labour Thanksgiving Day")),
    ),
    "in": (
        (1, 26, "Republic Day"),
        (8, 15, "Independence Day"),
        (10, 2, "Gandhi Jayanti"),
        _CHRISTMAS,
    ),
    "au": (_NEW_YEAR, (1, 26, "Australia Day"), (4, 25, "Anzac Day"), _CHRISTMAS, _BOXING),
    "br": (
        *(_NEW_YEAR, (4, 21, "Tiradentes"), _LABOUR, (9, 7, "Independence Day")),
        *((11, 2, "All Souls' Day"), (11, 15, "Republic Day"), _CHRISTMAS),
    ),
    "mx": (_NEW_YEAR, _LABOUR, (9, 16, "Independence Day"), _CHRISTMAS),
    "ca": (_NEW_YEAR, (7, 1, "Canada Day"), (11, 11, "Remembrance Day"), _CHRISTMAS, _BOXING),
}
_WITHOUT_EASTER = frozenset({"us", "jp", "in", "mx"})


class SimulatedHoliday(NamedTuple):
    """A holiday, with the people and completes of a normal day (1.0) that it still brings."""

    day: date
    name: str
    respondent_rate: float
    completes_rate: float


def holidays_between(country: str, first: date, last: date) -> list[SimulatedHoliday]:
    """The public holidays of a country from the first day to the last, both inside."""
    named = [pair for year in range(first.year, last.year + 1) for pair in _of_year(country, year)]
    return [
        SimulatedHoliday(day, name, *_rates(country, name))
        for day, name in sorted(named)
        if first <= day <= last
    ]


def _of_year(country: str, year: int) -> list[tuple[date, str]]:
    days = [(date(year, month, day), name) for month, day, name in _FIXED.get(country, ())]
    if country not in _WITHOUT_EASTER:
        sunday = _easter_sunday(year)
        days.append((sunday - timedelta(days=2), "Good Friday"))
        days.append((sunday + timedelta(days=1), "Easter Monday"))
    return days


def _rates(country: str, name: str) -> tuple[float, float]:
    u = uniform_draws(seed_of("holiday", country, name), 0)
    respondents = 0.55 + 0.3 * u[0]
    return round(respondents, 2), round(respondents * (0.9 + 0.1 * u[1]), 2)


def _easter_sunday(year: int) -> date:
    """By the Gregorian calendar (Gauss's rule with its two exceptions)."""
    century = year // 100
    m = (15 + century - century // 4 - (8 * century + 13) // 25) % 30
    n = (4 + century - century // 4) % 7
    moon = (19 * (year % 19) + m) % 30
    if moon == 29 or (moon == 28 and year % 19 > 10):
        moon -= 1
    week = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + n) % 7
    return date(year, 3, 22) + timedelta(days=moon + week)
