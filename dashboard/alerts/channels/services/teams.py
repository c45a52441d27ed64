"""Microsoft Teams: a workflow ("When a Teams webhook request is received") takes an Adaptive Card.

Texts are TextRuns, in which Teams reads no markdown.
"""

from __future__ import annotations

import re

from dashboard.alerts.channels.message import REPEATED, ChannelMessage, more_line, part_lines
from dashboard.alerts.channels.services.service_format import Payload, ServiceFormat
from dashboard.fielding.domain.json import Json

_COLOURS = {"critical": "attention", "warning": "warning", "resolved": "good"}


def _text(text: str, **style: Json) -> Json:
    run: dict[str, Json] = {"type": "TextRun", "text": text}
    return {"type": "RichTextBlock", "inlines": [run | style]}


def _link(address: str, label: str) -> Json:
    action: Json = {"type": "Action.OpenUrl", "title": label, "url": address}
    return {"type": "ActionSet", "actions": [action]}


def _build(message: ChannelMessage, unanswered: bool) -> Payload:
    colour = _COLOURS.get(message.tone, "default")
    body: list[Json] = [_text(message.title, weight="bolder", size="medium", color=colour)]
    body += [_text(f"• {line}") for line in message.lines]
    for part in message.parts:
        body += [_text(line) for line in part_lines(message, part)]
        body.append(_link(part.link, "Open in Fieldwatch"))
    if message.more:
        body.append(_text(more_line(message)))
    if message.link and not message.parts:
        body.append(_link(message.link, "Open Fieldwatch"))
    if unanswered:
        body.append(_text(REPEATED, isSubtle=True))
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    attachment: Json = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


FORMAT = ServiceFormat(
    hosts=(".logic.azure.com", ".api.powerplatform.com"),
    example="https://….logic.azure.com:443/workflows/… or https://….api.powerplatform.com:443/…",
    path=re.compile(r"/.*workflows/.+[?&]sig=.+"),
    build=_build,
    longest=28 * 1024,
)
