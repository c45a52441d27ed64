"""What the tables take of a value that the exchange sends, and what they refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashboard.exchange.shapes.base import MonetaryAmount

STORED_DECIMALS = 6


class DoesNotFit(ValueError):
    """A value that the exchange may send but our tables cannot keep exactly."""


def fit_text(value: str | None, longest: int = 0) -> str:
    """Text as a table takes it: no NUL; refused where longer than the column."""
    kept = (value or "").replace("\0", "")
    if longest and len(kept) > longest:
        raise DoesNotFit(f"{kept[:40]}… is longer than {longest} characters")
    return kept


def fit_amount(
    amount: MonetaryAmount | None, *, divided: bool = False, below: int = 10**9
) -> Decimal | None:
    """The amount, exact, refused where the table would round it; a quotient (1/3) is rounded."""
    if amount is None:
        return None
    value = round(amount.value, STORED_DECIMALS) if divided else amount.value
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > STORED_DECIMALS:
        raise DoesNotFit(f"{value} has more than {STORED_DECIMALS} decimals")
    if abs(value) >= below:
        raise DoesNotFit(f"{value} is larger than any price or cost")
    return value


def currency_of(*amounts: MonetaryAmount | None) -> str:
    """The currency that these amounts share; refused where they differ."""
    codes = {fit_text(amount.currency_code, 3).upper() for amount in amounts if amount} - {""}
    if len(codes) > 1:
        raise DoesNotFit(f"amounts in several currencies: {', '.join(sorted(codes))}")
    return codes.pop() if codes else ""


def fit_json(value: Any) -> Any:
    """A value that a JSON column can keep: no NUL characters, no decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [fit_json(one) for one in value]
    if isinstance(value, dict):
        return {fit_json(name): fit_json(one) for name, one in value.items()}
    return value
