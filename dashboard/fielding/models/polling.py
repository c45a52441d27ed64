"""What each round of polling read, and what of it could not be understood."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.groups import Project


class Cycle(models.Model):
    """One round over a project (or, without one, over the account's own lists)."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="cycles")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="cycles")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Every page of the list was read: each group that is there was seen.
    listed = models.BooleanField(default=False)
    # And nothing that was asked beyond the list failed.
    complete = models.BooleanField(default=False)
    requests = models.PositiveIntegerField(default=0)
    groups_seen = models.PositiveIntegerField(default=0)
    groups_written = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    # Groups of the pass that are still to be read, in later cycles.
    groups_left = models.PositiveIntegerField(default=0, db_default=0)
    errors = models.JSONField(default=list)  # [sentence, …]
    kinds = models.JSONField(null=True)  # how many errors of each kind: {kind: number}

    class Meta:
        indexes = [
            models.Index(fields=["account", "-started_at"], name="cycle_account_time"),
            models.Index(fields=["project", "-started_at"], name="cycle_project_time"),
        ]

    def failed(self, words: str, *, kind: str) -> None:
        """Something could not be read: in words, and as a kind of which there are few."""
        self.errors.append(words)
        self.kinds = {**(self.kinds or {}), kind: (self.kinds or {}).get(kind, 0) + 1}

    def __str__(self) -> str:
        return f"{self.project or self.account} at {self.started_at:%Y-%m-%d %H:%M}Z"


class Quarantine(models.Model):
    """An item that could not be understood, kept as it came; one row an item and operation."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="quarantine")
    operation = models.CharField(max_length=100)
    item_id = models.CharField(max_length=100, blank=True, default="")
    reason = models.TextField()
    raw = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "operation", "item_id"], name="quarantine_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.item_id}: {self.reason}"


class ThinningProgress(models.Model):
    """How far readings have been thinned out, a row a grain; ids grow with time."""

    grain = models.CharField(max_length=5, unique=True)  # hour, day
    reading_id = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"one a {self.grain} up to {self.reading_id}"
