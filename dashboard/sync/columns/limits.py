"""Fit values from the exchange into our tables, or refuse them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from dashboard.exchange.shapes.base import MonetaryAmount

STORED_DECIMALS = 6
YEARS = range(1900, 3000)  # programs write 0001-01-01 or 9999-12-31 for no moment at all


class DoesNotFit(ValueError):
    """A value from the exchange that our tables cannot store exactly."""


def fit_text(value: str | None, longest: int = 0) -> str:
    """Text without NUL; raises DoesNotFit if it is longer than `longest` (0: any length)."""
    text = (value or "").replace("\0", "")
    if longest and len(text) > longest:
        raise DoesNotFit(f"{text[:40]}… is longer than {longest} characters")
    return text


def fit_moment(moment: datetime | None) -> datetime | None:
    """The moment; None for one that no time zone, axis or countdown could show."""
    return moment if moment is not None and moment.year in YEARS else None


def fit_amount(
    amount: MonetaryAmount | None, *, divided: bool = False, below: int = 10**9
) -> Decimal | None:
    """The exact amount; raises DoesNotFit if the table would round it.

    `divided`: a quotient such as 1/3, which is rounded. `below`: the first amount that is refused.
    """
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
    """The currency that these amounts share, "" without one; DoesNotFit if they differ."""
    codes = {fit_text(amount.currency_code, 3).upper() for amount in amounts if amount} - {""}
    if len(codes) > 1:
        raise DoesNotFit(f"amounts in several currencies: {', '.join(sorted(codes))}")
    return codes.pop() if codes else ""


def fit_json(value: object) -> Any:  # the same value, fit for JSON: what it is, its caller knows
    """The value as a JSON column can store it: no NUL characters, no decimals."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [fit_json(item) for item in value]
    if isinstance(value, dict):
        return {fit_json(name): fit_json(member) for name, member in value.items()}
    return value
