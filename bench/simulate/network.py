"""What a simulated installation talks to: the exchange, a mail server, a receiver of messages.

Each may refuse a connection, lose a request or its answer, and be slow, as the weather says. What
truly arrived is kept, so that the tables can be held against it.
"""

from __future__ import annotations

import json
import re
import smtplib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import httpx
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage

from bench.shared.simulated_request import simulated_request
from bench.simulate.machine import Machine
from dashboard.alerts.channels.post import PostAnswer, PostUnanswered
from dashboard.simulator.server.exchange import SimulatedExchange
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.messages import Refusal, SimulatedAnswer

HANGS = 45.0  # seconds, longer than anybody waits
HOUR = 3600.0  # seconds


@dataclass
class Weather:
    """How likely each trouble is for one request, mail or message; all zero: a calm day."""

    # In the order in which they are drawn.

    refused: float = 0.0  # the connection is not taken
    lost: float = 0.0  # the request is lost on its way
    unanswered: float = 0.0  # it is carried out, and the answer is lost
    hangs: float = 0.0  # it is carried out, and the answer takes too long
    said_no: float = 0.0  # mail and messages: an answer that asks to try again

    def draw(self, machine: Machine) -> str:
        """What happens to the next request: the name of a trouble, or nothing."""
        number = machine.chance.random()
        for trouble in fields(self):
            number -= getattr(self, trouble.name)
            if number < 0:
                return trouble.name
        return ""

    def clear_up(self) -> None:
        """Make it a calm day."""
        for trouble in fields(self):
            setattr(self, trouble.name, 0.0)


class Lie(StrEnum):
    """What no product could withstand; it proves that the checks see what they are for."""

    NONE = ""
    WRITES_TWICE = "writes_twice"  # each change arrives twice
    DROPS_MAIL = "drops_mail"  # mail is called taken and thrown away
    DROPS_MESSAGES = "drops_messages"
    WRONG_COMPLETES = "wrong_completes"  # answers show a complete too many
    NO_SUCH_GROUP = "no_such_group"  # the exchange denies a group


class Seen(NamedTuple):
    """What a group was from a moment on: its status, completes, price and goal."""

    at: datetime
    status: str
    completes: int
    cpi: Decimal
    goal: int


class Sending(NamedTuple):
    """A change of a price or a name that reached the exchange."""

    group: str
    value: str
    status: int


def price_text(value: str) -> str:
    """A price as one text, however many zeros it ends with."""
    return f"{Decimal(value).normalize():f}"


def _sent_value(path: str, body: bytes) -> str:
    """What a change asks for; empty for changes that no story makes."""
    if path.endswith("/cost-per-interview"):
        return price_text(json.loads(body)["target_group_cpi"]["value"])
    return str(json.loads(body)["name"]) if path.endswith("/details") else ""


