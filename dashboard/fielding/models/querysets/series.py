"""The reads of time series as QuerySet methods: readings, and days of completes."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from dashboard.fielding.compiled_queries import Param

    # Ruff does not see the names in the subscripts of base classes.
    from dashboard.fielding.models.history import CompletesDay, Reading  # noqa: F401


class ReadingQuerySet(models.QuerySet["Reading"]):
    """Readings of figures."""

    def since(self, moment: datetime | Param) -> Self:
        """Return those since a time, oldest first."""
        return self.filter(at__gte=moment).order_by("at")


class CompletesDayQuerySet(models.QuerySet["CompletesDay"]):
    """Stored days of completes."""

    def since(self, day: date | Param) -> Self:
        """Return the days from `day` (UTC) on, oldest first."""
        return self.filter(day__gte=day).order_by("day")
