"""Log lines: the facts that each carries beside its words, and the secrets that none holds."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

HIDDEN = "[hidden]"
SHORTEST = 6  # a shorter secret would blot out ordinary words
# What would begin a line of its own, or write over one: so that no request writes a line of ours.
_BEYOND_ASCII = (*range(127, 160), 0x2028, 0x2029)
_BREAKS = {code: f"\\x{code:02x}" for code in (*range(32), *_BEYOND_ASCII)}
_BREAKS_IN_JSON = {code: f"\\u{code:04x}" for code in _BEYOND_ASCII}  # it escapes the others itself
_facts: ContextVar[Mapping[str, Any]] = ContextVar("facts", default=MappingProxyType({}))
_secrets: set[str] = set()

# What gives a secret away by its name or form, whoever wrote the line.
_TELLTALES = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # Links of mails: whoever reads one in a log could follow it.
    (
        re.compile(r"(/(?:sign-in/new|mail/stop|me/address|act|webhooks)/)[^/\s\"']{9,}"),
        rf"\1{HIDDEN}",
    ),
    # The return from single sign-on: its query signs somebody in.
    (re.compile(r"(/sign-in/with/[^\s?\"']*\?)[^\s\"']+"), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"(?i)((?:authorization|cookie|csrfmiddlewaretoken|sessionid|"
            r"(?:client_|webhook_)?secret|password|passwd|api[_-]?key|"
            r"(?:access_|refresh_|id_)?token)\\?[\"']?\s*[:=]\s*\\?[\"']?)"
            r"(?!\s*\[hidden\])[^\s\"'&,;}\\]{3,}"
        ),
        rf"\1{HIDDEN}",
    ),
)


@contextmanager
def log_context(**facts: Any) -> Iterator[None]:
    """Every line that is logged meanwhile in this thread carries these facts."""
    before = _facts.set({**_facts.get(), **facts})
    try:
        yield
    finally:
        _facts.reset(before)


def current_facts() -> Mapping[str, Any]:
    """What lines carry at this moment, such as `request_id` or `cycle`."""
    return _facts.get()


def hide_secrets(*secrets: str) -> None:
    """From now on no line of this process holds these texts."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _secrets.update({secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]})


def without_secrets(text: str) -> str:
    """The text with every secret that is known, or shows itself by its name, taken out."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for telltale, instead in _TELLTALES:
        text = telltale.sub(instead, text)
    return text


class Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """What strangers can cause at will, such as a forged host, is a line each time."""

    def format(self, record: logging.LogRecord) -> str:
        """Such a record without its traceback, every other one whole."""
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return super().format(record)


class LineFormatter(logging.Formatter):
    """A line for people: time, level, logger, words, facts."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s%(facts)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its traceback if it has one."""
        found = {**current_facts(), **getattr(record, "of", {})}
        told = (f" {name}={value}" for name, value in found.items())
        record.facts = "".join(told).translate(_BREAKS)
        return without_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the library's name)
        """The line itself, whatever was in its words; a traceback follows in lines of its own."""
        record.message = record.message.translate(_BREAKS)
        return super().formatMessage(record)


class Json(JsonFormatter):
    """A line for machines: one JSON object."""

    def __init__(self) -> None:
        super().__init__(
            ["asctime", "levelname", "name", "message"],
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """The words of the record, and the facts of the moment."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("of", None)
        log_data.update({**current_facts(), **getattr(record, "of", {})})

    def format(self, record: logging.LogRecord) -> str:
        """The object on one line."""
        return without_secrets(super().format(record)).translate(_BREAKS_IN_JSON)
