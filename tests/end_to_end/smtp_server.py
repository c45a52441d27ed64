"""A mail server that keeps what it is given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.end_to_end.product import free_port


class Post:
    """Mails in the order in which they came."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.url = ""

    async def handle_DATA(  # noqa: N802 (the server's own name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        message = message_from_bytes(cast("bytes", envelope.content or b""), policy=policy.default)
        self.taken.append((envelope.rcpt_tos[0], message))
        return "250 taken"

    def to(self, address: str, *, about: str) -> EmailMessage | None:
        """The first mail to this address that speaks of something."""
        mails = (mail for recipient, mail in self.taken if recipient == address)
        return next((mail for mail in mails if about in text(mail)), None)


def text(mail: EmailMessage) -> str:
    """The plain words of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def links(words: str) -> list[str]:
    """The addresses in some words, in order."""
    return re.findall(r"https?://\S+", words)


@contextmanager
def post_office() -> Iterator[Post]:
    """A mail server on a port of its own."""
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    controller.start()
    post.url = f"smtp://127.0.0.1:{controller.port}"
    yield post
    controller.stop()
