"""Channels: chat rooms and webhooks that get alerts beside people's email."""

from __future__ import annotations

from datetime import time

from django.db import models
from django.db.models import Q

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import EncryptedTextField
from dashboard.fielding.models.groups import Project
from dashboard.fielding.models.people import User


class Channel(models.Model):
    """An address of a chat service, or a webhook, that gets the alerts of one account, of one
    project, or of one person.

    The address opens the room to whoever has it: it is encrypted, and pages show its host and its
    last four characters.
    """

    class Service(models.TextChoices):
        """Whose format the messages have."""

        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        GOOGLE_CHAT = "google_chat", "Google Chat"
        DISCORD = "discord", "Discord"
        WEBHOOK = "webhook", "Webhook"

    class Sends(models.TextChoices):
        """What is sent."""

        CRITICAL = "critical", "critical alerts"
        ALL = "all", "all alerts"
        DIGEST = "digest", "a daily digest"

    # Either an account, with or without a project, or an owner.
    account = models.ForeignKey(ExchangeAccount, models.CASCADE, null=True, related_name="channels")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="channels")
    owner = models.ForeignKey(User, models.CASCADE, null=True, related_name="channels")
    name = models.CharField(max_length=60)
    service = models.CharField(max_length=11, choices=Service)
    address = EncryptedTextField()
    address_hint = models.CharField(max_length=300)  # the host and the last four characters
    signing_key = EncryptedTextField(blank=True, default="")  # of a webhook

    sends = models.CharField(max_length=8, choices=Sends, default=Sends.CRITICAL)
    time_zone = models.CharField(max_length=64, default="UTC")
    digest_at = models.TimeField(default=time(8, 0))
    digest_days = models.CharField(max_length=7, default="12345")  # ISO weekdays, Monday is 1
    # As in `MailPreferences`; equal: no quiet hours.
    quiet_from = models.TimeField(default=time(20, 0))
    quiet_until = models.TimeField(default=time(7, 30))
    quiet_days = models.CharField(max_length=7, default="67", blank=True)
    quiet_critical = models.BooleanField(default=False)

    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)
    # Since when nothing gets through, and why; empty once something does.
    failing_since = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    # Refused for good: nothing is sent until a test gets through, or the address changes.
    refused = models.BooleanField(default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="channel_of_account_or_owner",
                condition=Q(account=None, project=None, owner__isnull=False)
                | Q(account__isnull=False, owner=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_service_display()})"
