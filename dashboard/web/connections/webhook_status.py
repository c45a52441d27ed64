"""What a connection's page says of its webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.fielding.models import ExchangeAccount, Webhook
from dashboard.sync.webhooks import delivery

LATELY = timedelta(days=1)
_WORDS = dict(
    zip(delivery.KNOWN, ("target group changed", "quota filled", "session changed"), strict=True)
)


@dataclass(frozen=True)
class WebhookStatus:
    """What came by webhook lately, and what was refused; counts of the last day."""

    hook: Webhook | None
    last: datetime | None
    kinds: list[tuple[str, int]]
    refused: list[tuple[str, int]]

    @property
    def events(self) -> int:
        """All events of the last day."""
        return sum(number for _, number in self.kinds)


def webhook_status(account: ExchangeAccount, *, now: datetime) -> WebhookStatus:
    """The webhook of an account with its last day."""
    events, since = account.webhook_events, now - LATELY
    return WebhookStatus(
        hook=Webhook.objects.filter(account=account).first(),
        last=events.order_by("-received_at").values_list("received_at", flat=True).first(),
        kinds=[(_WORDS.get(k, k or "no kind"), n) for k, n in events.kinds_since(since).items()],
        refused=list(account.webhook_refusals.reasons_since(since).items()),
    )
