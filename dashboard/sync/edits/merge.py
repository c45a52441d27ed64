"""Compare and merge values of settings: what means the same, what a person changed, and the changes
of two people together.

Values are JSON. A member that is null means the same as one that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

Value = Any  # what JSON can hold: each kind of edit has another shape
Members = Mapping[str, Value]
Path = tuple[str, ...]

WHOLE = "whole"  # member of a value that was read: the request that would send it back unchanged
SENT = "sent"  # member of a requested value: the whole request
_DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHOWN_ONLY = ("condition_name", "condition_name_translated")
# The ends of the names of members that are moments, durations, addresses and ids.
_MOMENTS, _DURATIONS, _ADDRESSES = ("_at",), ("duration", "interval"), ("url",)
_IDS = ("id", "ids", "option", "suppliers")


@dataclass(frozen=True, slots=True)
class Merged:
    """Two people's changes merged; `clashes`: where both changed the same, `value` has ours."""

    value: Value
    clashes: tuple[Path, ...] = ()


def plain(value: Value, name: str = "") -> Value:
    """A form of a value that is equal for two values of this member that mean the same.

    Amounts by number and currency, moments by the instant, durations by their length, ids as text,
    text without a browser's carriage returns, addresses with scheme and host in lower case, lists
    in any order.
    """
    if isinstance(value, Mapping):
        if "currency_code" in value and "value" in value:
            return _plain_amount(value)
        return {
            member: plain(each, member)
            for member, each in value.items()
            if each is not None and member not in _SHOWN_ONLY
        }
    if isinstance(value, list | tuple):
        return sorted((plain(each, name) for each in value), key=_order)
    if value is None or isinstance(value, bool):
        return None if value is None else ("flag", value)  # True is not 1
    if isinstance(value, int | float | Decimal):
        return str(value) if name.endswith(_IDS) else _plain_number(value)
    return _plain_text(str(value), name)


def _order(value: Value) -> str:
    """A sort key that is the same for values that mean the same."""
    if isinstance(value, dict):
        return repr(sorted((name, _order(each)) for name, each in value.items()))
    return repr(value)


def _plain_number(value: float | Decimal) -> Decimal:
    return Decimal(str(value)).normalize() + 0


def _plain_amount(value: Members) -> Value:
    rest = {n: plain(v, n) for n, v in value.items() if v is not None and n != "currency_scale"}
    code = value["currency_code"]
    rest["currency_code"] = code.upper() if isinstance(code, str) else code
    with suppress(InvalidOperation):
        rest["value"] = _plain_number(Decimal(str(value["value"])))
    return rest


def _plain_text(text: str, name: str) -> Value:
    if name.endswith(_MOMENTS):
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return text
    if name.endswith(_DURATIONS) and (match := _DURATION.fullmatch(text)):
        years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in match.groups())
        span = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
        return ("duration", years * 12 + months, span)
    if name.endswith(_ADDRESSES):
        return _plain_address(text)
    return text.lower() if _UUID.fullmatch(text) else normalise_lines(text)


def _plain_address(text: str) -> str:
    """An address with scheme and host in lower case, and with a path."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return text
    return parts._replace(
        scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/"
    ).geturl()


def normalise_lines(text: str) -> str:
    """The text with plain line ends, stripped: a browser sends a line end as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def alike(first: Value, second: Value, name: str = "") -> bool:
    """Whether two values of this member mean the same."""
    return bool(plain(first, name) == plain(second, name))


def holds(held: Value, sent: Value, name: str = "") -> bool:
    """Whether all of `sent` is held; further members of `held` are the exchange's own."""
    if sent is None:
        return held is None
    if isinstance(sent, Mapping):
        if not isinstance(held, Mapping):
            return False
        if "currency_code" in sent and "value" in sent:
            return alike({n: value for n, value in held.items() if n in sent}, sent)
        return all(holds(held.get(n), value, n) for n, value in sent.items())
    if isinstance(sent, list | tuple):
        return isinstance(held, list | tuple) and _holds_all(list(held), list(sent), name)
    return alike(held, sent, name)


def _holds_all(held: list[Value], sent: list[Value], name: str) -> bool:
    """Whether each item that was sent is held once, and no other item is."""
    if len(held) != len(sent):
        return False
    if all(holds(item, other, name) for item, other in zip(held, sent, strict=True)):
        return True
    remaining = list(held)
    for item in sent:
        place = next((n for n, each in enumerate(remaining) if holds(each, item, name)), None)
        if place is None:
            return False
        del remaining[place]
    return True


