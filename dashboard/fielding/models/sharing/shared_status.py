"""What a client sees of a project or of selected groups, and the links and emails that carry it."""

from __future__ import annotations

from datetime import time

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.groups import Project, TargetGroup
from dashboard.fielding.models.people import User
from dashboard.fielding.models.querysets.sharing import (
    StatusAddressQuerySet,
    StatusLinkQuerySet,
    StatusScheduleQuerySet,
)

TITLE_LENGTH = 120
CLOSING_LENGTH = 500


class SharedStatus(models.Model):
    """The status of a project, or of a selection of groups, as one page for a client.

    Each project has at most one. Links and emails show it with the options of the moment.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="shared_statuses")
    project = models.OneToOneField(
        Project, models.CASCADE, null=True, related_name="shared_status"
    )  # empty for a selection
    groups = models.ManyToManyField(TargetGroup, related_name="+")  # of a selection
    title = models.CharField(max_length=TITLE_LENGTH, blank=True, default="")  # empty: the name
    closing = models.CharField(max_length=CLOSING_LENGTH, blank=True, default="")
    shows_countries = models.BooleanField(default=True)
    shows_groups = models.BooleanField(default=False)
    shows_chart = models.BooleanField(default=True)
    shows_projection = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    @property
    def heading(self) -> str:
        """Return its title: as it was entered, else the name of the project."""
        return self.title or (self.project.name if self.project else "Fieldwork status")

    def __str__(self) -> str:
        return self.heading


class StatusLink(models.Model):
    """A read-only link to a status. Its token is never stored, only the token's SHA-256."""

    status = models.ForeignKey(SharedStatus, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)  # hexadecimal
    form_token = models.CharField(max_length=64, unique=True)  # of the form that created it
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    opened_at = models.DateTimeField(null=True)
    opened_count = models.PositiveIntegerField(default=0)

    objects = StatusLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"link of {self.created_at:%Y-%m-%d} to {self.status}"


class StatusSchedule(models.Model):
    """When a status is mailed: on weekdays at a time, on the clock of the person who shares it."""

    status = models.OneToOneField(SharedStatus, models.CASCADE, related_name="schedule")
    person = models.ForeignKey(User, models.CASCADE, related_name="status_schedules")
    days = models.CharField(max_length=7)  # ISO weekdays, Monday is 1; none: stopped
    at = models.TimeField(default=time(9, 0))
    changed_at = models.DateTimeField()  # an earlier time of that day is not made up for

    objects = StatusScheduleQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.status} on {self.days} at {self.at:%H:%M}"


class StatusAddress(models.Model):
    """An address that a status is mailed to. Rows stay, so that a removal and an unsubscription
    are remembered, and each day's email is unique."""

    schedule = models.ForeignKey(StatusSchedule, models.CASCADE, related_name="addresses")
    address = models.EmailField()  # in lower case
    removed_at = models.DateTimeField(null=True)  # by a person of ours
    stopped_at = models.DateTimeField(null=True)  # by the addressee, for good
    refused = models.TextField(blank=True, default="")  # by a mail server, for good

    objects = StatusAddressQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "address"], name="status_address_once"),
        ]

    def __str__(self) -> str:
        return self.address
