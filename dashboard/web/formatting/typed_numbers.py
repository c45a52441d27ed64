"""Numbers and amounts as people type them: 12,50 and 12.50, 1 234,5, 1’234.50, € 3.80, 3.80 USD.

What can be read in two ways is not guessed: 12.500 is 12.50 to some and 12,500 to others.
`static/js/typed_numbers.js` reads them in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError

DECIMAL_SEPARATORS = ".,"
_SAME_AS = str.maketrans(
    dict.fromkeys("\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("’‘ʼ´", "'") | {"−": "-"}
)
_BODY = re.compile(r"(-?) ?([0-9]*(?:[ '.,][0-9]+)*)", re.ASCII)
_STARTS = re.compile(r"[0-9+\-.,]", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)
_DOLLARS = frozenset(["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "TWD", "MXN", "CLP", "COP", "ARS"])
_KRONER = frozenset(["SEK", "NOK", "DKK", "ISK"])
CURRENCIES_OF_SYMBOLS = {
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP", "EGP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "$": _DOLLARS,
    "US$": frozenset({"USD"}),
    "C$": frozenset({"CAD"}),
    "CA$": frozenset({"CAD"}),
    "A$": frozenset({"AUD"}),
    "R$": frozenset({"BRL"}),
    "₹": frozenset({"INR"}),
    "₩": frozenset({"KRW"}),
    "₺": frozenset({"TRY"}),
    "₪": frozenset({"ILS"}),
    "₫": frozenset({"VND"}),
    "฿": frozenset({"THB"}),
    "₱": frozenset({"PHP"}),
    "zł": frozenset({"PLN"}),
    "Kč": frozenset({"CZK"}),
    "Ft": frozenset({"HUF"}),
    "kr": _KRONER,
    "kr.": _KRONER,
}


class TypedAmount(NamedTuple):
    """A typed amount without its currency, and each currency as it was typed beside it."""

    number: str
    units: Sequence[str]


def possible_numbers(text: str) -> list[Decimal]:
    """Return every number that a text can mean: none, one, or two, the larger one first."""
    match = _BODY.fullmatch(text.strip().translate(_SAME_AS))
    if match is None or not match[2]:
        return []
    sign, body = match[1], match[2]
    separators, groups = re.findall(r"[^0-9]", body), re.split(r"[^0-9]", body)
    readings = []
    if _is_grouped(separators, groups):
        readings.append(Decimal(sign + "".join(groups)))
    if separators and separators[-1] in DECIMAL_SEPARATORS:
        *thousands, last = separators
        whole = groups[:-1]
        if last not in thousands and (whole == [""] or _is_grouped(thousands, whole)):
            readings.append(Decimal(f"{sign}{''.join(whole) or '0'}.{groups[-1]}"))
    return readings


def _is_grouped(separators: Sequence[str], groups: Sequence[str]) -> bool:
    """Whether these are digits of a whole number, in groups of three or as in India (1,23,456)."""
    if not separators:
        return groups[0] != ""
    first, *middle, last = groups
    lengths = {len(group) for group in middle}
    return (
        len(set(separators)) == 1
        and 1 <= len(first) <= 3
        and not first.startswith("0")
        and len(last) == 3
        and lengths in (set(), {3}, {2})
    )


def read_whole_number(text: str) -> int | None:
    """Return the whole number that a text means, where separators group digits; None for none."""
    whole = (number for number in possible_numbers(text) if number == number.to_integral_value())
    first = next(whole, None)
    return None if first is None else int(first)


def numbers_within(text: str, *, least: Decimal | None, most: Decimal | None) -> list[Decimal]:
    """Return what a text can mean; of two readings, only those within the bounds, if any is."""
    readings = possible_numbers(text)
    within = [
        number
        for number in readings
        if (least is None or number >= least) and (most is None or number <= most)
    ]
    return within or readings


def ask_which(readings: Sequence[Decimal]) -> str:
    """Return the question which of two numbers is meant, and how each is typed."""
    large, small = sorted(readings, reverse=True)
    exact = typed_number(small)
    return f"Do you mean {exact} or {large:,f}? Enter {exact} or {large:f}."


def typed_number(number: Decimal) -> str:
    """Return a number as text that can be read in one way: "12.50", "2.7350" but not "2.735"."""
    text = f"{number:f}"
    decimals = text.partition(".")[2]
    if len(decimals) == 3 and decimals.endswith("0"):
        return text[:-1]
    return f"{text}0" if len(decimals) == 3 and len(possible_numbers(text)) > 1 else text


def split_units(text: str) -> TypedAmount:
    """Split the currency from an amount, before or after it: a code or a symbol."""
    text = text.strip().translate(_SAME_AS)
    starts = _STARTS.search(text)
    ends = max((place for place, sign in enumerate(text, 1) if sign in "0123456789"), default=0)
    if starts is None or not ends:
        return TypedAmount(text, ())
    around = text[: starts.start()].strip(), text[ends:].strip()
    return TypedAmount(text[starts.start() : ends], [unit for unit in around if unit])


def is_unit(unit: str) -> bool:
    """Whether a text is the code or the symbol of a currency."""
    return unit in CURRENCIES_OF_SYMBOLS or bool(_CODE.fullmatch(unit))


def means_currency(unit: str, currency: str) -> bool:
    """Whether a typed code or symbol can stand for this currency."""
    return unit.upper() == currency.upper() or currency.upper() in CURRENCIES_OF_SYMBOLS.get(
        unit, ()
    )


class NumberInput(forms.TextInput):
    """A field for a number: a phone shows digits and a separator, and a comma may be typed."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off"} | (attrs or {}))


class TypedFloatField(forms.FloatField):
    """A number of a form, typed as people do; asks where it can be read in two ways."""

    widget = NumberInput

    # Django derives fields of fractions from those of whole numbers.
    def to_python(self, value: object) -> float | None:  # type: ignore[override]
        """Return the number; raises ValidationError."""
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        bounds = [
            None if bound is None else Decimal(str(bound))
            for bound in (self.min_value, self.max_value)
        ]
        text = value.strip().removesuffix("%")
        readings = numbers_within(text, least=bounds[0], most=bounds[1])
        if len(readings) > 1:
            raise ValidationError(ask_which(readings), code="ambiguous")
        if not readings:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(str(readings[0]))


class TypedIntegerField(forms.IntegerField):
    """A whole number of a form, typed as people do: 12.500 and 12,500 are the same."""

    widget = NumberInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.widget.attrs["inputmode"] = "numeric"

    def to_python(self, value: object) -> int | None:
        """Return the whole number; raises ValidationError."""
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        if (number := read_whole_number(value)) is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(str(number))
