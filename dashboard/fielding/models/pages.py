"""What a person keeps of the pages: tables as they set them up."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.people import User


class SavedView(models.Model):
    """A table under a name of its own: filters, columns, order, as its address has them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=32)  # the name of the page's address
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True, default="")  # without the question mark
    # What the page shows when its address asks for nothing.
    first = models.BooleanField(default=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_once"),
            models.UniqueConstraint(
                fields=["user", "page"],
                name="saved_view_first_once",
                condition=models.Q(first=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name
