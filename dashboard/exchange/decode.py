"""Decode answers into shapes: fast when they follow the contract, normalised when they do not.

The fast way decodes a whole answer at once. What it does not take is normalised (a null member is a
missing member, half an amount of money is none, a character that is none is U+FFFD) and tried
again, item by item: one bad item costs itself, never its page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from dashboard.exchange import drift
from dashboard.exchange.errors import BadAnswer, one_line
from dashboard.exchange.repair import UNREADABLE, is_marked, marked_places, repair

T = TypeVar("T")

LONGEST_RAW_TEXT = 4_000
MOST_PLACES = 5
SHOWN_AS = f"Characters that cannot be read are shown as {UNREADABLE}, in"
_WHOLE = 2**53

# What decides whose figures these are, or what they are worth, is never guessed.
_CERTAIN = ("id", "currency_code")

_END_OF_CALENDAR = re.compile(r"(?:0001-01-01|9999-12-31)[Tt ]")

_undecodable = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_plain_json = msgspec.json.Encoder(decimal_format="number")


class BadItem(Struct, frozen=True, kw_only=True):
    """An item that could not be understood: what came, why not, and whose it is if readable."""

    raw_text: str
    reason: str
    id: str | None = None


Note = Callable[[BadItem], None]


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list: good items, quarantined ones, and where the next page starts.

    `has_more` is None where the exchange does not say (the changelog).
    """

    items: list[T]
    quarantined: list[BadItem] = []
    next_cursor: str | None = None
    has_more: bool | None = None


class Versioned(Struct, Generic[T], frozen=True, kw_only=True):
    """A value and the ETag that `If-Match` takes, None if the exchange gave none."""

    value: T
    etag: str | None


class Whole(Struct, Generic[T], frozen=True, kw_only=True):
    """An object as its shape says it, and every member of it as the exchange wrote it.

    `raw` is what a change is sent back with: a member that no shape knows is in it too. Its
    numbers are exact. `etag` is what `If-Match` takes, None if the exchange gave none.
    """

    value: T
    raw: dict[str, Any]
    etag: str | None = None


class _Decoders(dict[Any, msgspec.json.Decoder[Any]]):
    """A decoder for each shape, made once; numbers without a shape stay exact."""

    def __missing__(self, shape: Any) -> msgspec.json.Decoder[Any]:
        decoder = self[shape] = msgspec.json.Decoder(shape, float_hook=Decimal)
        return decoder


class _Envelopes(dict[tuple[str, Any], Any]):
    """The shape of a list page for each name and shape of its items, made once."""

    def __missing__(self, key: tuple[str, Any]) -> Any:
        name, item = key
        fields: list[tuple[str, Any, Any]] = [
            (name, list[item] | None, None),  # type: ignore[valid-type]
            ("next_cursor", str | None, None),
            ("has_more", bool | None, None),
        ]
        envelope = self[key] = msgspec.defstruct("Envelope", fields, gc=False)
        return envelope


_decoders = _Decoders()
_envelopes = _Envelopes()


def _needs_normalising(body: bytes) -> bool:
    """Whether `body` goes the careful way: PostgreSQL takes no NUL, and a date at either end of
    the calendar leaves it in another zone. Plain searches, because every answer pays for them;
    other text that is none makes the fast way fail.
    """
    return (b"\\" in body and b"\\u0000" in body) or b"0001-01-01" in body or b"9999-12-31" in body


def decode_body(body: bytes, shape: type[T], *, note: Note | None = None) -> T:
    """`body` as `shape`; BadAnswer if it is not, with the place and the reason.

    `note` gets characters that could not be read.
    """
    if not _needs_normalising(body):
        try:
            return cast("T", _decoders[shape].decode(body))
        except _undecodable:
            pass  # the careful way knows why
    readable = repair(body)
    return _decode_normalised(readable, shape, note, repaired=readable != body)


def decode_whole(
    body: bytes, shape: type[T], *, etag: str | None = None, note: Note | None = None
) -> Whole[T]:
    """`body` as `shape` and as it came; BadAnswer if it is no object of that shape.

    `note` gets characters that could not be read.
    """
    value = decode_body(body, shape, note=note)
    raw = _decoders[Any].decode(repair(body))
    if not isinstance(raw, dict):
        raise BadAnswer("The exchange sent something else than an object")
    return Whole(value=value, raw=raw, etag=etag)


def decode_page(body: bytes, name: str, item: type[T], *, note: Note | None = None) -> Page[T]:
    """The list in member `name` of `body`, item by item if one of them is wrong.

    `note` gets items with characters that could not be read; they are in the page.
    """
    if not _needs_normalising(body):
        try:
            fast = _decoders[_envelopes[name, item]].decode(body)
        except _undecodable:
            pass  # the careful way knows why
        else:
            return Page(
                items=getattr(fast, name) or [],
                next_cursor=fast.next_cursor or None,
                has_more=fast.has_more,
            )
    readable = repair(body)
    return _decode_items(readable, name, item, note, repaired=readable != body)


