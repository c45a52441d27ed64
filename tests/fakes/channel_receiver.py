"""Slack, Microsoft Teams, Google Chat, Discord and a webhook on a port of this machine.

Written from what each service documents, and sharing no code with the product: a body that the
service would refuse is refused here, with its own words.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

KEY = "a key of the receiver alone"
SERVICES = ("slack", "teams", "google_chat", "discord", "webhook")
Body = dict[str, Any]  # Any: JSON as it came


class Received(NamedTuple):
    """A request whose body came whole and was taken."""

    service: str
    headers: dict[str, str]
    body: Body
    message_id: str
    raw: bytes


class Answer(NamedTuple):
    """What the service answers."""

    status: int
    text: str = ""
    headers: dict[str, str] = {}


def check_slack(body: Body, raw: bytes) -> Answer:
    """Blocks: at most 50, each of its own length; texts of 3,000 characters."""
    blocks = body.get("blocks", [])
    if not isinstance(body.get("text"), str) or not 0 < len(blocks) <= 50:
        return Answer(400, "invalid_payload")
    for block in blocks:
        texts = block.get("elements", [block.get("text")])
        longest = 150 if block["type"] == "header" else 3000
        kinds = {"header": {"plain_text"}, "section": {"plain_text", "mrkdwn"}}
        allowed = kinds.get(block["type"], {"plain_text", "mrkdwn"})
        for text in texts:
            if text["type"] not in allowed or not 0 < len(text["text"]) <= longest:
                return Answer(400, "invalid_blocks")
    return Answer(200, "ok")


def check_teams(body: Body, raw: bytes) -> Answer:
    """One message with one Adaptive Card, in 28 KB."""
    if len(raw) > 28 * 1024:
        return Answer(413, "Request Entity Too Large")
    (attachment,) = body["attachments"]
    card = attachment["content"]
    is_card = attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    if body["type"] != "message" or not is_card or card["type"] != "AdaptiveCard":
        return Answer(400, "TriggerInputSchemaMismatch")
    for element in card["body"]:
        if element["type"] == "RichTextBlock":
            assert all(run["type"] == "TextRun" and run["text"] for run in element["inlines"])
        else:
            assert element["type"] == "ActionSet"
            assert all(action["url"].startswith("http") for action in element["actions"])
    return Answer(202)


def check_google_chat(body: Body, raw: bytes) -> Answer:
    """Text of at most 4,096 characters; a mention would be in angle brackets."""
    text = body.get("text", "")
    if not 0 < len(text) <= 4096 or set(body) != {"text"}:
        return Answer(400, '{"error": {"status": "INVALID_ARGUMENT"}}')
    assert "<users/" not in text
    return Answer(200, '{"name": "spaces/AAAA/messages/BBBB"}')


def check_discord(body: Body, raw: bytes) -> Answer:
    """Content of 2,000, ten embeds, 4,096 in a description and 6,000 in all."""
    embeds = body.get("embeds", [])
    lengths = [len(embed.get("description", "")) for embed in embeds]
    too_long = len(body["content"]) > 2000 or len(embeds) > 10 or sum(lengths) > 6000
    if too_long or any(length > 4096 for length in lengths):
        return Answer(400, '{"code": 50035, "message": "Invalid Form Body"}')
    assert body["allowed_mentions"] == {"parse": []}
    return Answer(204)


def check_webhook(body: Body, raw: bytes) -> Answer:
    """Version 1; its signature is checked with the headers."""
    return Answer(200) if body["version"] == 1 and body["id"] else Answer(422, "unknown version")


CHECKS: dict[str, Callable[[Body, bytes], Answer]] = {
    "slack": check_slack,
    "teams": check_teams,
    "google_chat": check_google_chat,
    "discord": check_discord,
    "webhook": check_webhook,
}
# How a service can fail; "lost" are those after which it has the message and we cannot know.
MOODS = (
    "ok",
    "429",
    "500",
    "503",
    "reset before the body",
    "reset after the body",
    "takes and is slow",
    "takes and answers 504",
)
REFUSALS = {
    "401": Answer(401, "invalid_auth"),
    "403": Answer(403, "action_prohibited"),
    "404": Answer(404, "no_service"),
    "410": Answer(410, "channel_is_archived"),
    "400": Answer(400, "invalid_payload"),
    "302": Answer(302, "", {"Location": "http://127.0.0.1:1/elsewhere"}),
    "500": Answer(500, "rollup_error"),
    "503": Answer(503, "unavailable", {"Retry-After": "30"}),
    "429": Answer(429, "rate limited", {"Retry-After": "90"}),
    "long": Answer(500, "x" * 1_000_000),
}


class ChannelReceiver:
    """Takes what is well formed, unless its mood wants otherwise."""

    def __init__(self) -> None:
        self.mood = "ok"
        self.taken: list[Received] = []
        self.refused: list[str] = []  # what was wrong with a body
        self.requests = 0
        self.port = 0
        self.hurry = threading.Event()  # ends what is slow
        self.slow_seconds = 5.0

    def address(self, service: str) -> str:
        """Where the product is to send."""
        return f"http://127.0.0.1:{self.port}/{service}/T0/B0/s3cr3t-{service}-xyzw"

    def answer(self, service: str, headers: dict[str, str], raw: bytes) -> Answer:
        """Check and take a body; what the service answers."""
        if self.mood in REFUSALS:
            return REFUSALS[self.mood]
        body = json.loads(raw)
        answer = CHECKS[service](body, raw)
        if service == "webhook" and not signed(headers, raw):
            answer = Answer(401, "bad signature")
        if answer.status >= 300:
            self.refused.append(f"{service}: {answer.text}")
            return answer
        received = Received(service, headers, body, headers["fieldwatch-message-id"], raw)
        self.taken.append(received)
        return Answer(504, "gateway timeout") if self.mood == "takes and answers 504" else answer


def signed(headers: dict[str, str], raw: bytes) -> bool:
    """Whether the signature is that of the time and the body."""
    stamp = headers.get("fieldwatch-timestamp", "")
    expected = hmac.new(KEY.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    return stamp.isdigit() and headers.get("fieldwatch-signature") == f"v1={expected}"


def says_again(received: Received) -> bool:
    """Whether a message says that it may have come before."""
    if received.service == "webhook":
        return bool(received.body["sent_again"])
    return b"Sent again: no answer came" in received.raw


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    receiver: ChannelReceiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer as the mood wants."""
        receiver, mood = self.receiver, self.receiver.mood
        receiver.requests += 1
        if mood == "reset before the body":
            self._reset()
            return
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        service = self.path.strip("/").split("/")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = receiver.answer(service, headers, raw)
        if mood == "reset after the body":
            self._reset()
            return
        if mood == "takes and is slow":
            receiver.hurry.wait(receiver.slow_seconds)
        with suppress(OSError):
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.text.encode())
        self.close_connection = True

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Also after a reset."""
        with suppress(OSError, ValueError):
            super().finish()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reset is what was asked for."""


@contextmanager
def receiving() -> Iterator[ChannelReceiver]:
    """Every service on a port of its own until the block ends."""
    receiver = ChannelReceiver()
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    with _Server(("127.0.0.1", 0), handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.hurry.set()
            server.shutdown()
            thread.join()
