"""What a channel gets, before a service gives it its form: a title, a few alerts, links."""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboard.alerts.text import one_line

REPEATED = "Sent again: no answer came to the first attempt, so you may have this already."
LONGEST_TEXT = 600  # characters of one text; a message has at most a dozen


class AlertPart(msgspec.Struct, frozen=True):
    """One alert: what is wrong where, what it puts at risk, and the page that has the action."""

    state: Literal["critical", "warning", "notice", "resolved"]
    project: str
    group: str
    headline: str
    sentence: str  # empty if it says no more than the headline
    at_stake: str  # "120 completes at risk, 2 days left"; empty if nothing is
    link: str


class ChannelMessage(msgspec.Struct, frozen=True):
    """A message as it is stored; `lines` are of many alerts, a line for each remedy or heading."""

    kind: Literal["alerts", "first_sync", "digest", "test"]
    title: str
    id: str = ""  # the same on every attempt
    created_at: str = ""  # ISO 8601, UTC
    account: str = ""  # empty if it is about several
    parts: tuple[AlertPart, ...] = ()
    lines: tuple[str, ...] = ()
    more: int = 0  # alerts that are not listed
    link: str = ""

    @property
    def tone(self) -> str:
        """Return the state of the most urgent alert; empty without any."""
        order = ("critical", "warning", "notice", "resolved")
        return min((part.state for part in self.parts), key=order.index, default="")


def part_lines(message: ChannelMessage, part: AlertPart) -> list[str]:
    """Return what a part adds to the title, which has the headline of a lone alert."""
    is_lone = len(message.parts) == 1 and not message.lines and message.kind == "alerts"
    projects = {each.project for each in message.parts}
    where = part.project if len(projects) > 1 else ""
    lines = ["" if is_lone else part.headline, where, part.sentence, part.at_stake]
    return [one_line(line, LONGEST_TEXT) for line in lines if line]


def more_line(message: ChannelMessage) -> str:
    """Return how many alerts are not listed; empty if all are."""
    return f"And {message.more:,} more." if message.more else ""


def shorten_message(message: ChannelMessage) -> ChannelMessage:
    """Return the message without its last alert, which then counts as one more."""
    return msgspec.structs.replace(message, parts=message.parts[:-1], more=message.more + 1)


def write_as_text(message: ChannelMessage, *, unanswered: bool = False) -> str:
    """Return the message as plain text: for the pages, and where a service takes only text."""
    blocks = [message.title]
    if message.lines:
        blocks.append("\n".join(f"- {line}" for line in message.lines))
    blocks += ["\n".join([*part_lines(message, part), part.link]) for part in message.parts]
    if message.more:
        blocks.append(more_line(message))
    if message.link and not message.parts:
        blocks.append(message.link)
    if unanswered:
        blocks.append(REPEATED)
    return "\n\n".join(blocks)
