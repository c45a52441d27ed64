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
    Entry,
    Form,
    Value,
    Wrong,
    amount,
    change,
    is_again,
    jumps,
)
from dashboard.web.formatting import numbers

RATE_CARD = "The rate card sets the CPI of this group; it cannot be typed."
QUICK = ("5", "10")  # per cent, one click each


def _present(entry: Entry) -> Decimal | None:
    return Decimal(entry.seen["value"]) if entry.seen else None


def check(entry: Entry) -> Value:
    """A new cost per interview in the group's own currency."""
    if entry.group.pricing_model == "rate_card":
        raise Wrong(cpi=RATE_CARD)
    currency, present = entry.currency, _present(entry)
    new = amount(entry.typed.get("cpi", ""), currency, "cpi", "new CPI")
    if (asked := entry.typed.get("currency", currency)).upper() != currency:
        raise Wrong(cpi=f"This group is priced in {currency}; {asked} cannot be sent.")
    limit = settings.CPI_LIMITS.get(currency)
    if limit is not None and new > limit:
        raise Wrong(cpi=f"The exchange takes at most {numbers.money(limit, currency)}.")
    if new == present:
        raise Wrong(cpi=f"{numbers.money(new, currency)} is the present CPI already.")
    if present and jumps(present, new):
        _typed_twice(entry, present, new)
    return {"value": format(new, "f"), "currency_code": currency}


def _typed_twice(entry: Entry, old: Decimal, new: Decimal) -> None:
    again = entry.typed.get("cpi_again", "").strip()
    if not again:
        span = f"{numbers.money(old, entry.currency)} → {numbers.money(new, entry.currency)}"
        sentence = f"That is {change(old, new)} ({span}). Type the new CPI again to confirm it."
        raise Wrong(again=True, cpi_again=sentence)
    if not is_again(again, new, entry.currency):
        raise Wrong(again=True, cpi_again="This is not the CPI typed above.")


def shown(entry: Entry) -> dict[str, Any]:
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
        "present": numbers.amount(present, currency),
        "price": format(present, "f") if present is not None else "",
        "value": typed,
        "cost": cost,
        "left": price_impact.left(group),
        "limit": numbers.money(limit, currency) if limit else "",
    }


def filled(value: Value, _entry: Entry) -> Mapping[str, str]:
    """The amount."""
    return {"cpi": str(value["value"])} if value else {}


def quick(entry: Entry) -> Mapping[str, str]:
    """The present price and some per cent, to the smallest coin where that moves it."""
    present, by = _present(entry), entry.typed.get("by")
    if by not in QUICK or present is None:
        return {}
    new = price_impact.rounded(present * (100 + int(by)) / 100, present, entry.currency)
    return {"cpi": format(new, "f")}


FORM = Form(
    "cpi", Edit.Kind.CPI, "CPI", check, shown, filled, quick=quick, place=lambda _name, _made: "cpi"
)
