"""Decode answers into shapes: fast if they follow the contract, normalised if they do not.

The fast path decodes a whole answer in one call. An answer that it rejects is normalised (a null
member counts as missing, an incomplete amount of money as none, an unreadable character becomes
U+FFFD) and decoded again, item by item: a bad item costs itself, never its page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from dashboard.exchange import drift
from dashboard.exchange.errors import BadAnswer, one_line
from dashboard.exchange.json_types import JsonObject
from dashboard.exchange.repair import UNREADABLE, is_marked, marked_places, repair

T = TypeVar("T")

MAX_RAW_TEXT = 4_000
MAX_PLACES = 5
REPLACED_TEXT = f"Unreadable characters are shown as {UNREADABLE}, in"
LARGEST_EXPONENT = 999_999  # of a number without a shape; Python computes with no larger one
OUT_OF_RANGE = "a number is out of range"
_MAX_EXACT_FLOAT = 2**53

# Members that decide whose figures these are, or what they are worth, are never guessed.
_NEVER_GUESSED = ("id", "currency_code")

_END_OF_CALENDAR = re.compile(r"(?:0001-01-01|9999-12-31)[Tt ]")

_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_plain_json = msgspec.json.Encoder(decimal_format="number")


class BadItem(Struct, frozen=True, kw_only=True):
    """An item that could not be read: its raw text, the reason, and its id if readable."""

    raw_text: str
    reason: str
    id: str | None = None


Note = Callable[[BadItem], None]


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list: good items, quarantined ones, and the cursor of the next page.

    `has_more` is None if the exchange does not say (the changelog).
    """

    items: list[T]
    quarantined: list[BadItem] = []
    next_cursor: str | None = None
    has_more: bool | None = None


class Versioned(Struct, Generic[T], frozen=True, kw_only=True):
    """A value and its ETag for `If-Match`, None if the exchange gave none."""

    value: T
    etag: str | None


class Whole(Struct, Generic[T], frozen=True, kw_only=True):
    """An object as its shape, and with every member as the exchange wrote it.

    A change is sent back on top of `raw`, which has members that no shape knows, too. Its numbers
    are exact. `etag` is for `If-Match`, None if the exchange gave none.
    """

    value: T
    raw: JsonObject
    etag: str | None = None


def _exact_number(text: str) -> Decimal:
    """Return a number as it came; ValidationError for one that nobody could write out."""
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        raise msgspec.ValidationError(OUT_OF_RANGE) from exc
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        raise msgspec.ValidationError(OUT_OF_RANGE)
    return number


# A shape may be any type that msgspec decodes, unions included, which no `type[T]` covers.
class _Decoders(dict[object, msgspec.json.Decoder[Any]]):
    """One decoder per shape, created once; numbers without a shape stay exact."""

    def __missing__(self, shape: Any) -> msgspec.json.Decoder[Any]:  # see above
        decoder = self[shape] = msgspec.json.Decoder(shape, float_hook=_exact_number)
        return decoder


class _Envelopes(dict[tuple[str, object], type[Struct]]):
    """The shape of a list page per name and shape of its items, created once."""

    def __missing__(self, key: tuple[str, object]) -> type[Struct]:
        name, item = key
        fields: list[tuple[str, type, object]] = [
            (name, cast("type", list[item] | None), None),  # type: ignore[valid-type]
            ("next_cursor", cast("type", str | None), None),
            ("has_more", cast("type", bool | None), None),
        ]
        envelope = self[key] = msgspec.defstruct("Envelope", fields, gc=False)
        return envelope


_decoders = _Decoders()
_envelopes = _Envelopes()


def _needs_normalising(body: bytes) -> bool:
    """Whether `body` must be normalised: PostgreSQL takes no NUL, and a date at either end of the
    calendar is out of range in another time zone. Plain searches, because every answer pays for
    them; other unreadable text makes the fast path fail.
    """
    return (b"\\" in body and b"\\u0000" in body) or b"0001-01-01" in body or b"9999-12-31" in body


def decode_body(body: bytes, shape: type[T], *, note: Note | None = None) -> T:
    """Decode `body` as `shape`; raises BadAnswer with the place and the reason.

    `note` is called with items that have unreadable characters.
    """
    if not _needs_normalising(body):
        try:
            return cast("T", _decoders[shape].decode(body))
        except _DECODE_ERRORS:
            pass  # the normalised path finds the reason
    readable = repair(body)
    return _decode_normalised(readable, shape, note, repaired=readable != body)


