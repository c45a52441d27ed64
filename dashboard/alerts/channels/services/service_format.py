"""What a service expects of an address and of a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from dashboard.alerts.channels.message import ChannelMessage, shorten_message
from dashboard.fielding.domain.json import Json

Payload = dict[str, Json]


class ServiceFormat(NamedTuple):
    """A chat service: its hosts, the form of its addresses, and how it takes a message.

    hosts: names, or `.domain` for every host below a domain; empty where any allowed host will do.
    path: matches the path and the query of an address on these hosts.
    build: the body from a message, and whether the receiver may have it already.
    """

    hosts: tuple[str, ...]
    example: str
    path: re.Pattern[str]
    build: Callable[[ChannelMessage, bool], Payload]
    longest: int  # bytes of a body


def encode_body(form: ServiceFormat, message: ChannelMessage, *, unanswered: bool) -> bytes:
    """Return the body in UTF-8, with as many alerts as the service takes."""
    while True:
        body = msgspec.json.encode(form.build(message, unanswered))
        if len(body) <= form.longest or not message.parts:
            return body
        message = shorten_message(message)


def cut_text(text: str, longest: int) -> str:
    """Return at most so many characters of a text, with a mark where it was cut."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
