"""What every form is made of: what it is opened on, how it is checked, shown and filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits.merge import normalise_lines
from dashboard.web.formatting import numbers
from dashboard.web.formatting.values import WordParts

Value = Any
NO_CHANGE = "Nothing is changed yet."
NOTHING = "Nothing was changed."
MOST_DECIMALS = 4
AMOUNT = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]+)?", re.ASCII)
_TOO_LARGE = re.compile(r"[0-9]{10,}(?:\.[0-9]*)?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_BETWEEN_STEPS = re.compile(r"[^A-Za-z0-9_]+")


class FormError(Exception):
    """What cannot be sent: a sentence a field, under "form" where it is about no field.

    `again`: it may be right if it is typed twice.
    """

    def __init__(
        self, fields: Mapping[str, str] | None = None, *, again: bool = False, **more: str
    ) -> None:
        self.fields = {**(fields or {}), **more}
        super().__init__("; ".join(self.fields.values()))
        self.again = again


@dataclass(frozen=True, slots=True)
class BoundForm:
    """A form in use: the group, what it held when the form was opened, and what was typed."""

    group: TargetGroup
    seen: Value
    typed: QueryDict
    now: datetime
    names: Mapping[str, str] = field(default_factory=dict)  # people of the exchange by their id
    lockouts: Sequence[tuple[str, str]] = ()  # industry lockouts by code
    errors: Mapping[str, str] = field(default_factory=dict)  # what is wrong with what was typed

    @property
    def currency(self) -> str:
        """The currency that the group is priced in."""
        if isinstance(self.seen, dict) and "currency_code" in self.seen:
            return str(self.seen["currency_code"]).upper()
        return self.group.currency


class Unchanged(FormError):
    """A form that says what it was opened with: there is nothing to be sent."""

    def __init__(self) -> None:
        super().__init__(form=NOTHING)


def is_untouched(text: str, shown: str) -> bool:
    """Whether a field came back as it was shown, but for how a browser ends a line."""
    return normalise_lines(text) == normalise_lines(shown)


def unknown(code: str) -> str:
    """What stands in a list of choices for a code that is set and that no list of ours has."""
    return f"unknown ({code})"


def _nothing(_entry: BoundForm) -> Mapping[str, str]:
    return {}


def _above(_name: str, _made: Edit) -> str:
    return ""


def _dash(_group: TargetGroup) -> str:
    return numbers.DASH


def last_known_step(name: str, of: Container[str]) -> str:
    """The last step of what the exchange names that is one of these: `live_url` of `body.live_url`,
    `name` of `$/details[0]/name`; empty for none.
    """
    return next((one for one in reversed(_BETWEEN_STEPS.split(name)) if one in of), "")


@dataclass(frozen=True, slots=True)
class Form:
    """One form. `check` gives the value to send or raises Wrong; `shown` what its template needs;
    `filled` types a value in; `quick` types in what a one-click address asks for; `place` says
    which field of ours an objection of the exchange to an edit belongs to, "" for none that shows;
    `parts` says a value in words, part by part, None where a value has but one part;
    `current` says what our tables hold, for the line of this form on the page of its group.
    """

    name: str
    kind: str
    title: str
    check: Callable[[BoundForm], Value]
    shown: Callable[[BoundForm], dict[str, Any]]
    filled: Callable[[Value, BoundForm], Mapping[str, str]]
    quick: Callable[[BoundForm], Mapping[str, str]] = _nothing
    place: Callable[[str, Edit], str] = _above
    parts: WordParts | None = None
    current: Callable[[TargetGroup], str] = _dash

    @property
    def template(self) -> str:
        """The fields of the form."""
        return f"edits/{self.name}.html"

    @property
    def is_ours(self) -> bool:
        """Whether it stays in Fieldwatch; nothing is sent to the exchange then."""
        return self.kind in (Edit.Kind.BUDGET, Edit.Kind.TIME_ZONE)


def parse_amount(text: str, currency: str, name: str, what: str) -> Decimal:
    """A positive amount with at most four decimals, from ASCII digits and a point alone."""
    text = text.strip()
    if not text:
        raise FormError({name: f"Type the {what}, for example 2.70."})
    if "," in text:
        raise FormError({name: "Use a point for decimals and nothing between thousands: 2.70."})
    code = re.fullmatch(r"(.*?)\s*([A-Za-z]{3})", text)
    if code and (AMOUNT.fullmatch(code[1]) or _TOO_LARGE.fullmatch(code[1])):
        if code[2].upper() != currency.upper():
            sentence = f"This group is priced in {currency}; {code[2]} cannot be sent."
            raise FormError({name: sentence})
        text = code[1]
    not_too_large(text, name, what)
    if not AMOUNT.fullmatch(text):
        sentence = f"“{text[:40]}” is not an amount. Type digits and a point: 2.70."
        raise FormError({name: sentence})
    if len(text.partition(".")[2]) > MOST_DECIMALS:
        raise FormError({name: f"The {what} has at most {MOST_DECIMALS} decimals."})
    if (money := Decimal(text)) <= 0:
        raise FormError({name: f"The {what} must be more than 0."})
    return money


def not_too_large(text: str, name: str, what: str) -> None:
    """Says of a number that has too many digits that it is one."""
    if _TOO_LARGE.fullmatch(text):
        raise FormError(
            {name: f"The {what} is too large: it has at most 9 digits before the point."}
        )


def is_again(text: str, money: Decimal, currency: str) -> bool:
    """Whether an amount that is typed a second time, in whatever way amounts are typed, is this."""
    try:
        return parse_amount(text, currency, "again", "amount") == money
    except FormError:
        return False


def parse_whole(text: str, low: int, high: int, name: str, what: str) -> int:
    """A whole number within bounds, from ASCII digits alone."""
    text = text.strip()
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        span = f"from {numbers.format_count(low)} to {numbers.format_count(high)}"
        raise FormError({name: f"The {what} is a whole number {span}, in digits alone."})
    return int(text)


def is_large_step(old: Decimal | int | None, new: Decimal | int) -> bool:
    """Whether a number moves by more than what may be typed once."""
    return bool(old) and abs(new - Decimal(old or 0)) / Decimal(old or 1) * 100 > (
        settings.CPI_JUMP_PERCENT
    )


def format_change(old: Decimal | int, new: Decimal | int) -> str:
    """A change in per cent: "+12 %", "−12 %"."""
    return f"{(Decimal(new) - old) / Decimal(old) * 100:+.0f} %".replace("-", "−")
