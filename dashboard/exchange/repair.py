"""Repair unreadable text: half an emoji, a letter cut in two, a NUL, a raw control character.

Some systems cut names by bytes or by UTF-16 units. The rest cannot be decoded, and PostgreSQL takes
neither NUL nor half a surrogate pair. Each such character becomes U+FFFD, so that it costs only
itself and not the answer around it. The structure of an answer is never changed: whatever is broken
outside its texts stays broken and fails to decode.
"""

import json
import re
from collections.abc import Iterator

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_MARK = UNREADABLE.encode()

_NEEDS_REPAIR = re.compile(
    rb'\\u(?:[dD][89a-fA-F]|0000|(?![0-9a-fA-F]{4}))|\\[^"\\/bfnrtu]|[\x00-\x1f]'
)
_PART = re.compile(
    rb"""(?P<good>
        \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # a whole pair
      | \\u(?![dD][89a-fA-F]|0000)[0-9a-fA-F]{4}
      | \\["\\/bfnrt]
    )
    | \\u[0-9a-fA-F]{0,4}  # half a pair, a NUL, or an escape that was cut
    | \\ | [\x00-\x08\x0b\x0c\x0e-\x1f]
    """,
    re.VERBOSE,
)
# An unescaped line break or tab is invalid in a text, but clear; between texts it is valid.
_BLANK = re.compile(rb"[\t\n\r]")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ESCAPED = {b"\t": rb"\t", b"\n": rb"\n", b"\r": rb"\r"}

# JSON is UTF-8 (RFC 8259). Another charset in the header counts only if the bytes are not UTF-8.
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_CHARSETS = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def as_utf8(body: bytes, content_type: str | None = None) -> bytes:
    """`body` as UTF-8 without byte order mark, converted from UTF-16, UTF-32 or Windows-1252.

    Bytes of no known encoding stay unchanged, for `repair` to replace.
    """
    if body.isascii() and b"\0" not in body[:4]:
        return body
    if body.startswith(_BYTE_ORDER_MARK):
        return body[len(_BYTE_ORDER_MARK) :]
    encoding = json.detect_encoding(body)
    try:
        if encoding == "utf-8":
            charset = _CHARSET.search(content_type or "")
            encoding = _CHARSETS.get(charset[1].lower(), "utf-8") if charset else "utf-8"
            if encoding == "utf-8" or _is_utf8(body):
                return body
        lenient = "surrogatepass" if encoding.startswith("utf") else "replace"
        text = body.decode(encoding, lenient).removeprefix("\ufeff")
        return text.encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return body


def repair(body: bytes) -> bytes:
    """`body` with U+FFFD for every unreadable character in its texts; itself if there are none."""
    if not _is_utf8(body):
        body = body.decode("utf-8", "replace").encode()
    if not _NEEDS_REPAIR.search(body):
        return body
    body = _PART.sub(lambda part: part["good"] or _MARK, body)
    return _STRING.sub(_escape_blanks, body) if _BLANK.search(body) else body


def is_marked(body: bytes) -> bool:
    """Whether a part of a repaired answer has a character that could not be read."""
    return _MARK in body


def marked_places(value: object, place: str = "") -> Iterator[str]:
    """Yield the places of unreadable characters in a decoded answer, such as `statistics.name`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from marked_places(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from marked_places(inner, place)
    elif isinstance(value, str) and UNREADABLE in value:
        yield place


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _escape_blanks(string: re.Match[bytes]) -> bytes:
    return _BLANK.sub(lambda blank: _ESCAPED[blank[0]], string[0])
