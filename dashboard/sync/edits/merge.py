"""Values of settings side by side: what is alike however it is written, what a person changed, and
the changes of two people put together.

Values are JSON. A member that is null says the same as one that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

Value = Any
Path = tuple[str, ...]

WHOLE = "whole"  # in a value that was read: all of it, as a request would send it back unchanged
SENT = "sent"  # in a value that is wanted: the whole request
_DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
    r"(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHOWN_ONLY = ("condition_name", "condition_name_translated")
# By the end of their names: members that are moments, durations, addresses, and ids.
_MOMENTS, _DURATIONS, _ADDRESSES = ("_at",), ("duration", "interval"), ("url",)
_IDS = ("id", "ids", "option", "suppliers")


@dataclass(frozen=True, slots=True)
class Merged:
    """Two people's changes put together; `clashes`: where both changed the same, `value` ours."""

    value: Value
    clashes: tuple[Path, ...] = ()


def plain(value: Value, name: str = "") -> Value:
    """A value in a form that is equal where two values of this member mean the same.

    Amounts by number and currency, moments by the instant, durations by their length, ids as texts,
    texts without the carriage returns of a browser, addresses with scheme and host in small
    letters; lists whatever their order.
    """
    if isinstance(value, Mapping):
        if "currency_code" in value and "value" in value:
            return _amount(value)
        return {
            member: plain(each, member)
            for member, each in value.items()
            if each is not None and member not in _SHOWN_ONLY
        }
    if isinstance(value, list | tuple):
        return sorted((plain(each, name) for each in value), key=_order)
    if value is None or isinstance(value, bool):
        return None if value is None else ("flag", value)  # True is no 1
    if isinstance(value, int | float | Decimal):
        return str(value) if name.endswith(_IDS) else _number(value)
    return _text(str(value), name)


def _order(value: Value) -> str:
    """A key that sorts what is alike to the same place."""
    if isinstance(value, dict):
        return repr(sorted((name, _order(each)) for name, each in value.items()))
    return repr(value)


def _number(value: float | Decimal) -> Decimal:
    return Decimal(str(value)).normalize() + 0


def _amount(value: Mapping[str, Any]) -> Value:
    rest = {n: plain(v, n) for n, v in value.items() if v is not None and n != "currency_scale"}
    code = value["currency_code"]
    rest["currency_code"] = code.upper() if isinstance(code, str) else code
    with suppress(InvalidOperation):
        rest["value"] = _number(Decimal(str(value["value"])))
    return rest


def _text(text: str, name: str) -> Value:
    if name.endswith(_MOMENTS):
        try:
            return datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError):
            return text
    if name.endswith(_DURATIONS) and (found := _DURATION.fullmatch(text)):
        years, months, weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
        span = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
        return ("duration", years * 12 + months, span)
    if name.endswith(_ADDRESSES):
        return _address(text)
    return text.lower() if _UUID.fullmatch(text) else lines(text)


def _address(text: str) -> str:
    """An address whose scheme and host are written small, with a path."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return text
    return parts._replace(
        scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/"
    ).geturl()


def lines(text: str) -> str:
    """A text as it was shown: a browser sends the end of a line as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def alike(one: Value, other: Value, name: str = "") -> bool:
    """Whether two values of this member mean the same."""
    return bool(plain(one, name) == plain(other, name))


def holds(held: Value, sent: Value, name: str = "") -> bool:
    """Whether all that was sent is held; what is held besides is the exchange's own."""
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
    """Whether each item that was sent is held once, and no other."""
    if len(held) != len(sent):
        return False
    if all(holds(one, other, name) for one, other in zip(held, sent, strict=True)):
        return True
    left = list(held)
    for item in sent:
        place = next((n for n, each in enumerate(left) if holds(each, item, name)), None)
        if place is None:
            return False
        del left[place]
    return True


