"""Decode answers that drifted from the contract: a member that cannot be read costs only itself.

A number that comes as text is read if it can mean nothing else. Any other optional member is
removed and stored in the shape's `unreadable`, as it came. A member that the shape needs, or that
would be missing from a request that sends the object back, makes the whole answer unreadable.
"""

import copy
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec.structs import force_setattr

from dashboard.exchange.shapes.base import Shape

T = TypeVar("T")
Steps = list[str | int]

MAX_DRIFTED = 100  # members per answer
_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_NUMBER_EXPECTED = re.compile(r"^Expected `(?:int|float)\b[^`]*`, got `str`")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?", re.ASCII)


def decode_without_drift(value: object, shape: type[T], decode: Callable[[object], T]) -> T:
    """Decode `value` as `shape` without drifted members; raises msgspec's ValidationError."""
    try:
        return decode(value)
    except msgspec.ValidationError as exc:
        original = exc
    if not (isinstance(shape, type) and issubclass(shape, Shape)):
        raise original
    readable, drifted = copy.deepcopy(value), dict[str, object]()
    error = original
    for _ in range(MAX_DRIFTED):
        steps = _steps_to(str(error))
        if not steps or steps[0] in shape._strict:
            raise original
        if not _turn_into_number(readable, steps, str(error)):
            _take_out(readable, steps)
            drifted = {n: v for n, v in drifted.items() if not n.startswith(_dotted(steps))}
            drifted[_dotted(steps)] = _member_at(value, steps)
        try:
            decoded = decode(readable)
        except msgspec.ValidationError as exc:
            error = exc
            continue
        if drifted and isinstance(decoded, Shape):
            force_setattr(decoded, "unreadable", drifted)
        return decoded
    raise original


def _steps_to(message: str) -> Steps:
    """The path to the member that an error is about; empty for the whole answer.

    It ends at a mapping with arbitrary keys, since the error does not name the key.
    """
    place = _PLACE.search(message)
    steps: Steps = []
    for name, number, anywhere in _STEP.findall(place[1] if place else ""):
        if anywhere:
            break
        steps.append(name or int(number))
    return steps


def _dotted(steps: Steps) -> str:
    """The path of a member as text: `respondent_analysis.live`."""
    return ".".join(str(step) for step in steps)


def _member_at(value: object, steps: Steps) -> object:
    """The member at a path; None if the answer does not reach that far."""
    for step in steps:
        try:
            value = value[step]  # type: ignore[index]  # whatever cannot be indexed ends here
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _turn_into_number(value: object, steps: Steps, message: str) -> bool:
    """Replace a number that came as text; False if the member is no such text."""
    holder, last = _member_at(value, steps[:-1]), steps[-1]
    text = _member_at(value, steps)
    if not (_NUMBER_EXPECTED.match(message) and isinstance(text, str) and _NUMBER.fullmatch(text)):
        return False
    number = Decimal(text)
    exact = int(number) if number == number.to_integral_value() else number
    if isinstance(holder, dict):
        holder |= {last: exact}
    elif isinstance(holder, list) and isinstance(last, int):
        holder[last] = exact
    return True


def _take_out(value: object, steps: Steps) -> None:
    """Remove a member, or one item of a list."""
    holder = _member_at(value, steps[:-1])
    if isinstance(holder, dict):
        holder.pop(str(steps[-1]), None)
    elif isinstance(holder, list) and isinstance(steps[-1], int) and steps[-1] < len(holder):
        del holder[steps[-1]]
