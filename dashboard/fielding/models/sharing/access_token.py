"""Tokens by which programs and calendars read what a person may see."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.people import User
from dashboard.fielding.models.querysets.sharing import AccessTokenQuerySet

TOKEN_NAME_LENGTH = 60


class AccessToken(models.Model):
    """A token of a person, read-only. It is never stored, only its SHA-256.

    window_at and window_count: the requests since a time, for the rate limit.
    """

    class Purpose(models.TextChoices):
        """What a token opens."""

        API = "api", "API"
        CALENDAR = "calendar", "Calendar"

    class Scope(models.TextChoices):
        """What a token for the API may read; each is on its own."""

        FIELDWORK = "fieldwork", "Fieldwork"
        SPEND = "spend", "Spend"

    user = models.ForeignKey(User, models.CASCADE, related_name="access_tokens")
    purpose = models.CharField(max_length=8, choices=Purpose)
    name = models.CharField(max_length=TOKEN_NAME_LENGTH)
    token_hash = models.CharField(max_length=64, unique=True)  # hexadecimal
    form_token = models.CharField(max_length=64, unique=True)  # of the form that created it
    scopes = models.JSONField(default=list)  # of a token for the API
    only_mine = models.BooleanField(default=False)  # a calendar: what the person manages on Cint
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # null: until it is revoked
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    window_at = models.DateTimeField(null=True)
    window_count = models.PositiveIntegerField(default=0)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "purpose"], name="access_token_of_person")]

    def __str__(self) -> str:
        return self.name
