"""The webhook of a connection, for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync.webhooks import delivery

LAST_DAY = timedelta(days=1)
_LABELS = dict(
    zip(delivery.KNOWN, ("target group changed", "quota filled", "session changed"), strict=True)
)


@dataclass(frozen=True)
class WebhookStatus:
    """The webhook, and its events and refused deliveries of the last day."""

    hook: Webhook | None
    last: datetime | None
    kinds: list[tuple[str, int]]
    refused: list[tuple[str, int]]

    @property
    def events(self) -> int:
        """The number of events of the last day."""
        return sum(number for _, number in self.kinds)


def is_public_host(url: str) -> bool:
    """Whether Cint may be able to reach an address: it is not this machine's own."""
    host = urlsplit(url).hostname or "localhost"
    return host != "localhost" and not host.startswith("127.") and host != "::1"


def webhook_status(account: ExchangeAccount, *, now: datetime) -> WebhookStatus:
    """Return the webhook of an account with its last day."""
    events, since = account.webhook_events, now - LAST_DAY
    return WebhookStatus(
        hook=Webhook.objects.filter(account=account).first(),
        last=events.order_by("-received_at").values_list("received_at", flat=True).first(),
        kinds=[
            (_LABELS.get(kind, kind or "unknown"), number)
            for kind, number in events.kinds_since(since).items()
        ],
        refused=list(account.webhook_refusals.reasons_since(since).items()),
    )
