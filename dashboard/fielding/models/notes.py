"""What people write beside a target group."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.groups import TargetGroup
from dashboard.fielding.models.people import User
from dashboard.fielding.models.querysets.rows import NoteQuerySet


class Note(models.Model):
    """A remark on a group, for colleagues; it never leaves Fieldwatch. The newest is in the row.

    Whoever writes, changes or removes one moves the project's `version`, so that pages follow.
    """

    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="notes")
    text = models.TextField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    objects = NoteQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["group", "-at"], name="note_group_time")]

    def __str__(self) -> str:
        return self.text
