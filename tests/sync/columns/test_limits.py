"""Values that fit into our tables, and those that are refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.exchange.shapes.base import MonetaryAmount
from dashboard.sync.columns import limits
from dashboard.sync.columns.limits import DoesNotFit


def amount(value: str, currency: str = "USD") -> MonetaryAmount:
    return MonetaryAmount(value=Decimal(value), currency_code=currency)


def test_a_text_loses_its_nul_characters_before_its_length_counts() -> None:
    assert limits.fit_text(None) == ""
    assert limits.fit_text("a\0bc", 3) == "abc"
    assert limits.fit_text("x" * 5000) == "x" * 5000
    assert limits.fit_text("x", 1) == "x"
    with pytest.raises(DoesNotFit) as refused:
        limits.fit_text("x" * 42, 41)
    assert str(refused.value) == f"{'x' * 40}… is longer than 41 characters"


@pytest.mark.parametrize("value", ["0.123456", "0.1234560", "999999999.5", "-999999999", "1E+3"])
def test_an_amount_that_the_tables_hold_is_kept_exactly(value: str) -> None:
    assert limits.fit_amount(amount(value)) == Decimal(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("0.1234567", "0.1234567 has more than 6 decimals"),
        ("1000000000", "1000000000 is larger than any price or cost"),
        ("-1000000000", "-1000000000 is larger than any price or cost"),
    ],
)
def test_an_amount_that_the_tables_would_change_is_refused(value: str, words: str) -> None:
    with pytest.raises(DoesNotFit) as refused:
        limits.fit_amount(amount(value))
    assert str(refused.value) == words


def test_a_quotient_is_rounded_and_no_amount_stays_none() -> None:
    assert limits.fit_amount(amount("0.3333333333"), divided=True) == Decimal("0.333333")
    assert limits.fit_amount(None) is None
    assert limits.fit_amount(amount("1000000000"), below=10**12) == 10**9


def test_amounts_share_one_currency_or_are_refused() -> None:
    assert limits.currency_of(amount("1", "eur"), None, amount("2", "EUR"), amount("3", "")) == (
        "EUR"
    )
    assert limits.currency_of(None, amount("1", "")) == limits.currency_of() == ""
    with pytest.raises(DoesNotFit, match=r"^amounts in several currencies: EUR, USD$"):
        limits.currency_of(amount("1", "USD"), amount("1", "EUR"))
    with pytest.raises(DoesNotFit):
        limits.currency_of(amount("1", "EURO"))


def test_a_document_has_no_decimals_and_no_nul_characters_at_any_depth() -> None:
    value = {"a\0": [Decimal("2.0"), Decimal("2.5"), "b\0", {"c": Decimal(3)}], "d": None, "e": 1.5}
    fitted = limits.fit_json(value)
    assert fitted == {"a": [2, 2.5, "b", {"c": 3}], "d": None, "e": 1.5}
    assert [type(item) for item in fitted["a"][:2]] == [int, float]
