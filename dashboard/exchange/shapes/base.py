"""The types and base classes of all shapes.

A missing member is not an error: an optional one is None. A shape requires only what the product
cannot work without; an item that lacks it is quarantined, never guessed.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import force_setattr

from dashboard.exchange.json_types import JsonObject

if TYPE_CHECKING:
    Id = str
    Uuid = str
else:
    Id = str | int  # on the wire; `Identified` turns it into text
    Uuid = str

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment with its zone, RFC 3339, any number of fractional digits."""

Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
"""A number of things, 0 to 2³¹-1."""

Rate = Annotated[float, Meta(ge=0, le=1)]
"""A fraction, 0 to 1."""

UNREADABLE = "(unreadable)"  # no member of the exchange has this name
LARGEST_AMOUNT = Decimal(10) ** 15
SMALLEST_EXPONENT = -30
LONGEST_ID = 200  # characters; those that are known have 36


def rfc3339(moment: datetime) -> str:
    """An aware moment as the exchange writes it: UTC, three fractional digits, Z."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs its zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def require_flag(members: object, name: str) -> None:
    """Raise TypeError if a member of a mapping is present and not true or false."""
    if not isinstance(members, dict) or not isinstance(members.get(name, False), bool):
        raise TypeError(f"{name} is not true or false")


class Shape(Struct, frozen=True, kw_only=True, gc=False):
    """An object that the exchange sends. Unknown members are ignored.

    `unreadable` has the members that drifted from the contract, by place, as they came. If one in
    `_strict` drifts, the answer is not read at all, since it would be sent back without it.
    """

    unreadable: JsonObject | UnsetType = field(default=UNSET, name=UNREADABLE)

    _strict: ClassVar[frozenset[str]] = frozenset()

    @property
    def drifted(self) -> JsonObject:
        """The members that could not be read, by place; mostly empty."""
        return self.unreadable or {}


def _is_usable_id(value: str) -> bool:
    return value not in {"", ".", ".."} and len(value) <= LONGEST_ID


class Identified(Shape, frozen=True, kw_only=True, gc=False):
    """A shape with ids: numeric ids become text, UUIDs lower case.

    `id` is asked for by address, so that one that no address can have costs its own item.
    """

    _ids: ClassVar[tuple[str, ...]] = ("id",)
    _uuids: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self._ids:
            value: object = getattr(self, name)
            if type(value) is int:
                force_setattr(self, name, str(value))
            elif name == "id" and isinstance(value, str) and not _is_usable_id(value):
                raise ValueError("an id that no address can have")
        for name in self._uuids:
            text: str | None = getattr(self, name)
            if text is not None and not text.islower():
                force_setattr(self, name, text.lower())


class MonetaryAmount(Shape, frozen=True, kw_only=True, gc=False):
    """Money: an exact decimal, never rounded, with its ISO 4217 currency code in upper case."""

    value: Decimal
    currency_code: str
    currency_scale: int | None = None

    def __post_init__(self) -> None:
        value = self.value
        if not value.is_finite() or not -LARGEST_AMOUNT < value < LARGEST_AMOUNT:
            raise ValueError("not an amount of money")
        if value.adjusted() < SMALLEST_EXPONENT:
            raise ValueError("an amount of money with too many digits")
        if not self.currency_code.isupper():
            force_setattr(self, "currency_code", self.currency_code.upper())


Money = MonetaryAmount


class Body(Struct, kw_only=True):
    """A request body: a member left UNSET is not sent, None is sent as null."""


class MonetaryAmountRequestModel(Struct, frozen=True, kw_only=True):
    """Money as the exchange takes it: a plain decimal string and the currency."""

    value: str
    currency_code: str

    @classmethod
    def of(cls, amount: Money) -> "MonetaryAmountRequestModel":
        """`amount` in plain digits, never with an exponent."""
        return cls(value=format(amount.value, "f"), currency_code=amount.currency_code)


__all__ = [
    "UNSET",
    "Body",
    "Count",
    "Id",
    "Identified",
    "Moment",
    "MonetaryAmount",
    "MonetaryAmountRequestModel",
    "Money",
    "Rate",
    "Shape",
    "Uuid",
    "rfc3339",
]
