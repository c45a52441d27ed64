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

MOST = 100  # members of one answer
_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_WANTS_NUMBER = re.compile(r"^Expected `(?:int|float)\b[^`]*`, got `str`")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?", re.ASCII)


def read(value: Any, shape: type[T], decode: Callable[[Any], T]) -> T:
    """`value` as `shape`, without the members that drifted; raises msgspec's ValidationError."""
    try:
        return decode(value)
    except msgspec.ValidationError as exc:
        first = exc
    if not (isinstance(shape, type) and issubclass(shape, Shape)):
        raise first
    kept, taken = copy.deepcopy(value), dict[str, Any]()
    error = first
    for _ in range(MOST):
        steps = _steps(str(error))
        if not steps or steps[0] in shape._strict:
            raise first
        if not _is_number_now(kept, steps, str(error)):
            _take_out(kept, steps)
            taken = {n: v for n, v in taken.items() if not n.startswith(_name(steps))}
            taken[_name(steps)] = _at(value, steps)
        try:
            found = decode(kept)
        except msgspec.ValidationError as exc:
            error = exc
            continue
        if taken and isinstance(found, Shape):
            force_setattr(found, "unreadable", taken)
        return found
    raise first


def _steps(message: str) -> Steps:
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


def _name(steps: Steps) -> str:
    """A member as people find it: `respondent_analysis.live`."""
    return ".".join(str(step) for step in steps)


def _at(value: Any, steps: Steps) -> Any:
    """What came there; None where the answer was cut above it."""
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _is_number_now(value: Any, steps: Steps, message: str) -> bool:
    """Whether the member is a number that came as text; it is one now."""
    holder, last = _at(value, steps[:-1]), steps[-1]
    text = _at(value, steps)
    if not (_WANTS_NUMBER.match(message) and isinstance(text, str) and _NUMBER.fullmatch(text)):
        return False
    number = Decimal(text)
    holder[last] = int(number) if number == number.to_integral_value() else number
    return True


def _take_out(value: Any, steps: Steps) -> None:
    """Remove a member; of a list that is missing one of its items the rest stays."""
    holder = _at(value, steps[:-1])
    if isinstance(holder, dict):
        holder.pop(str(steps[-1]), None)
    elif isinstance(holder, list) and isinstance(steps[-1], int) and steps[-1] < len(holder):
        del holder[steps[-1]]
