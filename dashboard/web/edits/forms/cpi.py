"""The cost per interview."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from dashboard.fielding.advice.advised_groups import load_advised_group
from dashboard.fielding.models import Edit
from dashboard.sync.lookup import calendar
from dashboard.web.edits.forms import price_impact
from dashboard.web.edits.forms.base import (
    BoundForm,
    Form,
    FormError,
    Money,
    format_change,
    is_again,
    is_large_step,
    parse_amount,
)
from dashboard.web.edits.price.table import outlook_table
from dashboard.web.edits.price.ways import ways_to_goal
from dashboard.web.edits.price.what_if import should_ask, what_if_table
from dashboard.web.formatting import numbers
from dashboard.web.formatting.typed_numbers import typed_number

CpiValue = Money | None
RATE_CARD = "The rate card sets this group's CPI, so it cannot be changed here."
_LINKED = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?", re.ASCII)
QUICK = ("-5", "5", "10", "25")  # per cent, one click each


class QuickPrice(NamedTuple):
    """A new CPI at one click: its change in per cent as typed and as read, and the amount."""

    percent: str
    label: str
    price: str
    text: str


def _current_cpi(entry: BoundForm[CpiValue]) -> Decimal | None:
    return Decimal(entry.seen["value"]) if entry.seen else None


def clean_cpi(entry: BoundForm[CpiValue]) -> CpiValue:
    """Return the new CPI in the group's currency; a large step must be typed twice."""
    if entry.group.pricing_model == "rate_card":
        raise FormError(cpi=RATE_CARD)
    currency, present = entry.currency, _current_cpi(entry)
    limit = settings.CPI_LIMITS.get(currency)
    new = parse_amount(entry.typed.get("cpi", ""), currency, "cpi", "new CPI", most=limit)
    if (requested := entry.typed.get("currency", currency)).upper() != currency:
        raise FormError(cpi=f"This group is priced in {currency}, not {requested}.")
    if limit is not None and new > limit:
        raise FormError(cpi=f"Cint accepts at most {numbers.format_money(limit, currency)}.")
    if new == present:
        raise FormError(cpi=f"The CPI is already {numbers.format_money(new, currency)}.")
    if present and is_large_step(present, new):
        _require_confirmation(entry, present, new)
    return {"value": format(new, "f"), "currency_code": currency}


def _require_confirmation(entry: BoundForm[CpiValue], old: Decimal, new: Decimal) -> None:
    again = entry.typed.get("cpi_again", "").strip()
    if not again:
        before, after = (numbers.format_money(each, entry.currency) for each in (old, new))
        step = f"{before} → {after}"
        sentence = f"{format_change(old, new)} ({step}): re-enter the CPI to confirm."
        raise FormError(again=True, cpi_again=sentence)
    if not is_again(again, new, entry.currency):
        raise FormError(again=True, cpi_again="The two values differ.")


def typed_price(text: str, currency: str) -> Decimal | None:
    """Return a CPI as typed; None for a text that is none, or that can be read in two ways."""
    try:
        return parse_amount(text, currency, "cpi", "CPI", most=settings.CPI_LIMITS.get(currency))
    except FormError:
        return None


def linked_price(text: str) -> Decimal | None:
    """Return the amount in an address of ours, which has a decimal point; None for other text."""
    return Decimal(text) if _LINKED.fullmatch(text) and Decimal(text) > 0 else None


def cpi_context(entry: BoundForm[CpiValue]) -> dict[str, object]:
    """Return the current CPI, the limit, quick choices, and what a typed CPI would cost."""
    currency, present = entry.currency, _current_cpi(entry)
    limit = settings.CPI_LIMITS.get(currency)
    typed = entry.typed.get("cpi", "")
    group, new = entry.group, typed_price(typed, currency)
    cost, table, advice = "", None, {}
    if new is not None and present is not None:
        cost = price_impact.describe_cpi_impact(group, new, present)
    if present is not None:
        known = calendar.stored_group_calendar(group)
        advised = load_advised_group(group, now=entry.now, calendar=known)
        table = outlook_table(group, present, new, now=entry.now, advised=advised.outlook)
        advice = {
            "ways": ways_to_goal(advised, now=entry.now),
            "what_if": what_if_table(advised.what_if),
            "asks": should_ask(advised),
        }
    return {
        **advice,
        "currency": currency,
        "present": numbers.format_amount(present, currency),
        "price": format(present, "f") if present is not None else "",
        "value": typed,
        "cost": cost,
        "table": table,
        "quick": [_quick_price(percent, present, currency) for percent in QUICK]
        if present is not None
        else [],
        "digits": numbers.minor_digits(currency),
        "most": limit,
        "left": price_impact.completes_to_come(group),
        "limit": numbers.format_money(limit, currency) if limit else "",
    }


def cpi_initial(value: CpiValue, _entry: BoundForm[CpiValue]) -> Mapping[str, str]:
    """Return the amount."""
    return {"cpi": typed_number(Decimal(value["value"]))} if value else {}


def quick_prices(entry: BoundForm[CpiValue]) -> Mapping[str, str]:
    """Return the CPI that a quick choice (`by` a share) or a plan (`to` an amount) asks for."""
    present, percent = _current_cpi(entry), entry.typed.get("by", "")
    if (wanted := linked_price(entry.typed.get("to", ""))) is not None:
        return {"cpi": typed_number(wanted)}
    if percent not in QUICK or present is None:
        return {}
    return {"cpi": _quick_price(percent, present, entry.currency).price}


def _quick_price(percent: str, present: Decimal, currency: str) -> QuickPrice:
    """Return the current CPI changed by a share, to the cent where that changes it."""
    new = price_impact.round_price(present * (100 + int(percent)) / 100, present, currency)
    text = numbers.format_money(new, currency)
    return QuickPrice(percent, f"{numbers.format_signed(int(percent))} %", typed_number(new), text)


FORM = Form(
    "cpi",
    Edit.Kind.CPI,
    "CPI",
    clean_cpi,
    cpi_context,
    cpi_initial,
    quick=quick_prices,
    field_for=lambda _name, _edit: "cpi",
)