def patched(body: Value, was: Value, wanted: Value, name: str = "") -> Value:
    """`body`, which holds what `was` says and more, with what differs in `wanted` and no more.

    A member of `was` that is null or missing in `wanted` is taken out.
    """
    if isinstance(was, Mapping) and isinstance(wanted, Mapping):
        changed = dict(body) if isinstance(body, Mapping) else {}
        for member in {**was, **wanted}:
            old, new = was.get(member), wanted.get(member)
            if alike(old, new, member):
                continue
            if new is None:
                changed.pop(member, None)
            else:
                changed[member] = patched(changed.get(member), old, new, member)
        return changed
    if isinstance(body, list) and isinstance(was, list) and isinstance(wanted, list):
        return _patched_list(body, was, wanted, name)
    return wanted if body is None or not alike(was, wanted, name) else body


def _patched_list(
    body: list[Value], was: list[Value], wanted: list[Value], name: str
) -> list[Value]:
    """The items that are wanted: those that are held as they are held, but for their changes."""
    known = {identity(old): (held, old) for held, old in zip(body, was, strict=False)}
    if len(body) != len(was) or len(known) != len(was):
        return wanted
    result = []
    for each in wanted:
        held, old = known.get(identity(each), (None, None))
        result.append(each if held is None else patched(held, old, each, name))
    return result


def restricted(body: Value, view: Value) -> Value:
    """What `body` says of the members that `view` has."""
    if isinstance(body, Mapping) and isinstance(view, Mapping):
        return {n: restricted(body[n], value) for n, value in view.items() if n in body}
    return body


def identity(item: Value) -> str:
    """What makes an item of a list the same item after a change of it."""
    if not isinstance(item, Mapping):
        return _order(plain(item))
    if "conditions" in item:  # the target of a profile: whom it is about
        return "target " + _order(plain(item["conditions"]))
    if "targets" in item:  # a profile: the questions that it asks
        asked = {
            str(each.get("question_id"))
            for target in item["targets"]
            for each in target.get("conditions") or []
        }
        return f"profile {item.get('object')} {sorted(asked)}"
    if "id" in item:
        return f"{item.get('type', '')} {item['id']}"
    return _order(plain(item))


def three_way(was: Value, theirs: Value, ours: Value, *, path: Path = ()) -> Merged:
    """What only one of both changed as that one has it; what both changed differently clashes."""
    name = path[-1] if path else ""
    if alike(was, ours, name):
        return Merged(theirs)
    if alike(was, theirs, name) or alike(theirs, ours, name):
        return Merged(ours)
    values = (was, theirs, ours)
    if all(isinstance(one, Mapping) for one in values) and not _is_one_thing(*values):
        return _three_way_members(was, theirs, ours, path)
    if all(isinstance(one, list) for one in values):
        return _three_way_items(was, theirs, ours, path)
    return Merged(ours, (path,))


def _is_one_thing(*values: Mapping[str, Any]) -> bool:
    """Whether these cannot be mixed: amounts, and settings of different types."""
    amounts = any("currency_code" in one for one in values)
    return amounts or len({str(one.get("type")) for one in values}) > 1


def _three_way_members(
    was: Mapping[str, Any], theirs: Mapping[str, Any], ours: Mapping[str, Any], path: Path
) -> Merged:
    merged: dict[str, Any] = {}
    clashes: list[Path] = []
    for name in {**theirs, **ours}:
        one = three_way(was.get(name), theirs.get(name), ours.get(name), path=(*path, name))
        clashes += one.clashes
        merged[name] = one.value
    return Merged(merged, tuple(clashes))


def _three_way_items(
    was: list[Value], theirs: list[Value], ours: list[Value], path: Path
) -> Merged:
    """Item by item where each can be told apart; in their order, ours that are new at the end."""
    before, there, here = ({identity(each): each for each in one} for one in (was, theirs, ours))
    if [len(before), len(there), len(here)] != [len(was), len(theirs), len(ours)]:
        return Merged(ours, (path,))
    merged: list[Value] = []
    clashes: list[Path] = []
    for name in {**there, **here}:
        one = three_way(before.get(name), there.get(name), here.get(name), path=(*path, name))
        clashes += one.clashes
        if one.value is not None:
            merged.append(one.value)
    return Merged(merged, tuple(clashes))


