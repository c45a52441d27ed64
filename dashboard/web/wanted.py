"""What a person typed into a form, checked before anything reaches the network.

Each checker returns the value to send, or raises `Wrong` with a sentence a field.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.web import figures, words

Value = Any
MOST_DECIMALS = 4
_AMOUNT = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]+)?", re.ASCII)

CLIENT, SCREENER = "client_side", "screener_side"
RE_ENTRY_CELLS: dict[str, tuple[str, ...]] = {
    "completes": (CLIENT,),
    "pre_client_survey_processes": (SCREENER,),
    "financial_terms": (SCREENER,),
    "terminates": (CLIENT, SCREENER),
    "security_failures": (CLIENT, SCREENER),
    "overquota": (CLIENT, SCREENER),
    "in_screener": (CLIENT, SCREENER),
}
RE_ENTRY_TARGETS = ("allow_for_current_target_group", "allow_for_other_target_groups")


class Wrong(Exception):
    """What cannot be sent: a sentence a field. `again`: it may be right if it is typed twice."""

    def __init__(self, *, again: bool = False, **fields: str) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = fields
        self.again = again


def cpi(typed: QueryDict, seen: Value, group: TargetGroup) -> Value:
    """A new cost per interview in the group's own currency."""
    if group.pricing_model == "rate_card":
        raise Wrong(cpi="The rate card sets the CPI of this group; it cannot be typed.")
    currency = _currency(seen, group)
    price = _amount(typed.get("cpi", ""), currency)
    if (asked := typed.get("currency", currency)) != currency:
        raise Wrong(cpi=f"This group is priced in {currency}; {asked} cannot be sent.")
    limit = settings.CPI_LIMITS.get(currency)
    if limit is not None and price > limit:
        raise Wrong(cpi=f"The exchange takes at most {figures.money(limit, currency)}.")
    present = Decimal(seen["value"]) if seen else None
    if price == present:
        raise Wrong(cpi=f"{figures.money(price, currency)} is the present CPI already.")
    if present and _jump(present, price) > settings.CPI_JUMP_PERCENT:
        _typed_twice(typed, present, price, currency)
    return {"value": format(price, "f"), "currency_code": currency}


def _currency(seen: Value, group: TargetGroup) -> str:
    return str(seen["currency_code"]) if seen else group.currency


def _amount(text: str, currency: str) -> Decimal:
    """A positive amount with at most four decimals, from ASCII digits and a point alone."""
    text = text.strip()
    if not text:
        raise Wrong(cpi="Type the new CPI, for example 2.70.")
    if "," in text:
        raise Wrong(cpi="Use a point for decimals and nothing between thousands: 2.70.")
    code = re.fullmatch(r"(.*?)\s*([A-Za-z]{3})", text)
    if code and _AMOUNT.fullmatch(code[1]):
        if code[2].upper() != currency:
            raise Wrong(cpi=f"This group is priced in {currency}; {code[2]} cannot be sent.")
        text = code[1]
    if not _AMOUNT.fullmatch(text):
        raise Wrong(cpi=f"“{text[:40]}” is not an amount. Type digits and a point: 2.70.")
    if len(text.partition(".")[2]) > MOST_DECIMALS:
        raise Wrong(cpi=f"A CPI has at most {MOST_DECIMALS} decimals.")
    if (price := Decimal(text)) <= 0:
        raise Wrong(cpi="A CPI must be more than 0.")
    return price


def _jump(old: Decimal, new: Decimal) -> Decimal:
    """By how many per cent a price moves, up or down."""
    return abs(new - old) / old * 100


def _typed_twice(typed: QueryDict, old: Decimal, new: Decimal, currency: str) -> None:
    again = typed.get("cpi_again", "").strip()
    change = f"{(new - old) / old * 100:+.0f} %"
    if not again:
        raise Wrong(
            again=True,
            cpi_again=f"That is {change} ({figures.money(old, currency)} → "
            f"{figures.money(new, currency)}). Type the new CPI again to confirm it.",
        )
    if not _AMOUNT.fullmatch(again) or Decimal(again) != new:
        raise Wrong(again=True, cpi_again="This is not the CPI typed above.")


def filling_strategy(typed: QueryDict, seen: Value, _group: TargetGroup) -> Value:
    """One of the three strategies."""
    wanted = typed.get("filling_strategy", "")
    if wanted not in words.STRATEGIES:
        raise Wrong(filling_strategy="Choose one of the three strategies.")
    if wanted == seen:
        raise Wrong(filling_strategy=f"{words.STRATEGIES[wanted]} is the present strategy already.")
    return wanted


def re_entry(typed: QueryDict, seen: Value, _group: TargetGroup) -> Value:
    """The whole configuration: what the grid does not show goes back as it came."""
    wanted: dict[str, Any] = copy.deepcopy(seen) if isinstance(seen, dict) else {}
    for status, sides in RE_ENTRY_CELLS.items():
        for side in sides:
            cell = wanted.setdefault(status, {}).setdefault(side, {})
            for target in RE_ENTRY_TARGETS:
                cell[target] = f"{status}.{side}.{target}" in typed
    if wanted == seen:
        raise Wrong(re_entry="Nothing is changed yet.")
    return wanted


CHECKS: Mapping[str, Callable[[QueryDict, Value, TargetGroup], Value]] = {
    Edit.Kind.CPI: cpi,
    Edit.Kind.FILLING_STRATEGY: filling_strategy,
    Edit.Kind.RE_ENTRY: re_entry,
}
