"""An answer of the exchange: read within its cap, and turned into an error if it is one."""

import html
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    Forbidden,
    InvalidParam,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    RateLimited,
    Redirected,
    Refused,
    TooLarge,
    Unauthorized,
    Unavailable,
    one_line,
    spoken,
)
from dashboard.exchange.http.retry import retry_after
from dashboard.exchange.repair import UNREADABLE, repair

LARGEST_BODY = 16 * 1024 * 1024
LONGEST_LIST = 100
MOST_ENCODINGS = 3
# Members of a gzip stream: each costs time, even an empty one, and the deadline must hold.
MOST_MEMBERS = 256
_GZIP = b"\x1f\x8b"
UNKNOWN_COMPRESSION = "The exchange sent an answer in a compression that Fieldwatch does not know"


class HttpAnswer(Struct, frozen=True, gc=False):
    """Status, headers and whole body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def read_body(parts: Iterable[bytes], encoding: str | None, *, cap: int = LARGEST_BODY) -> bytes:
    """The whole body, at most `cap` bytes on the wire and after each decompression.

    `encoding`: the header `Content-Encoding`, in any case, with any number of encodings.
    """
    body = _within(parts, cap)
    if not encoding or not body:
        return body
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) != "identity"]
    if len(names) > MOST_ENCODINGS:
        raise BadAnswer("The exchange sent an answer that is compressed too many times")
    for name in reversed(names):
        unpack = _UNPACKED.get(name)
        if unpack is None:
            raise BadAnswer(f"{UNKNOWN_COMPRESSION}: {name}")
        try:
            body = unpack(body, cap)
        except zlib.error as exc:
            raise BadAnswer("The exchange sent an answer whose compression is broken") from exc
    return body


def _ungzipped(body: bytes, cap: int) -> bytes:
    """A gzip stream of any number of members (RFC 1952), padding and what is no member left out."""
    whole: list[bytes] = []
    left = cap
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        whole.append(_inflated(member, body, left))
        left -= len(whole[-1])
        body = member.unused_data.lstrip(b"\0")
        if not body.startswith(_GZIP):
            return whole[0] if len(whole) == 1 else b"".join(whole)
    raise BadAnswer("The exchange sent an answer that is compressed in too many parts")


def _undeflated(body: bytes, cap: int) -> bytes:
    """A deflate stream, in zlib's frame as the standard wants it or, as some send it, without."""
    try:
        return _inflated(zlib.decompressobj(), body, cap)
    except zlib.error:
        return _inflated(zlib.decompressobj(-zlib.MAX_WBITS), body, cap)


def _inflated(stream: "zlib._Decompress", body: bytes, cap: int) -> bytes:
    plain_body = stream.decompress(body, cap + 1)
    if len(plain_body) > cap:
        raise TooLarge
    if not stream.eof:
        raise BadAnswer("The exchange sent an answer that is cut off")
    return plain_body


_UNPACKED: Mapping[str, Callable[[bytes, int], bytes]] = {
    "": lambda body, _: body,
    "gzip": _ungzipped,
    "x-gzip": _ungzipped,
    "deflate": _undeflated,
}


def _within(parts: Iterable[bytes], cap: int) -> bytes:
    kept: list[bytes] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > cap:
            raise TooLarge
        kept.append(part)
    return kept[0] if len(kept) == 1 else b"".join(kept)