def patched(body: Value, before: Value, wanted: Value, name: str = "") -> Value:
    """`body` with the changes from `before` to `wanted` and no others.

    `body` holds what `before` says and more. A member of `before` that is null or missing in
    `wanted` is removed.
    """
    if isinstance(before, Mapping) and isinstance(wanted, Mapping):
        changed = dict(body) if isinstance(body, Mapping) else {}
        for member in {**before, **wanted}:
            old, new = before.get(member), wanted.get(member)
            if alike(old, new, member):
                continue
            if new is None:
                changed.pop(member, None)
            else:
                changed[member] = patched(changed.get(member), old, new, member)
        return changed
    if isinstance(body, list) and isinstance(before, list) and isinstance(wanted, list):
        return _patched_list(body, before, wanted, name)
    return wanted if body is None or not alike(before, wanted, name) else body


def _patched_list(
    body: list[Value], before: list[Value], wanted: list[Value], name: str
) -> list[Value]:
    """The wanted items; those that are held already keep their other members."""
    known = {identity(old): (held, old) for held, old in zip(body, before, strict=False)}
    if len(body) != len(before) or len(known) != len(before):
        return wanted
    result = []
    for each in wanted:
        held, old = known.get(identity(each), (None, None))
        result.append(each if held is None else patched(held, old, each, name))
    return result


def restricted(body: Value, view: Value) -> Value:
    """`body` with only the members that `view` has."""
    if isinstance(body, Mapping) and isinstance(view, Mapping):
        return {n: restricted(body[n], value) for n, value in view.items() if n in body}
    return body


def identity(item: Value) -> str:
    """A key under which an item of a list is the same item after a change."""
    if not isinstance(item, Mapping):
        return _order(plain(item))
    if "conditions" in item:  # a target of a profile: its audience
        return "target " + _order(plain(item["conditions"]))
    if "targets" in item:  # a profile: its questions
        question_ids = {
            str(each.get("question_id"))
            for target in item["targets"]
            for each in target.get("conditions") or []
        }
        return f"profile {item.get('object')} {sorted(question_ids)}"
    if "id" in item:
        return f"{item.get('type', '')} {item['id']}"
    return _order(plain(item))


def three_way(before: Value, theirs: Value, ours: Value, *, path: Path = ()) -> Merged:
    """Merge two changes of one value; where both changed the same differently, they clash."""
    name = path[-1] if path else ""
    if alike(before, ours, name):
        return Merged(theirs)
    if alike(before, theirs, name) or alike(theirs, ours, name):
        return Merged(ours)
    values = (before, theirs, ours)
    if all(isinstance(value, Mapping) for value in values) and not _is_indivisible(*values):
        return _three_way_members(before, theirs, ours, path)
    if all(isinstance(value, list) for value in values):
        return _three_way_items(before, theirs, ours, path)
    return Merged(ours, (path,))


def _is_indivisible(*values: Members) -> bool:
    """Whether members of these cannot be mixed: amounts, and settings of different types."""
    amounts = any("currency_code" in value for value in values)
    return amounts or len({str(value.get("type")) for value in values}) > 1


def _three_way_members(before: Members, theirs: Members, ours: Members, path: Path) -> Merged:
    merged: dict[str, Value] = {}
    clashes: list[Path] = []
    for name in {**theirs, **ours}:
        part = three_way(before.get(name), theirs.get(name), ours.get(name), path=(*path, name))
        clashes += part.clashes
        merged[name] = part.value
    return Merged(merged, tuple(clashes))


def _three_way_items(
    before: list[Value], theirs: list[Value], ours: list[Value], path: Path
) -> Merged:
    """Merge item by item if each has a key of its own; our new items come last."""
    by_key = [{identity(item): item for item in items} for items in (before, theirs, ours)]
    items_before, items_there, items_here = by_key
    if [len(items) for items in by_key] != [len(before), len(theirs), len(ours)]:
        return Merged(ours, (path,))
    merged: list[Value] = []
    clashes: list[Path] = []
    for key in {**items_there, **items_here}:
        versions = (items.get(key) for items in (items_before, items_there, items_here))
        part = three_way(*versions, path=(*path, key))
        clashes += part.clashes
        if part.value is not None:
            merged.append(part.value)
    return Merged(merged, tuple(clashes))


