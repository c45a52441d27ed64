"""What answers of the API are made of: models, money, counts, and the parameters of lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from ninja import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dashboard.web.formatting import numbers

MOST_ROWS = 200  # of a page
ROWS = 50
LARGEST_KEY = 10**18 - 1  # as many digits as an address takes


class ApiModel(BaseModel):
    """An object of an answer; every member is always there, and null where it is not known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


class MoneyAmount(ApiModel):
    """An amount as text, exactly as it is known, with its currency."""

    amount: Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["2.75"])]
    currency: Annotated[str, Field(description="ISO 4217", examples=["USD"])]


class Range(ApiModel):
    """A projection: the median, and the range that holds 80 % of outcomes."""

    p10: int
    p50: int
    p90: int


class TimeRange(ApiModel):
    """When a goal is reached: p10 is early; null: more than 90 days away."""

    p10: datetime | None
    p50: datetime | None
    p90: datetime | None


Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")]
Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9_:-]{1,500}$", description="The `next_cursor` of the page before."),
]
StatusFilter = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="As Cint names it.")
]
KeyFilter = Annotated[int | None, Query(ge=1, le=LARGEST_KEY)]
Key = Annotated[int, Field(ge=1, le=LARGEST_KEY)]


def _require_iso_date(text: object) -> object:
    """Return a date as it is documented; a number would be read as seconds since 1970."""
    if isinstance(text, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("It takes a date such as 2026-11-30.")
    return text


IsoDate = Annotated[date, BeforeValidator(_require_iso_date)]


def exact_money(amount: Decimal | None, currency: str) -> MoneyAmount | None:
    """Return an amount with all its digits, at least those of its currency."""
    if amount is None or not currency:
        return None
    text = numbers.format_amount(amount, currency).replace(",", "").replace("\N{MINUS SIGN}", "-")
    return MoneyAmount(amount=text, currency=currency)


def rounded_money(amount: Decimal | None, currency: str) -> MoneyAmount | None:
    """Return a computed amount to the smallest coin of its currency."""
    if amount is None or not currency:
        return None
    digits = Decimal(1).scaleb(-numbers.minor_digits(currency))
    return exact_money(amount.quantize(digits), currency)


# An amount within a sentence, as `fielding/domain/money.py` writes it: 2.75 USD.
_AMOUNT = re.compile(r"[0-9][ \N{NO-BREAK SPACE}]?[A-Z]{3}\b")


def names_amount(sentence: str) -> bool:
    """Whether a sentence says what something costs."""
    return _AMOUNT.search(sentence) is not None


def whole_range(values: Sequence[float]) -> Range:
    """Return p10, p50 and p90 in whole completes, as pages show them."""
    low, middle, high = map(round, values)
    return Range(p10=low, p50=middle, p90=high)
