"""What the exchange tells unasked: where it tells it, what it told, and what was not believed."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import EncryptedTextField, foreign_id
from dashboard.fielding.models.querysets.rows import WebhookEventQuerySet, WebhookRefusalQuerySet


class Webhook(models.Model):
    """An account's webhook. Without a secret it is not registered yet."""

    account = models.OneToOneField(ExchangeAccount, models.CASCADE, related_name="webhook")
    key = models.CharField(max_length=64, unique=True)  # the part of the address nobody guesses
    url = models.CharField(max_length=500)
    exchange_id = foreign_id(blank=True, default="")
    secret = EncryptedTextField(blank=True, default="")
    # Still good after a rotation, for what was signed before it.
    earlier_secret = EncryptedTextField(blank=True, default="")
    earlier_until = models.DateTimeField(null=True)
    registered_at = models.DateTimeField(null=True)
    # When the exchange was last asked whether it still tells us; since when it does not, and why.
    checked_at = models.DateTimeField(null=True)
    lost_at = models.DateTimeField(null=True)
    lost_because = models.CharField(max_length=200, blank=True, default="", db_default="")

    def __str__(self) -> str:
        return f"webhook of {self.account}"


class WebhookEvent(models.Model):
    """One event, stored once however often it is delivered; a hint that a poll confirms."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="webhook_events")
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)  # the envelope's type, known to us or not
    target_group = foreign_id(blank=True, default="")
    raw = models.TextField()
    received_at = models.DateTimeField()

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "event_id"], name="webhook_event_once"),
        ]
        indexes = [
            models.Index(fields=["account", "-received_at"], name="webhook_event_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class WebhookRefusal(models.Model):
    """How many deliveries were refused for one reason within an hour; nothing of them is kept."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="webhook_refusals")
    hour = models.DateTimeField()
    reason = models.CharField(max_length=32)
    times = models.PositiveIntegerField(default=1)

    objects = WebhookRefusalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "hour", "reason"], name="webhook_refusal_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.times}"
