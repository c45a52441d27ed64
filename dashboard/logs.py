"""Log lines: the facts that each carries beside its message, and the removal of secrets."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from pythonjsonlogger.json import JsonFormatter

HIDDEN = "[hidden]"
SHORTEST = 6  # a shorter secret would blot out ordinary words
# Control characters that start or overwrite a line: no request may forge a log line.
_BEYOND_ASCII = (*range(127, 160), 0x2028, 0x2029)
_BREAKS = {code: f"\\x{code:02x}" for code in (*range(32), *_BEYOND_ASCII)}
_BREAKS_IN_JSON = {code: f"\\u{code:04x}" for code in _BEYOND_ASCII}  # it escapes the others itself
_facts: ContextVar[Mapping[str, object]] = ContextVar("facts", default=MappingProxyType({}))
_secrets: set[str] = set()

_SLASH = r"(?:[/\\]|%(?:25){0,3}2f)"  # as it is, or encoded: some mail gateways do it twice
_SLASHES = rf"{_SLASH}{{1,4}}"

# Secrets recognised by their name or form. A stranger may send 64 KB that a line repeats: no part
# may be searched to its end from each of its places, hence the limits.
_SECRET_PATTERNS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # API tokens, wherever they are.
    (re.compile(r"\bfw_[A-Za-z0-9_-]{20,}"), HIDDEN),
    # Links in mails, shared links, addresses of calendars: whoever reads one could follow it.
    (
        re.compile(
            rf"(?i)({_SLASH}(?:sign-in{_SLASHES}new|mail{_SLASHES}stop|mail{_SLASHES}stop{_SLASHES}status"
            rf"|me{_SLASHES}address|act|webhooks|calendar|s){_SLASH}+)[^/\\\s\"']{{9,}}"
        ),
        rf"\1{HIDDEN}",
    ),
    # The return from single sign-on: its query signs a person in.
    (re.compile(r"(/sign-in/with/[^\s?\"']{0,200}\?)[^\s\"']+"), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"(?i)((?:authorization|cookie|csrfmiddlewaretoken|sessionid|"
            r"(?:client_|webhook_)?secret|password|passwd|api[_-]?key|"
            r"(?:access_|refresh_|id_)?token)\\?[\"']?\s{0,50}[:=]\s{0,50}\\?[\"']?)"
            r"(?!\s{0,50}\[hidden\])[^\s\"'&,;}\\]{3,}"
        ),
        rf"\1{HIDDEN}",
    ),
)


@contextmanager
def log_context(**facts: object) -> Iterator[None]:
    """Add these facts to every line that this thread logs inside the block."""
    before = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(before)


def current_facts() -> Mapping[str, object]:
    """Return the facts that lines carry now, such as `request_id` or `cycle`."""
    return _facts.get()


def hide_secrets(*secrets: str) -> None:
    """Remove these texts from every later line of this process."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _secrets.update({secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]})


def without_secrets(text: str) -> str:
    """Return the text with known secrets, and those recognised by their form, replaced."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _SECRET_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to standard error; requests that anyone can forge cost one line each."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record; one of a refused request without its traceback."""
        is_refusal = record.name == "django.request" and getattr(record, "status_code", 500) < 500
        if is_refusal or record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return super().format(record)


class InUtc(logging.Formatter):
    """Times in UTC that say so, such as `2026-11-30T08:15:02.193Z`, whatever the machine's zone."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


class LineFormatter(InUtc):
    """A line for people: time, level, logger, message, facts."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(facts)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with its traceback if it has one."""
        facts = {**current_facts(), **getattr(record, "of", {})}
        pairs = (f" {name}={value}" for name, value in facts.items())
        record.facts = "".join(pairs).translate(_BREAKS)
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        """Return the message on one line; a traceback follows on lines of its own."""
        record.message = record.message.translate(_BREAKS)
        return super().formatMessage(record)


class Json(InUtc, JsonFormatter):
    """A line for machines: one JSON object."""

    def __init__(self) -> None:
        super().__init__(
            ["asctime", "levelname", "name", "message"],
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )

    def add_fields(
        self,
        log_data: dict[str, object],
        record: logging.LogRecord,
        message_dict: dict[str, object],
    ) -> None:
        """Add the facts of the context and of the record."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("of", None)
        log_data.update({**current_facts(), **getattr(record, "of", {})})

    def format(self, record: logging.LogRecord) -> str:
        """Return the object on one line."""
        return without_secrets(super().format(record)).translate(_BREAKS_IN_JSON)