@dataclass
class Arrived:
    """What truly happened outside, in its order."""

    seen: dict[str, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    projects: dict[str, str] = field(default_factory=dict)  # of each group, now
    changes: list[Sending] = field(default_factory=list)
    # By Message-ID: whether the sender could know, for each time that it arrived.
    mails: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    # By id: whether the sender could know, and whether the message said that it came again.
    messages: dict[str, list[tuple[bool, bool]]] = field(default_factory=lambda: defaultdict(list))


class ExchangeWire(httpx.BaseTransport):
    """The way to the simulated exchange."""

    def __init__(
        self, machine: Machine, exchange: SimulatedExchange, weather: Weather, arrived: Arrived
    ) -> None:
        self.machine, self.exchange = machine, exchange
        self.weather, self.arrived = weather, arrived
        self.lie = Lie.NONE

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask it, in this weather."""
        machine, trouble = self.machine, self.weather.draw(self.machine)
        machine.pass_point(f"{request.method} {request.url.path[-60:]} {trouble}")
        if trouble == "refused":
            raise httpx.ConnectError("refused")
        until = request.extensions["deadline"]
        patience = min(until - machine.monotonic(), request.extensions["timeout"]["read"])
        took = machine.chance.uniform(0.02, 0.6)
        if trouble == "lost":
            machine.sleep(min(took, max(patience, 0)))
            raise httpx.ReadError("lost")
        machine.sleep(took / 2)
        answer = self._carry_out(request)
        if trouble == "unanswered":
            raise httpx.ReadError("the answer is lost")
        took += HANGS if trouble == "hangs" else 0.0
        if took / 2 > patience:
            machine.sleep(max(patience, 0.0))
            raise httpx.ReadTimeout("no answer")
        machine.sleep(took / 2)
        machine.pass_point(f"answer {answer.status}")
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    def _carry_out(self, request: httpx.Request) -> SimulatedAnswer:
        answer = SimulatedAnswer(500)
        for _ in range(2 if self.lie == Lie.WRITES_TWICE and request.method == "PUT" else 1):
            now = self.exchange.world.clock.now()
            self.exchange.world.settle(now)
            ask = simulated_request(request, now=now)
            if self.lie == Lie.WRITES_TWICE:
                ask.headers["if-match"] = "*"  # nothing refuses the second
            answer = self.exchange.respond(ask).answer
            self.look()
            if request.method == "PUT" and (value := _sent_value(request.url.path, ask.body)):
                group = request.url.path.split("/")[-2]
                self.arrived.changes.append(Sending(group, value, answer.status))
        return self._told_otherwise(request, answer)

    def _told_otherwise(self, request: httpx.Request, answer: SimulatedAnswer) -> SimulatedAnswer:
        """The answer as a lying exchange gives it."""
        if self.lie == Lie.WRONG_COMPLETES:
            more = re.sub(
                rb'"current_completes":(\d+)',
                lambda found: b'"current_completes":%d' % (int(found[1]) + 100_000),
                answer.body,
            )
            return SimulatedAnswer(answer.status, more, answer.headers)
        if self.lie == Lie.NO_SUCH_GROUP:
            denied = next(iter(self.exchange.world.groups.values()))
            denied.hidden = self.machine.monotonic() > HOUR
            if denied.hidden and denied.id in request.url.path:
                return Refusal(404, "not_found_error", "no such group").answer()
        return answer

    def look(self) -> None:
        """Keep what each group is now."""
        world = self.exchange.world
        now = world.clock.now()
        for group in world.groups.values():
            counts = figures_of_group(group, now).counts
            figures = (group.status, counts.completes, group.cpi, group.filling_goal)
            self.arrived.projects[group.id] = group.project_id
            kept = self.arrived.seen[group.id]
            if not kept or kept[-1][1:] != figures:
                kept.append(Seen(self.machine.now, *figures))


class SimulatedMailServer(BaseEmailBackend):
    """A mail server, as Django opens a connection to it."""

    machine: Machine
    weather: Weather
    arrived: Arrived
    lie: Lie

    def open(self) -> bool:
        """Connect."""
        self.trouble = self.weather.draw(self.machine)
        self.machine.pass_point(f"SMTP {self.trouble}")
        if self.trouble == "refused":
            raise ConnectionRefusedError("refused")
        return True

    def close(self) -> None:
        """Hang up."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Take mails: one that was taken may still end without an answer."""
        machine, trouble = self.machine, self.trouble
        machine.sleep(machine.chance.uniform(0.05, 2.0))
        if trouble == "lost":
            raise smtplib.SMTPServerDisconnected("lost")
        if trouble == "said_no":
            raise smtplib.SMTPDataError(451, b"try again later")
        if self.lie == Lie.DROPS_MAIL:
            return len(email_messages)
        for message in email_messages:
            tries = self.arrived.mails[str(message.extra_headers["Message-ID"])]
            tries.append(False)
            if trouble in ("unanswered", "hangs"):
                machine.sleep(30.0 if trouble == "hangs" else 0.1)
                raise smtplib.SMTPServerDisconnected("no answer")
            machine.pass_point("a mail is taken")
            tries[-1] = True
        return len(email_messages)


class Receiver:
    """A service that takes messages of channels."""

    def __init__(self, machine: Machine, weather: Weather, arrived: Arrived) -> None:
        self.machine, self.weather, self.arrived = machine, weather, arrived
        self.lie = Lie.NONE

    def post(
        self,
        url: httpx.URL,
        body: bytes,
        headers: Mapping[str, str],
        **_: object,
    ) -> PostAnswer:
        """Take a message, as `send_post` sends it."""
        machine, trouble = self.machine, self.weather.draw(self.machine)
        machine.pass_point(f"POST {url.path} {trouble}")
        if trouble in ("refused", "lost"):
            raise PostUnanswered(trouble, may_have_arrived=trouble == "lost")
        machine.sleep(machine.chance.uniform(0.05, 1.0))
        if trouble == "said_no":
            return PostAnswer(429, "slow down", machine.chance.choice((None, 5.0, 120.0)))
        if self.lie == Lie.DROPS_MESSAGES:
            return PostAnswer(200, "", None)
        says_again = bool(json.loads(body)["sent_again"])
        tries = self.arrived.messages[headers["Fieldwatch-Message-Id"]]
        tries.append((False, says_again))
        if trouble in ("unanswered", "hangs"):
            machine.sleep(14.0 if trouble == "hangs" else 0.1)
            raise PostUnanswered("no answer", may_have_arrived=True)
        machine.pass_point("a message is taken")
        tries[-1] = (True, says_again)
        return PostAnswer(200, "", None)
