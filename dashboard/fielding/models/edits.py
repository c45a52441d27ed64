"""Every change that a person made through Fieldwatch, and how it ended."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.groups import TargetGroup
from dashboard.fielding.models.people import User


class Edit(models.Model):
    """A change sent to the exchange: committed before it is sent, settled by reading back."""

    class Kind(models.TextChoices):
        """What can be edited."""

        CPI = "cpi", "Cost per interview"
        FILLING_STRATEGY = "filling_strategy", "Filling strategy"
        RE_ENTRY = "re_entry", "Re-entry"

    class State(models.TextChoices):
        """How far an edit is; the first two are not the end."""

        SENDING = "sending", "being sent"
        UNKNOWN = "unknown", "not known yet"
        CONFIRMED = "confirmed", "confirmed"
        REJECTED = "rejected", "refused by the exchange"
        CONFLICT = "conflict", "changed by somebody else meanwhile"

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="edits")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="edits")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="edits")
    kind = models.CharField(max_length=32, choices=Kind)
    # Made when the form was opened: one form, one PUT, however often it is sent.
    token = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    before = models.JSONField(null=True)  # null: the exchange did not say
    wanted = models.JSONField()
    after = models.JSONField(null=True)
    reasons = models.JSONField(default=list)  # [{name, reason}], the exchange's or ours
    started_at = models.DateTimeField()
    checks = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "kind"],
                name="edit_one_at_a_time",
                condition=models.Q(state__in=["sending", "unknown"]),
            ),
        ]
        indexes = [
            models.Index(fields=["group", "-started_at"], name="edit_group_time"),
            models.Index(
                fields=["check_at"],
                name="edit_unsettled",
                condition=models.Q(state__in=["sending", "unknown"]),
            ),
        ]

    @property
    def is_settled(self) -> bool:
        """Whether it is known how this ended."""
        return self.state not in (self.State.SENDING, self.State.UNKNOWN)

    def __str__(self) -> str:
        return f"{self.kind} of {self.group_id}: {self.state}"
