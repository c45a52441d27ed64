"""What every form consists of: how it is filled in, checked and shown; amounts and numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypedDict, TypeVar

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits import local
from dashboard.sync.edits.merge import normalise_lines
from dashboard.web.formatting import numbers, typed_numbers
from dashboard.web.formatting.values import WordParts

Value = Any  # JSON: each kind of edit has another shape, which its own form knows
NO_CHANGE = "Nothing has been changed yet."
NOTHING = "Nothing was changed."
MOST_DECIMALS = 4
_TOO_LARGE = Decimal(10) ** 9
_BETWEEN_STEPS = re.compile(r"[^A-Za-z0-9_]+")


class Money(TypedDict):
    """An amount as the exchange writes it: `value` "2.70", `currency_code` in ISO 4217."""

    value: str
    currency_code: str


Shape = TypeVar("Shape")  # the value of one kind of edit


class FormError(Exception):
    """A form that cannot be sent: a sentence for each field, under "form" where it is about none.

    `again`: the value may be right, and is taken once it is typed twice.
    """

    def __init__(
        self, fields: Mapping[str, str] | None = None, *, again: bool = False, **by_name: str
    ) -> None:
        self.fields = {**(fields or {}), **by_name}
        super().__init__("; ".join(self.fields.values()))
        self.again = again


@dataclass(frozen=True, slots=True)
class BoundForm(Generic[Shape]):
    """A form in use: the group, the value when the form was opened, and what was typed."""

    group: TargetGroup
    seen: Shape
    typed: QueryDict
    now: datetime
    names: Mapping[str, str] = field(default_factory=dict)  # the exchange's users by id
    lockouts: Sequence[tuple[str, str]] = ()  # industry lockouts by code
    errors: Mapping[str, str] = field(default_factory=dict)  # sentences by field

    @property
    def currency(self) -> str:
        """The group's currency, as an ISO 4217 code."""
        if isinstance(self.seen, dict) and "currency_code" in self.seen:
            return str(self.seen["currency_code"]).upper()
        return self.group.currency


class Unchanged(FormError):
    """A form that was sent as it was opened: there is nothing to change."""

    def __init__(self) -> None:
        super().__init__(form=NOTHING)


def is_untouched(text: str, shown: str) -> bool:
    """Whether a field came back as it was shown; browsers change line ends."""
    return normalise_lines(text) == normalise_lines(shown)


def label_unknown_code(code: str) -> str:
    """Return the label of a code that is set and that is in no list of choices."""
    return f"unknown ({code})"


def _no_quick_values(_entry: BoundForm[Value]) -> Mapping[str, str]:
    return {}


def _no_field(_name: str, _edit: Edit) -> str:
    return ""


def _no_current_value(_group: TargetGroup) -> str:
    return numbers.DASH


def last_known_step(name: str, known: Container[str]) -> str:
    """Return the last step of a path of the exchange that is one of these; empty for none.

    `live_url` of `body.live_url`, `name` of `$/details[0]/name`.
    """
    return next((step for step in reversed(_BETWEEN_STEPS.split(name)) if step in known), "")


@dataclass(frozen=True, slots=True)
class Form(Generic[Shape]):
    """A form that changes one setting of a group.

    `clean` returns the value to send, or raises FormError. `context` returns what the template
    needs, `initial` a value as typed text, `quick` the typed text that a one-click address asks
    for. `field_for` returns the field that an objection of the exchange to an edit belongs to,
    "" for none. `parts` describes a value part by part; None where a value has one part only.
    `current` describes what our tables hold, for the form's line on the group's page.
    """

    name: str
    kind: str
    title: str
    clean: Callable[[BoundForm[Shape]], Shape]
    context: Callable[[BoundForm[Shape]], dict[str, object]]
    initial: Callable[[Shape, BoundForm[Shape]], Mapping[str, str]]
    quick: Callable[[BoundForm[Shape]], Mapping[str, str]] = _no_quick_values
    field_for: Callable[[str, Edit], str] = _no_field
    parts: WordParts | None = None
    current: Callable[[TargetGroup], str] = _no_current_value

    @property
    def template(self) -> str:
        """The template of the form's fields."""
        return f"edits/{self.name}.html"

    @property
    def is_ours(self) -> bool:
        """Whether the setting is stored in Fieldwatch only, and not sent to the exchange."""
        return self.kind in local.KINDS


def parse_amount(
    text: str, currency: str, name: str, label: str, *, most: Decimal | None = None
) -> Decimal:
    """Return a positive amount with at most four decimals; raises FormError at the field `name`.

    The currency may be typed with it. most: the largest amount that the field takes, which settles
    what could be read in two ways; it is for the caller to refuse more.
    """
    number, units = typed_numbers.split_units(text)
    if not typed_numbers.possible_numbers(number) or not all(map(typed_numbers.is_unit, units)):
        return parse_positive(text, name, label, most=most)
    other = (unit for unit in units if not typed_numbers.means_currency(unit, currency))
    if (unit := next(other, None)) is not None:
        raise FormError({name: f"This group is priced in {currency}, not {unit}."})
    return parse_positive(number, name, label, most=most)


def parse_positive(text: str, name: str, label: str, *, most: Decimal | None = None) -> Decimal:
    """Return a positive number with at most four decimals; raises FormError at the field `name`.

    It asks where the text can be read in two ways, unless `most` rules one of them out.
    """
    text = text.strip()
    if not text:
        raise FormError({name: f"Enter the {label}, for example 2.70."})
    readings = typed_numbers.numbers_within(text, least=None, most=most)
    if not readings:
        raise FormError({name: f"“{text[:40]}” is not an amount. Enter it as in 2.70."})
    if len(readings) > 1:
        raise FormError({name: typed_numbers.ask_which(readings)})
    (number,) = readings
    if number >= _TOO_LARGE:
        raise FormError(
            {name: f"The {label} is too large: at most 9 digits before the decimal point."}
        )
    if -int(number.as_tuple().exponent) > MOST_DECIMALS:
        raise FormError({name: f"The {label} can have at most {MOST_DECIMALS} decimals."})
    if number <= 0:
        raise FormError({name: f"The {label} must be more than 0."})
    return number


def is_again(text: str, money: Decimal, currency: str) -> bool:
    """Whether a text, in any form in which an amount may be typed, can mean this amount."""
    number, units = typed_numbers.split_units(text)
    is_its_currency = all(typed_numbers.means_currency(unit, currency) for unit in units)
    return is_its_currency and money in typed_numbers.possible_numbers(number)


def parse_whole(text: str, low: int, high: int, name: str, label: str) -> int:
    """Return a whole number within bounds; raises FormError at the field `name`."""
    number = typed_numbers.read_whole_number(text)
    if number is None or not low <= number <= high:
        span = f"from {numbers.format_count(low)} to {numbers.format_count(high)}"
        raise FormError({name: f"Enter the {label} as a whole number {span}."})
    return number


def is_large_step(old: Decimal | int | None, new: Decimal | int) -> bool:
    """Whether a number changes by more than CPI_JUMP_PERCENT, and must be typed twice."""
    return bool(old) and abs(new - Decimal(old or 0)) / Decimal(old or 1) * 100 > (
        settings.CPI_JUMP_PERCENT
    )


def format_change(old: Decimal | int, new: Decimal | int) -> str:
    """Return a relative change as "+12 %" or "−12 %"."""
    return f"{(Decimal(new) - old) / Decimal(old) * 100:+.0f} %".replace("-", "−")
