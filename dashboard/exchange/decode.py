"""Answers become shapes here: fast when they are as the contract says, mended when they are not.

The fast way decodes a whole answer at once. What it does not take is mended (a null member is a
missing member, half an amount of money is none) and tried again, item by item: one bad item
costs itself, never its page.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Raw, Struct

from dashboard.exchange.errors import BadAnswer, plain

T = TypeVar("T")

LONGEST_RAW_TEXT = 4_000
_WHOLE = 2**53

_END_OF_CALENDAR = re.compile(r"(?:0001-01-01|9999-12-31)[Tt ]")

_undecodable = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_plain_json = msgspec.json.Encoder(decimal_format="number")


class BadItem(Struct, frozen=True, kw_only=True):
    """An item that could not be understood: what came, why not, and whose it is if readable."""

    raw_text: str
    reason: str
    id: str | None = None


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
        made = self[shape] = msgspec.json.Decoder(shape, float_hook=Decimal)
        return made


class _Envelopes(dict[tuple[str, Any], Any]):
    """The shape of a list page for each name and shape of its items, made once."""

    def __missing__(self, key: tuple[str, Any]) -> Any:
        name, item = key
        fields: list[tuple[str, Any, Any]] = [
            (name, list[item] | None, None),  # type: ignore[valid-type]
            ("next_cursor", str | None, None),
            ("has_more", bool | None, None),
        ]
        made = self[key] = msgspec.defstruct("Envelope", fields, gc=False)
        return made


_decoders = _Decoders()
_envelopes = _Envelopes()


def _suspect(body: bytes) -> bool:
    """Whether `body` goes the careful way: PostgreSQL takes no NUL, and a date at either end of
    the calendar leaves it in another zone. Plain searches, because every answer pays for them.
    """
    return (b"\\" in body and b"\\u0000" in body) or b"0001-01-01" in body or b"9999-12-31" in body


def decode(body: bytes, shape: type[T]) -> T:
    """`body` as `shape`; BadAnswer if it is not, with the place and the reason."""
    if not _suspect(body):
        try:
            return cast("T", _decoders[shape].decode(body))
        except msgspec.ValidationError:
            pass
        except _undecodable as exc:
            raise _not_json(body) from exc
    return _decode_mended(body, shape)


def decode_whole(body: bytes, shape: type[T], *, etag: str | None = None) -> Whole[T]:
    """`body` as `shape` and as it came; BadAnswer if it is no object of that shape."""
    value = decode(body, shape)
    raw = _decoders[Any].decode(body)
    if not isinstance(raw, dict):
        raise BadAnswer("The exchange sent something else than an object")
    return Whole(value=value, raw=raw, etag=etag)


def decode_page(body: bytes, name: str, item: type[T]) -> Page[T]:
    """The list in member `name` of `body`, item by item if one of them is wrong."""
    if not _suspect(body):
        try:
            fast = _decoders[_envelopes[name, item]].decode(body)
        except msgspec.ValidationError:
            pass
        except _undecodable as exc:
            raise _not_json(body) from exc
        else:
            return Page(
                items=getattr(fast, name) or [],
                next_cursor=fast.next_cursor or None,
                has_more=fast.has_more,
            )
    return _page_item_wise(body, name, item)


def _page_item_wise(body: bytes, name: str, item: type[T]) -> Page[T]:
    try:
        members = _decoders[dict[str, Raw]].decode(body)
        raws = _decoders[list[Raw] | None].decode(members.get(name, Raw(b"null"))) or []
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent something else than a list: {exc}") from exc
    except _undecodable as exc:
        raise _not_json(body) from exc
    items: list[T] = []
    bad: list[BadItem] = []
    for raw in raws:
        try:
            items.append(_decode_mended(bytes(raw), item))
        except BadAnswer as exc:
            bad.append(_quarantined(bytes(raw), str(exc)))
    return Page(
        items=items,
        quarantined=bad,
        next_cursor=_member(members, "next_cursor", str) or None,
        has_more=_member(members, "has_more", bool),
    )


def _member(members: Mapping[str, Raw], name: str, kind: type[T]) -> T | None:
    raw = members.get(name)
    if raw is None:
        return None
    try:
        return cast("T | None", _decoders[kind | None].decode(raw))
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent a list whose {name} is not readable") from exc


def _decode_mended(body: bytes, shape: type[T]) -> T:
    try:
        mended = _plain_json.encode(_mend(_decoders[Any].decode(body)))
        return cast("T", _decoders[shape].decode(mended))
    except msgspec.ValidationError as exc:
        raise BadAnswer(f"The exchange sent something unexpected: {exc}") from exc
    except (*_undecodable, OverflowError) as exc:
        raise _not_json(body) from exc


def _mend(value: Any) -> Any:
    """`value` without null members, empty objects, half amounts, NULs, edge dates and 5.0 for 5."""
    if isinstance(value, dict):
        return {key: kept for key, old in value.items() if not _is_nothing(kept := _mend(old))}
    if isinstance(value, list):
        return [_mend(each) for each in value]
    if isinstance(value, str):
        if _END_OF_CALENDAR.match(value):
            return "a date at the end of the calendar"
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
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


def _quarantined(raw: bytes, reason: str) -> BadItem:
    text = raw[:LONGEST_RAW_TEXT].decode("utf-8", "replace")
    return BadItem(raw_text=text, reason=reason, id=_readable_id(raw))


def _readable_id(raw: bytes) -> str | None:
    try:
        item = _decoders[Any].decode(raw)
    except _undecodable:
        return None
    found = item.get("id") if isinstance(item, dict) else None
    return plain(str(found)) if isinstance(found, (str, int)) else None


def _not_json(body: bytes) -> BadAnswer:
    if body.lstrip()[:1] == b"<":
        return BadAnswer("The exchange sent a web page instead of data")
    if not body:
        return BadAnswer("The exchange sent an empty answer")
    return BadAnswer("The exchange sent data that is cut off or garbled")
