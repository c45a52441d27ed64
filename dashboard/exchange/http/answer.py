"""An answer of the exchange: read its body within a size limit, and turn failures into errors."""

import html
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    one_line,
    spoken,
)
from dashboard.exchange.http.retry import retry_after
from dashboard.exchange.repair import UNREADABLE, repair

LARGEST_BODY = 16 * 1024 * 1024
MAX_PARAMS = 100
MAX_ENCODINGS = 3
# Members of a gzip stream: even an empty one costs time, and the deadline must hold.
MAX_MEMBERS = 256
_GZIP = b"\x1f\x8b"
UNKNOWN_COMPRESSION = "Cint sent an answer with an unknown compression"


class HttpAnswer(Struct, frozen=True, gc=False):
    """Status, headers and whole body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def read_body(parts: Iterable[bytes], encoding: str | None, *, cap: int = LARGEST_BODY) -> bytes:
    """The whole body, at most `cap` bytes on the wire and after each decompression.

    `encoding`: the header `Content-Encoding`, in any case, with several encodings. Raises TooLarge
    or BadAnswer.
    """
    body = _join_within(parts, cap)
    if not encoding or not body:
        return body
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) != "identity"]
    if len(names) > MAX_ENCODINGS:
        raise BadAnswer("Cint sent an answer that is compressed too many times")
    for name in reversed(names):
        unpack = _DECOMPRESSORS.get(name)
        if unpack is None:
            raise BadAnswer(f"{UNKNOWN_COMPRESSION}: {name}")
        try:
            body = unpack(body, cap)
        except zlib.error as exc:
            raise BadAnswer("Cint sent an answer whose compression is broken") from exc
    return body


def _gunzip(body: bytes, cap: int) -> bytes:
    """Decompress a gzip stream of several members (RFC 1952), ignoring padding and other data."""
    whole: list[bytes] = []
    remaining = cap
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        whole.append(_decompress(member, body, remaining))
        remaining -= len(whole[-1])
        body = member.unused_data.lstrip(b"\0")
        if not body.startswith(_GZIP):
            return b"".join(whole)
    raise BadAnswer("Cint sent an answer that is compressed in too many parts")


def _inflate(body: bytes, cap: int) -> bytes:
    """Decompress a deflate stream, in the standard zlib frame or, as some send it, without one."""
    try:
        return _decompress(zlib.decompressobj(), body, cap)
    except zlib.error:
        return _decompress(zlib.decompressobj(-zlib.MAX_WBITS), body, cap)


def _decompress(stream: "zlib._Decompress", body: bytes, cap: int) -> bytes:
    plain_body = stream.decompress(body, cap + 1)
    if len(plain_body) > cap:
        raise TooLarge
    if not stream.eof:
        raise BadAnswer("Cint sent an answer that is truncated")
    return plain_body


_DECOMPRESSORS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "": lambda body, _: body,
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
}


def _join_within(parts: Iterable[bytes], cap: int) -> bytes:
    received: list[bytes] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > cap:
            raise TooLarge
        received.append(part)
    return b"".join(received)


def server_time(headers: Mapping[str, str]) -> float | None:
    """The time of the answer by the exchange's clock, seconds since 1970; None if unreadable."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, IndexError, OverflowError):
        return None


_SUBJECT_IDS = ("quota_id", "interlock_id", "profile_id")
_DETAILS = ("detail", "details", "message", "error_description", "error")
_REASONS = ("detail", "reason", "message", "msg", "description")
MAX_TEXT_BYTES = 20_000
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
    """The error for an answer outside 2xx; `hide` removes secrets from its text."""
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
    title, detail, params = _explain(answer.body, hide)
    why = _refusal_text(detail or title, params)
    kind = _SIMPLE.get(status)
    if kind is not None:
        return kind(f"{kind.words}: {why}" if why else "", status=status)
    message = (
        f"{Refused.words}: {why}" if why else f"{Refused.words} and gives no reason ({status})"
    )
    return Refused(message, title=title, detail=detail, invalid_params=params, status=status)


def _refusal_text(words: str, params: Sequence[InvalidParam]) -> str:
    """The text of a refusal, with the reasons per field."""
    fields = "; ".join(": ".join(filter(None, param)) for param in params if any(param))
    return f"{words} ({fields})" if words and fields else words or fields


def _explain(body: bytes, hide: Callable[[str], str]) -> tuple[str, str, list[InvalidParam]]:
    """Title, detail and invalid parameters of an error, as far as they are readable.

    The contract's own members first, then those that gateways and frameworks use instead.
    """
    try:
        error: object = msgspec.json.decode(repair(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", one_line(hide(_text_of_page(body))), []
    if isinstance(error, str):
        return "", one_line(hide(error)), []
    if isinstance(error, dict) and isinstance(inner := error.get("error"), dict):
        error = inner | error
    if not isinstance(error, dict):
        return "", "", []
    params = [
        InvalidParam(_param_name(param, hide), spoken(_first_text(param, hide, *_REASONS)))
        for param in _invalid_params(error)[:MAX_PARAMS]
    ]
    return _first_text(error, hide, "title"), _first_text(error, hide, *_DETAILS), params


def _invalid_params(error: Mapping[object, object]) -> list[Mapping[object, object]]:
    """The invalid parameters of an error, each as a mapping."""
    for name in ("invalid_params", "invalid-params", "errors", "detail", "details"):
        listed = error.get(name)
        if isinstance(listed, dict):
            listed = [
                {"name": field, "reason": reason}
                for field, reasons in listed.items()
                for reason in (reasons if isinstance(reasons, list) else [reasons])
            ]
        if isinstance(listed, list) and listed:
            params: list[object] = [
                {"reason": item} if isinstance(item, str) else item for item in listed
            ]
            return [param for param in params if isinstance(param, dict)]
    return []


def _text_of_page(body: bytes) -> str:
    """The text of a body that is not JSON: the title of a web page, or a short text; else ""."""
    text = body[:MAX_TEXT_BYTES].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        heading = _HEADING.search(text)
        return html.unescape(_TAG.sub(" ", heading[2])) if heading else ""
    garbled = not text or text[0] in '{["' or UNREADABLE in text
    return "" if garbled else text.partition("\n")[0]


def _param_name(params: Mapping[object, object], hide: Callable[[str], str]) -> str:
    """The name of an invalid parameter: the id of a quota or profile if it has one; the reason's
    code if its name is only the number of a rule; else its name.
    """
    metadata = params.get("metadata")
    if isinstance(metadata, dict) and (subject := _first_text(metadata, hide, *_SUBJECT_IDS)):
        return subject
    is_rule = params.get("error_type") == "data_validation_error"
    if is_rule:
        return _first_text(params, hide, "reason", "name")
    place = params.get("loc")
    if isinstance(place, list):
        return one_line(hide(".".join(str(step) for step in place)))
    return _first_text(params, hide, "name", "field", "param", "pointer", "path")


def _first_text(members: Mapping[object, object], hide: Callable[[str], str], *names: str) -> str:
    """The first of these members that is text and not blank, fit to be shown."""
    for name in names:
        value = members.get(name)
        if isinstance(value, str) and value.strip():
            return one_line(hide(value))
    return ""
