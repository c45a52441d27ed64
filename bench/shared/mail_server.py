"""A mail server in the mood of the moment, on a port of its own, that counts what it took."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller

PATIENCE = 0.5  # seconds that a worker waits for a slow server
MOODS = (
    "ok",
    "ok",
    "ok",
    "451 to whom",
    "451 after data",
    "554 after data",
    "421 at hello",
    "hangs up at hello",
    "takes and hangs up",
    "takes and is slow",
    "down",
)


class Server:
    """Answers as its mood wants; what it took it counts by Message-ID."""

    def __init__(self) -> None:
        self.mood = "ok"
        self.port = 0
        self.refused: set[str] = set()
        self.taken: Counter[str] = Counter()
        self.unheard: Counter[str] = Counter()  # taken, and the answer was lost
        self.at: dict[str, float] = {}  # when it was taken last, seconds since 1970

    def begin(self, refused: set[str]) -> None:
        """A new story."""
        self.mood, self.refused = "ok", refused
        self.taken.clear()
        self.unheard.clear()

    async def handle_EHLO(  # noqa: N802
        self,
        server: Any,
        session: Any,
        envelope: Any,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Greeted, unless the server is busy or gone."""
        session.host_name = hostname
        if self.mood == "hangs up at hello":
            server.transport.abort()
        return ["421 too busy"] if self.mood == "421 at hello" else responses

    async def handle_RCPT(  # noqa: N802
        self,
        server: Any,  # noqa: ARG002
        session: Any,  # noqa: ARG002
        envelope: Any,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """Refused for good, for now, or taken."""
        if address in self.refused:
            return "550 no such user"
        if self.mood == "451 to whom":
            return "451 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: Any,
        session: Any,  # noqa: ARG002
        envelope: Any,
    ) -> str:
        """Taken, unless the mood says otherwise; not always said."""
        if self.mood[:3] in ("451", "554"):
            return self.mood
        name = message_from_bytes(envelope.content)["Message-ID"]
        self.taken[name] += 1
        self.at[name] = time.time()
        if self.mood == "takes and hangs up":
            self.unheard[name] += 1
            server.transport.abort()
        if self.mood == "takes and is slow":
            self.unheard[name] += 1
            await asyncio.sleep(PATIENCE * 1.5)
        return "250 taken"


@contextmanager
def listening() -> Iterator[Server]:
    """A server that answers until the block ends."""
    server = Server()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server.port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
