"""Webhooks: where the exchange tells what happened."""

from typing import Any

import msgspec

from dashboard.exchange.shapes.base import Id, Identified, Moment


class WebhookShape(Identified, frozen=True, kw_only=True, gc=False):
    """An address that is told about `events`."""

    id: Id
    url: str | None = None
    events: list[str] = []
    created_at: Moment | None = None
    updated_at: Moment | None = None


class WebhookWithSecret(WebhookShape, frozen=True, kw_only=True, gc=False):
    """A webhook just created, or with a new secret: the only time that the secret is told."""

    secret: str

    def __repr__(self) -> str:
        return f"WebhookWithSecret(id={self.id!r}, secret=•••)"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a webhook is told, in the CloudEvents form; a hint, so that only its id is needed."""

    id: str
    type: str = ""
    time: Any = None
    data: Any = None