def server_time(headers: Mapping[str, str]) -> float | None:
    """The moment of the answer by the exchange's clock, seconds since 1970; None if unreadable."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, IndexError, OverflowError):
        return None


_ABOUT = ("quota_id", "interlock_id", "profile_id")
_DETAILS = ("detail", "details", "message", "error_description", "error")
_REASONS = ("detail", "reason", "message", "msg", "description")
MOST_READ = 20_000
_HEADING = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_SIMPLE: Mapping[int, type[ExchangeError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    410: NotFound,
    405: MethodNotAllowed,
    412: PreconditionFailed,
}


def error_of(answer: HttpAnswer, *, now: float, hide: Callable[[str], str]) -> ExchangeError:
    """What an answer outside 2xx means; `hide` takes secrets out of its words."""
    status = answer.status
    if status == 429:
        return RateLimited(
            status=status, retry_after=retry_after(answer.headers.get("retry-after"), now=now)
        )
    if status >= 500:
        header = answer.headers.get("retry-after")
        wait = retry_after(header, now=now) if header else None
        return Unavailable(f"{Unavailable.words} ({status})", status=status, retry_after=wait)
    if status < 400:
        return Redirected(status=status)
    title, detail, wrong = _explained(answer.body, hide)
    why = _why(detail or title, wrong)
    kind = _SIMPLE.get(status)
    if kind is not None:
        return kind(f"{kind.words}: {why}" if why else "", status=status)
    message = (
        f"{Refused.words}: {why}" if why else f"{Refused.words} and gives no reason ({status})"
    )
    return Refused(message, title=title, detail=detail, invalid_params=wrong, status=status)


def _why(words: str, wrong: Sequence[InvalidParam]) -> str:
    """One sentence of a refusal: its words, and what is wrong with which field."""
    fields = "; ".join(": ".join(filter(None, each)) for each in wrong if any(each))
    return f"{words} ({fields})" if words and fields else words or fields


def _explained(body: bytes, hide: Callable[[str], str]) -> tuple[str, str, list[InvalidParam]]:
    """Title, detail and invalid parameters of an error, as far as they are readable.

    The contract's own members first, then those that gateways and frameworks send in their place.
    """
    try:
        found: Any = msgspec.json.decode(repair(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", one_line(hide(_words_of(body))), []
    if isinstance(found, str):
        return "", one_line(hide(found)), []
    if isinstance(found, dict) and isinstance(inner := found.get("error"), dict):
        found = inner | found
    if not isinstance(found, dict):
        return "", "", []
    wrong = [
        InvalidParam(_named(each, hide), spoken(_text(each, hide, *_REASONS)))
        for each in _listed(found)[:LONGEST_LIST]
    ]
    return _text(found, hide, "title"), _text(found, hide, *_DETAILS), wrong


def _listed(found: Mapping[str, Any]) -> list[Mapping[object, object]]:
    """The invalid parameters of an error, each as a mapping."""
    for name in ("invalid_params", "invalid-params", "errors", "detail", "details"):
        listed = found.get(name)
        if isinstance(listed, dict):
            listed = [
                {"name": field, "reason": reason}
                for field, reasons in listed.items()
                for reason in (reasons if isinstance(reasons, list) else [reasons])
            ]
        if isinstance(listed, list) and listed:
            each: list[Any] = [{"reason": one} if isinstance(one, str) else one for one in listed]
            return [one for one in each if isinstance(one, dict)]
    return []


def _words_of(body: bytes) -> str:
    """What a body that is no JSON says: the title of a web page, or a short text; else nothing."""
    text = body[:MOST_READ].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        heading = _HEADING.search(text)
        return html.unescape(_TAG.sub(" ", heading[2])) if heading else ""
    garbled = not text or text[0] in '{["' or UNREADABLE in text
    return "" if garbled else text.partition("\n")[0]


def _named(wrong: Mapping[object, object], hide: Callable[[str], str]) -> str:
    """What an invalid parameter is about: the id of a quota or profile where it tells one, else,
    where its name is but the number of a rule, the word for that rule.
    """
    about = wrong.get("metadata")
    if isinstance(about, dict) and (told := _text(about, hide, *_ABOUT)):
        return told
    is_rule = wrong.get("error_type") == "data_validation_error"
    if is_rule:
        return _text(wrong, hide, "reason", "name")
    place = wrong.get("loc")
    if isinstance(place, list):
        return one_line(hide(".".join(str(step) for step in place)))
    return _text(wrong, hide, "name", "field", "param", "pointer", "path")


def _text(found: Mapping[object, object], hide: Callable[[str], str], *names: str) -> str:
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and value.strip():
            return one_line(hide(value))
    return ""
