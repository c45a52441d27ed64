"""An answer of the exchange: read within its cap, and turned into an error if it is one."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime

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
    plain,
)
from dashboard.exchange.retry import retry_after

LARGEST_BODY = 16 * 1024 * 1024
LONGEST_LIST = 100


class Answer(Struct, frozen=True, gc=False):
    """Status, headers and whole body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def read_body(parts: Iterable[bytes], encoding: str | None, *, cap: int = LARGEST_BODY) -> bytes:
    """The whole body, at most `cap` bytes on the wire and after decompression."""
    if encoding in {None, "", "identity"}:
        return _within(parts, cap)
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise BadAnswer("The exchange sent an answer in a compression that was not asked for")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = unpack.decompress(_within(parts, cap), cap + 1)
    except zlib.error as exc:
        raise BadAnswer("The exchange sent an answer whose compression is broken") from exc
    if len(body) > cap:
        raise TooLarge
    if not unpack.eof:
        raise BadAnswer("The exchange sent an answer that is cut off")
    return body


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
_SIMPLE: Mapping[int, type[ExchangeError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    412: PreconditionFailed,
}


def error_of(answer: Answer, *, now: float, hide: Callable[[str], str]) -> ExchangeError:
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
    kind = _SIMPLE.get(status)
    if kind is not None:
        words = detail or title
        return kind(f"{kind.words}: {words}" if words else "", status=status)
    message = ": ".join(word for word in (Refused.words, detail or title) if word)
    return Refused(message, title=title, detail=detail, invalid_params=wrong, status=status)


def _explained(body: bytes, hide: Callable[[str], str]) -> tuple[str, str, list[InvalidParam]]:
    """Title, detail and invalid parameters of an error, as far as they are readable."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", "", []
    if not isinstance(found, dict):
        return "", "", []
    listed = found.get("invalid_params")
    wrong = [
        InvalidParam(_named(each, hide), _text(each, hide, "detail", "reason"))
        for each in (listed[:LONGEST_LIST] if isinstance(listed, list) else [])
        if isinstance(each, dict)
    ]
    return _text(found, hide, "title"), _text(found, hide, "detail", "details"), wrong


def _named(wrong: Mapping[object, object], hide: Callable[[str], str]) -> str:
    """What an invalid parameter is about: the id of a quota or profile where it tells one, else,
    where its name is but the number of a rule, the word for that rule.
    """
    about = wrong.get("metadata")
    if isinstance(about, dict) and (told := _text(about, hide, *_ABOUT)):
        return told
    is_rule = wrong.get("error_type") == "data_validation_error"
    return _text(wrong, hide, *(("reason", "name") if is_rule else ("name",)))


def _text(found: Mapping[object, object], hide: Callable[[str], str], *names: str) -> str:
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and value:
            return plain(hide(value))
    return ""
