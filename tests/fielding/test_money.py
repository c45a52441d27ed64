"""One way to write money, on pages and in mails."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.fielding.domain.money import (
    format_cents,
    format_money,
    format_price,
    format_price_beside,
    format_total,
    format_totals,
    minor_digits,
)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("USD", 2),
        ("eur", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("LYD", 3),
        *((code, 0) for code in ("IQD", "RWF", "BIF", "DJF", "GNF", "KMF", "VUV", "KRW", "XOF")),
        ("???", 2),
        ("", 2),
    ],
)
def test_a_currency_has_the_decimals_of_cldr(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("value", "currency", "scale", "text"),
    [
        ("2.7", "EUR", None, "2.70 EUR"),
        ("2.735200", "EUR", None, "2.7352 EUR"),
        ("495200.000000", "JPY", None, "495,200 JPY"),
        ("1.5", "LYD", None, "1.500 LYD"),
        ("1.5", "IQD", 3, "1.500 IQD"),
        ("-2.5", "EUR", None, "−2.50 EUR"),
        ("2.5", "", None, "2.50"),
        (None, "EUR", None, "—"),
    ],
)
def test_an_exact_amount_loses_no_digit(
    value: str | None, currency: str, scale: int | None, text: str
) -> None:
    amount = None if value is None else Decimal(value)
    assert format_money(amount, currency, scale=scale) == text


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("2.7496", "EUR", "2.75 EUR"),
        ("0.3095", "GBP", "0.31 GBP"),
        ("0.020679", "GBP", "0.021 GBP"),
        ("4.57", "JPY", "4.6 JPY"),
        ("495200", "JPY", "495,200 JPY"),
        ("0", "EUR", "0.00 EUR"),
    ],
)
def test_a_computed_price_has_the_digits_that_say_something(
    value: str, currency: str, text: str
) -> None:
    assert format_price(Decimal(value), currency) == text


def test_a_price_beside_its_limit_shows_what_tells_them_apart() -> None:
    assert format_price_beside(Decimal("0.198"), Decimal("0.20"), "USD") == "0.198 USD"
    assert format_price_beside(Decimal("0.15"), Decimal("0.20"), "USD") == "0.15 USD"


def test_sums_are_rounded_and_never_added_up() -> None:
    assert format_total(Decimal("1204.4"), "EUR") == "1,204 EUR"
    assert format_cents(Decimal("1204.1"), "EUR") == "1,204.10 EUR"
    assert format_cents(Decimal("1204.0"), "VUV") == "1,204 VUV"
    sums = format_totals({"USD": Decimal(111), "EUR": Decimal(50)})
    assert sums.replace("\N{NO-BREAK SPACE}", " ") == "50 EUR + 111 USD"
    assert format_totals({}) == "—"