def decode_whole(
    body: bytes, shape: type[T], *, etag: str | None = None, note: Note | None = None
) -> Whole[T]:
    """Decode `body` as `shape` and as it came; raises BadAnswer if it is no such object.

    `note` is called with items that have unreadable characters.
    """
    value = decode_body(body, shape, note=note)
    try:
        raw = _decoders[object].decode(repair(body))
    except msgspec.ValidationError as exc:  # of a member that no shape knows
        raise BadAnswer(f"Cint sent something unexpected: {exc}") from exc
    if not isinstance(raw, dict):
        raise BadAnswer("Cint sent something other than an object")
    return Whole(value=value, raw=raw, etag=etag)


def decode_page(body: bytes, name: str, item: type[T], *, note: Note | None = None) -> Page[T]:
    """Decode the list in member `name` of `body`; item by item if one of them is bad.

    `note` is called with items that have unreadable characters; they are in the page, too.
    """
    if not _needs_normalising(body):
        try:
            fast = _decoders[_envelopes[name, item]].decode(body)
        except _DECODE_ERRORS:
            pass  # the normalised path finds the reason
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
        raise BadAnswer(f"Cint sent something other than a list: {exc}") from exc
    except _DECODE_ERRORS as exc:
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
        raise BadAnswer("Cint sent a list whose next_cursor is not readable")
    return Page(
        items=items,
        quarantined=bad,
        next_cursor=cursor,
        has_more=_decode_member(members, "has_more", bool),
    )


def _decode_item(body: bytes, item: type[T], note: Note | None, *, repaired: bool) -> T:
    """Decode one item of a list with a bad item: most items still take the fast path."""
    if not (repaired and is_marked(body)) and not _needs_normalising(body):
        try:
            return cast("T", _decoders[item].decode(body))
        except _DECODE_ERRORS:
            pass  # this may be the bad one
    return _decode_normalised(body, item, note, repaired=repaired)


def _decode_member(members: Mapping[str, Raw], name: str, kind: type[T]) -> T | None:
    raw = members.get(name)
    if raw is None:
        return None
    try:
        return cast("T | None", _decoders[kind | None].decode(raw))
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"Cint sent a list whose {name} is not readable") from exc


def _decode_normalised(body: bytes, shape: type[T], note: Note | None, *, repaired: bool) -> T:
    """Decode `body`, whose texts are readable or `repaired` by now, as `shape`."""
    try:
        value = _decoders[object].decode(body)
        places = sorted(set(marked_places(value))) if repaired and is_marked(body) else []
        _refuse_guesses(places)
        decoded = drift.decode_without_drift(
            _normalise(value),
            shape,
            lambda value: _decoders[shape].decode(_plain_json.encode(value)),
        )
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"Cint sent something unexpected: {exc}") from exc
    except (*_DECODE_ERRORS, OverflowError) as exc:
        raise _not_json_error(body) from exc
    if note and places:
        words = ", ".join(place or "its text" for place in places[:MAX_PLACES])
        note(_bad_item(body, f"{REPLACED_TEXT} {words}"))
    return decoded


def _refuse_guesses(places: Sequence[str]) -> None:
    """Raise BadAnswer if an unreadable character is in an id or a currency."""
    for place in places:
        name = place.rpartition(".")[2]
        if name in _NEVER_GUESSED or name.endswith("_id"):
            raise BadAnswer(f"Cint sent unreadable characters in {place}")


def _normalise(value: object) -> object:
    """`value` without null members, empty objects, incomplete amounts, edge dates, and 5.0 as 5."""
    if isinstance(value, dict):
        return {key: new for key, old in value.items() if not _is_empty(new := _normalise(old))}
    if isinstance(value, list):
        return [_normalise(item) for item in value]
    if isinstance(value, str):
        return "a date at the end of the calendar" if _END_OF_CALENDAR.match(value) else value
    if isinstance(value, Decimal) and abs(value) < _MAX_EXACT_FLOAT and value == int(value):
        return int(value)
    return value


def _is_empty(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    if "currency_code" in value or "currency_scale" in value:
        return "value" not in value or "currency_code" not in value
    return not value


def _bad_item(raw: bytes, reason: str) -> BadItem:
    text = raw[:MAX_RAW_TEXT].decode("utf-8", "replace")
    return BadItem(raw_text=text, reason=reason, id=_readable_id(raw))


def _readable_id(raw: bytes) -> str | None:
    try:
        item = _decoders[object].decode(raw)
    except _DECODE_ERRORS:
        return None
    item_id = item.get("id") if isinstance(item, dict) else None
    if not isinstance(item_id, (str, int)) or UNREADABLE in str(item_id):
        return None
    return one_line(str(item_id))


def _not_json_error(body: bytes) -> BadAnswer:
    if body.lstrip()[:1] == b"<":
        return BadAnswer("Cint sent a web page instead of data")
    if not body:
        return BadAnswer("Cint sent an empty answer")
    return BadAnswer("Cint sent data that is truncated or garbled")