def _decode_items(
    body: bytes, name: str, item: type[T], note: Note | None, *, repaired: bool
) -> Page[T]:
    try:
        members = _decoders[dict[str, Raw]].decode(body)
        raws = _decoders[list[Raw] | None].decode(members.get(name, Raw(b"null"))) or []
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent something else than a list: {exc}") from exc
    except _undecodable as exc:
        raise _not_json_error(body) from exc
    items: list[T] = []
    bad: list[BadItem] = []
    for raw in raws:
        try:
            items.append(_decode_item(bytes(raw), item, note, repaired=repaired))
        except BadAnswer as exc:
            bad.append(_bad_item(bytes(raw), str(exc)))
    cursor = _decode_member(members, "next_cursor", str) or None
    if cursor and UNREADABLE in cursor:
        raise BadAnswer("The exchange sent a list whose next_cursor is not readable")
    return Page(
        items=items,
        quarantined=bad,
        next_cursor=cursor,
        has_more=_decode_member(members, "has_more", bool),
    )


def _decode_item(body: bytes, item: type[T], note: Note | None, *, repaired: bool) -> T:
    """An item of a list of which at least one is wrong: most are as good as ever."""
    if not (repaired and is_marked(body)) and not _needs_normalising(body):
        try:
            return cast("T", _decoders[item].decode(body))
        except _undecodable:
            pass  # this may be the one
    return _decode_normalised(body, item, note, repaired=repaired)


def _decode_member(members: Mapping[str, Raw], name: str, kind: type[T]) -> T | None:
    raw = members.get(name)
    if raw is None:
        return None
    try:
        return cast("T | None", _decoders[kind | None].decode(raw))
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent a list whose {name} is not readable") from exc


def _decode_normalised(body: bytes, shape: type[T], note: Note | None, *, repaired: bool) -> T:
    """`body`, all of whose texts are good or `repaired` by now, as `shape`."""
    try:
        value = _decoders[Any].decode(body)
        places = sorted(set(marked_places(value))) if repaired and is_marked(body) else []
        _refuse_guesses(places)
        decoded = drift.decode_without_drift(
            _normalise(value),
            shape,
            lambda value: _decoders[shape].decode(_plain_json.encode(value)),
        )
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent something unexpected: {exc}") from exc
    except (*_undecodable, OverflowError) as exc:
        raise _not_json_error(body) from exc
    if note and places:
        words = ", ".join(place or "its text" for place in places[:MOST_PLACES])
        note(_bad_item(body, f"{SHOWN_AS} {words}"))
    return decoded


def _refuse_guesses(places: Sequence[str]) -> None:
    """BadAnswer where what could not be read is an id or a currency."""
    for place in places:
        name = place.rpartition(".")[2]
        if name in _CERTAIN or name.endswith("_id"):
            raise BadAnswer(f"The exchange sent characters that cannot be read in {place}")


def _normalise(value: Any) -> Any:
    """`value` without null members, empty objects, half amounts, edge dates and 5.0 for 5."""
    if isinstance(value, dict):
        return {key: new for key, old in value.items() if not _is_nothing(new := _normalise(old))}
    if isinstance(value, list):
        return [_normalise(each) for each in value]
    if isinstance(value, str):
        return "a date at the end of the calendar" if _END_OF_CALENDAR.match(value) else value
    if isinstance(value, Decimal) and abs(value) < _WHOLE and value == int(value):
        return int(value)
    return value


def _is_nothing(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    if "currency_code" in value or "currency_scale" in value:
        return "value" not in value or "currency_code" not in value
    return not value


def _bad_item(raw: bytes, reason: str) -> BadItem:
    text = raw[:LONGEST_RAW_TEXT].decode("utf-8", "replace")
    return BadItem(raw_text=text, reason=reason, id=_readable_id(raw))


def _readable_id(raw: bytes) -> str | None:
    try:
        item = _decoders[Any].decode(raw)
    except _undecodable:
        return None
    item_id = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item_id, (str, int)) or UNREADABLE in str(item_id):
        return None
    return one_line(str(item_id))


def _not_json_error(body: bytes) -> BadAnswer:
    if body.lstrip()[:1] == b"<":
        return BadAnswer("The exchange sent a web page instead of data")
    if not body:
        return BadAnswer("The exchange sent an empty answer")
    return BadAnswer("The exchange sent data that is cut off or garbled")
