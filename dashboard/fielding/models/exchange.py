"""Connections to the exchange, and the names that it knows people and business units by."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.fields import EncryptedTextField, foreign_id
from dashboard.fielding.models.querysets.rows import ExchangeUserQuerySet


class ExchangeAccount(models.Model):
    """A connection: one account of one exchange, with the secret that opens it."""

    class Auth(models.TextChoices):
        """How a connection proves who it is."""

        API_KEY = "api_key", "API key"
        CLIENT_CREDENTIALS = "client_credentials", "Client credentials"

    class Health(models.TextChoices):
        """Whether the numbers of this account can be relied on."""

        NEW = "new", "not synced yet"
        FRESH = "fresh", "up to date"
        STALE = "stale", "out of date"
        ERROR = "error", "refused"

    name = models.CharField(max_length=64, unique=True)
    exchange_id = foreign_id()
    base_url = models.CharField(max_length=500)
    api_version = models.CharField(max_length=32, default="2025-12-18")
    auth = models.CharField(max_length=18, choices=Auth)
    secret = EncryptedTextField()
    token_url = models.CharField(max_length=500, blank=True, default="")
    client_id = models.CharField(max_length=200, blank=True, default="")
    audience = models.CharField(max_length=500, blank=True, default="")

    polling = models.BooleanField(default=True)
    resumed_at = models.DateTimeField(null=True, blank=True)  # after a person had paused polling
    poll_seconds = models.PositiveIntegerField(null=True, blank=True)
    # 0: no budget. Empty: the setting.
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)

    health = models.CharField(max_length=5, choices=Health, default=Health.NEW)
    health_reason = models.TextField(blank=True, default="")
    clock_skew_seconds = models.FloatField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    names_at = models.DateTimeField(null=True, blank=True)  # people and business units
    # When every project had been read for the first time; null while the first pull goes on.
    first_pull_completed_at = models.DateTimeField(null=True, blank=True)
    # Whether it has one-time survey links, and when that was last asked; null: no answer yet.
    links_offered = models.BooleanField(null=True, blank=True)
    links_asked_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)  # since the last finished round
    version = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # The simulated exchange of `manage.py run`, whose people have passwords that are public.
    is_demo = models.BooleanField(default=False, db_default=False)
    # When a person removed it; its rows are deleted in the background.
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ExchangeUser(models.Model):
    """A person as the exchange names them (project managers, actors in the changelog)."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="exchange_users")
    exchange_id = foreign_id()
    name = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")

    objects = ExchangeUserQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "exchange_id"], name="exchange_user_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.exchange_id


class BusinessUnit(models.Model):
    """A business unit of an account: its currency and how it may buy."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="business_units")
    exchange_id = foreign_id()
    name = models.CharField(max_length=200, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")
    pricing_models = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "exchange_id"], name="business_unit_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.exchange_id
