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
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import WordParts

Value = Any  # JSON: each kind of edit has another shape, which its own form knows
NO_CHANGE = "Nothing has been changed yet."
NOTHING = "Nothing was changed."
MOST_DECIMALS = 4
AMOUNT = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]+)?", re.ASCII)
_TOO_LARGE = re.compile(r"[0-9]{10,}(?:\.[0-9]*)?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
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


def parse_amount(text: str, currency: str, name: str, label: str) -> Decimal:
    """Return a positive amount with at most four decimals; raises FormError at the field `name`."""
    text = text.strip()
    if not text:
        raise FormError({name: f"Enter the {label}, for example 2.70."})
    if "," in text:
        raise FormError({name: "Use a decimal point and no thousands separator: 2.70."})
    code = re.fullmatch(r"(.*?)\s*([A-Za-z]{3})", text)
    if code and (AMOUNT.fullmatch(code[1]) or _TOO_LARGE.fullmatch(code[1])):
        if code[2].upper() != currency.upper():
            sentence = f"This group is priced in {currency}, not {code[2]}."
            raise FormError({name: sentence})
        text = code[1]
    reject_too_large(text, name, label)
    if not AMOUNT.fullmatch(text):
        sentence = f"“{text[:40]}” is not an amount. Enter it as in 2.70."
        raise FormError({name: sentence})
    if len(text.partition(".")[2]) > MOST_DECIMALS:
        raise FormError({name: f"The {label} can have at most {MOST_DECIMALS} decimals."})
    if (money := Decimal(text)) <= 0:
        raise FormError({name: f"The {label} must be more than 0."})
    return money


def reject_too_large(text: str, name: str, label: str) -> None:
    """Raise FormError at the field for a number with ten digits or more."""
    if _TOO_LARGE.fullmatch(text):
        raise FormError(
            {name: f"The {label} is too large: at most 9 digits before the decimal point."}
        )


def is_again(text: str, money: Decimal, currency: str) -> bool:
    """Whether a text, in any form in which an amount may be typed, is this amount."""
    try:
        return parse_amount(text, currency, "again", "amount") == money
    except FormError:
        return False


def parse_whole(text: str, low: int, high: int, name: str, label: str) -> int:
    """Return a whole number within bounds; raises FormError at the field `name`."""
    text = text.strip()
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        span = f"from {numbers.format_count(low)} to {numbers.format_count(high)}"
        raise FormError({name: f"Enter the {label} as a whole number {span}."})
    return int(text)


def is_large_step(old: Decimal | int | None, new: Decimal | int) -> bool:
    """Whether a number changes by more than CPI_JUMP_PERCENT, and must be typed twice."""
    return bool(old) and abs(new - Decimal(old or 0)) / Decimal(old or 1) * 100 > (
        settings.CPI_JUMP_PERCENT
    )


def format_change(old: Decimal | int, new: Decimal | int) -> str:
    """Return a relative change as "+12 %" or "−12 %"."""
    return f"{(Decimal(new) - old) / Decimal(old) * 100:+.0f} %".replace("-", "−")
