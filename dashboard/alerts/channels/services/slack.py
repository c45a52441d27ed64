"""Slack: an incoming webhook takes blocks. Texts from outside are `plain_text`, which mentions
nobody and formats nothing."""

from __future__ import annotations

import re

from dashboard.alerts.channels.message import REPEATED, ChannelMessage, more_line, part_lines
from dashboard.alerts.channels.services.service_format import Payload, ServiceFormat, cut_text
from dashboard.fielding.domain.json import Json

HEADER, SECTION = 150, 3000  # characters
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _section(text: str) -> Json:
    block: Json = {"type": "plain_text", "text": cut_text(text, SECTION), "emoji": False}
    return {"type": "section", "text": block}


def _link(address: str, label: str) -> Json:
    text = f"<{address}|{label}>"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _build(message: ChannelMessage, unanswered: bool) -> Payload:
    title: Json = {"type": "plain_text", "text": cut_text(message.title, HEADER), "emoji": False}
    blocks: list[Json] = [{"type": "header", "text": title}]
    if len(message.title) > HEADER:
        blocks.append(_section(message.title))
    if message.lines:
        blocks.append(_section("\n".join(f"• {line}" for line in message.lines)))
    for part in message.parts:
        if lines := part_lines(message, part):
            blocks.append(_section("\n".join(lines)))
        blocks.append(_link(part.link, "Open in Fieldwatch"))
    if message.more:
        blocks.append(_section(more_line(message)))
    if message.link and not message.parts:
        blocks.append(_link(message.link, "Open Fieldwatch"))
    if unanswered:
        blocks.append(_section(REPEATED))
    text = _escaped(cut_text(message.title, SECTION))  # what a notification shows
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


FORMAT = ServiceFormat(
    hosts=("hooks.slack.com", "hooks.slack-gov.com"),
    example="https://hooks.slack.com/services/…",
    path=re.compile(r"/services/\w+/\w+/\w+"),
    build=_build,
    longest=100_000,
)
