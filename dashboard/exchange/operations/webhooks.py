"""Webhooks: the addresses to which the exchange delivers events."""

from dashboard.exchange.decode import Page, Versioned
from dashboard.exchange.operations.base import OperationsBase, path_segment, query_string
from dashboard.exchange.shapes.webhooks import WebhookShape, WebhookWithSecret


class WebhookOperations(OperationsBase):
    """Writes are sent once."""

    def get_webhooks(
        self, *, page_size: int = 100, start_after: str | None = None, end_before: str | None = None
    ) -> Page[WebhookShape]:
        """One page of the account's webhooks; there is no cursor: continue after the last id."""
        values = query_string(
            {"page_size": page_size, "start_after": start_after, "end_before": end_before}
        )
        return self._list("get_webhooks", f"{self._webhooks}{values}", "webhooks", WebhookShape)

    def create_webhook(self, *, url: str, events: list[str]) -> WebhookWithSecret:
        """Create a webhook; only this answer has its secret."""
        operation = "create_webhook"
        answer = self._write(operation, "POST", self._webhooks, {"url": url, "events": events})
        return self._decode(operation, answer, WebhookWithSecret, written=True)

    def get_webhook(self, *, webhook_id: str) -> Versioned[WebhookShape]:
        """One webhook, with the ETag for a change."""
        operation = "get_webhook"
        answer = self._transport.send(operation, "GET", self._webhook(webhook_id))
        value = self._decode(operation, answer, WebhookShape)
        return Versioned(value=value, etag=answer.headers.get("etag"))

    def delete_webhook(self, *, webhook_id: str, etag: str | None = None) -> None:
        """Remove a webhook; NotFound if it is gone already."""
        self._write("delete_webhook", "DELETE", self._webhook(webhook_id), etag=etag)

    @property
    def _webhooks(self) -> str:
        return f"{self._account}/webhooks"

    def _webhook(self, webhook_id: str) -> str:
        return f"{self._webhooks}/{path_segment(webhook_id)}"
