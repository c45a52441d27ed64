"""Webhooks: which addresses the exchange tells what, and what it told them."""

from datetime import datetime

from dashboard.exchange.decode import Page, Versioned
from dashboard.exchange.operations.base import OperationsBase, path_segment, query_string
from dashboard.exchange.shapes.webhooks import WebhookEventShape, WebhookShape, WebhookWithSecret


class WebhookOperations(OperationsBase):
    """The writes are sent once."""

    def get_webhooks(
        self, *, page_size: int = 100, start_after: str | None = None, end_before: str | None = None
    ) -> Page[WebhookShape]:
        """One page of the account's webhooks; there is no next cursor, go on after the last id."""
        values = query_string(
            {"page_size": page_size, "start_after": start_after, "end_before": end_before}
        )
        return self._list("get_webhooks", f"{self._webhooks}{values}", "webhooks", WebhookShape)

    def create_webhook(self, *, url: str, events: list[str]) -> WebhookWithSecret:
        """A new webhook; its secret is told here and never again."""
        operation = "create_webhook"
        answer = self._write(operation, "POST", self._webhooks, {"url": url, "events": events})
        return self._decode(operation, answer, WebhookWithSecret, written=True)

    def get_webhook(self, *, webhook_id: str) -> Versioned[WebhookShape]:
        """One webhook, with the ETag for a change."""
        operation = "get_webhook"
        answer = self._transport.send(operation, "GET", self._webhook(webhook_id))
        value = self._decode(operation, answer, WebhookShape)
        return Versioned(value=value, etag=answer.headers.get("etag"))

    def update_webhook(
        self, *, webhook_id: str, url: str, events: list[str], etag: str | None = None
    ) -> WebhookShape:
        """A webhook's new address and events."""
        operation = "update_webhook"
        body = {"url": url, "events": events}
        answer = self._write(operation, "PUT", self._webhook(webhook_id), body, etag=etag)
        return self._decode(operation, answer, WebhookShape, written=True)

    def delete_webhook(self, *, webhook_id: str, etag: str | None = None) -> None:
        """Remove a webhook; NotFound if it is gone already."""
        self._write("delete_webhook", "DELETE", self._webhook(webhook_id), etag=etag)

    def list_webhook_events_history(
        self,
        *,
        webhook_id: str,
        start_time: datetime,
        end_time: datetime | None = None,
        delivery_status: list[str] | None = None,
        type: list[str] | None = None,
        created_at_sort_order: str | None = None,
        page_size: int = 100,
        start_after: str | None = None,
        end_before: str | None = None,
    ) -> Page[WebhookEventShape]:
        """One page of what was delivered since `start_time`, or was not."""
        values = query_string(
            {
                "start_time": start_time,
                "end_time": end_time,
                "delivery_status": delivery_status,
                "type": type,
                "created_at_sort_order": created_at_sort_order,
                "page_size": page_size,
                "start_after": start_after,
                "end_before": end_before,
            }
        )
        target = f"{self._webhook(webhook_id)}/events-history{values}"
        return self._list("list_webhook_events_history", target, "events", WebhookEventShape)

    def regenerate_webhook_secret(self, *, webhook_id: str) -> WebhookWithSecret:
        """A new secret, told here and never again; the old one stops working."""
        operation = "regenerate_webhook_secret"
        target = f"{self._webhook(webhook_id)}/regenerate-secret"
        answer = self._write(operation, "POST", target)
        return self._decode(operation, answer, WebhookWithSecret, written=True)

    def get_webhook_events(self) -> Page[str]:
        """The kinds of event that can be asked for."""
        target = f"{self._account}/webhooks-events"
        return self._list("get_webhook_events", target, "events", str)

    @property
    def _webhooks(self) -> str:
        return f"{self._account}/webhooks"

    def _webhook(self, webhook_id: str) -> str:
        return f"{self._webhooks}/{path_segment(webhook_id)}"
