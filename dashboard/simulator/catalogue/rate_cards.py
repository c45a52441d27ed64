"""Rate cards: the price of an interview by its length (rows) and incidence rate (columns)."""

from bisect import bisect_left
from decimal import Decimal

from dashboard.simulator.catalogue.money import currency_scale, in_currency
from dashboard.simulator.catalogue.places import LOCALES
from dashboard.simulator.catalogue.values import Json

MINUTES = (3, 6, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60)
PERCENTS = (75, 50, 30, 20, 15, 10, 7, 5, 3, 1)


def card_of_country(currency: str, country: str) -> Json:
    """The card of a country as the contract's RateCardData; prices in minor units."""
    return {
        "data_format": "loi_ir_matrix",
        "length_of_interview_minutes": list(MINUTES),
        "incidence_rate_percents": list(PERCENTS),
        "pricing_table_currency_code": currency,
        "pricing_table_data": [
            [_minor(minutes, percent, currency, country) for percent in PERCENTS]
            for minutes in MINUTES
        ],
    }


def edition_name(currency: str, country: str, edition: int) -> str:
    """The name under which one edition of a card is kept."""
    return f"rc-{currency.lower()}-{country}-{edition:04d}"


def card_price(currency: str, country: str, *, loi_minutes: int, incidence_rate: float) -> Decimal:
    """What the card asks for an interview of this length and incidence rate (0–1)."""
    row = min(bisect_left(MINUTES, loi_minutes), len(MINUTES) - 1)
    fitting = [percent for percent in PERCENTS if percent <= incidence_rate * 100]
    percent = fitting[0] if fitting else PERCENTS[-1]
    return Decimal(_minor(MINUTES[row], percent, currency, country)).scaleb(
        -currency_scale(currency)
    )


def _minor(minutes: int, percent: int, currency: str, country: str) -> int:
    dearness = max(place.dearness for place in LOCALES.values() if place.country == country)
    dollars = (0.7 + minutes * 0.115 + 18 / (percent + 4)) * dearness
    return int(in_currency(dollars, currency).scaleb(currency_scale(currency)))
