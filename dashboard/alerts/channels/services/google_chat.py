"""Google Chat: the webhook of a space takes text, in which only angle brackets mention people."""

from __future__ import annotations

import re

from dashboard.alerts.channels.message import ChannelMessage, shorten_message, write_as_text
from dashboard.alerts.channels.services.service_format import Payload, ServiceFormat, cut_text

TEXT = 4096  # characters
_QUOTES = str.maketrans({"<": "‹", ">": "›"})


def _build(message: ChannelMessage, unanswered: bool) -> Payload:
    text = write_as_text(message, unanswered=unanswered)
    while len(text) > TEXT and len(message.parts) > 1:
        message = shorten_message(message)
        text = write_as_text(message, unanswered=unanswered)
    return {"text": cut_text(text.translate(_QUOTES), TEXT)}


FORMAT = ServiceFormat(
    hosts=("chat.googleapis.com",),
    example="https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
    path=re.compile(r"/v1/spaces/[\w-]+/messages\?(?=.*\bkey=.)(?=.*\btoken=.).*"),
    build=_build,
    longest=32_000,
)
