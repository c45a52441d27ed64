"""What only a group's own page shows, apart from the group so that lists never load it."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.fields import Document
from dashboard.fielding.models.groups import TargetGroup


class GroupSheet(models.Model):
    """The quotas and the rate card of a group, as the exchange last told them."""

    group = models.OneToOneField(
        TargetGroup, models.CASCADE, primary_key=True, related_name="sheet"
    )
    # [{id, name, quotas, targets: [{id, name, goal, completes, prescreens}]}]
    profiles = Document(default=list)
    # {bound, currency, minutes, percents, prices}; prices in the currency's minor unit
    rate_card = Document(null=True)

    def __str__(self) -> str:
        return f"Sheet of {self.group_id}"