def rolled_forward(theirs: Value, old: Value, new: Value, shown: Value) -> Value:
    """A reading that may be older than a change from `old` to `new` which a form has shown.

    Where it holds what was before that change, and the form showed what came of it, it is late: the
    change is put over it.
    """
    values = (theirs, old, new, shown)
    if all(isinstance(one, Mapping) and "currency_code" not in one for one in values):
        late = {
            name: rolled_forward(theirs.get(name), old.get(name), each, shown.get(name))
            for name, each in new.items()
        }
        return {
            **theirs,
            **{n: each for n, each in late.items() if n in theirs or each is not None},
        }
    is_late = alike(theirs, old) and alike(shown, new) and not alike(old, new)
    return new if is_late else theirs


def atomic(was: Value, theirs: Value, ours: Value) -> Merged:
    """A setting that is one thing: whoever changes it changes all of it."""
    unmoved = alike(was, theirs) or alike(theirs, ours)
    return Merged(ours, () if unmoved else ((),))


Merge = Callable[[Value, Value, Value], Merged]


def as_rounded(wanted: Value, *, before: Value, held: Value) -> Value:
    """What was wanted, with amounts that nobody changed as they are held, where that rounds them.

    A request that sends an object whole sends its other amounts along, and the exchange may keep
    fewer digits of them.
    """
    if not isinstance(wanted, Mapping) or SENT not in wanted or not isinstance(held, Mapping):
        return wanted
    was, now = bare(before), bare(wanted)
    if not isinstance(was, Mapping):
        return wanted
    kept = set(_amounts({name: v for name, v in now.items() if alike(v, was.get(name), name)}))
    kept -= set(_amounts({name: v for name, v in now.items() if not alike(v, was.get(name), name)}))
    sent = _rounded(wanted[SENT], held.get(WHOLE), kept)
    return {**_rounded(now, bare(held), kept), SENT: sent}


def _amounts(value: Value) -> Iterator[tuple[str, str]]:
    """Every amount in a value: its number and currency, as they are written."""
    if isinstance(value, Mapping):
        if "currency_code" in value and "value" in value:
            yield str(value["value"]), str(value["currency_code"])
        else:
            for each in value.values():
                yield from _amounts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _amounts(each)


def _rounded(sent: Value, held: Value, kept: Container[tuple[str, str]]) -> Value:
    """`sent`, with those of the amounts that are `kept` as they are held where that rounds them."""
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        if "currency_code" in sent and "value" in sent:
            is_kept = (str(sent["value"]), str(sent["currency_code"])) in kept
            return {**sent, "value": held["value"]} if is_kept and _rounds(sent, held) else sent
        return {name: _rounded(each, held.get(name), kept) for name, each in sent.items()}
    if isinstance(sent, list) and isinstance(held, list) and len(sent) == len(held):
        return [_rounded(one, other, kept) for one, other in zip(sent, held, strict=True)]
    return sent


def _rounds(sent: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether what is held is what was sent, to fewer digits."""
    try:
        exact, rounded = Decimal(str(sent["value"])), Decimal(str(held["value"]))
    except (InvalidOperation, KeyError):
        return False
    digits = rounded.as_tuple().exponent
    if not isinstance(digits, int):  # NaN and infinity are no amounts
        return False
    return abs(exact - rounded) < Decimal(1).scaleb(digits)


def bare(value: Value) -> Value:
    """A value without what goes along for comparison."""
    if not isinstance(value, Mapping):
        return value
    return {name: each for name, each in value.items() if name not in (WHOLE, SENT)}
