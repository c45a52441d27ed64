"""Answers that drifted from the contract: a member that cannot be read costs itself alone.

A number that comes as text is read where it can mean nothing else. Any other member that a shape
can do without is taken out and kept in the shape's `unreadable`, as it came. What a shape needs,
and what would be sent back without it, makes the answer a bad one, as before.
"""

import copy
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec.structs import force_setattr

from dashboard.exchange.shapes.base import Shape

T = TypeVar("T")
Steps = list[str | int]

MOST_DRIFTED = 100  # members of one answer
_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_WANTS_NUMBER = re.compile(r"^Expected `(?:int|float)\b[^`]*`, got `str`")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?", re.ASCII)


def decode_without_drift(value: Any, shape: type[T], decode: Callable[[Any], T]) -> T:
    """`value` as `shape`, without the members that drifted; raises msgspec's ValidationError."""
    try:
        return decode(value)
    except msgspec.ValidationError as exc:
        first = exc
    if not (isinstance(shape, type) and issubclass(shape, Shape)):
        raise first
    readable, taken = copy.deepcopy(value), dict[str, Any]()
    error = first
    for _ in range(MOST_DRIFTED):
        steps = _steps_to(str(error))
        if not steps or steps[0] in shape._strict:
            raise first
        if not _turn_into_number(readable, steps, str(error)):
            _take_out(readable, steps)
            taken = {n: v for n, v in taken.items() if not n.startswith(_dotted(steps))}
            taken[_dotted(steps)] = _member_at(value, steps)
        try:
            decoded = decode(readable)
        except msgspec.ValidationError as exc:
            error = exc
            continue
        if taken and isinstance(decoded, Shape):
            force_setattr(decoded, "unreadable", taken)
        return decoded
    raise first


def _steps_to(message: str) -> Steps:
    """The way to the member that an error is about; empty for the whole answer.

    It ends where a mapping of any keys begins, for an error does not say which.
    """
    place = _PLACE.search(message)
    steps: Steps = []
    for name, number, anywhere in _STEP.findall(place[1] if place else ""):
        if anywhere:
            break
        steps.append(name or int(number))
    return steps


def _dotted(steps: Steps) -> str:
    """A member as people find it: `respondent_analysis.live`."""
    return ".".join(str(step) for step in steps)


def _member_at(value: Any, steps: Steps) -> Any:
    """What came there; None where the answer was cut above it."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _turn_into_number(value: Any, steps: Steps, message: str) -> bool:
    """Replace a number that came as text; False where the member is nothing of the kind."""
    holder, last = _member_at(value, steps[:-1]), steps[-1]
    text = _member_at(value, steps)
    if not (_WANTS_NUMBER.match(message) and isinstance(text, str) and _NUMBER.fullmatch(text)):
        return False
    number = Decimal(text)
    holder[last] = int(number) if number == number.to_integral_value() else number
    return True


def _take_out(value: Any, steps: Steps) -> None:
    """Remove a member; of a list that is missing one of its items the rest stays."""
    holder = _member_at(value, steps[:-1])
    if isinstance(holder, dict):
        holder.pop(str(steps[-1]), None)
    elif isinstance(holder, list) and isinstance(steps[-1], int) and steps[-1] < len(holder):
        del holder[steps[-1]]
