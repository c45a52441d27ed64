"""Reading a request's body field by field, and collecting everything that is wrong with it."""

from contextlib import suppress
from decimal import Decimal
from typing import TypeVar

from dashboard.simulator.catalogue.clock import read_stamp
from dashboard.simulator.catalogue.money import cpi_limit, read_amount
from dashboard.simulator.catalogue.people import user_ids
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.messages import SimulatedRequest, bad_request

T = TypeVar("T")
Default = TypeVar("Default")
_MISSING = object()
_REFERENCE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ ")


class ValueCheck:
    """A request body under validation: readers note faults, `done` refuses them together."""

    def __init__(self, body: object) -> None:
        if not isinstance(body, dict):
            raise bad_request("the body must be an object", [("body", "must be an object")])
        self.body: Json = body
        self.faults: list[tuple[str, str]] = []

    @classmethod
    def of_request(cls, ask: SimulatedRequest) -> "ValueCheck":
        """The check of a request's body."""
        return cls(ask.json())

    def fault(self, name: str, reason: str) -> None:
        """Note that a field is wrong."""
        self.faults.append((name, reason))

    def done(self) -> None:
        """Refuse with 400 if anything was wrong."""
        if self.faults:
            raise bad_request("some fields are not valid", self.faults)

    def get(self, name: str, *, required: bool = True) -> object:
        """The raw value; None where it is missing, which is a fault if it is required."""
        value = self.body.get(name, _MISSING)
        if value is _MISSING or (value is None and required):
            if required:
                self.fault(name, "is required")
            return None
        return value

    def text(self, name: str, low: int = 1, high: int = 1000, *, required: bool = True) -> str:
        """A text within lengths; empty after a fault or where it is missing."""
        value = self.get(name, required=required)
        if value is None:
            return ""
        if not isinstance(value, str) or not low <= len(value) <= high:
            self.fault(name, f"must be a text of {low} to {high} characters")
            return ""
        return value

    def whole(self, name: str, low: int, high: int, *, required: bool = True) -> int:
        """A whole number within bounds; the lower bound after a fault."""
        value = self.get(name, required=required)
        if value is None:
            return low
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or value != int(value)
            or not low <= value <= high
        ):
            self.fault(name, f"must be a whole number from {low} to {high}")
            return low
        return int(value)

    def flag(self, name: str, *, required: bool = True) -> bool:
        """True or false; false after a fault."""
        value = self.get(name, required=required)
        if value is not None and not isinstance(value, bool):
            self.fault(name, "must be true or false")
        return value is True

    def one_of(self, name: str, allowed: tuple[str, ...], *, required: bool = True) -> str:
        """A text out of a few; the first of them after a fault or where it is missing."""
        value = self.get(name, required=required)
        if value is None:
            return allowed[0]
        if value not in allowed:
            self.fault(name, f"must be one of {', '.join(a for a in allowed if a)}")
            return allowed[0]
        return str(value)

    def typed(self, name: str, kind: type[T], default: Default) -> T | Default:
        """A value of a JSON type, the default where it is missing or null."""
        value = self.get(name, required=False)
        if value is None:
            return default
        if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
            self.fault(name, "has the wrong type")
            return default
        return value

    def share(self, name: str) -> float:
        """A rate of 0 to 1 in steps of 0.01."""
        value = self.get(name)
        if value is None:
            return 0.0
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            self.fault(name, "must be a number from 0 to 1")
            return 0.0
        if Decimal(str(value)) % Decimal("0.01"):
            self.fault(name, "must be a multiple of 0.01")
        return float(value)

    def moment(self, name: str, *, required: bool = True) -> int | None:
        """A date-time in milliseconds."""
        value = self.get(name, required=required)
        if value is None:
            return None
        if isinstance(value, str):
            with suppress(ValueError):
                return read_stamp(value)
        self.fault(name, "must be an RFC 3339 date-time")
        return None

    def money(self, name: str, currency: str, *, required: bool = True) -> Decimal | None:
        """An amount in the currency that must be used, above nothing and within the limit."""
        value = self.get(name, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(name, "must be an object with value and currency_code")
            return None
        if value.get("currency_code") != currency:
            self.fault(f"{name}.currency_code", f"must be {currency}")
        try:
            amount = read_amount(value.get("value"))
        except ValueError as exc:
            self.fault(f"{name}.value", str(exc))
            return None
        if amount <= 0:
            self.fault(f"{name}.value", "must be greater than 0")
        elif amount > cpi_limit(currency):
            self.fault(f"{name}.value", f"must not exceed {cpi_limit(currency):f} {currency}")
        return amount

    def https(self, name: str, *, required: bool = True) -> str | None:
        """An address that begins with https."""
        value = self.get(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str) or not value.startswith("https://") or " " in value:
            self.fault(name, "must be an https address")
            return None
        return value

    def reference(self, name: str) -> str | None:
        """A customer reference of 3 to 128 letters, digits, dashes, underscores and spaces."""
        value = self.get(name, required=False)
        if value is None:
            return None
        if not isinstance(value, str) or not 3 <= len(value) <= 128 or set(value) - _REFERENCE:
            self.fault(name, "must be 3 to 128 letters, digits, dashes, underscores or spaces")
            return None
        return value

    def person(self, name: str, account_id: int) -> str:
        """The id of a user or service client of the account."""
        value = self.get(name)
        known = isinstance(value, str) and value in user_ids(account_id)
        if value is not None and not known:
            self.fault(name, "is not a user of this account")
        return str(value)
