"""Discord: a channel's webhook takes embeds; mentions are switched off, markdown is escaped."""

from __future__ import annotations

import re

from dashboard.alerts.channels.message import (
    REPEATED,
    AlertPart,
    ChannelMessage,
    more_line,
    part_lines,
    shorten_message,
)
from dashboard.alerts.channels.services.service_format import Payload, ServiceFormat, cut_text
from dashboard.fielding.domain.json import Json

CONTENT, DESCRIPTION, EMBEDS = 2000, 4096, 6000  # characters; the last: of all embeds together
_COLOURS = {"critical": 0xC62828, "warning": 0xE08A00, "notice": 0x3367B0, "resolved": 0x2E7D32}
_MARKDOWN = re.compile(r"([\\*_~`|>\[\]()#<:@-])")


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _embed(message: ChannelMessage, part: AlertPart) -> dict[str, Json]:
    lines = [_escaped(line) for line in part_lines(message, part)]
    text = "\n".join([*lines, f"[Open in Fieldwatch]({part.link})"])
    return {"description": cut_text(text, DESCRIPTION), "color": _COLOURS[part.state]}


def _content(message: ChannelMessage, unanswered: bool) -> str:
    lines = [f"**{_escaped(message.title)}**", *(f"- {_escaped(line)}" for line in message.lines)]
    if message.more:
        lines.append(more_line(message))
    if message.link and not message.parts:
        lines.append(f"<{message.link}>")
    if unanswered:
        lines.append(f"-# {REPEATED}")
    return cut_text("\n".join(lines), CONTENT)


def _build(message: ChannelMessage, unanswered: bool) -> Payload:
    embeds = [_embed(message, part) for part in message.parts]
    while sum(len(str(embed["description"])) for embed in embeds) > EMBEDS:
        message = shorten_message(message)
        embeds = [_embed(message, part) for part in message.parts]
    payload: Payload = {
        "content": _content(message, unanswered),
        "allowed_mentions": {"parse": []},
    }
    return payload | {"embeds": [*embeds]} if embeds else payload


FORMAT = ServiceFormat(
    hosts=("discord.com", "discordapp.com", ".discord.com"),
    example="https://discord.com/api/webhooks/…",
    path=re.compile(r"/api/(v\d+/)?webhooks/\d+/[\w-]+(\?.*)?"),
    build=_build,
    longest=100_000,
)
