"""Money as pages and mails show it: an amount beside its currency, never summed across currencies.

The decimals of a currency are those of the Unicode CLDR, unless the exchange names a scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from babel.numbers import get_currency_precision

from dashboard.fielding.domain.figures import (
    DASH,
    Number,
    format_beside,
    significant_places,
    with_minus,
)

LEAST_DIGITS = 2  # significant digits of a price below one: EPC 0.31, EPCM 0.021


@lru_cache(maxsize=256)
def minor_digits(currency: str) -> int:
    """The decimals of a currency: 2 of the dollar and of one that CLDR lacks, none of the yen."""
    return get_currency_precision(currency.upper())


def format_amount(value: Number | None, currency: str, *, scale: int | None = None) -> str:
    """Money without its currency: the decimals of the currency, and more where they are not zero.

    `scale`: the decimals that the exchange names, which come before those of CLDR.
    """
    if value is None:
        return DASH
    whole, _, decimals = f"{value:,f}".partition(".")
    digits = minor_digits(currency) if scale is None else scale
    decimals = decimals.rstrip("0").ljust(digits, "0")
    return with_minus(f"{whole}.{decimals}" if decimals else whole)


def format_money(value: Number | None, currency: str, *, scale: int | None = None) -> str:
    """An exact amount with its currency: "2.70 EUR", "2.7352 EUR"."""
    return _with_currency(format_amount(value, currency, scale=scale), currency)


def format_price_amount(value: Number | None, currency: str) -> str:
    """A computed price without its currency, as `format_price` rounds it."""
    if value is None:
        return DASH
    places = max(minor_digits(currency), significant_places(value, LEAST_DIGITS))
    return with_minus(f"{value:,.{places}f}")


def format_price(value: Number | None, currency: str) -> str:
    """A computed price (an average, EPC, EPCM) to its coin, or to two significant digits.

    2.7496 is "2.75 EUR", 0.020679 is "0.021 EUR", 4.57 is "4.6 JPY".
    """
    return _with_currency(format_price_amount(value, currency), currency)


def format_price_beside(value: Number, limit: Number, currency: str) -> str:
    """A computed price with the digits that tell it from a limit: 0.198 beside 0.20."""
    digits = max(minor_digits(currency), significant_places(value, LEAST_DIGITS))
    return _with_currency(format_beside(value, limit, digits), currency)


def format_total(value: Number | None, currency: str) -> str:
    """A sum of money, to the currency's major unit: "1,204 EUR"."""
    return _with_currency(DASH if value is None else with_minus(f"{value:,.0f}"), currency)


def format_cents(value: Number | None, currency: str) -> str:
    """Money to the currency's smallest coin: "1,204.10 EUR", "1,204 JPY"."""
    if value is None:
        return DASH
    return _with_currency(with_minus(f"{value:,.{minor_digits(currency)}f}"), currency)


def format_totals(by_currency: Mapping[str, Number]) -> str:
    """Sums of money beside each other, never added up: "50 EUR + 111 USD".

    A line breaks between them, never between a sum and its currency.
    """
    sums = (format_total(by_currency[code], code) for code in sorted(by_currency))
    return " + ".join(text.replace(" ", "\N{NO-BREAK SPACE}") for text in sums) or DASH


def _with_currency(text: str, currency: str) -> str:
    return text if text == DASH else f"{text} {currency}".rstrip()