def rolled_forward(theirs: Value, changes: Sequence[tuple[Value, Value]], shown: Value) -> Value:
    """`theirs`, with the latest of our changes applied wherever the reading is older than it.

    The reading is older where it holds the old value although the form has `shown` the new one
    already. `changes`: old and new values, the latest last. Earlier ones of the same member prove
    nothing: a value may have been changed back since.
    """
    if _has_members(theirs) and _has_members(shown):
        whole = [change for change in changes if all(map(_has_members, change))]
        members = {
            name: rolled_forward(
                theirs.get(name),
                [(old.get(name), new[name]) for old, new in whole if name in new],
                shown.get(name),
            )
            for name in dict.fromkeys(name for _, new in whole for name in new)
        }
        return {
            **theirs,
            **{n: each for n, each in members.items() if n in theirs or each is not None},
        }
    moved = [(old, new) for old, new in changes if not alike(old, new)]
    if moved and alike(theirs, moved[-1][0]) and alike(shown, moved[-1][1]):
        return moved[-1][1]
    return theirs


def _has_members(value: Value) -> bool:
    """Whether a value has members that change one by one; an amount changes as a whole."""
    return isinstance(value, Mapping) and "currency_code" not in value


def atomic(before: Value, theirs: Value, ours: Value) -> Merged:
    """Merge a setting that is indivisible: whoever changes it changes all of it."""
    unmoved = alike(before, theirs) or alike(theirs, ours)
    return Merged(ours, () if unmoved else ((),))


Merge = Callable[[Value, Value, Value], Merged]


def as_rounded(wanted: Value, *, before: Value, held: Value) -> Value:
    """`wanted`, with unchanged amounts as they are held where the exchange has rounded them.

    A request that sends an object whole includes amounts that nobody changed, and the exchange may
    store fewer digits of them.
    """
    if not isinstance(wanted, Mapping) or SENT not in wanted or not isinstance(held, Mapping):
        return wanted
    bare_before, now = bare(before), bare(wanted)
    if not isinstance(bare_before, Mapping):
        return wanted
    is_same = {name: alike(v, bare_before.get(name), name) for name, v in now.items()}
    unchanged = set(_amounts({name: v for name, v in now.items() if is_same[name]}))
    unchanged -= set(_amounts({name: v for name, v in now.items() if not is_same[name]}))
    sent = _rounded(wanted[SENT], held.get(WHOLE), unchanged)
    return {**_rounded(now, bare(held), unchanged), SENT: sent}


def _amounts(value: Value) -> Iterator[tuple[str, str]]:
    """Yield every amount in a value: its number and currency, as written."""
    if isinstance(value, Mapping):
        if "currency_code" in value and "value" in value:
            yield str(value["value"]), str(value["currency_code"])
        else:
            for each in value.values():
                yield from _amounts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _amounts(each)


def _rounded(sent: Value, held: Value, unchanged: Container[tuple[str, str]]) -> Value:
    """`sent`, with `unchanged` amounts as they are held where those are rounded."""
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        if "currency_code" in sent and "value" in sent:
            is_unchanged = (str(sent["value"]), str(sent["currency_code"])) in unchanged
            return (
                {**sent, "value": held["value"]} if is_unchanged and _rounds(sent, held) else sent
            )
        return {name: _rounded(each, held.get(name), unchanged) for name, each in sent.items()}
    if isinstance(sent, list) and isinstance(held, list) and len(sent) == len(held):
        return [_rounded(item, other, unchanged) for item, other in zip(sent, held, strict=True)]
    return sent


def _rounds(sent: Members, held: Members) -> bool:
    """Whether the held amount is the sent one with fewer digits."""
    try:
        exact, rounded = Decimal(str(sent["value"])), Decimal(str(held["value"]))
    except (InvalidOperation, KeyError):
        return False
    digits = rounded.as_tuple().exponent
    if not isinstance(digits, int):  # NaN and infinity are no amounts
        return False
    return abs(exact - rounded) < Decimal(1).scaleb(digits)


def bare(value: Value) -> Value:
    """A value without the members that are only there for comparison."""
    if not isinstance(value, Mapping):
        return value
    return {name: each for name, each in value.items() if name not in (WHOLE, SENT)}
