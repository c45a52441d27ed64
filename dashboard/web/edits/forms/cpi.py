"""The cost per interview."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings

from dashboard.fielding.models import Edit
from dashboard.web.edits.forms import price_impact
from dashboard.web.edits.forms.base import (
    AMOUNT,
    BoundForm,
    Form,
    FormError,
    Value,
    format_change,
    is_again,
    is_large_step,
    parse_amount,
)
from dashboard.web.formatting import numbers

RATE_CARD = "The rate card sets the CPI of this group; it cannot be typed."
QUICK = ("5", "10")  # per cent, one click each


def _present(entry: BoundForm) -> Decimal | None:
    return Decimal(entry.seen["value"]) if entry.seen else None


def clean_cpi(entry: BoundForm) -> Value:
    """A new cost per interview in the group's own currency."""
    if entry.group.pricing_model == "rate_card":
        raise FormError(cpi=RATE_CARD)
    currency, present = entry.currency, _present(entry)
    new = parse_amount(entry.typed.get("cpi", ""), currency, "cpi", "new CPI")
    if (asked := entry.typed.get("currency", currency)).upper() != currency:
        raise FormError(cpi=f"This group is priced in {currency}; {asked} cannot be sent.")
    limit = settings.CPI_LIMITS.get(currency)
    if limit is not None and new > limit:
        raise FormError(cpi=f"The exchange takes at most {numbers.format_money(limit, currency)}.")
    if new == present:
        raise FormError(cpi=f"{numbers.format_money(new, currency)} is the present CPI already.")
    if present and is_large_step(present, new):
        _typed_twice(entry, present, new)
    return {"value": format(new, "f"), "currency_code": currency}


def _typed_twice(entry: BoundForm, old: Decimal, new: Decimal) -> None:
    again = entry.typed.get("cpi_again", "").strip()
    if not again:
        before, after = (numbers.format_money(each, entry.currency) for each in (old, new))
        span = f"{before} → {after}"
        sentence = (
            f"That is {format_change(old, new)} ({span}). Type the new CPI again to confirm it."
        )
        raise FormError(again=True, cpi_again=sentence)
    if not is_again(again, new, entry.currency):
        raise FormError(again=True, cpi_again="This is not the CPI typed above.")


def cpi_context(entry: BoundForm) -> dict[str, Any]:
    """The present price, and what the typed one costs."""
    currency, present = entry.currency, _present(entry)
    limit = settings.CPI_LIMITS.get(currency)
    typed = entry.typed.get("cpi", "")
    group = entry.group
    cost = ""
    if AMOUNT.fullmatch(typed) and Decimal(typed) > 0 and present is not None:
        cost = price_impact.to_come(group, Decimal(typed), present)
    return {
        "currency": currency,
        "present": numbers.format_amount(present, currency),
        "price": format(present, "f") if present is not None else "",
        "value": typed,
        "cost": cost,
        "left": price_impact.completes_to_come(group),
        "limit": numbers.format_money(limit, currency) if limit else "",
    }


def cpi_initial(value: Value, _entry: BoundForm) -> Mapping[str, str]:
    """The amount."""
    return {"cpi": str(value["value"])} if value else {}


def quick_prices(entry: BoundForm) -> Mapping[str, str]:
    """The present price and some per cent, to the smallest coin where that moves it."""
    present, by = _present(entry), entry.typed.get("by")
    if by not in QUICK or present is None:
        return {}
    new = price_impact.round_price(present * (100 + int(by)) / 100, present, entry.currency)
    return {"cpi": format(new, "f")}


FORM = Form(
    "cpi",
    Edit.Kind.CPI,
    "CPI",
    clean_cpi,
    cpi_context,
    cpi_initial,
    quick=quick_prices,
    place=lambda _name, _made: "cpi",
)
