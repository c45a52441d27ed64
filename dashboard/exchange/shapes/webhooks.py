"""Webhooks: the addresses to which the exchange delivers events."""

import msgspec

from dashboard.exchange.shapes.base import Id, Identified, Moment


class WebhookShape(Identified, frozen=True, kw_only=True, gc=False):
    """An address that gets deliveries of `events`."""

    id: Id
    url: str | None = None
    events: list[str] = []
    created_at: Moment | None = None
    updated_at: Moment | None = None


class WebhookWithSecret(WebhookShape, frozen=True, kw_only=True, gc=False):
    """A webhook that was just created: the only answer that has the secret."""

    secret: str

    def __repr__(self) -> str:
        return f"WebhookWithSecret(id={self.id!r}, secret=•••)"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A delivered event in the CloudEvents form; it is only a hint, so only its id is required."""

    id: str
    type: str = ""
    time: object = None
    data: object = None
