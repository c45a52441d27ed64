"""What is usual in a project and in a country, for groups whose own history is short."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import Document
from dashboard.fielding.models.groups import Project


class Usual(models.Model):
    """The pooled week of a project's groups, or of a country's where there is no project.

    `shape` is 168 weights by local hour of the week, from Monday. `speed` is what groups bring
    over what their plans ask. `prices` has the median CPI by country and currency ("de EUR").
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="usual")
    project = models.OneToOneField(Project, models.CASCADE, null=True, related_name="usual")
    country_code = models.CharField(max_length=2, blank=True, default="")
    groups = models.PositiveIntegerField()
    completes = models.FloatField()
    shape = Document()
    speed = models.FloatField(null=True)
    prices = Document(default=dict)
    learned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "country_code"],
                name="usual_country_once",
                condition=models.Q(project=None),
            ),
        ]

    def __str__(self) -> str:
        return f"Usual in {self.project_id or self.country_code}"
